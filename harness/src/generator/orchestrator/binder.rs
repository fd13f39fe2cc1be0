//! The controller manager's part that brings claims and volumes together, and lets them go:
//! binding, release, and the protection of claims that are in use.

use super::{
    component::{Api, Component, Task},
    hash::Map,
    jobs::{Jobs, Next},
    names::Name,
    objects::{Claim, ClaimPhase, ClaimRef, Class, Kind, Pod, Reclaim, Volume, VolumePhase},
    patch::{ClaimPatch, MetaPatch, VolumePatch},
    quantity,
    queue::Queue,
    rpc::Answer,
    store::{Change, Id, Object, Refusal, Store, Verb, Write},
    time::SECOND,
};

/// Binds claims, and releases volumes.
#[derive(Debug)]
pub struct Binder {
    queue: Queue,
    jobs: Jobs<u32>,
    /// Which pods name a claim.
    users: Map<(Name, Name), Vec<Id<Pod>>>,
}

impl Default for Binder {
    fn default() -> Self {
        Self { queue: Queue::new(SECOND, 16 * SECOND), jobs: Jobs::new(20), users: Map::default() }
    }
}

impl Binder {
    fn pump(&mut self, api: &mut Api<'_>) {
        while let Some((task, key)) = self.jobs.begin(&mut self.queue) {
            let index = (key >> 1) as usize;
            let write = if key & 1 == 0 {
                self.claim(api, Id::from_index(index))
            } else {
                volume(api.store(), Id::from_index(index))
            };
            let next = write.map_or(Next::Done, |write| {
                api.write(task, write);
                Next::Wait(key)
            });
            self.jobs.settle(&mut self.queue, api, (task, key), next);
        }
    }

    /// The next write that brings a claim on its way.
    fn claim(&self, api: &mut Api<'_>, id: Id<Claim>) -> Option<Write> {
        let claim = api.store().get(id)?;
        let patch = |change: &dyn Fn(&mut Claim)| {
            let mut new = Claim::clone(claim);
            change(&mut new);
            Some(Write::Claim(id, Box::new(ClaimPatch::between(claim, &new))))
        };
        if claim.meta.deleting.is_some() {
            let held = claim.meta.finalizers.contains(&Name::PVC_PROTECTION);
            let free = held && !self.is_used(api.store(), claim);
            return free.then(|| patch(&|new| new.meta.let_go(Name::PVC_PROTECTION))).flatten();
        }
        if claim.phase != ClaimPhase::Pending {
            return None;
        }
        if let Some(volume) = candidate(api.store(), claim) {
            let object = api.store().get(volume)?;
            // A volume that still has to grow on its node keeps its claim waiting for it.
            let noted = object.meta.annotations.get(Name::PRE_RESIZE_CAPACITY);
            let noted = noted.and_then(|text| quantity::parse(api.store().names.text(text)));
            let (name, capacity) = (object.meta.name, noted.unwrap_or(object.capacity));
            return patch(&|new| {
                new.volume = name;
                new.phase = ClaimPhase::Bound;
                new.capacity = capacity;
                new.meta.annotations.set(Name::BIND_COMPLETED, Name::YES);
            });
        }
        let class = api.store().named::<Class>(Name::NONE, claim.class)?;
        let ours = claim.meta.annotations.get(Name::PROVISIONER) == Some(class.provisioner);
        let placed = !class.wait_for_consumer || claim.meta.annotations.has(Name::SELECTED_NODE);
        let asked = claim.volume.is_none() && placed && !ours;
        let provisioner = class.provisioner;
        let ask = |new: &mut Claim| new.meta.annotations.set(Name::PROVISIONER, provisioner);
        asked.then(|| patch(&ask)).flatten()
    }

    fn is_used(&self, store: &Store, claim: &Claim) -> bool {
        let users = self.users.get(&(claim.meta.namespace, claim.meta.name));
        let alive = |id: &Id<Pod>| store.get(*id).is_some_and(|pod| !pod.phase.is_over());
        users.is_some_and(|users| users.iter().any(alive))
    }

    fn note(&mut self, store: &Store, id: Id<Pod>, pod: &Pod, there: bool) {
        for volume in &pod.volumes {
            let key = (pod.meta.namespace, volume.claim);
            let users = self.users.entry(key).or_default();
            users.retain(|user| *user != id);
            if there {
                users.push(id);
            }
            if let Some(claim) = store.find::<Claim>(key.0, key.1) {
                let deleted = store.get(claim).is_some_and(|claim| claim.meta.deleting.is_some());
                if deleted {
                    self.queue.add((claim.index() as u32) << 1);
                }
            }
        }
    }

    fn claim_changed(&mut self, store: &Store, id: Id<Claim>, claim: &Claim, gone: bool) {
        if gone {
            if let Some(volume) = store.find::<Volume>(Name::NONE, claim.volume) {
                self.queue.add((volume.index() as u32) << 1 | 1);
            }
        } else if claim.phase == ClaimPhase::Pending || claim.meta.deleting.is_some() {
            self.queue.add((id.index() as u32) << 1);
        }
    }

