//! The report: plain, versioned data that every format renders. It holds what a reader needs to
//! believe a verdict, and nothing that a renderer would have to compute.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    clause::{Basis, Level, Party},
    history::{Leak, ObjectChange, Orchestrated, Run, StepId, Tier},
    known::Grounds,
    verdict::Verdict,
};

mod series;

pub use series::{
    Band, Figure, Impact, Integrity, Loading, Mark, MarkKind, Series, SizeLine, SizeSource,
};

/// Version of this shape. Fields are only ever added within one version.
pub const SCHEMA: &str = "csi-stretch/report/v1";

/// The outcome of one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Facts of the run, as recorded.
    pub run: Run,
    /// Worst verdict of all scenarios.
    pub verdict: Verdict,
    /// Whether growth, which is what all this is about, was tested.
    #[serde(default)]
    pub growth_tested: GrowthTested,
    /// How many scenario instances ended how.
    pub counts: Counts,
    /// From the first record to the last, microseconds.
    pub elapsed_us: u64,
    /// The run was cut short: by a signal, or its history has no end.
    pub interrupted: bool,
    /// Findings of all scenarios, worst first.
    pub findings: Vec<LocatedFinding>,
    /// Every planned instance, in order of the plan.
    pub scenarios: Vec<ScenarioResult>,
    /// Every clause that a check or a scenario of this build claims, or that is excepted, in order
    /// of id.
    pub clauses: Vec<ClauseResult>,
    /// What the clauses add up to.
    #[serde(default)]
    pub coverage: Coverage,
    /// One row for each growth that was asked for.
    pub growths: Vec<Growth>,
    /// One for each volume that had a workload with readings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub series: Vec<Series>,
    /// Declared against observed: in which states volumes could be grown.
    #[serde(default)]
    pub honesty: Honesty,
    /// Differences from the reference in short; `None`: there was no comparison.
    pub comparison: Option<ComparisonSummary>,
    /// Left behind by the run or a scenario.
    pub leaks: Vec<Leak>,
}

/// Whether growth was tested. A green run that grew nothing must not read as a good driver.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GrowthTested {
    /// In a word.
    pub state: GrowthState,
    /// Why not.
    pub why: Option<String>,
}

/// See [`GrowthTested`].
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum GrowthState {
    /// One growth at least was asked for. Also what an older report is taken to say.
    #[default]
    Tested,
    /// The selection has no scenario that grows anything.
    NotSelected,
    /// The target declares no growth.
    NotOffered,
    /// The target declares growth, it was selected, and none was asked for: the run proves nothing.
    NotTested,
}

/// Number of scenario instances per verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Counts {
    pub total: u32,
    pub skip: u32,
    pub pass: u32,
    pub inconclusive: u32,
    pub fail: u32,
    pub error: u32,
    /// Failed as the target's profile says.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub expected: u32,
    /// Findings that do not fail (SHOULD, MAY), in any scenario.
    pub advisories: u32,
    /// Calls to the subject.
    pub calls: u32,
    /// Measurements of the subject.
    pub probes: u32,
}

/// How bad a finding is; the order in which a reader should mend.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Acknowledged data is gone or changed.
    DataLoss,
    /// OK was said, and it is not so.
    Lie,
    /// An operation cannot be finished.
    Stuck,
    /// A wrong code or field.
    Code,
    /// It cost the workload more than the scenario allows.
    Slo,
    /// Nothing is proved.
    Vacuous,
    /// The harness or the lab.
    Lab,
    /// The target's profile says what is not so.
    Profile,
}

/// Something a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Name of the check; `whole`, `history`, `profile` and `slo` are the judge's own.
    pub check: String,
    /// Id of the clause it breaks, or (`vacuous`, `lab`) that stays unproved; empty: of no clause.
    pub clause: String,
    /// How bad.
    pub class: Class,
    /// `fail`, `inconclusive` or `error`; an advisory is `pass`.
    pub verdict: Verdict,
    /// It does not fail the scenario: the clause is a SHOULD or MAY (unless `--strict`), or the
    /// breach is `excused`.
    pub advisory: bool,
    /// The target's profile owns up to it: that is why it does not fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excused: Option<Excused>,
    /// The step that shows it.
    pub step: Option<StepId>,
    /// One sentence with the numbers.
    pub what: String,
    /// What the clause asks for, in short.
    pub expected: Option<String>,
    /// What there was, in short.
    pub observed: Option<String>,
    /// Numbers of the events (of that scenario, subject's side) that prove it.
    pub events: Vec<u32>,
}

/// Why a breach does not fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Excused {
    /// By what.
    pub by: ExcusedBy,
    /// The profile's words.
    #[serde(flatten)]
    pub because: Grounds,
}

