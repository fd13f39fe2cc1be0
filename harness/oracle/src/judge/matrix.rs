//! What is known about each clause after the run. A clause counts as kept only where a scenario
//! that provokes it was judged to its end, the call in question was made, and, for a clause about
//! sizes or data, sizes were measured or data was verified.

use std::collections::{BTreeMap, BTreeSet};

use super::scenario::Judged;
use crate::{
    action::{Action, Load, Rpc},
    check::{CHECKS, is_always_on, table},
    clause::Clause,
    dialect::{Rules, adopted},
    evidence::Op,
    history::{Completion, Outcome, Run},
    report::{Class, ClauseResult, ClauseState, ExcusedBy, Finding},
    verdict::Verdict,
};

pub mod coverage;
mod requires;

/// What really ran in an instance.
#[derive(Clone, Debug, Default)]
pub struct Ran {
    calls: BTreeSet<Rpc>,
    /// Procedures that were answered OK.
    replied: BTreeSet<Rpc>,
    measured: bool,
    verified: bool,
}

/// Every clause that a check or an instance claims, that is excepted, or that a finding names (a
/// step has clauses of its own), in order of id.
pub fn matrix(run: &Run, judged: &[Judged], rules: &Rules) -> Vec<ClauseResult> {
    let of_checks = CHECKS.iter().flat_map(|check| check.clauses);
    let of_checks = of_checks.filter_map(|id| rules.name(id));
    let of_scenarios = judged.iter().flat_map(|case| &case.result.clauses).map(String::as_str);
    let excepted = rules.catalogue.iter().filter(|clause| clause.excepted.is_some());
    let excepted = excepted.map(|clause| clause.id.as_str());
    let index = Index::new(judged);
    let named = index.named.keys().copied();
    let claimed: BTreeSet<&str> =
        of_checks.chain(of_scenarios).chain(excepted).chain(named).collect();
    let known = claimed.into_iter().filter_map(|id| rules.catalogue.get(id));
    known.map(|clause| index.result(run, clause)).collect()
}

/// Instances by clause, so that the matrix takes one look at each.
struct Index<'a> {
    judged: &'a [Judged],
    listed: BTreeMap<&'a str, Vec<&'a Judged>>,
    named: BTreeMap<&'a str, Vec<(&'a Judged, &'a Finding)>>,
}

impl<'a> Index<'a> {
    fn new(judged: &'a [Judged]) -> Self {
        let mut index = Self { judged, listed: BTreeMap::new(), named: BTreeMap::new() };
        for case in judged {
            for id in &case.result.clauses {
                index.listed.entry(id).or_default().push(case);
            }
            let blames = |finding: &&Finding| {
                let class = finding.class;
                !matches!(class, Class::Vacuous | Class::Lab | Class::Profile | Class::Slo)
            };
            for finding in case.result.findings.iter().filter(blames) {
                index.named.entry(&finding.clause).or_default().push((case, finding));
            }
        }
        index
    }

    fn result(&self, run: &Run, clause: &Clause) -> ClauseResult {
        let listed = self.listed.get(clause.id.as_str()).map_or(&[][..], Vec::as_slice);
        let named = self.named.get(clause.id.as_str()).map_or(&[][..], Vec::as_slice);
        let fails = |(_, finding): &&(&Judged, &Finding)| is_broken(finding);
        let broken_in = ids(named.iter().filter(fails).map(|(case, _)| *case));
        let provoked = listed.iter().filter(|case| provokes(case, &clause.id));
        let tested_by = ids(provoked.copied());
        let kept = listed.iter().any(|case| provokes(case, &clause.id) && is_whole(case));
        let always = is_always_on(adopted(&clause.id));
        let gap = requires::gap(&clause.requires, &run.target.offers);
        let seen = always && gap.is_none() && self.is_seen(&clause.id);
        let (state, why) = if !broken_in.is_empty() {
            (ClauseState::Broken, None)
        } else if !named.is_empty() {
            (ClauseState::Advised, None)
        } else if kept && gap.is_none() || seen {
            (ClauseState::Kept, None)
        } else if let Some(why) = clause.excepted.clone() {
            (ClauseState::Excepted, Some(why))
        } else if let Some(gap) = gap {
            (ClauseState::Unsupported, Some(gap))
        } else {
            (ClauseState::Untested, Some(untested(listed)))
        };
        ClauseResult {
            id: clause.id.clone(),
            level: clause.level,
            party: clause.party,
            basis: clause.basis,
            paraphrase: clause.paraphrase.clone(),
            spec_line: clause.spec_line,
            state,
            why,
            always,
            tested_by,
            broken_in,
        }
    }
}

