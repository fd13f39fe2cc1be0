//! A volume on a node, as its kubelet knows it.

use super::{FIRST_PAUSE, LONGEST_PAUSE, op::Op};
use crate::generator::orchestrator::{
    names::Name,
    objects::{Claim, Modes, Pod, Volume},
    profile::Profile,
    store::Id,
    time::At,
};

/// Is it there?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mounted {
    #[default]
    No,
    /// A call may have had an effect: try again, and clean up before giving up.
    Uncertain,
    Yes,
}

/// A pod that has the volume, or is to have it.
#[derive(Clone, Copy, Debug)]
pub(super) struct PodMount {
    pub pod: Id<Pod>,
    pub claim: Id<Claim>,
    pub read_only: bool,
    pub state: Mounted,
    pub leaving: bool,
}

#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "what a kubelet remembers, each by itself")]
pub(super) struct Mount {
    pub node: Name,
    pub volume: Name,
    pub handle: Name,
    pub driver: Name,
    pub modes: Modes,
    pub block: bool,
    /// Counts what this place in the table stood for, so that late answers find nobody.
    pub life: u8,
    pub staged: Mounted,
    pub pods: Vec<PodMount>,
    /// What the volume object said when a pod was looked at.
    pub desired: u64,
    /// What this kubelet believes is there.
    pub actual: Option<u64>,
    /// The driver expands it only when it is not in use: not tried again while it is mounted.
    pub in_use: bool,
    /// An expansion failed for good here.
    pub final_error: bool,
    /// An expansion was not allowed yet.
    pub denied: bool,
    pub op: Option<Box<Op>>,
    pub failures: u32,
    pub not_before: At,
    pub due: At,
}

impl Mount {
    pub fn new(node: Name, volume: &Volume, life: u8) -> Self {
        let csi = volume.csi.as_deref();
        Self {
            node,
            volume: volume.meta.name,
            handle: csi.map_or(Name::NONE, |csi| csi.handle),
            driver: csi.map_or(Name::NONE, |csi| csi.driver),
            modes: volume.modes,
            block: volume.block,
            life,
            staged: Mounted::No,
            pods: Vec::new(),
            desired: volume.capacity,
            actual: None,
            in_use: false,
            final_error: false,
            denied: false,
            op: None,
            failures: 0,
            not_before: At(0),
            due: At::NEVER,
        }
    }

    /// The kubelet was started again: it finds what is mounted, and is sure of nothing.
    pub fn forget(&mut self) {
        let unsure = |state: Mounted| {
            if state == Mounted::No { Mounted::No } else { Mounted::Uncertain }
        };
        self.staged = unsure(self.staged);
        self.pods.iter_mut().for_each(|pod| pod.state = unsure(pod.state));
        self.life = self.life.wrapping_add(1);
        (self.actual, self.in_use, self.final_error, self.denied) = (None, false, false, false);
        (self.op, self.failures, self.not_before, self.due) = (None, 0, At(0), At::NEVER);
    }

    pub fn pod(&self, id: Id<Pod>) -> Option<&PodMount> {
        self.pods.iter().find(|pod| pod.pod == id)
    }

    pub fn pod_mut(&mut self, id: Id<Pod>) -> Option<&mut PodMount> {
        self.pods.iter_mut().find(|pod| pod.pod == id)
    }

    pub fn join(&mut self, pod: Id<Pod>, claim: Id<Claim>, read_only: bool) {
        if self.pod(pod).is_none() {
            let state = Mounted::No;
            self.pods.push(PodMount { pod, claim, read_only, state, leaving: false });
        }
    }

    pub fn leave(&mut self, id: Id<Pod>) {
        if let Some(pod) = self.pod_mut(id) {
            pod.leaving = true;
        }
        let gone = |pod: &PodMount| pod.leaving && pod.state == Mounted::No;
        // A mount under way decides by itself when it ends.
        if self.op.is_none() {
            self.pods.retain(|pod| !gone(pod));
        }
    }

    pub fn leaver(&mut self) -> Option<Id<Pod>> {
        self.pods.retain(|pod| !pod.leaving || pod.state != Mounted::No);
        self.pods.iter().find(|pod| pod.leaving).map(|pod| pod.pod)
    }

    pub fn comer(&self) -> Option<Id<Pod>> {
        self.pods.iter().find(|pod| pod.state != Mounted::Yes && !pod.leaving).map(|pod| pod.pod)
    }

    /// A pod that has it mounted and writes.
    pub fn writer(&self) -> Option<Id<Pod>> {
        let writes = |pod: &&PodMount| pod.state == Mounted::Yes && !pod.read_only && !pod.leaving;
        self.pods.iter().find(writes).map(|pod| pod.pod)
    }

    pub fn to_expand(&self, profile: &Profile) -> bool {
        let larger = self.actual.is_some_and(|actual| self.desired > actual);
        let able = profile.online && (profile.node_block || !self.block);
        able && larger && !self.in_use && !self.denied && self.writer().is_some()
    }

    pub fn has_work(&self, profile: &Profile) -> bool {
        self.comer().is_some() || self.to_expand(profile)
    }

    /// An operation failed: the next one waits, longer each time.
    pub fn failed(&mut self, now: At) {
        let pause = (FIRST_PAUSE << self.failures.min(16)).min(LONGEST_PAUSE);
        self.failures += 1;
        self.not_before = now.plus(pause);
    }
}
