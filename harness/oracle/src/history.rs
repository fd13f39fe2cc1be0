//! What happened, in order: the only evidence there is.
//!
//! A history file is NDJSON, one [`Record`] a line: `run` first, then for each scenario
//! `scenario`, its `event`s (of the subject, then of the reference) and `ended`, at last `end`.
//! With `--jobs` the lines of scenarios interleave; each carries its scenario's number.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    action::{Access, Action, PathRef},
    offer::Offers,
};

/// Version of the history format; a reader refuses others.
pub const SCHEMA: &str = "csi-stretch/history/v1";

/// One line of a history file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// Who was tested, with what, where. First line.
    Run(Box<Run>),
    /// A planned scenario instance, or why it is skipped.
    Scenario(Box<Instance>),
    /// Something was asked, or came back.
    Event {
        /// Number of the instance.
        scenario: u32,
        /// On whom.
        side: Side,
        /// What.
        event: Event,
    },
    /// An instance is over on one side.
    Ended {
        /// Number of the instance.
        scenario: u32,
        /// On whom.
        side: Side,
        /// How.
        ended: Ended,
    },
    /// The run is over. A history without it was cut short.
    End(End),
}

/// Facts about a run that do not change while it goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Unique name of the run; also its folder.
    pub id: String,
    /// RFC 3339, UTC.
    pub started: String,
    /// Version of csi-stretch.
    pub tool_version: String,
    /// The command as typed, secrets removed.
    pub command: Vec<String>,
    /// Decides every choice the harness makes.
    pub seed: u64,
    /// SHOULD counts as MUST.
    pub strict: bool,
    /// What is tested.
    pub target: Target,
    /// What it is compared with, if anything.
    pub reference: Option<Target>,
    /// Why there is no comparison, if there is none.
    pub reference_off: Option<String>,
    /// The machine.
    pub host: Host,
}

/// A target as it declared itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// `GetPluginInfo.name`.
    pub name: String,
    /// `GetPluginInfo.vendor_version`.
    pub vendor_version: String,
    /// `csi.v1`.
    pub dialect: String,
    /// As given; `exec:` endpoints show the command.
    pub endpoint: String,
    /// What it can do, and why not the rest.
    pub offers: Offers,
    /// How much of the truth can be seen; never changed silently.
    pub tier: Tier,
}

/// How deep a run can look (design: tiers and the truth about a size).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Sizes and contents are simulated by the driver and read through its control service.
    Memory,
    /// Real devices and file systems of this kernel.
    Loop,
}

/// The machine a run took place on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// `uname -sr`.
    pub kernel: String,
    /// Number of processors.
    pub cpus: u32,
    /// Effective user is root.
    pub root: bool,
    /// What this run cannot prove here, a sentence each.
    pub unproven: Vec<String>,
}

/// One scenario with its matrix values chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Instance {
    /// Position in the plan, from 0.
    pub number: u32,
    /// `expansion/online-grow[fs=xfs]`.
    pub id: String,
    /// Path of the scenario without the matrix values.
    pub scenario: String,
    /// One sentence: what a driver has to get right.
    pub about: String,
    /// Clauses it provokes.
    pub clauses: Vec<String>,
    /// Matrix values, in the order of the file.
    pub axes: BTreeMap<String, String>,
    /// How the volume is used, if the scenario has one.
    pub access: Option<Access>,
    /// Why it is not run; names what is missing.
    pub skip: Option<String>,
}

/// Whose history.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The target under test.
    Subject,
    /// The reference driver.
    Reference,
}

/// Something was asked (`invoke`), or came back (`complete`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Position among the events of this scenario and side, from 0.
    pub index: u32,
    /// Pairs an invoke with its completion.
    pub op: u32,
    /// Microseconds since the run began, monotonic.
    pub at_us: u64,
    /// Which of the two.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// The two kinds of event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// An action is about to be performed.
    Invoke(Box<Invoke>),
    /// It came back, or is given up.
    Complete(Box<Completion>),
}

/// An action and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Invoke {
    /// Which step of the scenario asked for it.
    pub step: StepId,
    /// What to do.
    pub action: Action,
    /// What the scenario says must come back; `None`: any answer is evidence, none is demanded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
}

