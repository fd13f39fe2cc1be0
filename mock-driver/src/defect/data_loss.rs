//! Data that is gone, or cannot be reached.

use std::path::{Path, PathBuf};

use super::{Defect, Flaw, flaw::Showing, notes::Notes, plant};
use crate::backing::{Access, Backing, BackingError, FileSystem, Mounting, Result};

const CLASS: &str = "data-loss";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        FormatGrown::default(),
        "stage-formats-what-has-grown",
        "a file system smaller than its device is not recognised, and is made anew",
        "hetznercloud/csi-driver#1346",
        &["controller-expand.data-kept", "node-expand.data-kept"]
    ),
    plant!(
        FormatAgain::default(),
        "stage-formats-each-time",
        "every staging but the first makes the file system anew",
        "oVirt/csi-driver#23",
        &["controller-expand.data-kept", "node-expand.data-kept", "node-publish.capability-usable"]
    ),
    plant!(
        BlankedOffline::default(),
        "offline-growth-blanks",
        "growth of a volume that is down makes new storage and does not copy the old",
        "openebs/openebs#1565",
        &["controller-expand.data-kept", "node-expand.data-kept"]
    ),
    plant!(
        Unmounted::default(),
        "controller-expand-unmounts",
        "the growth of the device takes the mounts of a volume in use away",
        "openebs/zfs-localpv#734",
        &[
            "controller-expand.purpose",
            "node-expand.implemented",
            "node-expand.purpose",
            "node-publish.capability-usable"
        ]
    ),
    plant!(
        Faulted::default(),
        "stage-fails-after-offline-growth",
        "a volume that has grown while it was down cannot be staged any more",
        "longhorn/longhorn#2222",
        &["node-stage.implemented"]
    ),
    plant!(
        Checksum::default(),
        "third-growth-fails-on-checksum",
        "the third growth of a mounted file system fails on its superblock's checksum",
        "longhorn/longhorn#6543",
        &["node-expand.implemented"]
    ),
];

/// Makes the storage anew, as blank as mkfs leaves it.
fn format(good: &dyn Backing, id: &str) -> Result<()> {
    good.create(id, good.device_bytes(id)?, None)?;
    good.attach(id)
}

/// Volumes that have grown while they were up, and were not staged since.
#[derive(Default)]
struct FormatGrown(Notes);

impl Flaw for FormatGrown {
    fn grow_fs(&self, good: &dyn Backing, id: &str) -> Result<Option<FileSystem>> {
        if good.file_system(id)?.is_some_and(|fs| !fs.fills_device) {
            self.0.put(id, ());
        }
        good.grow_fs(id)
    }

    fn mount(&self, good: &dyn Backing, id: &str, path: &Path, how: &Mounting) -> Result<()> {
        if self.0.take(id).is_some() {
            format(good, id)?;
        }
        good.stage(id, path, how)
    }
}

/// Volumes that were staged before.
#[derive(Default)]
struct FormatAgain(Notes);

impl Flaw for FormatAgain {
    fn mount(&self, good: &dyn Backing, id: &str, path: &Path, how: &Mounting) -> Result<()> {
        if good.shows(id, path)?.is_none() && self.0.put(id, ()).is_some() {
            format(good, id)?;
        }
        good.stage(id, path, how)
    }
}

/// Volumes that a node has.
#[derive(Default)]
struct BlankedOffline(Notes);

impl Flaw for BlankedOffline {
    fn attach(&self, good: &dyn Backing, id: &str) -> Result<()> {
        self.0.put(id, ());
        good.attach(id)
    }

    fn detach(&self, good: &dyn Backing, id: &str) -> Result<()> {
        self.0.take(id);
        good.detach(id)
    }

    fn grow_device(&self, good: &dyn Backing, id: &str, bytes: u64) -> Result<()> {
        if self.0.has(id) { good.grow_device(id, bytes) } else { good.create(id, bytes, None) }
    }
}

/// Where file systems are published.
#[derive(Default)]
struct Unmounted(Notes<PathBuf>);

impl Flaw for Unmounted {
    fn show(&self, good: &dyn Backing, id: &str, showing: &Showing<'_>) -> Result<()> {
        let Showing { staged, target, readonly, access } = showing;
        if **access != Access::Block {
            self.0.put(id, showing.target.to_path_buf());
        }
        good.publish(id, *staged, target, *readonly, access)
    }

    fn hide(&self, good: &dyn Backing, id: &str, target: &Path) -> Result<()> {
        self.0.take(id);
        good.unpublish(id, target)
    }

    fn grow_device(&self, good: &dyn Backing, id: &str, bytes: u64) -> Result<()> {
        good.grow_device(id, bytes)?;
        self.0.take(id).map_or(Ok(()), |target| good.unpublish(id, &target))
    }
}

#[derive(Default)]
struct Faulted {
    up: Notes,
    faulted: Notes,
}

impl Flaw for Faulted {
    fn attach(&self, good: &dyn Backing, id: &str) -> Result<()> {
        if self.faulted.has(id) {
            let (tool, why) = ("attach".into(), "the volume is faulted".into());
            return Err(BackingError::Tool { tool, why });
        }
        self.up.put(id, ());
        good.attach(id)
    }

    fn detach(&self, good: &dyn Backing, id: &str) -> Result<()> {
        self.up.take(id);
        good.detach(id)
    }

    fn grow_device(&self, good: &dyn Backing, id: &str, bytes: u64) -> Result<()> {
        if !self.up.has(id) {
            self.faulted.put(id, ());
        }
        good.grow_device(id, bytes)
    }
}

/// How often a file system was grown.
#[derive(Default)]
struct Checksum(Notes<u32>);

impl Flaw for Checksum {
    fn grow_fs(&self, good: &dyn Backing, id: &str) -> Result<Option<FileSystem>> {
        if good.file_system(id)?.is_some_and(|fs| fs.fills_device) {
            return good.grow_fs(id);
        }
        let grown = self.0.get(id).unwrap_or(0) + 1;
        self.0.put(id, grown);
        if grown == 3 {
            let why = "Superblock checksum does not match superblock".into();
            return Err(BackingError::Tool { tool: "dumpe2fs".into(), why });
        }
        good.grow_fs(id)
    }
}