    fn volume_changed(&mut self, store: &Store, id: Id<Volume>, volume: &Volume) {
        self.queue.add((id.index() as u32) << 1 | 1);
        let claim = volume.claim.and_then(|held| store.find::<Claim>(held.namespace, held.name));
        let pending =
            |id: &Id<Claim>| store.get(*id).is_some_and(|claim| claim.phase == ClaimPhase::Pending);
        if let Some(claim) = claim.filter(pending) {
            self.queue.add((claim.index() as u32) << 1);
        }
    }
}

/// The volume that is this claim's: made for it, or named by it and free.
fn candidate(store: &Store, claim: &Claim) -> Option<Id<Volume>> {
    if claim.volume.is_none() {
        let made = store.names.find(&super::provisioner::volume_name(claim))?;
        let id = store.find::<Volume>(Name::NONE, made)?;
        return store.get(id)?.claim.is_some_and(|held| held.uid == claim.meta.uid).then_some(id);
    }
    let id = store.find::<Volume>(Name::NONE, claim.volume)?;
    let volume = store.get(id)?;
    let ours = volume.claim.is_some_and(|held| held.uid == claim.meta.uid);
    ours.then_some(id)
}

/// The next write that brings a volume on its way.
fn volume(store: &Store, id: Id<Volume>) -> Option<Write> {
    let volume = store.get(id)?;
    let write = |patch: VolumePatch| Some(Write::Volume(id, Box::new(patch)));
    if volume.meta.deleting.is_some() {
        return None;
    }
    let Some(held) = volume.claim else {
        return reserve(store, id, volume);
    };
    let claim = store.named::<Claim>(held.namespace, held.name);
    let phase = match claim {
        // Reserved by name: whoever comes first with this name gets it.
        Some(claim) if held.uid == 0 => {
            let bound = ClaimRef { uid: claim.meta.uid, ..held };
            return write(VolumePatch { claim: Some(Some(bound)), ..VolumePatch::default() });
        }
        None if held.uid == 0 => VolumePhase::Available,
        Some(claim) if claim.meta.uid == held.uid => VolumePhase::Bound,
        _ => VolumePhase::Released,
    };
    if phase == volume.phase {
        return None;
    }
    // What is kept and not protected needs nobody to go on.
    let keeps = phase == VolumePhase::Released && volume.reclaim == Reclaim::Retain;
    let finalizers = if keeps { vec![(Name::PV_PROTECTION, false)] } else { Vec::new() };
    let meta = MetaPatch { finalizers, ..MetaPatch::default() };
    write(VolumePatch { meta, phase: Some(phase), ..VolumePatch::default() })
}

/// A free volume goes to a pending claim that names it.
fn reserve(store: &Store, id: Id<Volume>, volume: &Volume) -> Option<Write> {
    let wants = |claim: &Claim| {
        claim.phase == ClaimPhase::Pending
            && claim.volume == volume.meta.name
            && claim.request <= volume.capacity
    };
    let patch = match store.list::<Claim>().find(|(_, claim)| wants(claim)) {
        Some((_, claim)) => VolumePatch {
            claim: Some(Some(ClaimRef {
                namespace: claim.meta.namespace,
                name: claim.meta.name,
                uid: claim.meta.uid,
            })),
            ..VolumePatch::default()
        },
        None if volume.phase == VolumePhase::Available => return None,
        None => VolumePatch { phase: Some(VolumePhase::Available), ..VolumePatch::default() },
    };
    Some(Write::Volume(id, Box::new(patch)))
}

impl Component for Binder {
    fn watches(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Claim | Kind::Volume | Kind::Pod)
    }

    fn start(&mut self, api: &mut Api<'_>) {
        let claims = api.store().list::<Claim>().map(|(id, _)| (id.index() as u32) << 1);
        let volumes = api.store().list::<Volume>().map(|(id, _)| (id.index() as u32) << 1 | 1);
        let keys: Vec<u32> = claims.chain(volumes).collect();
        for key in keys {
            self.queue.add(key);
        }
        let pods: Vec<_> = api.store().list::<Pod>().map(|(id, pod)| (id, pod.clone())).collect();
        for (id, pod) in pods {
            self.note(api.store(), id, &pod, true);
        }
        self.pump(api);
    }

    fn changed(&mut self, api: &mut Api<'_>, change: &Change) {
        let gone = change.verb == Verb::Deleted;
        match &change.object {
            Object::Claim(id, claim) => self.claim_changed(api.store(), *id, claim, gone),
            Object::Volume(id, volume) if !gone => self.volume_changed(api.store(), *id, volume),
            Object::Pod(id, pod) => self.note(api.store(), *id, pod, !gone),
            _ => {}
        }
        self.pump(api);
    }

    fn answered(&mut self, _: &mut Api<'_>, _: Task, _: Answer) {}

    fn wrote(&mut self, api: &mut Api<'_>, task: Task, result: Result<Object, Refusal>) {
        if let Some(key) = self.jobs.resume(task) {
            // There may be more to do for it.
            if result.is_ok() {
                self.queue.add(key);
            }
            let next = if result.is_ok() { Next::Done } else { Next::Failed };
            self.jobs.settle(&mut self.queue, api, (task, key), next);
        }
        self.pump(api);
    }

    fn woke(&mut self, api: &mut Api<'_>, key: u32) {
        self.queue.due(api.now, key);
        self.pump(api);
    }
}
