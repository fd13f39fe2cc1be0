//! `junit.xml`: one suite per scenario folder, one case per instance.
//!
//! JUnit knows four outcomes and we have five verdicts:
//!
//! | verdict | JUnit | why |
//! |---|---|---|
//! | pass | nothing | green; advisories go to `system-out` |
//! | pass, failed as expected | `<skipped message>` | neither green nor red; says `expected failure` |
//! | skip | `<skipped message>` | the message names what is missing |
//! | fail | `<failure type="clause">` | the driver broke that clause |
//! | inconclusive | `<error type="inconclusive">` | not green, and no accusation of the driver |
//! | error | `<error type="lab">` | the harness or the lab broke |
//!
//! So `failures` counts breaches by the driver, and what its profile has wrong of it; a finding of
//! the run as a whole is a case of the suite `run`, so that no red run has a green file.

use std::{fmt::Write as _, time::Duration};

use csi_stretch_oracle::{
    history::Leak,
    report::{Finding, LocatedFinding, Report, ScenarioResult},
    verdict::Verdict,
};
use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};

use crate::{
    RenderError,
    view::{self, Folder, View},
};

/// Renders a tamed report.
pub fn render(report: &Report) -> Result<String, RenderError> {
    let view = View::new(report);
    let target = &report.run.target;
    let mut document = Document::new(format!("csi-stretch: {}", target.name));
    document.set_time(Duration::from_micros(report.elapsed_us));
    for folder in view.folders() {
        document.add_test_suite(suite(&view, &folder));
    }
    document.add_test_suites(of_run(&view));
    if let Some(first) = document.test_suites.first_mut()
        && !report.leaks.is_empty()
    {
        first.set_system_err(report.leaks.iter().map(leak_line).collect::<String>());
    }
    Ok(document.to_string()?)
}

fn suite(view: &View<'_>, folder: &Folder<'_>) -> TestSuite {
    let mut suite = properties(view, TestSuite::new(folder.name));
    suite.set_time(Duration::from_micros(
        folder.scenarios.iter().map(|(_, one)| one.elapsed_us).sum(),
    ));
    suite.add_test_cases(folder.scenarios.iter().map(|(_, scenario)| case(view, scenario)));
    suite
}

/// What a reader needs to know of the run, in each suite.
fn properties(view: &View<'_>, mut suite: TestSuite) -> TestSuite {
    let run = &view.report.run;
    suite.extra.insert("timestamp".into(), run.started.as_str().into());
    for (name, value) in [
        ("seed", view::seed(run.seed)),
        ("tier", view::tier_name(run.target.tier).to_owned()),
        ("target.name", run.target.name.clone()),
        ("target.version", run.target.vendor_version.clone()),
        ("tool.version", run.tool_version.clone()),
        ("kernel", run.host.kernel.clone()),
        ("interrupted", view.report.interrupted.to_string()),
        ("leaks", view.report.leaks.len().to_string()),
    ] {
        suite.add_property((name, value.as_str()));
    }
    suite
}

/// Findings that belong to no scenario; nothing if there are none that fail.
fn of_run(view: &View<'_>) -> Option<TestSuite> {
    let fails = |one: &&LocatedFinding| one.scenario.is_empty() && !one.finding.advisory;
    let found: Vec<&LocatedFinding> = view.report.findings.iter().filter(fails).collect();
    if found.is_empty() {
        return None;
    }
    let mut suite = properties(view, TestSuite::new("run"));
    suite.set_time(Duration::ZERO);
    suite.add_test_cases(found.iter().enumerate().map(|(at, located)| {
        let finding = &located.finding;
        let kind = match finding.verdict {
            Verdict::Fail => NonSuccessKind::Failure,
            _ => NonSuccessKind::Error,
        };
        let mut status = TestCaseStatus::non_success(kind);
        status.set_type(view::broken(finding));
        status.set_message(finding.what.as_str());
        status.set_description(format!("{}: {}\n", finding.check, finding.what));
        let mut case = TestCase::new(format!("run/{}-{}", finding.check, at + 1), status);
        case.set_classname("run");
        case.set_time(Duration::ZERO);
        case
    }));
    Some(suite)
}

