//! The storage has grown, and the node's device has not.

use std::path::Path;

use csi_stretch_proto::csi::v1::{ControllerExpandVolumeRequest, ControllerExpandVolumeResponse};

use super::{Defect, Flaw, late::Late, notes::Notes, plant};
use crate::{
    backing::{Backing, FileSystem, Mounting, Result},
    driver::{Driver, Reply},
};

const CLASS: &str = "device-not-rescanned";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        NoRescan::default(),
        "node-expand-without-rescan",
        "NodeExpandVolume grows the file system to a device that it has not rescanned",
        "kubernetes-sigs/azuredisk-csi-driver#1157",
        &["node-expand.purpose"]
    ),
    plant!(
        RescanTooLate::default(),
        "node-expand-before-the-rescan-is-done",
        "the rescan runs in the background, and the file system grows before it is done",
        "hpe-storage/common-host-libs#100",
        &["node-expand.purpose"]
    ),
    plant!(
        OnePathOnly::default(),
        "node-expand-after-half-the-rescan",
        "the file system grows when the first path has its new size, and never again",
        "dell/csm#2002",
        &["node-expand.purpose"]
    ),
    plant!(
        BlockNotRescanned { says_so: true, ..BlockNotRescanned::default() },
        "node-expand-block-without-rescan",
        "NodeExpandVolume is OK for a block volume whose device is as small as before",
        "hammer-space/csi-plugin#71",
        &["node-expand.purpose"]
    ),
    plant!(
        BlockNotRescanned::default(),
        "controller-expand-block-in-use-unseen",
        "an attached block volume needs a rescan, but no node step is asked for",
        "kubernetes/kubernetes#82281",
        &[
            "controller-expand.capacity-bytes-actual",
            "controller-expand.purpose",
            "node-expand.purpose"
        ]
    ),
];

/// Asks for a node step while the node has not seen the new size.
fn asking(
    late: &Late,
    good: &Driver,
    request: &ControllerExpandVolumeRequest,
) -> Reply<ControllerExpandVolumeResponse> {
    let reply = good.controller_expand(request)?;
    let node_expansion_required =
        reply.node_expansion_required || late.unseen(&request.volume_id).is_some();
    Ok(ControllerExpandVolumeResponse { node_expansion_required, ..reply })
}

#[derive(Default)]
struct NoRescan(Late);

impl Flaw for NoRescan {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        asking(&self.0, good, &request)
    }

    fn attach(&self, good: &dyn Backing, id: &str) -> Result<()> {
        self.0.up(id);
        good.attach(id)
    }

    fn detach(&self, good: &dyn Backing, id: &str) -> Result<()> {
        good.detach(id)?;
        self.0.down(good, id)
    }

    fn grow_device(&self, good: &dyn Backing, id: &str, bytes: u64) -> Result<()> {
        self.0.grow(good, id, bytes)
    }
}

#[derive(Default)]
struct RescanTooLate(Late);

impl Flaw for RescanTooLate {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        asking(&self.0, good, &request)
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

    fn grow_fs(&self, good: &dyn Backing, id: &str) -> Result<Option<FileSystem>> {
        let grown = good.grow_fs(id)?;
        self.0.settle(good, id)?;
        Ok(grown)
    }
}

#[derive(Default)]
struct OnePathOnly(Late);

impl Flaw for OnePathOnly {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        asking(&self.0, good, &request)
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

    fn grow_fs(&self, good: &dyn Backing, id: &str) -> Result<Option<FileSystem>> {
        if let Some(bytes) = self.0.unseen(id) {
            good.grow_device(id, u64::midpoint(good.device_bytes(id)?, bytes))?;
        }
        let grown = good.grow_fs(id)?;
        self.0.settle(good, id)?;
        Ok(grown)
    }
}

#[derive(Default)]
struct BlockNotRescanned {
    says_so: bool,
    late: Late,
    mounted: Notes,
}

impl Flaw for BlockNotRescanned {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        if self.says_so {
            asking(&self.late, good, &request)
        } else {
            good.controller_expand(&request)
        }
    }

    fn attach(&self, good: &dyn Backing, id: &str) -> Result<()> {
        self.late.up(id);
        good.attach(id)
    }

    fn detach(&self, good: &dyn Backing, id: &str) -> Result<()> {
        good.detach(id)?;
        self.late.down(good, id)
    }

    fn mount(&self, good: &dyn Backing, id: &str, path: &Path, how: &Mounting) -> Result<()> {
        self.mounted.put(id, ());
        good.stage(id, path, how)
    }

    fn grow_device(&self, good: &dyn Backing, id: &str, bytes: u64) -> Result<()> {
        if self.mounted.has(id) {
            return good.grow_device(id, bytes);
        }
        self.late.grow(good, id, bytes)
    }
}
