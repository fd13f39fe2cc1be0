//! Waivers and expected failures, from a profile to the exit code.

use std::process::Output;

use crate::rig::{Rig, Served, expect_exit, stderr, stdout};

/// The driver is right, and this scenario says that it is not.
const WRONG: &str = "about: A growth is refused.\nclauses: [controller-expand.purpose]\n\
    volume: { fs: xfs }\nsteps:\n  - { call: controller_expand, to: x2, expect: out_of_range }\n";
const RIGHT: &str = "about: A growth succeeds.\nclauses: [controller-expand.purpose]\n\
    volume: { fs: xfs }\nsteps:\n  - { call: controller_expand, to: x2 }\n";

/// A driver, two scenarios of its own, and a profile.
pub struct Own {
    pub rig: Rig,
    mock: Served,
}

impl Own {
    pub fn new() -> Self {
        let rig = Rig::new();
        let folder = rig.path("scenarios/own");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("wrong.yaml"), WRONG).unwrap();
        std::fs::write(folder.join("right.yaml"), RIGHT).unwrap();
        let mock = rig.mock(&[]);
        Self { rig, mock }
    }

    /// Runs both scenarios with a profile that ends in these lines.
    pub fn run(&self, lines: &str, args: &[&str]) -> std::process::Command {
        let profile = self.rig.path("profile.yaml");
        let text = format!("endpoint: {}\nreference: off\n{lines}", self.mock.endpoint());
        std::fs::write(profile, text).unwrap();
        let mut command = self.rig.run(&["--target", "profile.yaml", "--scenarios", "scenarios"]);
        command.args(args);
        command
    }

    fn report(&self) -> serde_json::Value {
        serde_json::from_str(&self.rig.read_latest("report.json")).unwrap()
    }

    /// The history alone says the same, byte for byte.
    fn check_again(&self, exit: i32) -> Output {
        let history = ["check", "out/latest/history.ndjson", "--out", "again"];
        let output = expect_exit(&mut self.rig.command(&history), exit);
        let again = std::fs::read_to_string(self.rig.path("again/report.json")).unwrap();
        assert_eq!(again, self.rig.read_latest("report.json"));
        output
    }
}

#[test]
fn an_expected_failure_is_exit_0_and_shown() {
    let own = Own::new();
    expect_exit(&mut own.run("", &[]), 1);
    let entry =
        "expected_failures:\n  - { scenario: own/wrong, reason: refuses growth, issue: '#7' }\n";
    let output = expect_exit(&mut own.run(entry, &[]), 0);
    let text = stdout(&output);
    assert!(text.contains("XFAIL"), "{text}");
    assert!(text.contains("own/wrong: expected failure: refuses growth (#7)"), "{text}");
    assert!(text.contains("1 pass, 1 failed as expected"), "{text}");
    let report = own.report();
    assert_eq!(report["counts"]["expected"], 1);
    assert_eq!(report["counts"]["fail"], 0);
    let junit = own.rig.read_latest("junit.xml");
    assert!(
        junit.contains("<skipped message=\"expected failure: refuses growth (#7)\"/>"),
        "{junit}"
    );
    assert!(own.rig.read_latest("summary.md").contains("expected failure"));
    assert!(own.rig.read_latest("report.html").contains("Expected failure:"));
    assert!(stdout(&own.check_again(0)).contains("1 failed as expected"));
}

#[rstest::rstest]
#[case::passes("  - { scenario: own/*, reason: refuses growth }\n", "there is none", "own/right")]
#[case::expired(
    "  - { scenario: own/wrong, reason: refuses growth, expires: 2020-02-29 }\n",
    "expired on 2020-02-29",
    "own/wrong"
)]
#[case::another_clause(
    "  - { scenario: own/wrong, clause: node-expand.purpose, reason: x }\n",
    "controller-expand.purpose",
    "own/wrong"
)]
fn an_expectation_that_does_not_hold_is_exit_1(
    #[case] entry: &str,
    #[case] words: &str,
    #[case] scenario: &str,
) {
    let own = Own::new();
    let output = expect_exit(&mut own.run(&format!("expected_failures:\n{entry}"), &[]), 1);
    assert!(stdout(&output).contains(words), "{}", stdout(&output));
    let junit = own.rig.read_latest("junit.xml");
    let case =
        junit.split("<testcase ").find(|case| case.contains(&format!("name=\"{scenario}\"")));
    assert!(case.is_some_and(|case| case.contains("<failure ")), "{junit}");
    own.check_again(1);
}

