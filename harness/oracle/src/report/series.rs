//! The report's part about a workload: what it did while its volume grew, what was said and seen
//! of the size meanwhile, and what the growth cost it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::history::{Mismatch, Reading, Rows, Scale, Slo};

/// One volume of one scenario with a workload on it. Times are microseconds since the run began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Series {
    /// Id of the instance.
    pub scenario: String,
    /// Handle of the volume.
    pub volume: String,
    /// `ext4`, `xfs`, `btrfs`, `block`, or empty.
    pub access: String,
    /// How what is filled, and the time, relate to what is meant.
    pub scale: Option<Scale>,
    /// What a growth may cost.
    pub slo: Option<Slo>,
    /// Where the time axis begins.
    pub from_us: u64,
    /// Where it ends.
    pub to_us: u64,
    /// How many readings there were.
    pub readings_total: u32,
    /// All of them, or of each stretch the first, the slowest, the fastest and the one with the
    /// longest latency: whole readings, never an average.
    pub readings: Vec<Reading>,
    /// What each source said of the size, and when.
    pub sizes: Vec<SizeLine>,
    /// Calls on the volume that change something.
    pub bands: Vec<Band>,
    /// What happened to the workload or the driver.
    pub marks: Vec<Mark>,
    /// What became of the data; `None`: it was never read back.
    pub integrity: Option<Integrity>,
    /// The same of copies that were made of it, by handle: snapshots restored, clones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<(String, Integrity)>,
}

/// A size over time: each step lasts until the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SizeLine {
    /// Who says so.
    pub source: SizeSource,
    /// Time, and bytes from then on.
    pub steps: Vec<(u64, u64)>,
}

/// The sources of truth about a size, never mixed up.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SizeSource {
    /// The minimum that was asked for.
    Requested,
    /// CreateVolume or ControllerExpandVolume, answered.
    Controller,
    /// NodeExpandVolume, answered.
    Node,
    /// The block device, measured.
    Device,
    /// The file system's superblock, measured.
    Fs,
    /// statfs total, measured; only to be compared with its own earlier value.
    Statfs,
}

/// A call, from asking to answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Band {
    /// `ControllerExpandVolume`.
    pub call: String,
    /// When it was sent.
    pub from_us: u64,
    /// When it was answered, or the end of the axis.
    pub to_us: u64,
    /// `OK`, or the code; `UNFINISHED` if it never came back.
    pub code: String,
}

/// Something that happened to the workload or the driver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mark {
    /// What kind of thing.
    pub kind: MarkKind,
    /// When it began.
    pub from_us: u64,
    /// When it was over.
    pub to_us: u64,
    /// In words.
    pub what: String,
}

/// Kinds of marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// A writer waited for room (ENOSPC).
    NoSpace,
    /// The engine opened its data again.
    Recovering,
    /// The engine did not run.
    Ended,
    /// Something broken on purpose, until it was healed.
    Fault,
}

/// What became of acknowledged data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Integrity {
    /// How often all of it was read back.
    pub verifications: u32,
    /// Acknowledged, bytes; of rows alone if the engine has rows.
    pub acknowledged_bytes: u64,
    /// Read back and right at the last time, bytes.
    pub verified_bytes: u64,
    /// The same in rows, if the engine has rows.
    pub rows: Option<Rows>,
    /// Blocks or rows that were not as acknowledged.
    pub lost: u64,
    /// The first of them.
    pub first: Option<Mismatch>,
}

/// What a growth cost the workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Impact {
    /// How much of the time before it is compared with: at most a minute, microseconds.
    pub before_us: u64,
    /// Throughput lost against the time before, percent; negative: it rose.
    pub dip: Option<Figure>,
    /// Longest time in which a load got nothing acknowledged, milliseconds.
    pub stall: Option<Figure>,
    /// From asking until the volume was seen larger, microseconds.
    pub usable_us: Option<u64>,
    /// Why a figure or its noise is missing.
    pub why: Option<String>,
}

/// A cost, and the same measured where nothing grew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Figure {
    /// Of which load; the one that stands out most.
    pub load: Loading,
    /// While it grew.
    pub value: i64,
    /// The worst of all windows as long as the growth, before it and without one; `None`: too few.
    pub noise: Option<i64>,
}

/// The two loads of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Loading {
    /// The one that eats space.
    Bulk,
    /// Reads and updates by key.
    Query,
}
