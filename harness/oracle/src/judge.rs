//! From records to a report. The only way a report is ever made: live, from a file, or in a test.
//!
//! The same records give the same report, byte for byte. Records of different scenarios may
//! interleave, and a history may end anywhere: what is missing is said, never guessed.

use crate::{
    clause::Catalogue,
    dialect::Rules,
    history::{Record, Run},
    report::{Class, Counts, Finding, LocatedFinding, Report, SCHEMA},
    verdict::Verdict,
};

mod collect;
mod growths;
mod honesty;
mod impact;
mod known;
mod levels;
mod matrix;
mod placeholder;
mod replay;
mod scenario;
mod sequence;
mod series;
mod steps;
mod tested;

use collect::History;
use scenario::Judged;

/// Judges a history, whole or cut.
pub fn judge(records: impl IntoIterator<Item = Record>, catalogue: &Catalogue) -> Report {
    let history = History::collect(records);
    let rules = Rules::of(&history.run.target.dialect, catalogue);
    let judge = |case| scenario::judge(&history.run, case, catalogue, &rules);
    let judged: Vec<Judged> = history.cases.iter().map(judge).collect();
    let growth_tested = tested::growth(&history, &judged);
    let mut of_run = of_run(&history, catalogue, &rules);
    let clauses = matrix::matrix(&history.run, &judged, &rules);
    let comparison = history.run.reference.is_some().then(|| scenario::summary(&judged));
    let worst = judged.iter().map(|case| case.result.verdict);
    let mut verdict = worst.chain(of_run.iter().map(|finding| finding.verdict)).max();
    // What is not green already says enough.
    if verdict == Some(Verdict::Pass)
        && let Some(finding) = tested::finding(&growth_tested)
    {
        verdict = Some(finding.verdict);
        of_run.push(finding);
    }
    let leaks = history.leaks();
    Report {
        schema: SCHEMA.to_owned(),
        verdict: verdict.unwrap_or(Verdict::Skip),
        growth_tested,
        counts: counts(&judged),
        elapsed_us: history.last_us,
        interrupted: history.end.as_ref().is_none_or(|end| end.interrupted),
        findings: findings(&history.run, &judged, of_run),
        coverage: matrix::coverage::coverage(&clauses, &rules.catalogue),
        clauses,
        comparison,
        leaks,
        honesty: honesty::honesty(&history.run, &judged),
        growths: judged.iter().flat_map(|case| case.growths.clone()).collect(),
        series: judged.iter().flat_map(|case| case.series.clone()).collect(),
        scenarios: judged.into_iter().map(|case| case.result).collect(),
        run: history.run,
    }
}

/// What cannot be laid at one scenario's door: a history that contradicts itself, what the run as
/// a whole left behind, and what the profile says of no scenario.
fn of_run(history: &History, catalogue: &Catalogue, rules: &Rules) -> Vec<Finding> {
    let leaks = history.end.iter().flat_map(|end| &end.leaks);
    let leaked = leaks.map(crate::check::leaked);
    let strict = history.run.strict;
    let leaked = leaked.map(|finding| levels::apply(finding, catalogue, strict));
    let mut leaked: Vec<Finding> = leaked.collect();
    rules.apply(&mut leaked);
    known::waive(&mut leaked, &history.run);
    leaked.extend(history.faults.iter().map(|what| lab("history", what)));
    let plan = history.cases.iter().map(|case| &case.instance);
    leaked.extend(known::unmatched(&history.run, plan));
    leaked
}

fn lab(check: &str, what: &str) -> Finding {
    Finding {
        check: check.to_owned(),
        clause: String::new(),
        class: Class::Lab,
        verdict: Verdict::Error,
        advisory: false,
        excused: None,
        step: None,
        what: what.to_owned(),
        expected: None,
        observed: None,
        events: Vec::new(),
    }
}

/// All findings, worst first; those of equal weight stay in order of the plan and of `CHECKS`.
fn findings(run: &Run, judged: &[Judged], of_run: Vec<Finding>) -> Vec<LocatedFinding> {
    let located = |scenario: &str, finding: Finding, sequence: Vec<String>| LocatedFinding {
        scenario: scenario.to_owned(),
        finding,
        sequence,
        replay: replay::command(run, scenario),
    };
    let of_run = of_run.into_iter();
    let mut all: Vec<LocatedFinding> =
        of_run.map(|finding| located("", finding, Vec::new())).collect();
    for case in judged {
        let found = case.result.findings.iter().zip(&case.sequences);
        let id = &case.result.id;
        all.extend(found.map(|(finding, calls)| located(id, finding.clone(), calls.clone())));
    }
    all.sort_by_key(|located| levels::weight(&located.finding));
    all
}

fn counts(judged: &[Judged]) -> Counts {
    let mut counts = Counts::default();
    for case in judged {
        counts.total += 1;
        let of_verdict = match case.result.verdict {
            Verdict::Skip => &mut counts.skip,
            Verdict::Pass if case.result.expected_failure.is_some() => &mut counts.expected,
            Verdict::Pass => &mut counts.pass,
            Verdict::Inconclusive => &mut counts.inconclusive,
            Verdict::Fail => &mut counts.fail,
            Verdict::Error => &mut counts.error,
        };
        *of_verdict += 1;
        counts.advisories +=
            case.result.findings.iter().filter(|finding| finding.advisory).count() as u32;
        counts.calls += case.calls;
        counts.probes += case.probes;
    }
    counts
}

#[cfg(test)]
mod tests;