/// The two ways to own up to a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExcusedBy {
    /// The clause is waived.
    Waiver,
    /// The scenario is expected to fail.
    ExpectedFailure,
}

/// A finding with its scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LocatedFinding {
    /// Id of the instance; empty: of the run as a whole.
    pub scenario: String,
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding,
    /// What leads to it, in words: the calls on the volumes it is about, the one that proves it
    /// last. Measurements and other volumes are left out.
    #[serde(default)]
    pub sequence: Vec<String>,
    /// Command line that repeats just this scenario.
    pub replay: String,
}

/// One scenario instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioResult {
    /// Position in the plan.
    pub number: u32,
    /// `expansion/online-grow[fs=xfs]`.
    pub id: String,
    /// Folder of the scenario: `expansion`.
    pub group: String,
    /// What a driver has to get right.
    pub about: String,
    /// Clauses it provokes.
    pub clauses: Vec<String>,
    /// Matrix values.
    pub axes: BTreeMap<String, String>,
    /// Worst of its findings; `pass` if it ran and there are none.
    pub verdict: Verdict,
    /// Why it was not run.
    pub skip: Option<String>,
    /// It failed as the target's profile says, and why; the verdict is then `pass`, and it is not
    /// counted as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_failure: Option<String>,
    /// The script ended early, and why.
    pub stopped: Option<String>,
    /// Microseconds since the run began.
    pub start_us: u64,
    /// Microseconds.
    pub elapsed_us: u64,
    /// What was found.
    pub findings: Vec<Finding>,
    /// The orchestrator whose components made the calls; left out: the steps did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orchestrator: Option<Orchestrated>,
    /// What became of its objects, in order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<ObjectChange>,
    /// Every operation on the subject, with the reference's beside it.
    pub steps: Vec<StepResult>,
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepResult {
    /// Where it comes from.
    pub step: StepId,
    /// Numbers of its events.
    pub events: Vec<u32>,
    /// `call`, `probe`, `load`, `fault`, `wait`.
    pub kind: String,
    /// In words: `ControllerExpandVolume vol to 128 MiB`.
    pub action: String,
    /// Codes the scenario accepts; empty: any.
    pub expect: Vec<String>,
    /// `OK`, or the code; `UNFINISHED` if it never came back.
    pub code: String,
    /// In words: `134217728 bytes, node expansion required`.
    pub outcome: String,
    /// Microseconds since the run began.
    pub start_us: u64,
    /// Microseconds.
    pub elapsed_us: u64,
    /// What was asked, as recorded (JSON, redacted).
    pub request: String,
    /// What came back, as recorded (JSON, redacted).
    pub response: String,
    /// Beside the reference; `None`: not compared.
    pub comparison: Option<Comparison>,
}

/// An operation beside the reference's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// The result.
    pub relation: Relation,
    /// The reference's outcome in words.
    pub reference: String,
    /// Aspects that differ: `code OUT_OF_RANGE, reference OK`.
    pub differences: Vec<String>,
    /// The clause that allows the difference.
    pub allowed_by: Option<String>,
}

/// How two outcomes relate.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// No difference in the projection.
    Same,
    /// Different, and a clause allows it.
    Allowed,
    /// Different, and no clause allows it.
    Divergent,
    /// The reference has no such operation (it needed fewer calls), or the other way round.
    Unmatched,
}

/// How often each relation occurs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ComparisonSummary {
    pub same: u32,
    pub allowed: u32,
    pub divergent: u32,
    pub unmatched: u32,
}

/// What is known about a clause after the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClauseResult {
    /// Id.
    pub id: String,
    /// MUST and so on.
    pub level: Level,
    /// Who has to obey.
    #[serde(default)]
    pub party: Party,
    /// How firmly the specification says it.
    pub basis: Basis,
    /// The rule.
    pub paraphrase: String,
    /// Line of spec.md at tag v1.12.0.
    pub spec_line: u32,
    /// Result.
    pub state: ClauseState,
    /// For `untested`, `unsupported` and `excepted`: why.
    pub why: Option<String>,
    /// Judged on every answer that can break it, and not only where a scenario provokes it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub always: bool,
    /// Scenario instances that provoke it and ran.
    pub tested_by: Vec<String>,
    /// Scenario instances in which it was found broken.
    pub broken_in: Vec<String>,
}

/// What is known about a clause.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ClauseState {
    /// A finding names it.
    Broken,
    /// A finding names it that does not fail.
    Advised,
    /// Provoked, and kept.
    Kept,
    /// The target does not offer what it is about.
    Unsupported,
    /// Offered, but nothing that ran provokes it.
    Untested,
    /// Nothing checks it, for the reason that the catalogue gives.
    Excepted,
}

