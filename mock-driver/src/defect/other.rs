//! Copies, limits and kinds of volume that were not thought of.

use std::path::Path;

use csi_stretch_proto::csi::v1::{
    ControllerExpandVolumeRequest, ControllerExpandVolumeResponse, CreateVolumeRequest,
    CreateVolumeResponse,
};
use tonic::Status;

use super::{Defect, Flaw, notes::Notes, plant};
use crate::{
    backing::{Backing, BackingError, FileSystem, Mounting, Result, Source},
    driver::{Driver, Reply},
};

const CLASS: &str = "other";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        SameUuid::default(),
        "clone-not-mounted-beside-source",
        "a clone has its source's UUID, so that it is not mounted while the source is",
        "container-storage-interface/spec#482",
        &["node-stage.implemented"]
    ),
    plant!(
        FormatLimit::default(),
        "fs-cannot-outgrow-its-format",
        "a file system grows no further than its format of the first day allows",
        "cybozu-go/neco#1141",
        &["node-expand.implemented"]
    ),
    plant!(
        CopiesRefused::default(),
        "expand-refuses-copies",
        "ControllerExpandVolume cannot read the ids of volumes made from a snapshot or a volume",
        "gardener/gardener-extension-provider-gcp#340",
        &["controller-expand.implemented"]
    ),
];

/// Sources by copy, and what is mounted.
#[derive(Default)]
struct SameUuid {
    source: Notes<String>,
    mounted: Notes,
}

impl Flaw for SameUuid {
    fn make_storage(
        &self,
        good: &dyn Backing,
        id: &str,
        bytes: u64,
        source: Option<Source<'_>>,
    ) -> Result<()> {
        if let Some(Source::Volume(source)) = source {
            self.source.put(id, source.to_owned());
        }
        good.create(id, bytes, source)
    }

    fn mount(&self, good: &dyn Backing, id: &str, path: &Path, how: &Mounting) -> Result<()> {
        if self.source.get(id).is_some_and(|source| self.mounted.has(&source)) {
            let why = "file system has duplicate UUID".to_owned();
            return Err(BackingError::Tool { tool: "mount".to_owned(), why });
        }
        good.stage(id, path, how)?;
        self.mounted.put(id, ());
        Ok(())
    }

    fn unmount(&self, good: &dyn Backing, id: &str, path: &Path) -> Result<()> {
        good.unstage(id, path)?;
        self.mounted.take(id);
        Ok(())
    }
}

/// Sizes on the first day, bytes.
#[derive(Default)]
struct FormatLimit(Notes<u64>);

impl Flaw for FormatLimit {
    fn make_storage(
        &self,
        good: &dyn Backing,
        id: &str,
        bytes: u64,
        source: Option<Source<'_>>,
    ) -> Result<()> {
        good.create(id, bytes, source)?;
        self.0.put(id, bytes);
        Ok(())
    }

    fn grow_fs(&self, good: &dyn Backing, id: &str) -> Result<Option<FileSystem>> {
        let limit = self.0.get(id).map_or(u64::MAX, |bytes| bytes / 2 * 5);
        if good.device_bytes(id)? > limit {
            let why = "the new size is too large for 32 bits".to_owned();
            return Err(BackingError::Tool { tool: "resize2fs".to_owned(), why });
        }
        good.grow_fs(id)
    }
}

#[derive(Default)]
struct CopiesRefused(Notes);

impl Flaw for CopiesRefused {
    fn create_volume(
        &self,
        good: &Driver,
        request: CreateVolumeRequest,
    ) -> Reply<CreateVolumeResponse> {
        let reply = good.create_volume(request)?;
        if let Some(volume) = reply.volume.as_ref().filter(|v| v.content_source.is_some()) {
            self.0.put(&volume.volume_id, ());
        }
        Ok(reply)
    }

    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        if self.0.has(&request.volume_id) {
            return Err(Status::internal("the volume id names no zone"));
        }
        good.controller_expand(&request)
    }
}
