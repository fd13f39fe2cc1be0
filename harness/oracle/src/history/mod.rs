//! What happened, in order: the only evidence there is.
//!
//! A history file is NDJSON, one [`Record`] a line: `run` first, then for each scenario
//! `scenario`, its `event`s (of the subject, then of the reference) and `ended`, at last `end`.
//! With `--jobs` the lines of scenarios interleave; each carries its scenario's number. While a
//! workload runs, its `readings` stand between the events, and so do the `objects` of an orchestrator.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    action::{Access, Action, PathRef},
    known::Known,
    offer::Offers,
};

mod code;
mod object;
mod observation;
mod reading;
mod reply;

pub use code::Code;
pub use object::{ObjectChange, ObjectKind, Orchestrated};
pub use observation::{FsGeometry, LoadReport, Mismatch, Observation, Recovered, Rows, Statfs};
pub use reading::{Ops, Reading, State};
pub use reply::{Entry, Reply, SnapshotInfo, Stated, Usage, VolumeInfo};

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
    /// What a workload and its volume looked like, about a second of it.
    Readings {
        /// Number of the instance.
        scenario: u32,
        /// On whom.
        side: Side,
        /// Handle of the volume.
        volume: String,
        /// In order of time.
        readings: Vec<Reading>,
    },
    /// What became of the orchestrator's objects, in order.
    Objects {
        /// Number of the instance.
        scenario: u32,
        /// On whom.
        side: Side,
        /// In order of time.
        changes: Vec<ObjectChange>,
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
    /// Folder of the run's reports, as `replay` can be given it.
    #[serde(default)]
    pub folder: String,
    /// Decides every choice the harness makes.
    pub seed: u64,
    /// SHOULD counts as MUST.
    pub strict: bool,
    /// Faults that the target's profile owns up to.
    #[serde(default, skip_serializing_if = "Known::is_empty")]
    pub known: Known,
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
    /// What a growth may cost the workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slo: Option<Slo>,
    /// What stands on the axes of the charts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
    /// Length of the staging and target path of the volume `vol`, bytes, where it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<u16>,
    /// The orchestrator whose components make the calls; left out: the steps do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orchestrator: Option<Orchestrated>,
}

/// How the bytes and the time of a workload relate to those that are meant, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Scale {
    /// What is filled: `2 GiB stand for 380 GiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// How long it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
}

/// What a growth may cost the workload that goes on meanwhile. More is a finding only if it is
/// also more than the workload's own noise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Slo {
    /// Throughput lost while it grows, percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dip_percent: Option<u32>,
    /// Longest time in which nothing is acknowledged, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stall_ms: Option<u64>,
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

/// How an instance ended on one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ended {
    /// Microseconds since the run began, monotonic.
    pub at_us: u64,
    /// The script ended before its last step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stopped>,
    /// A driver that this run started ended in this scenario: its exit status and last words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver_ended: Option<String>,
    /// The harness or the lab broke; the verdict is `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
    /// What could not be removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaks: Vec<Leak>,
}

/// Why a script ended before its last step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stopped {
    /// What kind of reason it is.
    pub because: Because,
    /// The reason in words.
    pub why: String,
}

/// Kinds of reasons to end a script early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// A step that everything after depends on failed.
    StepFailed,
    /// The rest has no meaning for this target: the scenario is a skip.
    NotApplicable,
    /// The run was interrupted.
    Interrupted,
    /// A driver that this run started had ended, here or in another scenario.
    DriverEnded,
    /// The run had come to its end before it was this scenario's turn: a skip.
    NotStarted,
}

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.because {
            Because::NotApplicable => write!(f, "not applicable: {}", self.why),
            Because::NotStarted => write!(f, "not started: {}", self.why),
            _ => f.write_str(&self.why),
        }
    }
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