fn case(view: &View<'_>, scenario: &ScenarioResult) -> TestCase {
    let mut case = TestCase::new(scenario.id.as_str(), status(view, scenario));
    case.set_classname(scenario.group.as_str());
    case.set_time(Duration::from_micros(scenario.elapsed_us));
    let advice = scenario.findings.iter().filter(|finding| finding.advisory);
    let advice: String =
        advice.flat_map(|one| [remark(one), finding_text(view, scenario, one)]).collect();
    if !advice.is_empty() {
        case.set_system_out(advice);
    }
    case
}

/// What goes before a finding that does not fail.
fn remark(finding: &Finding) -> String {
    finding.excused.as_ref().map_or_else(
        || "advice: ".to_owned(),
        |excused| format!("{} ({}): ", view::excused_name(excused.by), excused.because),
    )
}

fn status(view: &View<'_>, scenario: &ScenarioResult) -> TestCaseStatus {
    if let Some(because) = &scenario.expected_failure {
        let mut status = TestCaseStatus::skipped();
        status.set_message(format!("expected failure: {because}"));
        return status;
    }
    let (kind, fixed_type) = match scenario.verdict {
        Verdict::Pass => return TestCaseStatus::success(),
        Verdict::Skip => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(scenario.skip.as_deref().unwrap_or("not run"));
            return status;
        }
        Verdict::Fail => (NonSuccessKind::Failure, None),
        Verdict::Inconclusive => (NonSuccessKind::Error, Some("inconclusive")),
        Verdict::Error => (NonSuccessKind::Error, Some("lab")),
    };
    let worst = scenario.findings.iter().find(|finding| finding.verdict == scenario.verdict);
    let message = worst.map(|finding| finding.what.as_str()).or(scenario.stopped.as_deref());
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(fixed_type.unwrap_or_else(|| worst.map_or("unnamed", view::broken)));
    status.set_message(message.unwrap_or("no finding says why"));
    let findings = scenario.findings.iter().filter(|finding| !finding.advisory);
    let text: String = findings.map(|finding| finding_text(view, scenario, finding)).collect();
    status.set_description(text + &stopped(scenario));
    status
}

fn stopped(scenario: &ScenarioResult) -> String {
    scenario.stopped.as_ref().map_or_else(String::new, |why| format!("stopped early: {why}\n"))
}

fn finding_text(view: &View<'_>, scenario: &ScenarioResult, finding: &Finding) -> String {
    let mut text = format!("{} [{}]: {}\n", view::broken(finding), finding.check, finding.what);
    // Writing to a string cannot fail.
    if let Some(clause) = view.clause(&finding.clause) {
        let (level, line) = (clause.level.name(), clause.spec_line);
        let _ = writeln!(text, "  rule: {level}, spec.md:{line}: {}", clause.paraphrase);
    }
    for (label, value) in [("expected", &finding.expected), ("observed", &finding.observed)] {
        if let Some(value) = value {
            let _ = writeln!(text, "  {label}: {value}");
        }
    }
    if let Some(step) = &finding.step {
        let _ = writeln!(text, "  step: {}", view::step_name(step));
    }
    let located = view.report.findings.iter();
    let mut same = located.filter(|one| one.scenario == scenario.id && one.finding == *finding);
    if let Some(located) = same.next() {
        for (at, step) in view::sequence(located).iter().enumerate() {
            let _ = writeln!(
                text,
                "  {}{}. {step}",
                if at == 0 { "sequence:\n  " } else { "" },
                at + 1
            );
        }
        let _ = writeln!(text, "  replay: {}", located.replay);
    }
    text
}

fn leak_line(leak: &Leak) -> String {
    format!("left behind: {} {}: {}\n", leak.kind, leak.what, leak.why)
}