/// Names a step so that two sides can be laid beside each other even when one needs more calls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct StepId {
    /// Step of the file, from 1; 0 is the set-up that every scenario has; `TEARDOWN` the end.
    pub step: u16,
    /// Verb or call as written in the file: `grow`, `call controller_expand`.
    pub verb: String,
    /// Action within the verb, from 0, counted per kind of action so that sides align.
    pub part: u16,
}

impl Ended {
    /// How `stopped` begins when the rest of the script has no meaning for this target: the
    /// scenario is then a skip.
    pub const NOT_APPLICABLE: &str = "not applicable: ";
}

impl StepId {
    /// Step number of everything that undoes a scenario.
    pub const TEARDOWN: u16 = u16::MAX;
}

/// Which answers a scenario accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Expect {
    /// Right answers.
    pub pass: Vec<Code>,
    /// Legal, but not what the specification prefers: an advisory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warn: Vec<Code>,
    /// The clause that any other answer breaks; `None`: the scenario's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
}

/// What is known after an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Completion {
    /// It happened.
    Ok(Outcome),
    /// It did not happen.
    Fail(Failure),
    /// Nobody can know: deadline, lost reply, dead connection.
    Info(Failure),
}

/// What came back from a performed action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A driver's answer.
    Reply(Box<Reply>),
    /// Measured sizes.
    Observation(Box<Observation>),
    /// Data written or verified.
    Loaded(LoadReport),
    /// Nothing to tell.
    Done,
}

/// Why an action did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// Class of the error.
    pub code: Code,
    /// The driver's, kernel's or harness's own words, cut at 1 KiB, secrets removed.
    pub message: String,
}

/// gRPC's codes, and a few of the harness's own.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the first seventeen are gRPC's own names")]
pub enum Code {
    Ok,
    Cancelled,
    Unknown,
    InvalidArgument,
    DeadlineExceeded,
    NotFound,
    AlreadyExists,
    PermissionDenied,
    ResourceExhausted,
    FailedPrecondition,
    Aborted,
    OutOfRange,
    Unimplemented,
    Internal,
    Unavailable,
    DataLoss,
    Unauthenticated,
    /// The volume is full (ENOSPC).
    NoSpace,
    /// Another error of the kernel.
    Io,
    /// Nothing can be measured here; the message says what is missing.
    Unobservable,
    /// Not sent, because an earlier step gave no id to send.
    Unbound,
    /// Given up because the run was interrupted; the driver may have done it or not.
    Interrupted,
    /// The harness or the lab broke; never the driver.
    Harness,
}

impl Code {
    /// The specification's spelling, `OUT_OF_RANGE`; the harness's own codes likewise.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Cancelled => "CANCELLED",
            Self::Unknown => "UNKNOWN",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::Aborted => "ABORTED",
            Self::OutOfRange => "OUT_OF_RANGE",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Internal => "INTERNAL",
            Self::Unavailable => "UNAVAILABLE",
            Self::DataLoss => "DATA_LOSS",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::NoSpace => "NO_SPACE",
            Self::Io => "IO",
            Self::Unobservable => "UNOBSERVABLE",
            Self::Unbound => "UNBOUND",
            Self::Interrupted => "INTERRUPTED",
            Self::Harness => "HARNESS",
        }
    }

    /// Said by the harness and not by the driver: nobody is to blame for it.
    pub fn is_ours(self) -> bool {
        matches!(self, Self::Unbound | Self::Interrupted | Self::Harness)
    }

    /// A reply with this code leaves open whether the call took effect. These five are what
    /// csi-resizer calls "not final" (external-resizer, `IsFinalError`), minus ABORTED, which
    /// refuses this very call.
    pub fn is_indefinite(self) -> bool {
        matches!(
            self,
            Self::DeadlineExceeded | Self::Unavailable | Self::Cancelled | Self::ResourceExhausted
        )
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A driver's answer, in one shape for all procedures; only the fields of the procedure are set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Reply {
    /// CreateVolume, ControllerGetVolume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<VolumeInfo>,
    /// ControllerExpandVolume and NodeExpandVolume: bytes as replied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity_bytes: Option<i64>,
    /// ControllerExpandVolume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_expansion_required: Option<bool>,
    /// ControllerPublishVolume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish_context: Option<BTreeMap<String, String>>,
    /// NodeGetVolumeStats.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub usage: Vec<Usage>,
    /// ValidateVolumeCapabilities: whether `confirmed` was set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<bool>,
    /// ListVolumes, ListSnapshots: ids in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<Vec<Entry>>,
    /// ListVolumes, ListSnapshots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    /// GetCapacity, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available_capacity: Option<i64>,
    /// GetCapacity, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_volume_size: Option<i64>,
    /// GetCapacity, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_volume_size: Option<i64>,
    /// CreateSnapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<SnapshotInfo>,
    /// GetPluginInfo: name; NodeGetInfo: node id; ValidateVolumeCapabilities: message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// GetPluginInfo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor_version: Option<String>,
    /// The three capability calls: CSI's enum names; unknown values as `UNKNOWN(n)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Vec<String>>,
    /// Probe: unset counts as true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<bool>,
}

