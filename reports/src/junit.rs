//! `junit.xml`: one suite per scenario folder, one case per instance.
//!
//! JUnit knows four outcomes and we have five verdicts:
//!
//! | verdict | JUnit | why |
//! |---|---|---|
//! | pass | nothing | green; advisories go to `system-out` |
//! | skip | `<skipped message>` | the message names what is missing |
//! | fail | `<failure type="clause">` | the driver broke that clause |
//! | inconclusive | `<error type="inconclusive">` | not green, and no accusation of the driver |
//! | error | `<error type="lab">` | the harness or the lab broke |
//!
//! So `failures` counts breaches by the driver and nothing else.

use std::{fmt::Write as _, time::Duration};

use csi_stretch_oracle::{
    history::Leak,
    report::{Finding, Report, ScenarioResult},
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
    if let Some(first) = document.test_suites.first_mut()
        && !report.leaks.is_empty()
    {
        first.set_system_err(report.leaks.iter().map(leak_line).collect::<String>());
    }
    Ok(document.to_string()?)
}

fn suite(view: &View<'_>, folder: &Folder<'_>) -> TestSuite {
    let run = &view.report.run;
    let mut suite = TestSuite::new(folder.name);
    suite.extra.insert("timestamp".into(), run.started.as_str().into());
    suite.set_time(Duration::from_micros(
        folder.scenarios.iter().map(|(_, one)| one.elapsed_us).sum(),
    ));
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
    suite.add_test_cases(folder.scenarios.iter().map(|(_, scenario)| case(view, scenario)));
    suite
}

fn case(view: &View<'_>, scenario: &ScenarioResult) -> TestCase {
    let mut case = TestCase::new(scenario.id.as_str(), status(view, scenario));
    case.set_classname(scenario.group.as_str());
    case.set_time(Duration::from_micros(scenario.elapsed_us));
    let advice = scenario.findings.iter().filter(|finding| finding.advisory);
    let advice: String =
        advice.flat_map(|one| ["advice: ".to_owned(), finding_text(view, scenario, one)]).collect();
    if !advice.is_empty() {
        case.set_system_out(advice);
    }
    case
}

fn status(view: &View<'_>, scenario: &ScenarioResult) -> TestCaseStatus {
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
    let clause = worst.map_or("unnamed", |finding| finding.clause.as_str());
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(fixed_type.unwrap_or(clause));
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
    let mut text = format!("{} [{}]: {}\n", finding.clause, finding.check, finding.what);
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
        let _ = writeln!(text, "  replay: {}", located.replay);
    }
    text
}

fn leak_line(leak: &Leak) -> String {
    format!("left behind: {} {}: {}\n", leak.kind, leak.what, leak.why)
}
