//! `capacity_bytes` that is not the volume's size.

use std::path::Path;

use csi_stretch_proto::csi::v1::{ControllerExpandVolumeRequest, ControllerExpandVolumeResponse};

use super::{
    Defect, Flaw,
    late::Late,
    notes::{Notes, size},
    plant,
};
use crate::{
    backing::{Backing, Result, Source},
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
        RecordOnly,
        "controller-expand-does-nothing",
        "ControllerExpandVolume writes the new size down and grows nothing",
        "LINBIT/linstor-server#329",
        &[
            "controller-expand.capacity-bytes-actual",
            "controller-expand.purpose",
            "node-expand.purpose"
        ]
    ),
    plant!(
        NotFound::default(),
        "controller-expand-detached-does-nothing",
        "a volume that no node has is not found, which is taken for nothing to do",
        "kubernetes-sigs/vsphere-csi-driver#2525",
        &["controller-expand.purpose"]
    ),
    plant!(
        InBackground::default(),
        "controller-expand-ok-too-early",
        "ControllerExpandVolume is OK while the growth is still under way in the background",
        "juicedata/juicefs-csi-driver#1260",
        &[
            "controller-expand.capacity-bytes-actual",
            "controller-expand.node-flag-truthful",
            "controller-expand.purpose",
            "node-expand.purpose"
        ]
    ),
    plant!(
        UnitsMixed,
        "controller-capacity-in-wrong-unit",
        "for a volume that is large enough bytes are taken for GiB and multiplied once more",
        "kubernetes-sigs/gcp-compute-persistent-disk-csi-driver#433",
        &[
            "controller-expand.capacity-bytes-actual",
            "controller-expand.idempotent",
            "controller-expand.idempotent-after-restart",
            "controller-expand.never-shrinks",
            "controller-expand.result-at-most-limit"
        ]
    ),
    plant!(
        CreatedShort,
        "create-device-smaller-than-replied",
        "a new volume's device is one unit smaller than CreateVolume replies",
        "NetApp/trident#410",
        &["controller-expand.purpose", "create-volume.capacity-range-honored"]
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

struct RecordOnly;

impl Flaw for RecordOnly {
    fn grow_device(&self, _: &dyn Backing, _: &str, _: u64) -> Result<()> {
        Ok(())
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

#[derive(Default)]
struct InBackground(Late);

impl Flaw for InBackground {
    fn attach(&self, good: &dyn Backing, id: &str) -> Result<()> {
        self.0.up(id);
        good.attach(id)
    }

    fn hide(&self, good: &dyn Backing, id: &str, target: &Path) -> Result<()> {
        self.0.settle(good, id)?;
        good.unpublish(id, target)
    }

    fn detach(&self, good: &dyn Backing, id: &str) -> Result<()> {
        good.detach(id)?;
        self.0.down(good, id)
    }

    fn grow_device(&self, good: &dyn Backing, id: &str, bytes: u64) -> Result<()> {
        self.0.grow(good, id, bytes)
    }
}

struct UnitsMixed;

impl Flaw for UnitsMixed {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let before = size(good, &request.volume_id);
        let mut reply = good.controller_expand(&request)?;
        if before == Some(reply.capacity_bytes) {
            reply.capacity_bytes = reply.capacity_bytes.saturating_mul(1 << 30);
        }
        Ok(reply)
    }
}

struct CreatedShort;

impl Flaw for CreatedShort {
    fn make_storage(
        &self,
        good: &dyn Backing,
        id: &str,
        bytes: u64,
        source: Option<Source<'_>>,
    ) -> Result<()> {
        let short = if source.is_none() { 1 << 20 } else { 0 };
        good.create(id, bytes - short.min(bytes / 2), source)
    }
}
