//! The judgement as a whole: cut and muddled histories, the matrix, growth rows, one report.

use rstest::rstest;

use super::*;
use crate::{
    action::Rpc,
    check::testing::{H, catalogue},
    history::{Code, Side},
    report::{ClauseState, Coverage, GrowthState, Standing},
};

mod growths;
mod honesty;
mod matrix;
mod round_trip;

fn clean() -> H {
    H::xfs()
        .create(64)
        .publish()
        .see(64, 64)
        .expand(128)
        .reply(128, true)
        .node_expand(128)
        .size(128)
        .see(128, 128)
        .verify(0)
}

/// Numbers the scenario of a history, and leaves run and end to the caller.
fn instance(h: &H, number: u32) -> Vec<Record> {
    let h = h.clone().plan(|plan| {
        plan.number = number;
        plan.id = format!("expansion/test-{number}");
    });
    let whole = |record: &Record| matches!(record, Record::Run(_) | Record::End(_));
    h.records().into_iter().filter(|record| !whole(record)).collect()
}

fn around(records: Vec<Record>) -> Vec<Record> {
    let mut all = clean().records();
    let end = all.pop();
    all.truncate(1);
    all.into_iter().chain(records).chain(end).collect()
}

#[test]
fn a_whole_report() {
    let h = H::xfs()
        .create(64)
        .publish()
        .see(64, 64)
        .expand_to(128, 256)
        .reply(128, true)
        .expect(&[Code::Ok])
        .node_expand(128)
        .size(128)
        .see(128, 64)
        .verify(0)
        .teardown()
        .call(Rpc::DeleteVolume, |_| ())
        .ok()
        .reference()
        .create(64)
        .publish()
        .see(64, 64)
        .expand_to(128, 256)
        .reply(128, true)
        .node_expand(128)
        .size(128)
        .see(128, 128);
    let mut report = h.report();
    // The whole matrix is long, and tested below.
    report.clauses.retain(|clause| {
        !matches!(clause.state, ClauseState::Untested | ClauseState::Excepted) && !clause.always
    });
    report.honesty.rows.retain(|row| row.standing != Standing::Untried);
    report.coverage = Coverage::default();
    let json = serde_json::to_string_pretty(&report).expect("plain data");
    insta::assert_snapshot!(json);
}

#[test]
fn the_same_records_give_the_same_report() {
    let judged = || serde_json::to_string(&clean().verify(2).report()).expect("plain data");
    assert_eq!(judged(), judged());
}

#[test]
fn interleaved_scenarios_are_judged_as_if_alone() {
    let bad = clean().expand(192).reply(128, true);
    let (a, b) = (instance(&clean(), 0), instance(&bad, 1));
    let apart: Vec<Record> = b.iter().chain(&a).cloned().collect();
    let mut mixed = Vec::new();
    let (mut left, mut right) = (a.into_iter(), b.into_iter());
    loop {
        match (left.next(), right.next()) {
            (None, None) => break,
            (a, b) => mixed.extend(a.into_iter().chain(b)),
        }
    }
    let (mixed, apart) = (judge(around(mixed), &catalogue()), judge(around(apart), &catalogue()));
    assert_eq!(mixed, apart);
    let verdicts: Vec<Verdict> = mixed.scenarios.iter().map(|case| case.verdict).collect();
    assert_eq!(verdicts, [Verdict::Pass, Verdict::Fail]);
    assert_eq!((mixed.counts.pass, mixed.counts.fail, mixed.counts.total), (1, 1, 2));
    assert_eq!(mixed.verdict, Verdict::Fail);
}

/// Cut after every record: never a panic, never a pass before the scenario is over.
#[test]
fn a_history_may_end_anywhere() {
    let records = clean().records();
    let ended = records.iter().position(|record| matches!(record, Record::Ended { .. }));
    for cut in 0..records.len() {
        let report = judge(records.iter().take(cut).cloned(), &catalogue());
        assert!(report.interrupted, "cut at {cut}");
        let over = ended.is_some_and(|ended| cut > ended);
        for case in &report.scenarios {
            let verdict = if over { Verdict::Pass } else { Verdict::Inconclusive };
            assert_eq!(case.verdict, verdict, "cut at {cut}: {:?}", case.findings);
        }
    }
}

