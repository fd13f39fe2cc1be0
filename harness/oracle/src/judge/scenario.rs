//! One scenario instance: its operations, what the checks say, and its verdict.

use std::collections::BTreeSet;

use super::{collect::Case, growths, honesty, impact, known, lab, levels, sequence, series, steps};
use crate::{
    action::Action,
    check::{CHECKS, Check},
    clause::Catalogue,
    compare::{self, Beside},
    dialect::Rules,
    evidence::{Evidence, Op},
    history::{Because, Code, Ended, Run},
    report::{Class, ComparisonSummary, Finding, Growth, Relation, ScenarioResult, Series},
    verdict::Verdict,
};

/// A judged instance, with what only the summary of the run needs.
#[derive(Debug)]
pub struct Judged {
    /// For the report.
    pub result: ScenarioResult,
    /// For the report.
    pub growths: Vec<Growth>,
    /// For the report.
    pub series: Vec<Series>,
    /// Growths in the states they were tried in.
    pub tries: Vec<honesty::Try>,
    /// Calls to the subject that were sent.
    pub calls: u32,
    /// Measurements of the subject.
    pub probes: u32,
    /// What really ran.
    pub ran: super::matrix::Ran,
    /// For each finding of `result` what leads to it.
    pub sequences: Vec<Vec<String>>,
    /// Operations that only the reference has.
    pub only_reference: u32,
}

/// Findings of the judge itself go under this check's name.
const WHOLE: Check = Check {
    name: "whole",
    about: "the scenario was run to its end",
    clauses: &[],
    run: |_| Vec::new(),
};

/// Judges one instance.
pub fn judge(run: &Run, case: &Case, catalogue: &Catalogue, rules: &Rules) -> Judged {
    let subject = Op::pair(&case.subject.events);
    let reference = Op::pair(&case.reference.events);
    let compared = run.reference.is_some()
        && (!case.reference.events.is_empty() || case.reference.ended.is_some());
    let evidence = Evidence {
        run,
        instance: &case.instance,
        subject: &subject,
        reference: compared.then_some(reference.as_slice()),
        ended: case.subject.ended.as_ref(),
        catalogue,
    };
    let mut growths = growths::growths(&evidence);
    let series = series::series(&evidence, &case.subject.readings, &growths);
    impact::measure(&evidence, &mut growths, &case.subject.readings, &series);
    let findings = findings(&evidence, case, &growths, rules);
    let beside = compare::beside(&evidence);
    let result = result(&evidence, case, findings, &beside, rules);
    Judged {
        sequences: sequence::sequences(&subject, &result.findings),
        growths,
        series,
        tries: honesty::tries(&evidence),
        calls: count(&subject, |op| op.call().is_some() && op.code() != Some(Code::Unbound)),
        probes: count(&subject, |op| matches!(op.invoke.action, Action::Probe(_))),
        ran: super::matrix::Ran::of(&subject),
        only_reference: beside.only_reference,
        result,
    }
}

/// Adds up what the comparison of each instance says.
pub fn summary(judged: &[Judged]) -> ComparisonSummary {
    let mut summary = ComparisonSummary { same: 0, allowed: 0, divergent: 0, unmatched: 0 };
    for case in judged {
        summary.unmatched += case.only_reference;
        for comparison in case.result.steps.iter().filter_map(|step| step.comparison.as_ref()) {
            match comparison.relation {
                Relation::Same => summary.same += 1,
                Relation::Allowed => summary.allowed += 1,
                Relation::Divergent => summary.divergent += 1,
                Relation::Unmatched => summary.unmatched += 1,
            }
        }
    }
    summary
}

fn result(
    evidence: &Evidence<'_>,
    case: &Case,
    findings: Vec<Finding>,
    beside: &Beside,
    rules: &Rules,
) -> ScenarioResult {
    let instance = evidence.instance;
    let times = || case.subject.events.iter().map(|event| event.at_us);
    let start_us = times().min().unwrap_or(0);
    let end_us = times().chain(evidence.ended.map(|ended| ended.at_us)).max().unwrap_or(0);
    let base = if instance.skip.is_some() { Verdict::Skip } else { Verdict::Pass };
    let group = instance.scenario.rsplit_once('/').map_or("", |(group, _)| group);
    let not_applicable = findings.iter().find(|finding| finding.verdict == Verdict::Skip);
    let not_applicable = not_applicable.map(|finding| finding.what.clone());
    let (base, findings) = match &not_applicable {
        Some(_) if findings.iter().all(|finding| finding.verdict <= Verdict::Inconclusive) => {
            (Verdict::Skip, Vec::new())
        }
        _ => {
            let told = findings.into_iter().filter(|finding| finding.verdict > Verdict::Skip);
            (base, told.collect())
        }
    };
    let clauses = instance.clauses.iter().filter_map(|id| rules.name(id));
    let skipped = not_applicable.filter(|_| base == Verdict::Skip);
    ScenarioResult {
        number: instance.number,
        id: instance.id.clone(),
        group: group.to_owned(),
        about: instance.about.clone(),
        clauses: clauses.map(str::to_owned).collect(),
        axes: instance.axes.clone(),
        verdict: findings.iter().map(|finding| finding.verdict).fold(base, Verdict::max),
        skip: instance.skip.clone().or(skipped),
        expected_failure: known::expected_failure(&findings),
        stopped: evidence.ended.and_then(|ended| ended.stopped.as_ref()).map(ToString::to_string),
        start_us,
        elapsed_us: end_us.saturating_sub(start_us),
        findings,
        orchestrator: instance.orchestrator.clone(),
        objects: case.subject.objects.clone(),
        steps: steps::steps(evidence.subject, &beside.subject),
    }
}

