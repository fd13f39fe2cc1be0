//! Patches: what one state of an object differs in from another, so that a writer with an old copy
//! changes nothing but what it means to change.

use super::{
    conditions::{Condition, ConditionKind},
    names::Name,
    objects::{Attachment, Claim, ClaimPhase, ClaimRef, Meta, Pairs, Resize, Volume, VolumePhase},
};

/// Changes of what every object has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetaPatch {
    /// Only if the object still has this version; otherwise a conflict (409).
    pub version: Option<u64>,
    /// Annotations set, or removed.
    pub annotations: Vec<(Name, Option<Name>)>,
    /// Finalizers added (true) or removed.
    pub finalizers: Vec<(Name, bool)>,
}

impl MetaPatch {
    fn between(old: &Meta, new: &Meta) -> Self {
        let set =
            new.annotations.iter().filter(|(key, value)| old.annotations.get(*key) != Some(*value));
        let gone = old.annotations.iter().filter(|(key, _)| !new.annotations.has(*key));
        let added = new.finalizers.iter().filter(|held| !old.finalizers.contains(held));
        let let_go = old.finalizers.iter().filter(|held| !new.finalizers.contains(held));
        Self {
            version: None,
            annotations: set
                .map(|(key, value)| (key, Some(value)))
                .chain(gone.map(|(key, _)| (key, None)))
                .collect(),
            finalizers: added.map(|f| (*f, true)).chain(let_go.map(|f| (*f, false))).collect(),
        }
    }

    fn apply(&self, meta: &mut Meta) {
        for (key, value) in &self.annotations {
            match value {
                Some(value) => meta.annotations.set(*key, *value),
                None => meta.annotations.remove(*key),
            }
        }
        for (finalizer, held) in &self.finalizers {
            if *held {
                meta.hold(*finalizer);
            } else {
                meta.let_go(*finalizer);
            }
        }
    }
}

/// A change of one condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionChange {
    /// Set, or set again.
    Set(Condition),
    /// Dropped.
    Removed(ConditionKind),
}

/// Changes of a claim; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of `Claim`")]
pub struct ClaimPatch {
    pub meta: MetaPatch,
    pub volume: Option<Name>,
    pub phase: Option<ClaimPhase>,
    pub capacity: Option<u64>,
    pub allocated: Option<Option<u64>>,
    pub resize: Option<Option<Resize>>,
    pub conditions: Vec<ConditionChange>,
}

fn changed<T: PartialEq + Copy>(old: T, new: T) -> Option<T> {
    (old != new).then_some(new)
}

impl ClaimPatch {
    /// What makes `new` of `old`. The request is not part of it: users edit that, see `admission`.
    pub fn between(old: &Claim, new: &Claim) -> Self {
        let set = new.conditions.iter().filter(|new| old.conditions.get(new.kind) != Some(new));
        let gone = old.conditions.iter().filter(|old| !new.conditions.has(old.kind));
        Self {
            meta: MetaPatch::between(&old.meta, &new.meta),
            volume: changed(old.volume, new.volume),
            phase: changed(old.phase, new.phase),
            capacity: changed(old.capacity, new.capacity),
            allocated: changed(old.allocated, new.allocated),
            resize: changed(old.resize, new.resize),
            conditions: set
                .map(|held| ConditionChange::Set(*held))
                .chain(gone.map(|held| ConditionChange::Removed(held.kind)))
                .collect(),
        }
    }

    /// Only if the claim still has this version.
    #[must_use]
    pub fn at_version(mut self, version: u64) -> Self {
        self.meta.version = Some(version);
        self
    }

    /// Changes the claim.
    pub fn apply(&self, claim: &mut Claim) {
        self.meta.apply(&mut claim.meta);
        claim.volume = self.volume.unwrap_or(claim.volume);
        claim.phase = self.phase.unwrap_or(claim.phase);
        claim.capacity = self.capacity.unwrap_or(claim.capacity);
        claim.allocated = self.allocated.unwrap_or(claim.allocated);
        claim.resize = self.resize.unwrap_or(claim.resize);
        for change in &self.conditions {
            match change {
                ConditionChange::Set(condition) => claim.conditions.set(*condition),
                ConditionChange::Removed(kind) => claim.conditions.remove(*kind),
            }
        }
    }
}

/// Changes of a volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of `Volume`")]
pub struct VolumePatch {
    pub meta: MetaPatch,
    pub capacity: Option<u64>,
    pub claim: Option<Option<ClaimRef>>,
    pub phase: Option<VolumePhase>,
}

impl VolumePatch {
    /// What makes `new` of `old`.
    pub fn between(old: &Volume, new: &Volume) -> Self {
        Self {
            meta: MetaPatch::between(&old.meta, &new.meta),
            capacity: changed(old.capacity, new.capacity),
            claim: changed(old.claim, new.claim),
            phase: changed(old.phase, new.phase),
        }
    }

    /// Changes the volume.
    pub fn apply(&self, volume: &mut Volume) {
        self.meta.apply(&mut volume.meta);
        volume.capacity = self.capacity.unwrap_or(volume.capacity);
        volume.claim = self.claim.unwrap_or(volume.claim);
        volume.phase = self.phase.unwrap_or(volume.phase);
    }
}

/// Changes of an attachment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of `Attachment`")]
pub struct AttachmentPatch {
    pub meta: MetaPatch,
    pub attached: Option<bool>,
    pub metadata: Option<Pairs>,
    pub attach_error: Option<Name>,
    pub detach_error: Option<Name>,
}

impl AttachmentPatch {
    /// What makes `new` of `old`.
    pub fn between(old: &Attachment, new: &Attachment) -> Self {
        Self {
            meta: MetaPatch::between(&old.meta, &new.meta),
            attached: changed(old.attached, new.attached),
            metadata: (old.metadata != new.metadata).then(|| new.metadata.clone()),
            attach_error: changed(old.attach_error, new.attach_error),
            detach_error: changed(old.detach_error, new.detach_error),
        }
    }

    /// Changes the attachment.
    pub fn apply(&self, attachment: &mut Attachment) {
        self.meta.apply(&mut attachment.meta);
        attachment.attached = self.attached.unwrap_or(attachment.attached);
        if let Some(metadata) = &self.metadata {
            attachment.metadata.clone_from(metadata);
        }
        attachment.attach_error = self.attach_error.unwrap_or(attachment.attach_error);
        attachment.detach_error = self.detach_error.unwrap_or(attachment.detach_error);
    }
}
