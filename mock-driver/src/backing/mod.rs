//! What a volume is made of: the seam between CSI semantics and storage.
//!
//! The service (validation, idempotency, error codes, records) is written once over [`Backing`];
//! a backing makes, grows, mounts and measures, and knows nothing of CSI, profiles or records.
//!
//! Rules every backing keeps:
//! - Every method is blocking; the service calls it off the async runtime.
//! - Every method is an *ensure*: called again with equal arguments, also after a crash in the
//!   middle of the first call, it finishes the work and answers as if it had been called once.
//!   Undoing something that is not there is `Ok`.
//! - The service never runs two mutating calls for one volume (or one snapshot) at a time, and
//!   keeps the source of a copy still; calls for different volumes do run side by side.
//! - A backing remembers nothing in memory that it could not find again after SIGKILL: it reads
//!   its own folder and the kernel.
//! - Ids come from the service and hold only `[a-z0-9-]`: safe as file names. Paths are absolute
//!   and lexically clean (no `.`, `..`, `//` or trailing `/`).

mod error;
#[cfg(feature = "loop")]
pub mod loops;
pub mod memory;

pub use error::{BackingError, Result};

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Makes volumes real, on loop devices or in a simulation.
pub trait Backing: Send + Sync + 'static {
    /// Makes the storage of a volume, `bytes` large, blank or with the content of `source`
    /// (which is at most `bytes` large; the rest reads as zeros). What an unfinished earlier
    /// call with this id left behind is thrown away first. On an error nothing stays.
    fn create(&self, id: &str, bytes: u64, source: Option<Source<'_>>) -> Result<()>;

    /// Removes the storage. The service has unpublished, unstaged and detached before.
    fn delete(&self, id: &str) -> Result<()>;

    /// Makes the storage `bytes` large, and its device too where one is attached. Never
    /// shrinks: a smaller or equal size is `Ok`. The file system is not touched.
    fn grow_device(&self, id: &str, bytes: u64) -> Result<()>;

    /// The size of the attached device, or of the storage while no device is attached.
    fn device_bytes(&self, id: &str) -> Result<u64>;

    /// Cuts a snapshot of the content as it is now, consistent also while in use, and returns
    /// its size in bytes.
    fn snapshot(&self, volume: &str, snapshot: &str) -> Result<u64>;

    /// Removes a snapshot's storage. Volumes made from it are not affected.
    fn delete_snapshot(&self, snapshot: &str) -> Result<()>;

    /// Makes the volume's device on this node.
    fn attach(&self, id: &str) -> Result<()>;

    /// Takes the device away. `Busy` while something of it is mounted.
    fn detach(&self, id: &str) -> Result<()>;

    /// Mounts the attached device's file system at `path`, a directory that is made if missing.
    /// A blank device is formatted first; one with another file system is `WrongFileSystem`.
    /// With `mounting.grow` a file system smaller than its device is grown, before or after
    /// the mount, whichever works here. Not called for block volumes.
    fn stage(&self, id: &str, path: &Path, mounting: &Mounting) -> Result<()>;

    /// Unmounts what `stage` mounted; the directory stays.
    fn unstage(&self, id: &str, path: &Path) -> Result<()>;

    /// Shows the volume at `target`: a mount volume as a directory, bound from `staged` or, when
    /// that is `None`, mounted straight from the attached device as `stage` would do; a block
    /// volume as a device file. `target` is made, its parents too. `readonly` has to hold even
    /// while the same volume is writable elsewhere.
    fn publish(
        &self,
        id: &str,
        staged: Option<&Path>,
        target: &Path,
        readonly: bool,
        access: &Access,
    ) -> Result<()>;

    /// Takes the volume away from `target`, and removes the file or directory there.
    fn unpublish(&self, id: &str, target: &Path) -> Result<()>;

    /// Grows the volume's file system to its device, wherever it is mounted, or unmounted if it
    /// is not. `None` when the volume holds no file system. `CannotGrow` when this kernel (or
    /// these privileges) refuse it in the present state.
    fn grow_fs(&self, id: &str) -> Result<Option<FileSystem>>;

    /// What the volume holds now, read from the mounted file system or the superblock.
    fn file_system(&self, id: &str) -> Result<Option<FileSystem>>;

    /// How the volume shows at `path`; `None` when something else or nothing is there.
    fn shows(&self, id: &str, path: &Path) -> Result<Option<Shown>>;

    /// Usage as seen at `path`, where the volume shows.
    fn stats(&self, id: &str, path: &Path) -> Result<Stats>;

    /// Called once, before the first request, when the service has resolved its own unfinished
    /// calls. Removes everything of this backing's folder (storage, devices, mounts) that no
    /// entry of `known` names, and makes every device as large as promised. What is known but
    /// gone (a reboot takes mounts away) is left to the service, which asks `shows`.
    fn reconcile(&self, known: &Known) -> Result<()>;

    /// The truth about what is visible at `path` on a simulated node.
    fn observe(&self, path: &Path) -> Result<Observed> {
        let _ = path;
        Err(BackingError::Unsupported("ask the kernel: this node is real"))
    }

    /// Stores `data` as a workload would. `file` is empty for a block volume.
    fn write(&self, path: &Path, file: &str, offset: u64, data: &[u8]) -> Result<()> {
        let _ = (path, file, offset, data);
        Err(BackingError::Unsupported("write to the path: this node is real"))
    }

    /// Reads `length` bytes; never-written ranges are zero.
    fn read(&self, path: &Path, file: &str, offset: u64, length: u64) -> Result<Vec<u8>> {
        let _ = (path, file, offset, length);
        Err(BackingError::Unsupported("read from the path: this node is real"))
    }
}