fn findings(
    evidence: &Evidence<'_>,
    case: &Case,
    growths: &[Growth],
    rules: &Rules,
) -> Vec<Finding> {
    let mut findings = unknown_clauses(evidence);
    if let Some(why) = never_begun(evidence) {
        findings.push(WHOLE.not_applicable(evidence, None, why));
    } else if evidence.instance.skip.is_none() {
        let strict = evidence.run.strict;
        let found = CHECKS.iter().flat_map(|check| (check.run)(evidence));
        findings.extend(found.map(|finding| levels::apply(finding, evidence.catalogue, strict)));
        rules.apply(&mut findings);
        findings.extend(impact::findings(evidence, growths));
        if findings.iter().all(|finding| finding.verdict < Verdict::Inconclusive) {
            findings.extend(unfinished(evidence));
        }
        // Where a failure is proved, it does not matter what else is not.
        if findings.iter().any(|finding| finding.verdict >= Verdict::Fail) {
            findings.retain(|finding| finding.class != Class::Vacuous);
        }
        known::excuse(&mut findings, evidence);
    }
    let broken = case.reference.ended.as_ref().and_then(|ended| ended.broken.as_ref());
    findings.extend(broken.map(|why| {
        let what = format!("there is no comparison, because the reference side broke: {why}");
        Finding { verdict: Verdict::Pass, advisory: true, ..lab(WHOLE.name, &what) }
    }));
    findings.sort_by_key(levels::weight);
    findings
}

/// Not even begun: the run had come to its end in another scenario.
fn never_begun(evidence: &Evidence<'_>) -> Option<String> {
    let stopped = evidence.ended?.stopped.as_ref()?;
    let elsewhere = matches!(stopped.because, Because::DriverEnded | Because::NotStarted);
    (evidence.subject.is_empty() && elsewhere).then(|| stopped.to_string())
}

/// Why nothing is proved although nothing was found: not run to the end.
fn unfinished(evidence: &Evidence<'_>) -> Option<Finding> {
    let open = || evidence.subject.iter().find(|op| op.completed.is_none());
    let is_unsent = |op: &&Op<'_>| op.code() == Some(Code::Unbound) && !op.is_teardown();
    let unsent = || evidence.subject.iter().find(is_unsent);
    let (op, what) = match evidence.ended {
        None if evidence.subject.is_empty() => (None, "the history ends before it".to_owned()),
        None => (evidence.subject.last(), "the history ends here".to_owned()),
        Some(Ended { stopped: Some(stopped), .. }) if stopped.because == Because::NotApplicable => {
            let what = stopped.to_string();
            return Some(WHOLE.not_applicable(evidence, evidence.subject.last(), what));
        }
        Some(ended) => match (&ended.stopped, open(), unsent()) {
            (Some(why), ..) => (evidence.subject.last(), format!("stopped early: {why}")),
            (_, Some(op), _) => (Some(op), "this operation never came back".to_owned()),
            (.., Some(op)) => (Some(op), "not sent, because there was no id to send".to_owned()),
            _ => return None,
        },
    };
    Some(WHOLE.no_blame(Class::Vacuous, evidence, op, what))
}

/// Ids that a scenario names and the catalogue does not have.
fn unknown_clauses(evidence: &Evidence<'_>) -> Vec<Finding> {
    let of_steps =
        evidence.subject.iter().filter_map(|op| op.invoke.expect.as_ref()?.clause.as_ref());
    let named: BTreeSet<&String> = evidence.instance.clauses.iter().chain(of_steps).collect();
    let unknown = named.into_iter().filter(|id| evidence.catalogue.get(id).is_none());
    unknown
        .map(|id| lab(WHOLE.name, &format!("the scenario names an unknown clause, `{id}`")))
        .collect()
}

fn count(ops: &[Op<'_>], wanted: impl Fn(&Op<'_>) -> bool) -> u32 {
    ops.iter().filter(|op| wanted(op)).count() as u32
}
