//! What changed between two reports: two releases of a driver, or two vendors. Pure; it compares
//! what the reports say and judges nothing again.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    report::{ClauseState, Report},
    verdict::Verdict,
};

mod behaviour;
mod latency;

pub use latency::{Latency, LatencyChange, Pace};

/// Version of this shape.
pub const SCHEMA: &str = "csi-stretch/diff/v1";

/// The differences between two reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Whose reports: old, new.
    pub sides: [Side; 2],
    /// Why the two cannot be compared like for like.
    pub caveats: Vec<String>,
    /// Scenario instances that end otherwise, or that only one report has.
    pub scenarios: Vec<ScenarioChange>,
    /// Clauses whose state is another.
    pub clauses: Vec<ClauseChange>,
    /// Answers and measurements that differ in scenarios that both reports have.
    pub behaviour: Vec<BehaviourChange>,
    /// Calls that were answered with OK in both, in order of name.
    pub latency: Vec<LatencyChange>,
}

/// Whose report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Side {
    /// The driver's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The run.
    pub run: String,
    /// Verdict of the run.
    pub verdict: Verdict,
}

/// Which way a change goes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// What was good is not any more.
    Regressed,
    /// What was not good is good now.
    Mended,
    /// Neither.
    Changed,
}

/// A scenario instance that ends otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioChange {
    /// Id of the instance.
    pub scenario: String,
    /// Which way.
    pub way: Way,
    /// Its verdict; `None`: not in the old report.
    pub old: Option<Verdict>,
    /// Its verdict; `None`: not in the new report.
    pub new: Option<Verdict>,
}

/// A clause whose state is another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClauseChange {
    /// Id.
    pub clause: String,
    /// Which way.
    pub way: Way,
    /// State in the old report; `None`: not in it.
    pub old: Option<ClauseState>,
    /// State in the new report; `None`: not in it.
    pub new: Option<ClauseState>,
}

/// The same action with another outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BehaviourChange {
    /// What was done: `NodeExpandVolume`, `measure`.
    pub action: String,
    /// What came of it before: `OK, node expansion required`.
    pub old: String,
    /// What comes of it now.
    pub new: String,
    /// Where: scenario instances, in order of the new report's plan.
    pub scenarios: Vec<String>,
}

impl Difference {
    /// Compares two reports.
    pub fn between(old: &Report, new: &Report) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            sides: [Side::of(old), Side::of(new)],
            caveats: caveats(old, new),
            scenarios: scenarios(old, new),
            clauses: clauses(old, new),
            behaviour: behaviour::changes(old, new),
            latency: latency::changes(old, new),
        }
    }

    /// Something that was good is not any more.
    pub fn has_regressed(&self) -> bool {
        let scenarios = self.scenarios.iter().map(|change| change.way);
        scenarios.chain(self.clauses.iter().map(|c| c.way)).any(|way| way == Way::Regressed)
    }

    /// Nothing but the time it takes may have changed.
    pub fn is_empty(&self) -> bool {
        self.scenarios.is_empty() && self.clauses.is_empty() && self.behaviour.is_empty()
    }
}

impl Side {
    fn of(report: &Report) -> Self {
        let target = &report.run.target;
        Self {
            name: target.name.clone(),
            version: target.vendor_version.clone(),
            run: report.run.id.clone(),
            verdict: report.verdict,
        }
    }
}

fn caveats(old: &Report, new: &Report) -> Vec<String> {
    let facts = |report: &Report| {
        let run = &report.run;
        [
            ("tier", format!("{:?}", run.target.tier).to_lowercase()),
            ("version of csi-stretch", run.tool_version.clone()),
            ("kernel", run.host.kernel.clone()),
            ("strict", run.strict.to_string()),
            ("interrupted", report.interrupted.to_string()),
        ]
    };
    let both = facts(old).into_iter().zip(facts(new)).filter(|(old, new)| old != new);
    let facts = both.map(|((what, old), (_, new))| format!("{what}: {old} before, {new} now"));
    facts.chain(selection(old, new)).collect()
}

/// How many scenarios only one report has.
fn selection(old: &Report, new: &Report) -> Option<String> {
    let ids = |report: &Report| -> BTreeSet<String> {
        report.scenarios.iter().map(|one| one.id.clone()).collect()
    };
    let (old, new) = (ids(old), ids(new));
    let (before, now) = (old.difference(&new).count(), new.difference(&old).count());
    let what = "clauses that one of them did not test are left out";
    (before + now > 0).then(|| format!("scenarios: {before} only before, {now} only now; {what}"))
}

fn scenarios(old: &Report, new: &Report) -> Vec<ScenarioChange> {
    let verdicts = |report: &Report| -> BTreeMap<String, Verdict> {
        report.scenarios.iter().map(|one| (one.id.clone(), one.verdict)).collect()
    };
    let change = |(scenario, old, new): (String, Option<Verdict>, Option<Verdict>)| {
        let way = way(old, new, |v| v == Verdict::Pass, |v| v > Verdict::Pass);
        ScenarioChange { scenario, way, old, new }
    };
    let mut changes: Vec<ScenarioChange> =
        differing(verdicts(old), verdicts(new)).map(change).collect();
    changes.sort_by_key(|change| change.way);
    changes
}

fn clauses(old: &Report, new: &Report) -> Vec<ClauseChange> {
    let states = |report: &Report| -> BTreeMap<String, ClauseState> {
        report.clauses.iter().map(|one| (one.id.clone(), one.state)).collect()
    };
    let change = |(clause, old, new): (String, Option<ClauseState>, Option<ClauseState>)| {
        let good = |state| matches!(state, ClauseState::Kept | ClauseState::Advised);
        let way = way(old, new, good, |state| state == ClauseState::Broken);
        ClauseChange { clause, way, old, new }
    };
    let mut changes: Vec<ClauseChange> = differing(states(old), states(new)).map(change).collect();
    if selection(old, new).is_some() {
        changes.retain(|change| change.way != Way::Changed);
    }
    changes.sort_by_key(|change| change.way);
    changes
}

/// What only one side has is neither better nor worse.
fn way<T: Copy>(
    old: Option<T>,
    new: Option<T>,
    good: impl Fn(T) -> bool,
    bad: impl Fn(T) -> bool,
) -> Way {
    match (old, new) {
        (Some(old), Some(new)) if good(old) && bad(new) => Way::Regressed,
        (Some(old), Some(new)) if bad(old) && good(new) => Way::Mended,
        _ => Way::Changed,
    }
}

/// Keys with their values where these differ.
fn differing<T: Copy + PartialEq>(
    old: BTreeMap<String, T>,
    new: BTreeMap<String, T>,
) -> impl Iterator<Item = (String, Option<T>, Option<T>)> {
    let keys: BTreeSet<String> = old.keys().chain(new.keys()).cloned().collect();
    keys.into_iter().filter_map(move |key| {
        let (old, new) = (old.get(&key).copied(), new.get(&key).copied());
        (old != new).then_some((key, old, new))
    })
}

#[cfg(test)]
mod tests;
