//! Waivers and expected failures.

use rstest::rstest;

use crate::{
    check::testing::{H, catalogue},
    history::{Because, Instance, Record},
    judge::judge,
    known::{ExpectedFailure, Grounds, Waiver},
    report::{ClauseState, ExcusedBy, Report},
    verdict::Verdict,
};

/// The scenario of a test's history, and the clause that damage breaks.
const ID: &str = "expansion/test[fs=xfs]";
const CLAUSE: &str = "node-expand.data-kept";

fn good() -> H {
    H::xfs().create(64).publish().see(64, 64).verify(0)
}

fn bad() -> H {
    let grown = good().expand(128).reply(128, true).node_expand(128).size(128).see(128, 128);
    grown.verify(1)
}

fn because(expires: Option<&str>) -> Grounds {
    Grounds {
        reason: "the cache is lost".into(),
        issue: Some("issue 7".into()),
        expires: expires.map(Into::into),
    }
}

fn expected(scenario: &str, clause: Option<&str>, expires: Option<&str>) -> ExpectedFailure {
    let clause = clause.map(Into::into);
    ExpectedFailure { scenario: scenario.into(), clause, because: because(expires) }
}

fn with(h: H, entries: &[ExpectedFailure]) -> Report {
    h.run(|run| run.known.expected_failures = entries.to_vec()).report()
}

fn broken_clause() -> String {
    let report = bad().report();
    assert_eq!(report.verdict, Verdict::Fail);
    assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
    report.findings[0].finding.clause.clone()
}

#[test]
fn the_damage_breaks_the_clause_that_these_tests_name() {
    assert_eq!(broken_clause(), CLAUSE);
}

#[rstest]
#[case::by_instance(ID, None, None)]
#[case::by_scenario("expansion/test", None, None)]
#[case::by_pattern("expansion/*", None, None)]
#[case::of_the_clause(ID, Some(CLAUSE), None)]
#[case::on_the_last_day(ID, None, Some("2030-01-01"))]
fn a_failure_that_is_expected_does_not_count(
    #[case] scenario: &str,
    #[case] clause: Option<&str>,
    #[case] expires: Option<&str>,
) {
    let report = with(bad(), &[expected(scenario, clause, expires)]);
    assert_eq!(report.verdict, Verdict::Pass);
    assert_eq!((report.counts.expected, report.counts.pass, report.counts.fail), (1, 0, 0));
    let told = report.scenarios[0].expected_failure.as_deref();
    assert_eq!(told, Some("the cache is lost (issue 7)"));
    let finding = &report.findings[0].finding;
    assert!(finding.advisory);
    assert_eq!(finding.excused.as_ref().map(|e| e.by), Some(ExcusedBy::ExpectedFailure));
    let clause = report.clauses.iter().find(|clause| clause.id == CLAUSE).expect("in the matrix");
    assert_eq!(clause.state, ClauseState::Broken);
}

#[rstest]
#[case::another_scenario("expansion/other")]
#[case::part_of_the_id("expansion/tes")]
#[case::another_instance("expansion/test[fs=ext4]")]
fn other_scenarios_fail_as_ever(#[case] scenario: &str) {
    let report = with(bad(), &[expected(scenario, None, None)]);
    assert_eq!((report.verdict, report.counts.fail), (Verdict::Fail, 1));
    assert_eq!(report.findings.len(), 1);
}

#[test]
fn another_breach_than_the_expected_one_fails() {
    let report = with(bad(), &[expected(ID, Some("controller-expand.purpose"), None)]);
    assert_eq!((report.verdict, report.counts.fail), (Verdict::Fail, 1));
    assert!(report.findings[0].finding.excused.is_none());
}

#[test]
fn two_entries_may_expect_the_same() {
    let both = [expected(ID, Some(CLAUSE), None), expected("expansion/*", None, None)];
    assert_eq!(with(bad(), &both).verdict, Verdict::Pass);
}

