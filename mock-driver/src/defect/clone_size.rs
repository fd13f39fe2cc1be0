//! Clones that do not get the size they were asked for.

use std::path::Path;

use csi_stretch_proto::csi::v1::{
    CreateVolumeRequest, CreateVolumeResponse, volume_content_source::Type as SourceType,
};
use tonic::Status;

use super::{
    Defect, Flaw,
    notes::{Notes, required, size},
    plant,
};
use crate::{
    backing::{Backing, Mounting, Result, Source},
    driver::{Driver, Reply},
};

const CLASS: &str = "clone-size";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        FileSystemStays::default(),
        "clone-fs-keeps-source-size",
        "a larger clone has the file system of its source, as small as it was",
        "kubernetes-sigs/azuredisk-csi-driver#528",
        &["create-volume.larger-than-source-fs"]
    ),
    plant!(
        DeviceStays,
        "clone-device-keeps-source-size",
        "a larger clone is as large as its source, and the reply tells what was asked for",
        "yunify/qingstor-csi#48",
        &["create-volume.capacity-range-honored"]
    ),
    plant!(
        LargerFails,
        "clone-larger-fails",
        "a clone that is to be larger than its source fails with INTERNAL",
        "ceph/ceph-csi#1726",
        &["create-volume.larger-than-source"]
    ),
    plant!(
        SmallerTaken,
        "clone-limit-below-source-ignored",
        "a clone whose limit is below the size of its source is made all the same",
        "kubernetes-csi/external-provisioner#484",
        &["create-volume.capacity-range-honored"]
    ),
];

/// Volumes that are clones.
#[derive(Default)]
struct FileSystemStays(Notes);

impl Flaw for FileSystemStays {
    fn make_storage(
        &self,
        good: &dyn Backing,
        id: &str,
        bytes: u64,
        source: Option<Source<'_>>,
    ) -> Result<()> {
        if let Some(Source::Volume(_)) = source {
            self.0.put(id, ());
        }
        good.create(id, bytes, source)
    }

    fn mount(&self, good: &dyn Backing, id: &str, path: &Path, how: &Mounting) -> Result<()> {
        let grow = how.grow && !self.0.has(id);
        good.stage(id, path, &Mounting { grow, ..how.clone() })
    }
}

struct DeviceStays;

impl Flaw for DeviceStays {
    fn make_storage(
        &self,
        good: &dyn Backing,
        id: &str,
        bytes: u64,
        source: Option<Source<'_>>,
    ) -> Result<()> {
        let bytes = match source {
            Some(Source::Volume(from)) => good.device_bytes(from)?,
            _ => bytes,
        };
        good.create(id, bytes, source)
    }
}

/// The volume that a request clones.
fn cloned(request: &CreateVolumeRequest) -> Option<&str> {
    match request.volume_content_source.as_ref()?.r#type.as_ref()? {
        SourceType::Volume(volume) => Some(&volume.volume_id),
        SourceType::Snapshot(_) => None,
    }
}

struct LargerFails;

impl Flaw for LargerFails {
    fn create_volume(
        &self,
        good: &Driver,
        request: CreateVolumeRequest,
    ) -> Reply<CreateVolumeResponse> {
        let source = cloned(&request).and_then(|id| size(good, id));
        if source.is_some_and(|size| required(request.capacity_range.as_ref()) > size) {
            return Err(Status::internal("clone failed: the sizes of image and parent differ"));
        }
        good.create_volume(request)
    }
}

struct SmallerTaken;

impl Flaw for SmallerTaken {
    fn create_volume(
        &self,
        good: &Driver,
        mut request: CreateVolumeRequest,
    ) -> Reply<CreateVolumeResponse> {
        if cloned(&request).is_some()
            && let Some(range) = &mut request.capacity_range
        {
            range.limit_bytes = 0;
        }
        good.create_volume(request)
    }
}
