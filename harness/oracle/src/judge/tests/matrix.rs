//! What is said of a clause, and what it takes to say it.

use rstest::rstest;

use super::clean;
use crate::{
    check::testing::H,
    history::Code,
    report::{ClauseResult, ClauseState, Report},
};

fn clause(report: &Report, id: &str) -> ClauseResult {
    report.clauses.iter().find(|clause| clause.id == id).expect(id).clone()
}

const PURPOSE: &str = "controller-expand.purpose";

fn listing(h: H, clauses: &[&str]) -> H {
    h.plan(|plan| plan.clauses = clauses.iter().map(|id| (*id).to_owned()).collect())
}

#[rstest]
#[case::kept(clean(), PURPOSE, ClauseState::Kept)]
#[case::broken(
    H::xfs().create(64).publish().see(64, 64).expand(128).reply(128, false).see(64, 64),
    PURPOSE, ClauseState::Broken)]
#[case::advised(
    H::xfs().create(64).publish().see(64, 64).expand(100).reply(100, true).node_expand(100).ok()
        .see(128, 128),
    "controller-expand.capacity-bytes-actual", ClauseState::Advised)]
#[case::named_by_a_step_alone(
    H::xfs().create(64).expect(&[Code::NotFound]).clause("controller-expand.err-not-found")
        .expand(128).reply(128, true),
    "controller-expand.err-not-found", ClauseState::Broken)]
#[case::not_measured(
    H::xfs().create(64).publish().expand(128).reply(128, true).node_expand(128).ok(),
    PURPOSE, ClauseState::Untested)]
#[case::not_called(H::xfs().create(64).publish().see(64, 64), PURPOSE, ClauseState::Untested)]
#[case::not_sent(
    H::xfs().create(64).see(64, 64).expand(128).fails(Code::Unbound), PURPOSE,
    ClauseState::Untested)]
#[case::inconclusive(clean().cut(), PURPOSE, ClauseState::Untested)]
#[case::skipped(
    H::xfs().plan(|p| p.skip = Some("needs root".into())), PURPOSE, ClauseState::Untested)]
#[case::not_offered(
    H::xfs().without("controller.expand").plan(|p| p.skip = Some("no".into())), PURPOSE,
    ClauseState::Unsupported)]
#[case::data_verified(
    listing(clean(), &["node-expand.data-kept"]), "node-expand.data-kept", ClauseState::Kept)]
#[case::data_not_verified(
    listing(H::xfs().create(64).publish().node_expand(64).ok().see(64, 64),
        &["node-expand.data-kept"]),
    "node-expand.data-kept", ClauseState::Untested)]
#[case::only_for_others(
    listing(H::xfs().create(64), &["controller-expand.err-in-use"]),
    "controller-expand.err-in-use", ClauseState::Unsupported)]
#[case::about_every_call(
    listing(H::xfs().create(64), &["general.error.grpc-status"]),
    "general.error.grpc-status", ClauseState::Kept)]
#[case::inconclusive_is_no_breach(
    listing(H::xfs().creates(64, 0).fails(Code::Internal), &["create-volume.idempotent"]),
    "create-volume.idempotent", ClauseState::Untested)]
fn the_matrix_says_no_more_than_was_proved(
    #[case] h: H,
    #[case] id: &str,
    #[case] state: ClauseState,
) {
    let clause = clause(&h.report(), id);
    assert_eq!(clause.state, state, "{:?}", clause.why);
    let silent = matches!(state, ClauseState::Untested | ClauseState::Unsupported);
    assert_eq!(clause.why.is_some(), silent);
}

#[test]
fn the_matrix_names_scenarios_and_is_in_order() {
    let h = H::xfs().create(64).publish().see(64, 64).expand(128).reply(128, false).see(64, 64);
    let report = h.report();
    let purpose = clause(&report, PURPOSE);
    assert_eq!(purpose.tested_by, ["expansion/test[fs=xfs]"]);
    assert_eq!(purpose.broken_in, ["expansion/test[fs=xfs]"]);
    assert_eq!(purpose.spec_line, 2202);
    assert!(report.clauses.is_sorted_by(|a, b| a.id < b.id));
}