#[test]
fn what_was_proved_before_the_cut_still_fails() {
    let report = clean().verify(1).cut().report();
    assert_eq!(report.verdict, Verdict::Fail);
    assert_eq!(report.findings.len(), 1);
    assert!(report.interrupted);
}

#[test]
fn records_that_do_not_fit_are_an_error_of_the_lab() {
    let mut records = clean().records();
    let strays = instance(&clean(), 9).into_iter().filter(|r| !matches!(r, Record::Scenario(_)));
    records.extend(strays);
    records.push(records[0].clone());
    records.push(records[2].clone());
    let report = judge(records, &catalogue());
    assert_eq!(report.verdict, Verdict::Error);
    let whats: Vec<&str> = report.findings.iter().map(|f| f.finding.what.as_str()).collect();
    assert_eq!(whats.len(), 2, "{whats:?}");
    assert!(whats[0].contains("never announced"));
    assert!(whats[1].contains("only once"));
    assert_eq!(report.scenarios[0].verdict, Verdict::Pass);
}

#[test]
fn a_history_of_nothing_is_an_error() {
    let report = judge([], &catalogue());
    assert_eq!((report.verdict, report.interrupted), (Verdict::Error, true));
    assert_eq!(report.run.target.name, "unknown");
}

#[test]
fn skips_are_counted_and_run_nothing() {
    let h = H::xfs().plan(|plan| plan.skip = Some("needs `node.expand`: not declared".into()));
    let report = h.report();
    assert_eq!(report.verdict, Verdict::Skip);
    assert_eq!((report.counts.skip, report.counts.total), (1, 1));
    assert!(report.findings.is_empty());
}

#[test]
fn a_clause_that_nobody_knows_is_the_harness_fault() {
    let h = clean().plan(|plan| plan.clauses.push("controller-expand.typo".into()));
    let report = h.report();
    assert_eq!(report.verdict, Verdict::Error);
    let finding = &report.findings[0].finding;
    assert_eq!(finding.class, Class::Lab);
    assert_eq!(finding.what, "the scenario names an unknown clause, `controller-expand.typo`");
    let judged = judge(clean().verify(1).records(), &Catalogue::default());
    let unknown = |located: &&LocatedFinding| located.finding.check == "data-kept";
    let found = judged.findings.iter().find(unknown).expect("the damage");
    assert_eq!((found.finding.class, found.finding.verdict), (Class::Lab, Verdict::Error));
}

#[test]
fn what_the_run_left_behind_is_told() {
    let mut records = clean().records();
    if let Some(Record::End(end)) = records.last_mut() {
        let leak = |kind: &str| crate::history::Leak {
            kind: kind.into(),
            what: "7".into(),
            why: "still running".into(),
        };
        end.leaks = vec![leak("process"), leak("loop device")];
    }
    let report = judge(records, &catalogue());
    assert_eq!(report.leaks.len(), 2);
    let verdicts: Vec<Verdict> = report.findings.iter().map(|f| f.finding.verdict).collect();
    assert_eq!(verdicts, [Verdict::Error, Verdict::Fail]);
    assert_eq!(report.findings[0].scenario, "");
}

#[test]
fn worst_findings_come_first() {
    let report = clean()
        .expect(&[Code::OutOfRange])
        .clause("controller-expand.err-out-of-range")
        .expand(1 << 20)
        .fails(Code::Internal)
        .verify(1)
        .report();
    let checks: Vec<&str> = report.findings.iter().map(|f| f.finding.check.as_str()).collect();
    assert_eq!(checks, ["data-kept", "code-expected"]);
    let replay = "csi-stretch replay stretch-out/latest --scenario 'expansion/test[fs=xfs]'";
    assert_eq!(report.findings[0].replay, replay);
}