impl Index<'_> {
    /// Some reply was judged by it, in an instance that was judged to its end.
    fn is_seen(&self, clause: &str) -> bool {
        let prefix = prefix(clause);
        let own = Rpc::ALL.iter().map(|(rpc, ..)| *rpc).find(|rpc| table::prefix(*rpc) == prefix);
        let seen = |case: &Judged| match own {
            Some(rpc) => case.ran.replied.contains(&rpc),
            None => !case.ran.replied.is_empty(),
        };
        self.judged.iter().any(|case| is_whole(case) && seen(case))
    }
}

/// The call that a clause is about.
fn prefix(clause: &str) -> &str {
    let id = adopted(clause);
    id.split_once('.').map_or(id, |(prefix, _)| prefix)
}

fn ids<'a>(cases: impl Iterator<Item = &'a Judged>) -> Vec<String> {
    let mut ids: Vec<String> = cases.map(|case| case.result.id.clone()).collect();
    ids.dedup();
    ids
}

/// A failure that was expected is one all the same.
fn is_broken(finding: &Finding) -> bool {
    let excused = finding.excused.as_ref().map(|excused| excused.by);
    finding.verdict == Verdict::Fail || excused == Some(ExcusedBy::ExpectedFailure)
}

/// Run to its end, so that what was not found is not there.
fn is_whole(case: &Judged) -> bool {
    matches!(case.result.verdict, Verdict::Pass | Verdict::Fail) && case.result.stopped.is_none()
}

fn untested(listed: &[&Judged]) -> String {
    let Some(case) = listed.first() else {
        return "no scenario that was selected provokes it".to_owned();
    };
    let id = &case.result.id;
    match &case.result.skip {
        Some(why) => format!("{id} was skipped: {why}"),
        None if is_whole(case) => format!("{id} never came to what provokes it"),
        None => format!("{id} proved nothing"),
    }
}

/// Clauses about sizes are kept only where sizes were measured.
const ABOUT_SIZES: [&str; 11] = [
    ".purpose",
    ".never-shrinks",
    ".node-flag-truthful",
    ".survives-remount",
    ".restage-grows",
    ".stays-grown",
    ".larger-than-source-fs",
    ".capacity-bytes-actual",
    ".all-targets",
    "-no-effect",
    ".online-no-downtime",
];

/// Clauses about data are kept only where data was verified.
const ABOUT_DATA: [&str; 2] = [".data-kept", ".block-content-untouched"];

fn provokes(case: &Judged, clause: &str) -> bool {
    let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| clause.ends_with(suffix));
    case.result.skip.is_none()
        && case.ran.called(clause)
        && (case.ran.measured || !ends(&ABOUT_SIZES))
        && (case.ran.verified || !ends(&ABOUT_DATA))
}

impl Ran {
    /// What the operations show.
    pub fn of(ops: &[Op<'_>]) -> Self {
        let mut ran = Self::default();
        for op in ops.iter().filter(|op| !op.is_teardown()) {
            let Some(completion) = op.completion() else { continue };
            match &op.invoke.action {
                Action::Call(call) => {
                    let sent = !completion.code().is_ours();
                    ran.calls.extend(sent.then_some(call.rpc));
                    ran.replied.extend(completion.reply().map(|_| call.rpc));
                }
                Action::Probe(_) => {
                    let seen = completion.observation();
                    ran.measured |=
                        seen.is_some_and(|s| s.device_bytes.is_some() || s.statfs.is_some());
                }
                Action::Load(Load::Verify { .. } | Load::Stop { .. } | Load::Close { .. }) => {
                    ran.verified |= is_verified(completion);
                }
                _ => (),
            }
        }
        ran
    }

    /// Whether a call was made that the clause is about. Capabilities are asked for before any
    /// scenario, and general clauses are about every call: there any call will do.
    fn called(&self, clause: &str) -> bool {
        let prefix = prefix(clause);
        let own = Rpc::ALL.iter().map(|(rpc, ..)| *rpc).find(|rpc| table::prefix(*rpc) == prefix);
        match own.filter(|_| !prefix.ends_with("-capabilities") || prefix.starts_with("validate")) {
            Some(rpc) => self.calls.contains(&rpc),
            None => !self.calls.is_empty(),
        }
    }
}

fn is_verified(completion: &Completion) -> bool {
    match completion {
        Completion::Ok(Outcome::Loaded(report)) => {
            report.bytes_verified > 0 || report.mismatches_total > 0
        }
        _ => false,
    }
}
