//! Restored volumes that do not get the size they were asked for.

use std::path::Path;

use super::{Defect, Flaw, notes::Notes, plant};
use crate::backing::{Backing, Mounting, Result, Source};

const CLASS: &str = "snapshot-restore-size";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        FileSystemStays::default(),
        "restore-fs-keeps-snapshot-size",
        "a volume restored to a larger size has the file system of its snapshot",
        "kubernetes/kubernetes#94929",
        &["create-volume.larger-than-source-fs"]
    ),
    plant!(
        DeviceStays::default(),
        "restore-device-keeps-snapshot-size",
        "a volume restored to a larger size is as large as its snapshot, and the reply says else",
        "piraeusdatastore/linstor-csi#138",
        &["create-volume.capacity-range-honored"]
    ),
];

/// Volumes that are restored.
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
        if let Some(Source::Snapshot(_)) = source {
            self.0.put(id, ());
        }
        good.create(id, bytes, source)
    }

    fn mount(&self, good: &dyn Backing, id: &str, path: &Path, how: &Mounting) -> Result<()> {
        let grow = how.grow && !self.0.has(id);
        good.stage(id, path, &Mounting { grow, ..how.clone() })
    }
}

/// Sizes of snapshots, bytes.
#[derive(Default)]
struct DeviceStays(Notes<u64>);

impl Flaw for DeviceStays {
    fn cut_snapshot(&self, good: &dyn Backing, volume: &str, snapshot: &str) -> Result<u64> {
        let bytes = good.snapshot(volume, snapshot)?;
        self.0.put(snapshot, bytes);
        Ok(bytes)
    }

    fn make_storage(
        &self,
        good: &dyn Backing,
        id: &str,
        bytes: u64,
        source: Option<Source<'_>>,
    ) -> Result<()> {
        let bytes = match source {
            Some(Source::Snapshot(from)) => self.0.get(from).unwrap_or(bytes),
            _ => bytes,
        };
        good.create(id, bytes, source)
    }
}
