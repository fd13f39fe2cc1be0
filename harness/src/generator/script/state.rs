//! What the script knows from the completions so far: where each volume is, what is still due.

use std::collections::{BTreeMap, BTreeSet};

use csi_stretch_oracle::{
    action::{Call, CapacityRange, PathRef, Rpc},
    history::Reply,
};

use crate::scenario::{Program, Volume};

/// All volumes, and the requests that succeeded.
#[derive(Debug, Default)]
pub(super) struct World {
    volumes: BTreeMap<String, State>,
    succeeded: BTreeMap<Rpc, Call>,
}

/// A volume as the driver's answers leave it.
#[derive(Debug, Default)]
pub(super) struct State {
    pub attached: bool,
    pub staged: bool,
    pub targets: BTreeSet<u8>,
    /// The node step that the controller's last answer asked for.
    pub due: Option<CapacityRange>,
    /// The range last asked of the controller, for node steps that do not say.
    pub asked: Option<CapacityRange>,
    /// Every path was looked at since the last call that can change a size.
    pub seen: bool,
}

impl State {
    pub fn in_use(&self) -> bool {
        self.attached || self.staged || !self.targets.is_empty()
    }

    pub fn published(&self) -> Option<PathRef> {
        self.targets.first().map(|n| PathRef::Target(*n))
    }
}

impl World {
    pub fn new(program: &Program) -> Self {
        let names = program.volumes.iter().map(|volume| volume.handle.clone());
        Self {
            volumes: names.map(|name| (name, State::default())).collect(),
            succeeded: BTreeMap::new(),
        }
    }

    /// The last request of that kind that succeeded.
    pub fn last(&self, rpc: Rpc) -> Option<&Call> {
        self.succeeded.get(&rpc)
    }

    /// The state of a volume; an unknown handle has none of anything.
    pub fn of(&mut self, handle: &str) -> &mut State {
        self.volumes.entry(handle.to_owned()).or_default()
    }

    /// Nothing that was seen before counts any more.
    pub fn forget_sights(&mut self) {
        self.volumes.values_mut().for_each(|state| state.seen = false);
    }

    /// Where the volume can be looked at. A block volume's staging path need not hold a device.
    pub fn sights(&mut self, volume: &Volume) -> Vec<PathRef> {
        let state = self.of(&volume.handle);
        let staging = (state.staged && !volume.is_block()).then_some(PathRef::Staging);
        staging.into_iter().chain(state.targets.iter().map(|n| PathRef::Target(*n))).collect()
    }

    /// A call succeeded.
    pub fn succeeded(&mut self, call: &Call, reply: Option<&Reply>) {
        self.succeeded.insert(call.rpc, call.clone());
        let Some(handle) = call.volume.as_ref().and_then(|volume| volume.handle()) else { return };
        let state = self.of(handle);
        let target = match call.path {
            Some(PathRef::Target(n)) => Some(n),
            _ => None,
        };
        match call.rpc {
            Rpc::ControllerPublish => state.attached = true,
            Rpc::ControllerUnpublish => state.attached = false,
            Rpc::NodeStage => state.staged = true,
            Rpc::NodeUnstage => state.staged = false,
            Rpc::NodePublish => state.targets.extend(target),
            Rpc::NodeUnpublish => state.targets.retain(|n| Some(*n) != target),
            Rpc::DeleteVolume => *state = State::default(),
            Rpc::ControllerExpand => {
                // The latest answer decides, as it does for an orchestrator that lost the first.
                let node = reply.and_then(|reply| reply.node_expansion_required);
                state.asked = call.capacity_range;
                state.due = call.capacity_range.filter(|_| node == Some(true));
            }
            Rpc::NodeExpand => state.due = None,
            _ => {}
        }
    }

    /// A call was sent that can change, or bring to light, a size.
    pub fn touched(&mut self, rpc: Rpc, handle: &str) {
        if changes_sight(rpc) {
            self.of(handle).seen = false;
        }
    }
}

/// After this call the sizes have to be looked at.
pub(super) fn changes_sight(rpc: Rpc) -> bool {
    is_growth(rpc) || matches!(rpc, Rpc::NodeStage | Rpc::NodePublish)
}

pub(super) fn is_growth(rpc: Rpc) -> bool {
    matches!(rpc, Rpc::ControllerExpand | Rpc::NodeExpand)
}