/// Where the content of a new volume comes from: an id of a snapshot or of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'a> {
    /// A snapshot that `Backing::snapshot` cut.
    Snapshot(&'a str),
    /// Another volume, as it is now (it may be mounted).
    Volume(&'a str),
}

/// A file system this driver can make and grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FsType {
    /// The fourth extended file system.
    Ext4,
    /// XFS.
    Xfs,
    /// Btrfs on one device.
    Btrfs,
}

impl FsType {
    /// Every kind, in the order of preference for a default.
    pub const ALL: [Self; 3] = [Self::Ext4, Self::Xfs, Self::Btrfs];

    /// The name `mount` and CSI use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
            Self::Btrfs => "btrfs",
        }
    }
}

impl std::fmt::Display for FsType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// How a volume is used on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// As a raw block device.
    Block,
    /// As a mounted file system.
    Mount(Mounting),
}

/// How a file system is mounted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mounting {
    /// What a blank device is formatted with, and what a formatted one has to hold.
    pub fs_type: FsType,
    /// Options for `mount -o`, one each. They can be sensitive: never log them.
    pub flags: Vec<String>,
    /// Whether a file system smaller than its device is grown on the way.
    pub grow: bool,
}

/// A file system on a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileSystem {
    /// Its kind.
    pub fs_type: FsType,
    /// Its size by its own superblock, bytes.
    pub bytes: u64,
    /// Whether growing it to its device would change nothing (its size may still be a block or
    /// an allocation group short of the device's).
    pub fills_device: bool,
}

/// What kind of thing is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The volume's mounted file system.
    FileSystem,
    /// The volume's device file.
    Device,
}

/// Usage of a volume. For a block volume only `total_bytes` says something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Size as `statfs` (or the device) gives it, bytes.
    pub total_bytes: u64,
    /// Bytes in use.
    pub used_bytes: u64,
    /// Bytes an ordinary user can still write.
    pub available_bytes: u64,
    /// Inodes, where the file system counts them.
    pub inodes: Option<Inodes>,
}

/// Inode usage of a file system.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Inodes {
    /// All inodes.
    pub total: u64,
    /// Inodes in use.
    pub used: u64,
    /// Inodes still free.
    pub available: u64,
}

/// Everything the service's records promise, for [`Backing::reconcile`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The volumes that exist.
    pub volumes: Vec<KnownVolume>,
    /// Ids of the snapshots that exist.
    pub snapshots: Vec<String>,
}

/// A volume as the records promise it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownVolume {
    /// The volume's id.
    pub id: String,
    /// The size last promised to a client, bytes.
    pub bytes: u64,
    /// Every staging and target path the volume may be mounted at.
    pub paths: Vec<PathBuf>,
}

/// What is visible at a path of a simulated node (see the control protocol).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// Size of the device behind the path, bytes.
    pub device_bytes: u64,
    /// The mounted file system; `None` for a raw block device.
    pub file_system: Option<FileSystem>,
    /// Usage as `statfs` would give it.
    pub stats: Stats,
    /// Whether writes through this path are refused.
    pub read_only: bool,
    /// Identity of the device, stable while it is attached.
    pub device_id: String,
}
