//! `capacity_bytes` that is not the volume's size.

use csi_stretch_proto::csi::v1::{ControllerExpandVolumeRequest, ControllerExpandVolumeResponse};

use super::{Defect, Flaw, notes::Notes, plant};
use crate::{
    backing::{Backing, Result},
    driver::{Driver, Reply},
};

const CLASS: &str = "capacity-lie";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        ZeroCapacity,
        "controller-capacity-zero",
        "ControllerExpandVolume answers OK with capacity_bytes 0",
        "democratic-csi/democratic-csi#542",
        &["controller-expand.capacity-bytes-required"]
    ),
    plant!(
        NotFound::default(),
        "controller-expand-detached-does-nothing",
        "a volume that no node has is not found, which is taken for nothing to do",
        "kubernetes-sigs/vsphere-csi-driver#2525",
        &["controller-expand.purpose"]
    ),
];

struct ZeroCapacity;

impl Flaw for ZeroCapacity {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let reply = good.controller_expand(&request)?;
        Ok(ControllerExpandVolumeResponse { capacity_bytes: 0, ..reply })
    }
}

/// Volumes that a node has.
#[derive(Default)]
struct NotFound(Notes);

impl Flaw for NotFound {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let reply = good.controller_expand(&request)?;
        let node_expansion_required =
            reply.node_expansion_required && self.0.has(&request.volume_id);
        Ok(ControllerExpandVolumeResponse { node_expansion_required, ..reply })
    }

    fn attach(&self, good: &dyn Backing, id: &str) -> Result<()> {
        self.0.put(id, ());
        good.attach(id)
    }

    fn detach(&self, good: &dyn Backing, id: &str) -> Result<()> {
        self.0.take(id);
        good.detach(id)
    }

    fn grow_device(&self, good: &dyn Backing, id: &str, bytes: u64) -> Result<()> {
        if self.0.has(id) { good.grow_device(id, bytes) } else { Ok(()) }
    }
}
