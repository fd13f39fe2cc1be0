//! What a target's profile owns up to, laid over what was found. A waived breach advises; an
//! expected one does not count. A profile that expects what is not so fails the run: a list of
//! known faults that nobody corrects hides the next one. The day is that of the run's own record,
//! never that of a clock.

use crate::{
    evidence::Evidence,
    history::{Instance, Run},
    known::{ExpectedFailure, Grounds},
    report::{Class, Excused, ExcusedBy, Finding},
    verdict::Verdict,
};

/// Name in place of a check's.
pub const NAME: &str = "profile";

/// Excuses the findings of one instance, and adds what the profile has wrong about it.
pub fn excuse(findings: &mut Vec<Finding>, evidence: &Evidence<'_>) {
    waive(findings, evidence.run);
    let day = day(evidence.run);
    let entries = &evidence.run.known.expected_failures;
    let about = || entries.iter().filter(|one| one.is_about(evidence.instance));
    let applies = findings.iter().all(|finding| finding.verdict != Verdict::Skip)
        || findings.iter().any(|finding| finding.verdict >= Verdict::Fail);
    if evidence.subject.is_empty() || !applies {
        return;
    }
    let passed = findings.iter().all(|finding| finding.verdict <= Verdict::Pass);
    let mut wrong = Vec::new();
    for expected in about() {
        let met = findings.iter().any(|finding| is_breach_of(finding, expected));
        if let Some(last) = expected.because.expired(day) {
            wrong.push(stale(format!(
                "the expected failure of `{}` expired on {last}: mend the driver, or renew the \
                 entry in the profile ({})",
                expected.scenario, expected.because
            )));
        } else if passed && !met {
            wrong.push(stale(passes(expected, evidence.instance)));
        }
    }
    for expected in about().filter(|one| one.because.expired(day).is_none()) {
        let breaches = findings.iter_mut().filter(|finding| is_breach_of(finding, expected));
        breaches.for_each(|one| pardon(one, ExcusedBy::ExpectedFailure, &expected.because));
    }
    findings.extend(wrong);
}

/// Turns breaches of waived clauses into advice, and says of the others that a waiver is over.
pub fn waive(findings: &mut [Finding], run: &Run) {
    for waiver in &run.known.waivers {
        let breaches = findings.iter_mut().filter(|finding| finding.verdict == Verdict::Fail);
        for finding in breaches.filter(|finding| finding.clause == waiver.clause) {
            match waiver.because.expired(day(run)) {
                None => pardon(finding, ExcusedBy::Waiver, &waiver.because),
                Some(last) => {
                    finding.what = format!("{} (the waiver expired on {last})", finding.what);
                }
            }
        }
    }
}

/// Entries that fit nothing of a whole plan.
pub fn unmatched<'a>(
    run: &Run,
    plan: impl Iterator<Item = &'a Instance> + Clone,
) -> impl Iterator<Item = Finding> {
    let whole = run.known.whole_plan;
    let entries = run.known.expected_failures.iter().filter(move |_| whole);
    let fits_none = move |one: &&ExpectedFailure| !plan.clone().any(|case| one.is_about(case));
    entries.filter(fits_none).map(|one| {
        stale(format!(
            "the expected failure of `{}` fits no scenario of the plan: correct or remove it ({})",
            one.scenario, one.because
        ))
    })
}

/// Why an instance counts as failed as expected, if it does.
pub fn expected_failure(findings: &[Finding]) -> Option<String> {
    let excused = findings.iter().filter_map(|finding| finding.excused.as_ref());
    let mut expected = excused.filter(|excused| excused.by == ExcusedBy::ExpectedFailure);
    let failed = findings.iter().any(|finding| finding.verdict > Verdict::Pass);
    expected.next().filter(|_| !failed).map(|excused| excused.because.to_string())
}

fn is_breach_of(finding: &Finding, expected: &ExpectedFailure) -> bool {
    finding.verdict == Verdict::Fail
        && expected.clause.as_ref().is_none_or(|clause| *clause == finding.clause)
}

fn pardon(finding: &mut Finding, by: ExcusedBy, because: &Grounds) {
    (finding.verdict, finding.advisory) = (Verdict::Pass, true);
    finding.excused = Some(Excused { by, because: because.clone() });
}

fn passes(expected: &ExpectedFailure, instance: &Instance) -> String {
    let ExpectedFailure { scenario, clause, because } = expected;
    let of = clause.as_ref().map(|clause| format!(" of {clause}")).unwrap_or_default();
    let way_out = if *scenario == instance.id {
        "remove the entry".to_owned()
    } else {
        format!("remove the entry `{scenario}`, or name only what fails")
    };
    format!("a failure{of} is expected here, and there is none: {way_out} ({because})")
}

fn stale(what: String) -> Finding {
    Finding {
        check: NAME.to_owned(),
        clause: String::new(),
        class: Class::Profile,
        verdict: Verdict::Fail,
        advisory: false,
        excused: None,
        step: None,
        what,
        expected: None,
        observed: None,
        events: Vec::new(),
    }
}

/// Day of the run, `2027-01-31`; empty, and so before any other, if the history does not say.
fn day(run: &Run) -> &str {
    run.started.get(..10).unwrap_or_default()
}

#[cfg(test)]
mod tests;
