//! What the harness itself measures: sizes of devices and file systems, and blocks of data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Failure;

/// What was measured at a path, bytes. What could not be measured is `None`, and `notes` say why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Observation {
    /// Size of the block device (BLKGETSIZE64).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_bytes: Option<u64>,
    /// `major:minor`, or the simulated device's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// From the superblock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fs: Option<FsGeometry>,
    /// From statfs; only to be compared with its own earlier value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statfs: Option<Statfs>,
    /// Mounted read-only.
    pub read_only: bool,
    /// The path is not a mount or device of its own: it shows the file system around it.
    pub shared: bool,
    /// What could not be measured, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A file system's own idea of its size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FsGeometry {
    /// `ext4`, `xfs`, `btrfs`.
    pub kind: String,
    /// Blocks times block size, bytes.
    pub bytes: u64,
    /// What the size may fall short of the device and still be whole: an allocation group,
    /// block group or chunk that does not fit any more, bytes.
    pub slack_bytes: u64,
}

/// statfs, bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Statfs {
    /// Blocks times fragment size.
    pub total_bytes: u64,
    /// For unprivileged users.
    pub available_bytes: u64,
}

/// What a load did, in blocks of the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LoadReport {
    /// Of a database: which, with its version, `MariaDB 10.11.19 (InnoDB)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// Acknowledged by fsync.
    pub bytes_written: u64,
    /// Read back and right.
    pub bytes_verified: u64,
    /// Everything the ledger holds for the volume, bytes.
    pub bytes_in_ledger: u64,
    /// Of an engine with rows: what became of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<Box<Rows>>,
    /// Damaged or missing blocks, the first 16.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mismatches: Vec<Mismatch>,
    /// How many there are in all.
    pub mismatches_total: u64,
    /// Errors a background writer met, the first 16.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Failure>,
    /// Of a database that was opened again: what that took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovered: Option<Box<Recovered>>,
}

/// What opening a database did that ran before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Recovered {
    /// It had been shut down as it should: there was nothing to do.
    pub clean: bool,
    /// Records of its log that were read, if the engine tells.
    pub records: u64,
    /// Pages that were brought up to date by them.
    pub pages: u64,
    /// Torn pages made whole from their copies.
    pub restored: u64,
    /// Pages that nothing could mend: number, byte offset and what was found, the first 16.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub broken: Vec<String>,
}

/// Rows of an engine's ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Rows {
    /// Commits of them were acknowledged.
    pub acknowledged: u64,
    /// Read back and right.
    pub verified: u64,
    /// Gone, or not what was acknowledged.
    pub lost: u64,
}

/// A block that is not what was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mismatch {
    /// Byte offset in the file or device.
    pub offset: u64,
    /// Number of the engine's page, if it has pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u64>,
    /// Length in bytes.
    pub length: u64,
    /// `zeros`, `stale (write 3, want 4)`, `block of v2 at 65536`, `unreadable: EIO`.
    pub what: String,
}

impl Mismatch {
    /// Where it is, `page 20 at byte 327680`; nothing if only the engine could know.
    pub fn place(&self) -> Option<String> {
        match self.page {
            Some(page) => Some(format!("page {page} at byte {}", self.offset)),
            None => (self.length > 0).then(|| format!("byte {}", self.offset)),
        }
    }
}