/// Number of clauses by state, kept apart by whose they are: what the specification asks of the
/// driver, what we conclude from it, and what it asks of the orchestrator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// Explicit and descriptive clauses for the plugin.
    pub stated: Tally,
    /// Derived clauses; never coverage of the specification.
    pub derived: Tally,
    /// Clauses that bind the orchestrator, which the harness plays.
    pub orchestrator: Tally,
}

/// Number of clauses by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names are those of the states")]
pub struct Tally {
    pub total: u32,
    pub broken: u32,
    pub advised: u32,
    pub kept: u32,
    pub unsupported: u32,
    pub untested: u32,
    pub excepted: u32,
    /// In the catalogue, but no check, scenario or exception names it yet.
    pub unclaimed: u32,
}

/// Declared against observed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Honesty {
    /// `VolumeExpansion` as declared: `ONLINE`, `OFFLINE`, both, or empty: not declared.
    pub modes: Vec<String>,
    /// The controller declares EXPAND_VOLUME.
    pub controller: bool,
    /// The node declares EXPAND_VOLUME.
    pub node: bool,
    /// One row for each procedure, access type and state.
    pub rows: Vec<HonestyRow>,
}

/// Growth in one state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HonestyRow {
    /// `ControllerExpandVolume` or `NodeExpandVolume`.
    pub call: String,
    /// `mount` or `block`.
    pub access: String,
    /// `created`, `node-ready`, `vol-ready` or `published`, just before the call.
    pub state: String,
    /// What the driver declares for it.
    pub declared: Promise,
    /// Both together.
    pub standing: Standing,
    /// Answered OK, and measured as large as asked.
    pub grown: u32,
    /// Answered OK, and measured smaller than asked.
    pub not_grown: u32,
    /// Answered OK, and not measured.
    pub not_measured: u32,
    /// Refused, by code.
    pub refused: BTreeMap<String, u32>,
    /// Why it was never tried.
    pub why: Option<String>,
    /// The first scenario that shows a contradiction.
    pub scenario: Option<String>,
}

/// What a driver's capabilities say of growth in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Promise {
    /// It works.
    Works,
    /// It is refused.
    Refused,
    /// Left open: by the driver, which declares no mode, or by the specification.
    Open,
    /// The procedure is not declared at all.
    Absent,
}

/// How what was observed relates to what was declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// As declared.
    Agrees,
    /// Not tried.
    Untried,
    /// Answered OK, but nothing was measured.
    Unmeasured,
    /// More works than is declared.
    Modest,
    /// Declared, and refused.
    Refuses,
    /// Answered OK, and not grown.
    Lies,
}

impl Standing {
    /// What was declared and what was observed contradict each other.
    pub fn contradicts(self) -> bool {
        matches!(self, Self::Modest | Self::Refuses | Self::Lies)
    }
}

/// One growth: the six sources of truth about a size, never mixed up (bytes).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Growth {
    /// Id of the instance.
    pub scenario: String,
    /// Handle of the volume.
    pub volume: String,
    /// The step that asked.
    pub step: StepId,
    /// `ext4`, `xfs`, `btrfs`, `block`, or empty.
    pub access: String,
    /// Published on a node at that time.
    pub online: bool,
    /// Size before, as last replied.
    pub before: Option<i64>,
    /// Requested.
    pub required: i64,
    /// Limit; 0 is none.
    pub limit: i64,
    /// Replied by the controller; `None`: no OK.
    pub controller: Option<i64>,
    /// Replied by the node; `None`: not called, or no OK.
    pub node: Option<i64>,
    /// Code of the controller's answer.
    pub controller_code: Option<String>,
    /// Code of the node's answer.
    pub node_code: Option<String>,
    /// Device measured before.
    pub device_before: Option<u64>,
    /// Device measured after.
    pub device_after: Option<u64>,
    /// File system measured before (superblock).
    pub fs_before: Option<u64>,
    /// File system measured after.
    pub fs_after: Option<u64>,
    /// Microseconds of the controller's call.
    pub controller_us: Option<u64>,
    /// Microseconds of the node's call.
    pub node_us: Option<u64>,
    /// Bytes verified after.
    pub verified: Option<u64>,
    /// When its first call was sent, microseconds since the run began.
    #[serde(default)]
    pub from_us: u64,
    /// When its last call was answered, or given up.
    #[serde(default)]
    pub to_us: u64,
    /// What it cost; `None`: no workload was running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact: Option<Impact>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Report {
    /// What the tier leaves unproven, for the head of every rendering.
    pub fn tier(&self) -> Tier {
        self.run.target.tier
    }
}
