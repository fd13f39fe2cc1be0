//! Secrets that are taken for granted.

use csi_stretch_proto::csi::v1::{
    ControllerExpandVolumeRequest, ControllerExpandVolumeResponse, CreateVolumeRequest,
    CreateVolumeResponse, NodeExpandVolumeRequest, NodeExpandVolumeResponse,
};
use tonic::Status;

use super::{
    Defect, Flaw,
    notes::{Notes, size},
    plant,
};
use crate::{
    backing::{Backing, FileSystem, Result},
    driver::{Driver, Reply},
};

const CLASS: &str = "secrets";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        NothingWithout::default(),
        "node-expand-without-secrets-does-nothing",
        "the layer that needs a key is not resized when the node step brings none, and OK is said",
        "container-storage-interface/spec#445",
        &["node-expand.purpose"]
    ),
    plant!(
        OldNeedsSecret::default(),
        "old-volume-needs-secret",
        "a volume made before the last start does not grow without secrets, which it never had",
        "rook/rook#5379",
        &["controller-expand.idempotent-after-restart", "controller-expand.implemented"]
    ),
];

/// Volumes whose layer has no key now.
#[derive(Default)]
struct NothingWithout(Notes);

impl Flaw for NothingWithout {
    fn node_expand(
        &self,
        good: &Driver,
        request: NodeExpandVolumeRequest,
    ) -> Reply<NodeExpandVolumeResponse> {
        if request.secrets.is_empty() {
            self.0.put(&request.volume_id, ());
        }
        let reply = good.node_expand(&request);
        self.0.take(&request.volume_id);
        reply
    }

    fn grow_fs(&self, good: &dyn Backing, id: &str) -> Result<Option<FileSystem>> {
        if self.0.has(id) { good.file_system(id) } else { good.grow_fs(id) }
    }
}

/// Volumes created by this process.
#[derive(Default)]
struct OldNeedsSecret(Notes);

impl Flaw for OldNeedsSecret {
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

    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let old = size(good, &request.volume_id).is_some() && !self.0.has(&request.volume_id);
        if old && request.secrets.is_empty() {
            return Err(Status::internal("provided secret is empty"));
        }
        good.controller_expand(&request)
    }
}
