//! A growth that never ends, or that blocks what comes after it.

use csi_stretch_proto::csi::v1::{
    CapacityRange, ControllerExpandVolumeRequest, ControllerExpandVolumeResponse,
    NodeExpandVolumeRequest, NodeExpandVolumeResponse, NodePublishVolumeRequest,
    NodePublishVolumeResponse, NodeStageVolumeRequest, NodeStageVolumeResponse,
    NodeUnpublishVolumeRequest, NodeUnpublishVolumeResponse, NodeUnstageVolumeRequest,
    NodeUnstageVolumeResponse,
};
use std::{collections::BTreeSet, path::Path};
use tonic::{Code, Status};

use super::{Defect, Flaw, notes::Notes, plant};
use crate::{
    backing::{Backing, FileSystem, Mounting, Result},
    driver::{Driver, Reply},
    profile::{Expansion, Profile},
};

const CLASS: &str = "stuck-state";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        InUseSticks::default(),
        "offline-in-use-sticks",
        "a volume that was refused as in use is taken for in use also after it was unpublished",
        "UpCloudLtd/upcloud-csi#118",
        &["controller-expand.offline-created-ok"]
    ),
    plant!(
        NeverDone::default(),
        "controller-expand-repeat-never-done",
        "an expansion from X to X waits for a change that never comes, until the deadline",
        "longhorn/longhorn#13334",
        &["general.error.grpc-status"]
    ),
    plant!(
        WaitsForRestage::default(),
        "node-expand-waits-for-restage",
        "NodeExpandVolume of a published volume answers OK and leaves the work to the next stage",
        "digitalocean/csi-digitalocean#288",
        &["node-expand.purpose"]
    ),
    plant!(
        RefusalBlocksStage::default(),
        "node-refusal-blocks-stage",
        "a node step that failed once keeps the volume from being staged again",
        "democratic-csi/democratic-csi#392",
        &["node-stage.implemented"]
    ),
    plant!(
        GrownUnused::default(),
        "growth-without-consumer-lost",
        "the node does nothing for a volume that grew while no node had it",
        "apecloud/kubeblocks#5711",
        &["node-expand.purpose"]
    ),
];

#[derive(Default)]
struct InUseSticks(Notes);

impl Flaw for InUseSticks {
    fn profile(&self, profile: &mut Profile) {
        profile.expansion = BTreeSet::from([Expansion::Offline]);
    }

    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        if self.0.has(&request.volume_id) {
            return Err(Status::failed_precondition("the volume is currently in use"));
        }
        good.controller_expand(&request).inspect_err(|status| {
            if status.code() == Code::FailedPrecondition {
                self.0.put(&request.volume_id, ());
            }
        })
    }
}

#[derive(Default)]
struct NeverDone(Notes<Option<CapacityRange>>);

impl Flaw for NeverDone {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        if self.0.get(&request.volume_id) == Some(request.capacity_range) {
            return Err(Status::deadline_exceeded("timed out waiting for the expansion"));
        }
        let reply = good.controller_expand(&request)?;
        self.0.put(&request.volume_id, request.capacity_range);
        Ok(reply)
    }
}

/// Volumes that are published.
#[derive(Default)]
struct WaitsForRestage(Notes);

impl Flaw for WaitsForRestage {
    fn publish(
        &self,
        good: &Driver,
        request: NodePublishVolumeRequest,
    ) -> Reply<NodePublishVolumeResponse> {
        let reply = good.publish(&request)?;
        self.0.put(&request.volume_id, ());
        Ok(reply)
    }

    fn unpublish(
        &self,
        good: &Driver,
        request: NodeUnpublishVolumeRequest,
    ) -> Reply<NodeUnpublishVolumeResponse> {
        self.0.take(&request.volume_id);
        good.unpublish(&request)
    }

    fn grow_fs(&self, good: &dyn Backing, id: &str) -> Result<Option<FileSystem>> {
        if self.0.has(id) { good.file_system(id) } else { good.grow_fs(id) }
    }
}

#[derive(Default)]
struct RefusalBlocksStage(Notes);

impl Flaw for RefusalBlocksStage {
    fn node_expand(
        &self,
        good: &Driver,
        request: NodeExpandVolumeRequest,
    ) -> Reply<NodeExpandVolumeResponse> {
        good.node_expand(&request).inspect_err(|status| {
            if status.code() == Code::OutOfRange {
                self.0.put(&request.volume_id, ());
            }
        })
    }

    fn stage(
        &self,
        good: &Driver,
        request: NodeStageVolumeRequest,
    ) -> Reply<NodeStageVolumeResponse> {
        if self.0.has(&request.volume_id) {
            return Err(Status::internal("the last expansion of the file system has failed"));
        }
        good.stage(&request)
    }
}

/// Volumes that are staged, and volumes that grew while they were not.
#[derive(Default)]
struct GrownUnused {
    staged: Notes,
    grown: Notes,
}

impl Flaw for GrownUnused {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let reply = good.controller_expand(&request)?;
        if self.staged.has(&request.volume_id) {
            self.grown.take(&request.volume_id);
        } else {
            self.grown.put(&request.volume_id, ());
        }
        Ok(reply)
    }

    fn stage(
        &self,
        good: &Driver,
        request: NodeStageVolumeRequest,
    ) -> Reply<NodeStageVolumeResponse> {
        self.staged.put(&request.volume_id, ());
        good.stage(&request)
    }

    fn unstage(
        &self,
        good: &Driver,
        request: NodeUnstageVolumeRequest,
    ) -> Reply<NodeUnstageVolumeResponse> {
        self.staged.take(&request.volume_id);
        good.unstage(&request)
    }

    fn mount(&self, good: &dyn Backing, id: &str, path: &Path, how: &Mounting) -> Result<()> {
        let grow = how.grow && !self.grown.has(id);
        good.stage(id, path, &Mounting { grow, ..how.clone() })
    }

    fn grow_fs(&self, good: &dyn Backing, id: &str) -> Result<Option<FileSystem>> {
        if self.grown.has(id) { good.file_system(id) } else { good.grow_fs(id) }
    }
}
