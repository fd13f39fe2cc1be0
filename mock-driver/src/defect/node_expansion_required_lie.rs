//! `node_expansion_required` that says too much or too little, and nodes that are not ready for it.

use std::{collections::BTreeSet, time::Duration};

use csi_stretch_proto::csi::v1::{
    CapacityRange, ControllerExpandVolumeRequest, ControllerExpandVolumeResponse,
    NodeExpandVolumeRequest, NodeExpandVolumeResponse, NodePublishVolumeRequest,
    NodePublishVolumeResponse, NodeStageVolumeRequest, NodeStageVolumeResponse,
    NodeUnstageVolumeRequest, NodeUnstageVolumeResponse,
};
use tonic::Status;

use super::{
    Defect, Flaw,
    notes::{Notes, is_block},
    plant,
};
use crate::{
    driver::{Driver, Reply},
    profile::{ControllerCapability, GrowFsAt, NodeCapability, Profile},
};

const CLASS: &str = "node-expansion-required-lie";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        RepeatDropsDemand::default(),
        "controller-expand-repeat-drops-demand",
        "the early return of a repeated growth asks for no node step, though none was done yet",
        "openebs/lvm-localpv#316",
        &["controller-expand.idempotent-node-flag", "controller-expand.node-flag-truthful"]
    ),
    plant!(
        BlockWedged::default(),
        "block-node-demand-wedges-publish",
        "a node step is asked for a block volume too, which is not published before it is done",
        "democratic-csi/democratic-csi#558",
        &["node-publish.implemented"]
    ),
    plant!(
        BlockRefused,
        "node-expand-refuses-block",
        "NodeExpandVolume of a raw block volume is answered UNIMPLEMENTED",
        "kubernetes/kubernetes#115294",
        &["node-expand.implemented"]
    ),
    plant!(
        RepeatFails::default(),
        "node-expand-repeat-fails",
        "NodeExpandVolume fails for a volume that it has expanded already",
        "kubernetes/kubernetes#131868",
        &["node-expand.idempotent", "node-expand.idempotent-after-lost-reply"]
    ),
    plant!(
        NeedlessDemand,
        "node-demand-without-capability",
        "a node step is asked for although the node does not offer EXPAND_VOLUME",
        "kubernetes/kubernetes#131419",
        &["controller-expand.node-flag-needs-capability"]
    ),
    plant!(
        DetachedNoDemand::default(),
        "no-node-demand-while-detached",
        "no node step is asked for while the volume is on no node, though only that step grows it",
        "openebs/rawfile-localpv#124",
        &["controller-expand.node-flag-truthful"]
    ),
];

/// A client that gives up on the first attempt hears the repeat's answer alone. Long enough for
/// that to happen on every machine alike.
const FIRST_TAKES: Duration = Duration::from_millis(20);

/// Ranges asked for and reached.
#[derive(Default)]
struct RepeatDropsDemand(Notes<Option<CapacityRange>>);

impl Flaw for RepeatDropsDemand {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let mut reply = good.controller_expand(&request)?;
        let before = self.0.put(&request.volume_id, request.capacity_range);
        if before == Some(request.capacity_range) {
            reply.node_expansion_required = false;
        } else {
            std::thread::sleep(FIRST_TAKES);
        }
        Ok(reply)
    }
}

/// Block volumes that wait for a node step.
#[derive(Default)]
struct BlockWedged(Notes);

impl Flaw for BlockWedged {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let mut reply = good.controller_expand(&request)?;
        if is_block(request.volume_capability.as_ref()) {
            reply.node_expansion_required = true;
            self.0.put(&request.volume_id, ());
        }
        Ok(reply)
    }

    fn node_expand(
        &self,
        good: &Driver,
        request: NodeExpandVolumeRequest,
    ) -> Reply<NodeExpandVolumeResponse> {
        let reply = good.node_expand(&request)?;
        self.0.take(&request.volume_id);
        Ok(reply)
    }

    fn publish(
        &self,
        good: &Driver,
        request: NodePublishVolumeRequest,
    ) -> Reply<NodePublishVolumeResponse> {
        if self.0.has(&request.volume_id) {
            return Err(Status::failed_precondition("the volume waits for its expansion"));
        }
        good.publish(&request)
    }
}

struct BlockRefused;

impl Flaw for BlockRefused {
    /// Only where the node does it all, a block volume needs its step.
    fn profile(&self, profile: &mut Profile) {
        profile.controller.remove(&ControllerCapability::ExpandVolume);
    }

    fn node_expand(
        &self,
        good: &Driver,
        request: NodeExpandVolumeRequest,
    ) -> Reply<NodeExpandVolumeResponse> {
        if request.capacity_range.is_some() && is_block(request.volume_capability.as_ref()) {
            return Err(Status::unimplemented("a block volume is not expanded on the node"));
        }
        good.node_expand(&request)
    }
}

/// What was asked for and done while the volume is staged.
#[derive(Default)]
struct RepeatFails(Notes<NodeExpandVolumeRequest>);

impl Flaw for RepeatFails {
    fn unstage(
        &self,
        good: &Driver,
        request: NodeUnstageVolumeRequest,
    ) -> Reply<NodeUnstageVolumeResponse> {
        self.0.take(&request.volume_id);
        good.unstage(&request)
    }

    fn node_expand(
        &self,
        good: &Driver,
        request: NodeExpandVolumeRequest,
    ) -> Reply<NodeExpandVolumeResponse> {
        if self.0.get(&request.volume_id).as_ref() == Some(&request) {
            return Err(Status::internal("nothing to expand: the device has not grown"));
        }
        let reply = good.node_expand(&request)?;
        self.0.put(&request.volume_id.clone(), request);
        Ok(reply)
    }
}

struct NeedlessDemand;

impl Flaw for NeedlessDemand {
    fn profile(&self, profile: &mut Profile) {
        profile.node.remove(&NodeCapability::ExpandVolume);
    }

    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let reply = good.controller_expand(&request)?;
        Ok(ControllerExpandVolumeResponse { node_expansion_required: true, ..reply })
    }
}

/// Volumes that were staged and are not any more.
#[derive(Default)]
struct DetachedNoDemand(Notes);

impl Flaw for DetachedNoDemand {
    fn profile(&self, profile: &mut Profile) {
        profile.grow_fs_at = Some(BTreeSet::from([GrowFsAt::NodeExpand]));
    }

    fn stage(
        &self,
        good: &Driver,
        request: NodeStageVolumeRequest,
    ) -> Reply<NodeStageVolumeResponse> {
        self.0.take(&request.volume_id);
        good.stage(&request)
    }

    fn unstage(
        &self,
        good: &Driver,
        request: NodeUnstageVolumeRequest,
    ) -> Reply<NodeUnstageVolumeResponse> {
        let reply = good.unstage(&request)?;
        self.0.put(&request.volume_id, ());
        Ok(reply)
    }

    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let mut reply = good.controller_expand(&request)?;
        reply.node_expansion_required &= !self.0.has(&request.volume_id);
        Ok(reply)
    }
}
