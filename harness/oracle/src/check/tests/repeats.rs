//! `idempotent`.

use rstest::rstest;

use super::{super::testing::*, clean};
use crate::{action::Rpc, history::Code};

fn grown() -> H {
    H::xfs().create(64).publish().see(64, 64).expand(128).reply(128, true)
}

#[rstest]
#[case::controller_refuses(
    grown().expand(128).fails(Code::Internal), &["idempotent controller-expand.idempotent"])]
#[case::controller_refuses_after_the_node_step(
    clean().expand(128).fails(Code::OutOfRange), &["idempotent controller-expand.idempotent"])]
#[case::controller_says_more(
    grown().expand(128).reply(130, true), &["idempotent controller-expand.idempotent"])]
#[case::node_refuses(
    clean().node_expand(128).fails(Code::Internal), &["idempotent node-expand.idempotent"])]
#[case::another_volume(
    H::xfs().creates(64, 0).volume("a", 64).creates(64, 0).volume("b", 64),
    &["idempotent create-volume.idempotent"])]
#[case::publication_refused(
    H::xfs().create(64).publish().call(Rpc::NodePublish, |c| {
        c.path = Some(crate::action::PathRef::Target(0));
    }).fails(Code::AlreadyExists),
    &["idempotent node-publish.idempotent"])]
#[case::controller_refuses_after_a_restart(
    grown().restart().expand(128).fails(Code::Internal),
    &["idempotent controller-expand.idempotent-after-restart"])]
#[case::demand_dropped_while_small(
    grown().expand(128).reply(128, false).see(128, 64),
    &["idempotent controller-expand.idempotent-node-flag"])]
fn idempotent_finds(#[case] h: H, #[case] found: &[&str]) {
    assert_eq!(h.found(), found);
}

/// Notes 1, 11, 12, 28, 29, 31: legal.
#[rstest]
#[case::same_again(grown().expand(128).reply(128, true).node_expand(128).ok().node_expand(128).ok()
    .see(128, 128), &[])]
#[case::demand_dropped_and_grown(grown().expand(128).reply(128, false).see(128, 128), &[])]
#[case::demand_dropped_and_node_step_done(
    grown().expand(128).reply(128, false).see(128, 64).node_expand(128).ok().see(128, 128), &[])]
#[case::either_flag_after_the_node_step(
    clean().expand(128).reply(128, true).expand(128).reply(128, false).see(128, 128), &[])]
#[case::smaller_is_no_repeat(clean().expand(100).fails(Code::OutOfRange), &[])]
#[case::not_the_same_state(
    clean().unpublish().expand(128).fails(Code::Internal), &[])]
#[case::after_a_larger_one(
    clean().expand(192).reply(192, true).node_expand(192).ok().expand(128)
        .fails(Code::InvalidArgument), &[])]
#[case::aborted(grown().expand(128).fails(Code::Aborted), &[])]
#[case::outcome_unknown_in_between(
    grown().expand(192).lost(Code::Cancelled).expand(128).fails(Code::Internal), &[])]
#[case::a_snapshot_in_between(
    grown().snapshot("s").expand(128).fails(Code::FailedPrecondition), &[])]
#[case::created_again_after_growth(clean().create(64), &[])]
#[case::the_scenario_judges_the_code(
    grown().expect(&[Code::Ok]).clause("controller-expand.idempotent").expand(128)
        .fails(Code::Internal),
    &["code-expected controller-expand.idempotent"])]
#[case::deleted_twice(
    H::xfs().create(64).call(Rpc::DeleteVolume, |_| ()).ok().call(Rpc::DeleteVolume, |_| ()).ok(),
    &[])]
fn idempotent_accepts(#[case] h: H, #[case] found: &[&str]) {
    assert_eq!(h.found(), found);
}
