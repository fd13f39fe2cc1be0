//! Which edits the API server lets through, with its own words: validation first (422), then the
//! admission plugin PersistentVolumeClaimResize (403).

use super::{
    super::objects::{Claim, ClaimPhase, Class, Volume},
    Reason, Refusal, Store,
};
use crate::generator::orchestrator::names::Name;

/// What of the API server differs between profiles, or was different where a run was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// RecoverVolumeExpansionFailure: a request may shrink, down to above the capacity.
    pub recover: bool,
    /// Writes are validated at all.
    pub validates: bool,
    /// A write that changes nothing makes a new version, too. The real server makes none.
    pub counts_unchanged: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { recover: true, validates: true, counts_unchanged: false }
    }
}

/// May a user make `new` of `old`?
pub(super) fn claim(store: &Store, old: &Claim, new: &Claim) -> Result<(), Refusal> {
    if !store.rules.validates {
        return Ok(());
    }
    validate(store, old, new)?;
    if new.request > old.request { resize(store, old, new) } else { Ok(()) }
}

fn validate(store: &Store, old: &Claim, new: &Claim) -> Result<(), Refusal> {
    let name = store.names.text(old.meta.name);
    let invalid = |what: &str| {
        let message = format!("PersistentVolumeClaim \"{name}\" is invalid: {what}");
        Err(Refusal::new(Reason::Invalid, message))
    };
    let fixed = |claim: &Claim| (claim.class, claim.modes, claim.block, claim.source);
    let sized = old.phase == ClaimPhase::Bound || old.request == new.request;
    let bound = old.volume == new.volume || old.volume.is_none();
    if fixed(old) != fixed(new) || !sized || !bound {
        return invalid(
            "spec: Forbidden: spec is immutable after creation except resources.requests and \
             volumeAttributesClassName for bound claims",
        );
    }
    if new.request >= old.request {
        return Ok(());
    }
    let field = "spec.resources.requests.storage: Forbidden: field can not be less than";
    if !store.rules.recover {
        return invalid(&format!("{field} previous value"));
    }
    if new.request <= old.capacity {
        return invalid(&format!("{field} status.capacity"));
    }
    Ok(())
}

fn resize(store: &Store, old: &Claim, new: &Claim) -> Result<(), Refusal> {
    let name = store.names.text(old.meta.name);
    let forbidden = |why: &str| {
        let message = format!("persistentvolumeclaims \"{name}\" is forbidden: {why}");
        Err(Refusal::new(Reason::Forbidden, message))
    };
    if old.phase != ClaimPhase::Bound {
        return forbidden("Only bound persistent volume claims can be expanded");
    }
    let class = store.named::<Class>(Name::NONE, new.class);
    if new.class.is_none() || !class.is_some_and(|class| class.allow_expansion) {
        return forbidden(
            "only dynamically provisioned pvc can be resized and the storageclass that provisions \
             the pvc must support resize",
        );
    }
    match store.named::<Volume>(Name::NONE, new.volume) {
        None => forbidden(
            "Error updating persistent volume claim because fetching associated persistent volume \
             failed",
        ),
        Some(volume) if volume.csi.is_none() => forbidden("volume plugin does not support resize"),
        Some(_) => Ok(()),
    }
}

/// Is this volume one that the server stores?
pub(super) fn volume(store: &Store, volume: &Volume) -> Result<(), Refusal> {
    if !store.rules.validates || volume.capacity > 0 {
        return Ok(());
    }
    let name = store.names.text(volume.meta.name);
    Err(Refusal::new(
        Reason::Invalid,
        format!(
            "PersistentVolume \"{name}\" is invalid: spec.capacity[storage]: Invalid value: \"0\": \
             must be greater than zero"
        ),
    ))
}
