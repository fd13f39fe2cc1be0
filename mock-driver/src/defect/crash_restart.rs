//! What is only known in memory is forgotten when the driver is killed.

use csi_stretch_proto::csi::v1::{
    ControllerExpandVolumeRequest, ControllerExpandVolumeResponse, CreateVolumeRequest,
    CreateVolumeResponse, NodeExpandVolumeRequest, NodeExpandVolumeResponse,
    NodeStageVolumeRequest, NodeStageVolumeResponse,
};
use std::{collections::BTreeSet, path::Path};
use tonic::Status;

use super::{
    Defect, Flaw,
    notes::{Notes, size},
    plant,
};
use crate::{
    backing::{Backing, Mounting, Result},
    driver::{Driver, Reply},
    profile::{Expansion, GrowFsAt, NodeCapability, Profile},
};

const CLASS: &str = "crash-restart";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        ForgetsStagings::default(),
        "node-expand-forgets-stagings",
        "after a restart NodeExpandVolume finds no device for what was staged before it",
        "topolvm/topolvm#143",
        &["node-expand.implemented"]
    ),
    plant!(
        RestageSkipsGrowth::default(),
        "restage-skips-growth",
        "only the first NodeStageVolume of a volume grows the file system to its device",
        "home-operations/miroir#62",
        &["controller-expand.node-flag-truthful"]
    ),
    plant!(
        ForgetsDemand::default(),
        "node-demand-forgotten",
        "after a restart a repeated growth takes the size for reached and asks for no node step",
        "openebs/mayastor#1989",
        &["controller-expand.idempotent-node-flag"]
    ),
    plant!(
        OldVolumesNotStaged::default(),
        "restage-after-restart-refused",
        "after a restart the size on record is compared with a lost one, and staging fails",
        "piraeusdatastore/piraeus-operator#763",
        &["node-stage.implemented"]
    ),
    plant!(
        NoRangeCrash,
        "controller-expand-without-range-crashes",
        "a request without capacity_range ends in a null dereference, answered INTERNAL",
        "kubernetes/kubernetes#111891",
        &["controller-expand.capacity-range-required"]
    ),
];

/// Volumes staged by this process.
#[derive(Default)]
struct ForgetsStagings(Notes);

impl Flaw for ForgetsStagings {
    fn stage(
        &self,
        good: &Driver,
        request: NodeStageVolumeRequest,
    ) -> Reply<NodeStageVolumeResponse> {
        self.0.put(&request.volume_id, ());
        good.stage(&request)
    }

    fn node_expand(
        &self,
        good: &Driver,
        request: NodeExpandVolumeRequest,
    ) -> Reply<NodeExpandVolumeResponse> {
        if size(good, &request.volume_id).is_some() && !self.0.has(&request.volume_id) {
            return Err(Status::internal("cannot detect the file system: no such device"));
        }
        good.node_expand(&request)
    }
}

/// Volumes mounted before.
#[derive(Default)]
struct RestageSkipsGrowth(Notes);

impl Flaw for RestageSkipsGrowth {
    fn profile(&self, profile: &mut Profile) {
        profile.expansion = BTreeSet::from([Expansion::Offline]);
        profile.node.remove(&NodeCapability::ExpandVolume);
        profile.grow_fs_at = Some(BTreeSet::from([GrowFsAt::Stage]));
    }

    fn mount(&self, good: &dyn Backing, id: &str, path: &Path, how: &Mounting) -> Result<()> {
        let grow = how.grow && !self.0.has(id);
        good.stage(id, path, &Mounting { grow, ..how.clone() })?;
        self.0.put(id, ());
        Ok(())
    }
}

/// The sizes that this process has grown volumes to.
#[derive(Default)]
struct ForgetsDemand(Notes);

impl Flaw for ForgetsDemand {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let before = size(good, &request.volume_id);
        let mut reply = good.controller_expand(&request)?;
        if before.is_some_and(|before| reply.capacity_bytes > before) {
            self.0.put(&request.volume_id, ());
        }
        reply.node_expansion_required &= self.0.has(&request.volume_id);
        Ok(reply)
    }
}

/// Volumes created by this process.
#[derive(Default)]
struct OldVolumesNotStaged(Notes);

impl Flaw for OldVolumesNotStaged {
    fn create_volume(
        &self,
        good: &Driver,
        request: CreateVolumeRequest,
    ) -> Reply<CreateVolumeResponse> {
        let reply = good.create_volume(request)?;
        if let Some(volume) = &reply.volume {
            self.0.put(&volume.volume_id, ());
        }
        Ok(reply)
    }

    fn stage(
        &self,
        good: &Driver,
        request: NodeStageVolumeRequest,
    ) -> Reply<NodeStageVolumeResponse> {
        if size(good, &request.volume_id).is_some() && !self.0.has(&request.volume_id) {
            return Err(Status::internal("the size of the device differs from its metadata"));
        }
        good.stage(&request)
    }
}

struct NoRangeCrash;

impl Flaw for NoRangeCrash {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        if request.capacity_range.is_none() {
            return Err(Status::internal("recovered: invalid memory address"));
        }
        good.controller_expand(&request)
    }
}
