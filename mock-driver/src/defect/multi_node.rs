//! A volume on nodes: one state for all of them, or the wrong idea of where it is.

use csi_stretch_proto::csi::v1::{
    ControllerExpandVolumeRequest, ControllerExpandVolumeResponse, ControllerPublishVolumeRequest,
    ControllerPublishVolumeResponse, ControllerUnpublishVolumeRequest,
    ControllerUnpublishVolumeResponse, NodeUnstageVolumeRequest, NodeUnstageVolumeResponse,
};
use tonic::Status;

use super::{
    Defect, Flaw,
    notes::{Notes, required, size},
    plant,
};
use crate::{
    backing::{Backing, FileSystem, Result},
    driver::{Driver, Reply},
};

const CLASS: &str = "multi-node";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        OneMark::default(),
        "one-mark-for-all-node-steps",
        "a single mark says that the node step is done, for the next growth as well",
        "kubernetes/kubernetes#108693",
        &["node-expand.purpose"]
    ),
    plant!(
        AttachedRefused::default(),
        "online-attached-growth-refused",
        "ONLINE is declared, and a volume that is attached to a node is refused",
        "NetApp/trident#793",
        &[
            "controller-expand.err-exceeds-capabilities",
            "controller-expand.idempotent",
            "controller-expand.idempotent-after-lost-reply",
            "controller-expand.implemented",
            "controller-expand.online-any-time-sp",
            "controller-expand.purpose"
        ]
    ),
];

/// Volumes whose node step is done.
#[derive(Default)]
struct OneMark(Notes);

impl Flaw for OneMark {
    fn unstage(
        &self,
        good: &Driver,
        request: NodeUnstageVolumeRequest,
    ) -> Reply<NodeUnstageVolumeResponse> {
        self.0.take(&request.volume_id);
        good.unstage(&request)
    }

    fn grow_fs(&self, good: &dyn Backing, id: &str) -> Result<Option<FileSystem>> {
        if self.0.has(id) {
            return good.file_system(id);
        }
        let grown = good.grow_fs(id)?;
        self.0.put(id, ());
        Ok(grown)
    }
}

/// Volumes that are attached.
#[derive(Default)]
struct AttachedRefused(Notes);

impl Flaw for AttachedRefused {
    fn controller_publish(
        &self,
        good: &Driver,
        request: ControllerPublishVolumeRequest,
    ) -> Reply<ControllerPublishVolumeResponse> {
        let reply = good.controller_publish(&request)?;
        self.0.put(&request.volume_id, ());
        Ok(reply)
    }

    fn controller_unpublish(
        &self,
        good: &Driver,
        request: ControllerUnpublishVolumeRequest,
    ) -> Reply<ControllerUnpublishVolumeResponse> {
        let reply = good.controller_unpublish(&request)?;
        self.0.take(&request.volume_id);
        Ok(reply)
    }

    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let asked = required(request.capacity_range.as_ref());
        let possible = u64::try_from(asked).is_ok_and(|asked| asked <= good.profile().maximum.0);
        let grows = size(good, &request.volume_id).is_some_and(|size| asked > size);
        if grows && possible && self.0.has(&request.volume_id) {
            return Err(Status::failed_precondition("the volume is attached to a node"));
        }
        good.controller_expand(&request)
    }
}
