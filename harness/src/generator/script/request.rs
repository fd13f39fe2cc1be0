//! Full requests: every field that an orchestrator would send in this state.

use csi_stretch_oracle::{
    action::{Call, CapacityRange, PathRef, Ref, Rpc},
    offer::Offers,
};

use super::state::State;
use crate::scenario::Volume;

/// Which calls and fields a target has.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one offer")]
pub(super) struct Abilities {
    pub attach: bool,
    pub stage: bool,
    pub controller_expand: bool,
    pub node_expand: bool,
    pub observe: bool,
    /// The plugin says neither ONLINE nor OFFLINE, so that what holds in use is undefined.
    pub expansion_undeclared: bool,
}

impl Abilities {
    pub fn new(offers: &Offers) -> Self {
        let declares = |word: &String| word.ends_with("ONLINE") || word.ends_with("OFFLINE");
        Self {
            attach: offers.has("controller.publish"),
            stage: offers.has("node.stage"),
            controller_expand: offers.has("controller.expand"),
            node_expand: offers.has("node.expand"),
            observe: offers.has("observe"),
            expansion_undeclared: !offers.declared.values().flatten().any(declares),
        }
    }

    fn staging(self) -> Option<PathRef> {
        self.stage.then_some(PathRef::Staging)
    }
}

/// The request that is legal for this volume in this state; what needs a size has none yet.
pub(super) fn full(rpc: Rpc, volume: &Volume, state: &State, able: Abilities) -> Call {
    let mut call = Call::new(rpc);
    let published = state.published().unwrap_or(PathRef::Target(0));
    if takes_volume(rpc) {
        call.volume = Some(Ref::Handle(volume.handle.clone()));
    }
    match rpc {
        Rpc::CreateVolume => {
            call.name = Some(volume.handle.clone());
            call.capacity_range = Some(CapacityRange { required: volume.bytes, limit: 0 });
            call.capability = Some(volume.capability());
            call.source.clone_from(&volume.source);
            call.parameters = Some(volume.parameters.clone()).filter(|map| !map.is_empty());
        }
        Rpc::ControllerPublish => {
            call.node = Some(Ref::Handle("node".to_owned()));
            call.capability = Some(volume.capability());
        }
        Rpc::ControllerUnpublish => call.node = Some(Ref::Handle("node".to_owned())),
        Rpc::ValidateCapabilities | Rpc::GetCapacity | Rpc::ControllerExpand => {
            call.capability = Some(volume.capability());
        }
        Rpc::NodeStage => {
            call.staging_path = Some(PathRef::Staging);
            call.capability = Some(volume.capability());
        }
        Rpc::NodeUnstage => call.staging_path = Some(PathRef::Staging),
        Rpc::NodePublish => {
            call.path = Some(PathRef::Target(0));
            call.staging_path = able.staging();
            call.capability = Some(volume.capability());
        }
        Rpc::NodeUnpublish => call.path = Some(published),
        Rpc::NodeGetStats => {
            call.path = Some(published);
            call.staging_path = able.staging();
        }
        Rpc::NodeExpand => {
            let staged = state.staged.then_some(PathRef::Staging);
            call.path = Some(state.published().or(staged).unwrap_or(published));
            call.staging_path = able.staging();
            call.capability = Some(volume.capability());
            call.capacity_range = state.due.or(state.asked);
        }
        _ => {}
    }
    call
}

/// CreateSnapshot of a volume, under a handle that is also its idempotency name.
pub(super) fn snapshot(volume: &str, handle: &str) -> Call {
    Call {
        volume: Some(Ref::Handle(volume.to_owned())),
        snapshot: Some(Ref::Handle(handle.to_owned())),
        name: Some(handle.to_owned()),
        ..Call::new(Rpc::CreateSnapshot)
    }
}

fn takes_volume(rpc: Rpc) -> bool {
    matches!(
        rpc,
        Rpc::CreateVolume
            | Rpc::DeleteVolume
            | Rpc::ControllerPublish
            | Rpc::ControllerUnpublish
            | Rpc::ValidateCapabilities
            | Rpc::CreateSnapshot
            | Rpc::ControllerExpand
            | Rpc::ControllerGetVolume
            | Rpc::ControllerModify
            | Rpc::NodeStage
            | Rpc::NodeUnstage
            | Rpc::NodePublish
            | Rpc::NodeUnpublish
            | Rpc::NodeGetStats
            | Rpc::NodeExpand
    )
}