#[test]
fn a_waived_breach_is_exit_0_and_shown() {
    let own = Own::new();
    let waiver = "waivers:\n  - { clause: controller-expand.purpose, reason: by design }\n";
    let output = expect_exit(&mut own.run(waiver, &[]), 0);
    assert!(stdout(&output).contains("WAIVED controller-expand.purpose:"), "{}", stdout(&output));
    assert!(stdout(&output).contains("by design"));
    assert!(own.rig.read_latest("junit.xml").contains("waived (by design): "));
    own.check_again(0);
}

/// Only a run of everything can say so; a part of it must not.
#[test]
fn an_expectation_that_fits_nothing_fails_a_whole_run() {
    let rig = Rig::new();
    let mock = rig.mock(&[]);
    let entry = "expected_failures:\n  - { scenario: gone/*, reason: was slow }\n";
    let text = format!("endpoint: {}\nreference: off\n{entry}", mock.endpoint());
    std::fs::write(rig.path("profile.yaml"), text).unwrap();
    let part = ["--target", "profile.yaml", "--focus", "lifecycle/stage"];
    expect_exit(&mut rig.run(&part), 0);
    let output = expect_exit(&mut rig.run(&["--target", "profile.yaml"]), 1);
    assert!(stdout(&output).contains("`gone/*` fits no scenario"), "{}", stdout(&output));
    let junit = rig.read_latest("junit.xml");
    assert!(junit.contains("<testsuite name=\"run\" tests=\"1\""), "{junit}");
    assert!(junit.contains("failures=\"1\""));
}

#[rstest::rstest]
#[case(
    "waivers:\n  - { clause: controller-expand.purpos, reason: x }\n",
    "did you mean `controller-expand.purpose`?"
)]
#[case(
    "expected_failures:\n  - { scenario: expansion/online-growth, reason: x }\n",
    "did you mean `expansion/online-grow`?"
)]
#[case(
    "expected_failures:\n  - { scenario: own/*, reason: x, expires: soon }\n",
    "write year-month-day"
)]
#[case("expected_failures:\n  - { scenario: own/*, raeson: x }\n", "raeson")]
fn a_mistake_in_the_profile_is_exit_2_with_its_place(#[case] lines: &str, #[case] words: &str) {
    let own = Own::new();
    let output = expect_exit(&mut own.run(lines, &[]), 2);
    let text = stderr(&output);
    assert!(text.contains(words), "{text}");
    assert!(text.contains("profile.yaml") && text.contains('4'), "{text}");
}

#[test]
fn after_a_failure_fail_fast_begins_nothing() {
    let own = Own::new();
    // Alphabetical: `right` would run after it.
    std::fs::rename(own.rig.path("scenarios/own/wrong.yaml"), own.rig.path("scenarios/own/a.yaml"))
        .unwrap();
    let output = expect_exit(&mut own.run("", &["--fail-fast", "--jobs", "1", "--quiet"]), 1);
    let report = own.report();
    assert_eq!((&report["counts"]["fail"], &report["counts"]["skip"]), (&1.into(), &1.into()));
    let skip = report["scenarios"][1]["skip"].as_str().unwrap();
    assert!(skip.starts_with("not started: "), "{skip}");
    assert!(stdout(&output).contains("not started"), "{}", stdout(&output));
    let entry = "expected_failures:\n  - { scenario: own/a, reason: refuses growth }\n";
    expect_exit(&mut own.run(entry, &["--fail-fast", "--jobs", "1"]), 0);
    assert_eq!(own.report()["counts"]["pass"], 1);
}

#[test]
fn on_github_findings_are_annotations_and_the_step_has_a_summary() {
    let own = Own::new();
    let summary = own.rig.path("step.md");
    std::fs::write(&summary, "of the step before\n").unwrap();
    let mut command = own.run("", &["--quiet"]);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", &summary);
    let output = expect_exit(&mut command, 1);
    let text = stdout(&output);
    let line = text.lines().find(|line| line.starts_with("::error ")).expect(&text);
    let head = "::error file=profile.yaml,title=own/wrong%3A controller-expand.purpose::";
    assert!(line.starts_with(head), "{line}");
    assert!(line.contains("%0Areplay: "), "{line}");
    let summed = std::fs::read_to_string(&summary).unwrap();
    assert!(summed.starts_with("of the step before\n# "), "{summed}");
    assert!(summed.ends_with(&own.rig.read_latest("summary.md")));
}

#[test]
fn the_example_in_the_documentation_can_be_used() {
    let own = Own::new();
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/targets/README.md");
    let text = std::fs::read_to_string(readme).unwrap();
    let examples = text.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let example = examples.into_iter().find(|one| one.contains("expected_failures:")).unwrap();
    expect_exit(&mut own.run(example, &["--list"]), 0);
}
