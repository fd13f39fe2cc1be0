//! What must hold in every state of every simulated history.

use serde::Serialize;

use super::driver::Driver;
use crate::generator::orchestrator::{
    names::{Name, Names},
    objects::{Claim, Resize, Volume},
    quantity::show,
    store::{Id, Store},
    time::At,
};

/// A state that must not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Breach {
    /// Microseconds since the beginning.
    pub at: u64,
    /// Whose.
    pub claim: String,
    /// Which rule.
    pub rule: &'static str,
    /// What is wrong.
    pub text: String,
}

const KEPT: usize = 20;

/// Looks at every state of every claim.
#[derive(Debug, Default)]
pub(super) struct Invariants {
    allocated: Vec<Option<u64>>,
    pub breaches: Vec<Breach>,
    pub count: usize,
}

impl Invariants {
    pub fn look(&mut self, at: At, store: &Store, id: Id<Claim>, claim: &Claim, driver: &Driver) {
        if self.allocated.len() <= id.index() {
            self.allocated.resize(id.index() + 1, None);
        }
        let before = std::mem::replace(&mut self.allocated[id.index()], claim.allocated);
        let volume = store.named::<Volume>(Name::NONE, claim.volume);
        let truth = volume.and_then(|volume| driver.truth(volume.csi.as_ref()?.handle));
        let names = &store.names;
        if let Some(truth) = truth
            && claim.capacity > truth.usable
        {
            let text = format!(
                "the claim says {}, the device has {}, its file system {}",
                show(claim.capacity),
                show(truth.device),
                show(truth.usable)
            );
            self.breach(at, names, claim, "capacity-is-there", text);
        }
        if claim.allocated.is_some() && claim.charged() < claim.capacity {
            let text = format!(
                "a quota counts {}, and the claim has {}",
                show(claim.charged()),
                show(claim.capacity)
            );
            self.breach(at, names, claim, "quota-covers-capacity", text);
        }
        // What the controller has made is not taken back; a node-only driver has made nothing.
        let made = volume.map_or(0, |volume| volume.capacity);
        if let (Some(before), Some(now)) = (before, claim.allocated)
            && now < before
            && now < made
            && claim.resize != Some(Resize::NodeInfeasible)
        {
            let text =
                format!("from {} to {}, with a volume of {}", show(before), show(now), show(made));
            self.breach(at, names, claim, "allocated-goes-up", text);
        }
        let idle = claim.resize.is_none() && claim.capacity >= claim.request;
        if idle && !claim.conditions.is_empty() {
            let kinds: Vec<&str> = claim.conditions.iter().map(|held| held.kind.text()).collect();
            let text = format!("the expansion has ended, and left {}", kinds.join(", "));
            self.breach(at, names, claim, "conditions-end-empty", text);
        }
    }

    fn breach(&mut self, at: At, names: &Names, claim: &Claim, rule: &'static str, text: String) {
        self.count += 1;
        if self.breaches.len() < KEPT {
            let claim = names.text(claim.meta.name).to_owned();
            self.breaches.push(Breach { at: at.0, claim, rule, text });
        }
    }
}