/// A green run that grew nothing must say whose choice that was.
#[rstest]
#[case::grown(clean(), GrowthState::Tested, Verdict::Pass)]
#[case::made_so_large_that_nothing_was_to_grow(
    H::xfs().creates(64, 0).volume("id-vol", 1024).publish().see(1024, 1024)
        .expand(128).reply(1024, true).node_expand(128).size(1024).see(1024, 1024),
    GrowthState::NotTested, Verdict::Inconclusive)]
#[case::not_offered(H::xfs().create(64).without("expand"), GrowthState::NotOffered, Verdict::Pass)]
#[case::not_selected(
    H::xfs().create(64).plan(|plan| plan.clauses = vec!["delete-volume.idempotent".into()]),
    GrowthState::NotSelected, Verdict::Pass)]
#[case::not_come_to(H::xfs().create(64), GrowthState::NotTested, Verdict::Inconclusive)]
#[case::skipped(
    H::xfs().plan(|plan| plan.skip = Some("needs root".into())),
    GrowthState::NotTested, Verdict::Skip)]
fn growth_that_was_not_tested_is_said(
    #[case] h: H,
    #[case] state: GrowthState,
    #[case] verdict: Verdict,
) {
    let report = h.report();
    assert_eq!((report.growth_tested.state, report.verdict), (state, verdict));
    assert_eq!(report.growth_tested.why.is_some(), state == GrowthState::NotTested);
}

#[test]
fn a_broken_reference_is_a_remark_and_spoils_nothing() {
    let mut records = clean().reference().create(64).records();
    let ended = crate::history::Ended {
        at_us: 1,
        stopped: None,
        driver_ended: None,
        broken: Some("no disk".into()),
        leaks: vec![],
    };
    records.insert(2, Record::Ended { scenario: 0, side: Side::Reference, ended });
    let report = judge(records, &catalogue());
    assert_eq!(report.verdict, Verdict::Pass);
    assert_eq!(report.counts.advisories, 1);
}

/// Eight times the operations may take eight times as long, and not 64 times. Time is the
/// processor's, the best of three, and three times too much is still the machine's noise.
#[rstest]
#[case::measured(|h: H, _| h.expand(128).reply(128, true).node_expand(128).ok().see(128, 128))]
#[case::never_measured(|h: H, _| h.expand(128).reply(128, true).expand(192).reply(192, true)
    .node_expand(128).fails(Code::OutOfRange))]
#[case::ever_smaller(|h: H, n: i64| h.expand(60_000 - n).fails(Code::OutOfRange)
    .expand(60_000 - n).reply(60_000, false).see(60_000, 60_000))]
#[case::dead(|h: H, _| h.expand(128).lost(Code::Unavailable).restart().writer())]
#[case::undone_again_and_again(|h: H, _| h.teardown().call(Rpc::DeleteVolume, |_| ())
    .fails(Code::Internal).verify(1).writer_met(&[Code::Io]))]
#[case::compared(|h: H, _| h.expand(128).reply(128, true).reference().see(64, 64).see(64, 64))]
fn judging_is_linear(#[case] round: fn(H, i64) -> H) {
    let catalogue = catalogue();
    let seconds = |rounds: i64| {
        let records = (0..rounds).fold(clean(), round).records();
        let start = cpu_seconds();
        let report = judge(records, &catalogue);
        assert!(report.scenarios[0].steps.len() >= 8);
        cpu_seconds() - start
    };
    let best = |rounds| (0..3).map(|_| seconds(rounds)).fold(f64::MAX, f64::min);
    let (few, many) = (best(500), best(4_000));
    assert!(many < 24.0 * few, "500 rounds {few} s, 4000 rounds {many} s");
}

/// Of this thread, so that a busy machine does not count.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanos = text.split(' ').next().and_then(|field| field.parse::<f64>().ok());
    nanos.expect("a number") / 1e9
}
