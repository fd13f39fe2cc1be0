//! OK, and the file system is as small as before.

use std::path::Path;

use csi_stretch_proto::csi::v1::{ControllerExpandVolumeRequest, ControllerExpandVolumeResponse};

use super::{
    Defect, Flaw,
    flaw::Showing,
    notes::{Notes, size},
    plant,
};
use crate::{
    backing::{Backing, FileSystem, Mounting, Result},
    driver::{Driver, Reply},
};

const CLASS: &str = "fs-not-grown";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        Untouched,
        "node-expand-leaves-fs",
        "NodeExpandVolume answers OK and leaves the file system as it was",
        "kubernetes/cloud-provider-openstack#2059",
        &["node-expand.purpose"]
    ),
    plant!(
        SeveralMounts::default(),
        "node-expand-confused-by-bind-mounts",
        "the device is not found where the volume is mounted twice, and OK is said all the same",
        "kubernetes/cloud-provider-openstack#1436",
        &["node-expand.purpose"]
    ),
    plant!(
        SecondGrowth::default(),
        "node-expand-only-once",
        "a volume that has grown once counts as grown, and later node steps do nothing",
        "kubernetes/cloud-provider-openstack#1543",
        &["node-expand.purpose"]
    ),
    plant!(
        LeftToStage::default(),
        "offline-growth-left-to-a-stage-that-does-nothing",
        "growth of a volume that is down asks for no node step, and staging does not grow it",
        "longhorn/longhorn#2666",
        &["controller-expand.idempotent-node-flag", "controller-expand.node-flag-truthful"]
    ),
    plant!(
        LostOnTheWay::default(),
        "node-expand-lost-by-restaging",
        "a node step that is due is forgotten when the volume is taken down in between",
        "kubernetes-sigs/alibaba-cloud-csi-driver#90",
        &["node-expand.purpose"]
    ),
];

struct Untouched;

impl Flaw for Untouched {
    fn grow_fs(&self, good: &dyn Backing, id: &str) -> Result<Option<FileSystem>> {
        good.file_system(id)
    }
}

/// Volumes that are mounted at a target path besides the staging path.
#[derive(Default)]
struct SeveralMounts(Notes);

impl Flaw for SeveralMounts {
    fn show(&self, good: &dyn Backing, id: &str, showing: &Showing<'_>) -> Result<()> {
        let Showing { staged, target, readonly, access } = showing;
        good.publish(id, *staged, target, *readonly, access)?;
        self.0.put(id, ());
        Ok(())
    }

    fn hide(&self, good: &dyn Backing, id: &str, target: &Path) -> Result<()> {
        self.0.take(id);
        good.unpublish(id, target)
    }

    fn grow_fs(&self, good: &dyn Backing, id: &str) -> Result<Option<FileSystem>> {
        if self.0.has(id) { good.file_system(id) } else { good.grow_fs(id) }
    }
}

/// Volumes that have grown.
#[derive(Default)]
struct SecondGrowth(Notes);

impl Flaw for SecondGrowth {
    fn grow_fs(&self, good: &dyn Backing, id: &str) -> Result<Option<FileSystem>> {
        match self.0.put(id, ()) {
            None => good.grow_fs(id),
            Some(()) => good.file_system(id),
        }
    }
}

#[derive(Default)]
struct LeftToStage {
    mounted: Notes,
    left: Notes,
}

impl Flaw for LeftToStage {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let reply = good.controller_expand(&request)?;
        if self.mounted.has(&request.volume_id) {
            return Ok(reply);
        }
        self.left.put(&request.volume_id, ());
        Ok(ControllerExpandVolumeResponse { node_expansion_required: false, ..reply })
    }

    fn mount(&self, good: &dyn Backing, id: &str, path: &Path, how: &Mounting) -> Result<()> {
        let grow = how.grow && self.left.take(id).is_none();
        good.stage(id, path, &Mounting { grow, ..how.clone() })?;
        self.mounted.put(id, ());
        Ok(())
    }

    fn unmount(&self, good: &dyn Backing, id: &str, path: &Path) -> Result<()> {
        self.mounted.take(id);
        good.unstage(id, path)
    }
}

#[derive(Default)]
struct LostOnTheWay {
    grown: Notes,
    due: Notes,
}

impl Flaw for LostOnTheWay {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let before = size(good, &request.volume_id);
        let reply = good.controller_expand(&request)?;
        if before.is_some_and(|before| before < reply.capacity_bytes) {
            self.grown.put(&request.volume_id, ());
            self.due.put(&request.volume_id, ());
        }
        Ok(reply)
    }

    fn mount(&self, good: &dyn Backing, id: &str, path: &Path, how: &Mounting) -> Result<()> {
        let grow = how.grow && !self.grown.has(id);
        good.stage(id, path, &Mounting { grow, ..how.clone() })
    }

    fn unmount(&self, good: &dyn Backing, id: &str, path: &Path) -> Result<()> {
        self.due.take(id);
        good.unstage(id, path)
    }

    fn grow_fs(&self, good: &dyn Backing, id: &str) -> Result<Option<FileSystem>> {
        if self.due.has(id) { good.grow_fs(id) } else { good.file_system(id) }
    }
}