#[rstest]
#[case::passes(good(), ID, None, "there is none: remove the entry (")]
#[case::passes_a_pattern(good(), "expansion/*", None, "name only what fails")]
#[case::expired_and_fails(bad(), ID, Some("2029-12-31"), "expired on 2029-12-31")]
#[case::expired_and_passes(good(), ID, Some("2029-12-31"), "expired on 2029-12-31")]
fn an_entry_that_does_not_hold_fails_the_scenario(
    #[case] h: H,
    #[case] scenario: &str,
    #[case] expires: Option<&str>,
    #[case] words: &str,
) {
    let report = with(h, &[expected(scenario, None, expires)]);
    assert_eq!((report.verdict, report.counts.fail), (Verdict::Fail, 1));
    let of_profile = |one: &&crate::report::LocatedFinding| one.finding.check == super::NAME;
    let found: Vec<_> = report.findings.iter().filter(of_profile).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].scenario, ID);
    assert!(found[0].finding.what.contains(words), "{}", found[0].finding.what);
}

#[rstest]
#[case::skipped(good().plan(skip))]
#[case::cut(H::xfs().cut())]
fn what_did_not_run_says_nothing_of_an_entry(#[case] h: H) {
    let report = with(h, &[expected(ID, None, Some("2029-12-31"))]);
    assert!(report.findings.iter().all(|one| one.finding.check != super::NAME));
}

fn skip(plan: &mut Instance) {
    plan.skip = Some("needs root".into());
}

#[test]
fn only_a_whole_plan_can_show_that_an_entry_fits_nothing() {
    let entry = [expected("lifecycle/gone*", None, None)];
    let part = with(good(), &entry);
    assert!(part.findings.iter().all(|one| one.finding.check != super::NAME));
    let report = with(good().run(|run| run.known.whole_plan = true), &entry);
    assert_eq!(report.verdict, Verdict::Fail);
    assert_eq!((report.counts.pass, report.counts.fail), (1, 0));
    let found = &report.findings[0];
    assert_eq!(found.scenario, "");
    assert!(found.finding.what.contains("lifecycle/gone*"), "{}", found.finding.what);
}

#[rstest]
#[case::for_ever(None, Verdict::Pass)]
#[case::on_the_last_day(Some("2030-01-01"), Verdict::Pass)]
#[case::over(Some("2029-12-31"), Verdict::Fail)]
fn a_waived_breach_advises_until_the_waiver_is_over(
    #[case] expires: Option<&str>,
    #[case] verdict: Verdict,
) {
    let waiver = Waiver { clause: CLAUSE.into(), because: because(expires) };
    let report = bad().run(|run| run.known.waivers.push(waiver)).report();
    assert_eq!(report.verdict, verdict);
    let finding = &report.findings[0].finding;
    let by = finding.excused.as_ref().map(|excused| excused.by);
    assert_eq!(by, (verdict == Verdict::Pass).then_some(ExcusedBy::Waiver));
    assert_eq!(finding.what.contains("expired on"), verdict == Verdict::Fail);
    let clause = report.clauses.iter().find(|clause| clause.id == CLAUSE).expect("in the matrix");
    let state = if verdict == Verdict::Pass { ClauseState::Advised } else { ClauseState::Broken };
    assert_eq!(clause.state, state);
}

#[test]
fn a_history_holds_all_that_the_profile_says() {
    let h = bad().run(|run| {
        run.known.whole_plan = true;
        run.known.expected_failures = vec![expected("expansion/*", Some(CLAUSE), None)];
        run.known.waivers = vec![Waiver { clause: CLAUSE.into(), because: because(None) }];
    });
    let lines: Vec<String> =
        h.records().iter().map(|r| serde_json::to_string(r).expect("plain data")).collect();
    let again: Vec<Record> =
        lines.iter().map(|line| serde_json::from_str(line).expect(line)).collect();
    let judged = |records| serde_json::to_string(&judge(records, &catalogue())).expect("data");
    assert_eq!(judged(again), judged(h.records()));
}

#[test]
fn what_was_never_begun_is_a_skip_with_its_reason() {
    let report = H::xfs().stopped(Because::NotStarted).report();
    assert_eq!((report.verdict, report.counts.skip), (Verdict::Skip, 1));
    let why = report.scenarios[0].skip.as_deref();
    assert!(why.is_some_and(|why| why.starts_with("not started: ")), "{why:?}");
}
