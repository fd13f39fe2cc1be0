//! A layer of encryption between the storage and the device that the workload sees.

use std::path::Path;

use csi_stretch_proto::csi::v1::{
    ControllerExpandVolumeRequest, ControllerExpandVolumeResponse, NodeExpandVolumeRequest,
    NodeExpandVolumeResponse,
};

use super::{Defect, Flaw, late::Late, notes::Notes, plant};
use crate::{
    backing::{Backing, FileSystem, Mounting, Result},
    driver::{Driver, Reply},
};

const CLASS: &str = "encryption";

/// What the layer keeps for itself, bytes.
const HEADER: u64 = 16 << 20;

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        NoSecret::default(),
        "crypt-growth-skipped-without-secret",
        "without a secret the encrypted device is not resized, which counts as nothing to do",
        "harvester/harvester#10568",
        &["node-expand.purpose"]
    ),
    plant!(
        MapperStays::default(),
        "crypt-mapper-resized-by-restaging-only",
        "the mapper cannot be resized without its key while it is open, and OK is said",
        "outscale/osc-bsu-csi-driver#812",
        &["node-expand.purpose"]
    ),
    plant!(
        HeaderForgotten::default(),
        "crypt-header-taken-from-the-growth",
        "the header is added to the size at creation, and not at growth",
        "ceph/ceph-csi#1469",
        &["node-expand.purpose"]
    ),
];

/// Volumes of which a node step without secrets is under way.
#[derive(Default)]
struct NoSecret(Notes);

impl Flaw for NoSecret {
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

#[derive(Default)]
struct MapperStays(Late);

impl Flaw for MapperStays {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let reply = good.controller_expand(&request)?;
        let node_expansion_required =
            reply.node_expansion_required || self.0.unseen(&request.volume_id).is_some();
        Ok(ControllerExpandVolumeResponse { node_expansion_required, ..reply })
    }

    fn mount(&self, good: &dyn Backing, id: &str, path: &Path, how: &Mounting) -> Result<()> {
        self.0.up(id);
        good.stage(id, path, how)
    }

    fn unmount(&self, good: &dyn Backing, id: &str, path: &Path) -> Result<()> {
        good.unstage(id, path)?;
        self.0.down(good, id)
    }

    fn grow_device(&self, good: &dyn Backing, id: &str, bytes: u64) -> Result<()> {
        self.0.grow(good, id, bytes)
    }
}

/// Volumes that have grown.
#[derive(Default)]
struct HeaderForgotten(Notes);

impl Flaw for HeaderForgotten {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let reply = good.controller_expand(&request)?;
        let node_expansion_required =
            reply.node_expansion_required || self.0.has(&request.volume_id);
        Ok(ControllerExpandVolumeResponse { node_expansion_required, ..reply })
    }

    fn grow_device(&self, good: &dyn Backing, id: &str, bytes: u64) -> Result<()> {
        self.0.put(id, ());
        good.grow_device(id, bytes.saturating_sub(HEADER))
    }
}