/// A volume in a reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VolumeInfo {
    /// The driver's id.
    pub id: String,
    /// Bytes as replied; 0 is unknown.
    pub capacity_bytes: i64,
    /// Returned to the driver unchanged.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub context: BTreeMap<String, String>,
    /// Whether a content source was stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_source: Option<String>,
}

/// A snapshot in a reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SnapshotInfo {
    /// The driver's id.
    pub id: String,
    /// Id of the volume it was taken of.
    pub source_volume_id: String,
    /// Bytes; 0 is unknown.
    pub size_bytes: i64,
    /// It can be restored now.
    pub ready_to_use: bool,
}

/// One entry of a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// Volume or snapshot id.
    pub id: String,
    /// Bytes as replied.
    pub bytes: i64,
    /// ListVolumes: nodes it is published on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<String>,
}

/// One entry of NodeGetVolumeStats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// `BYTES`, `INODES` or `UNKNOWN`.
    pub unit: String,
    /// In that unit.
    pub total: i64,
    /// In that unit.
    pub used: i64,
    /// In that unit.
    pub available: i64,
}

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
    /// Acknowledged by fsync.
    pub bytes_written: u64,
    /// Read back and right.
    pub bytes_verified: u64,
    /// Everything the ledger holds for the volume, bytes.
    pub bytes_in_ledger: u64,
    /// Damaged or missing blocks, the first 16.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mismatches: Vec<Mismatch>,
    /// How many there are in all.
    pub mismatches_total: u64,
    /// Errors a background writer met, the first 16.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Failure>,
}

/// A block that is not what was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mismatch {
    /// Byte offset in the file or device.
    pub offset: u64,
    /// Length in bytes.
    pub length: u64,
    /// `zeros`, `stale (write 3, want 4)`, `block of v2 at 65536`, `unreadable: EIO`.
    pub what: String,
}

/// How an instance ended on one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ended {
    /// Microseconds since the run began, monotonic.
    pub at_us: u64,
    /// The script ended early, and why (a step that everything after depends on failed).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// The harness or the lab broke; the verdict is `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
    /// What could not be removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaks: Vec<Leak>,
}

/// Something left behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Leak {
    /// `volume`, `snapshot`, `mount`, `loop device`, `process`, `file`.
    pub kind: String,
    /// Its name.
    pub what: String,
    /// Who left it: the driver after an OK, or an undo that failed.
    pub why: String,
}

/// The run is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct End {
    /// Microseconds since the run began, monotonic.
    pub at_us: u64,
    /// By a signal; what was not run is missing from the history.
    pub interrupted: bool,
    /// Left behind by the run as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaks: Vec<Leak>,
}

impl Completion {
    /// `Ok`, or the code of the failure.
    pub fn code(&self) -> Code {
        match self {
            Self::Ok(_) => Code::Ok,
            Self::Fail(failure) | Self::Info(failure) => failure.code,
        }
    }

    /// The driver's answer, if there is one.
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Ok(Outcome::Reply(reply)) => Some(reply),
            _ => None,
        }
    }

    /// The measured sizes, if there are any.
    pub fn observation(&self) -> Option<&Observation> {
        match self {
            Self::Ok(Outcome::Observation(observation)) => Some(observation),
            _ => None,
        }
    }
}

/// Where a probe looked; a shorthand for checks.
pub fn probed(action: &Action) -> Option<(&str, &PathRef)> {
    match action {
        Action::Probe(probe) => Some((&probe.volume, &probe.path)),
        _ => None,
    }
}
