//! `denied`, `locked` and `stands`: what shows only in the order in which an orchestrator calls.

use rstest::rstest;

use super::super::testing::*;
use crate::{
    action::{PathRef, Rpc},
    history::{Code, Orchestrated},
};

fn driven() -> H {
    let orchestrator = Orchestrated { profile: "current".into(), pace: 1 };
    H::xfs().plan(|instance| instance.orchestrator = Some(orchestrator))
}

/// Staged, published, grown on both sides.
fn grown() -> H {
    let h = driven().create(64).stage().publish_only().see(64, 64);
    h.expand(128).reply(128, true).node_expand(128).size(128).see(128, 128)
}

fn stage(h: H) -> H {
    h.call(Rpc::NodeStage, |call| call.staging_path = Some(PathRef::Staging))
}

fn publish(h: H) -> H {
    h.call(Rpc::NodePublish, |call| call.path = Some(PathRef::Target(0)))
}

/// ABORTED so often, a second apart, after a growth and a refusal.
fn aborted(mut h: H, times: u64) -> H {
    for n in 1..=times {
        h = h.until(n * 1_000_000).expand(200).fails(Code::Aborted);
    }
    h
}

fn refused() -> H {
    grown().expand(9000).fails(Code::OutOfRange).expand(9000).fails(Code::OutOfRange)
}

#[rstest]
#[case::there_and_not_found(
    driven().create(64).stage().publish_only().see(64, 64).expand(128).reply(128, true)
        .node_expand(128).fails(Code::NotFound).node_expand(128).size(128).see(128, 128),
    &["denied node-expand.err-not-found"])]
#[case::controller_does_not_find_it(
    driven().create(64).expand(128).fails(Code::NotFound),
    &["denied controller-expand.err-not-found"])]
#[case::published_again_after_a_growth(
    publish(stage(grown()).ok()).fails(Code::Internal), &["stands node-publish.idempotent"])]
#[case::staged_again_while_published(
    stage(driven().create(64).stage().publish_only()).fails(Code::AlreadyExists),
    &["stands node-stage.idempotent"])]
#[case::locked_by_a_refusal(
    aborted(refused(), 6), &["locked controller-expand.err-out-of-range-no-effect"])]
fn finds(#[case] h: H, #[case] found: &[&str]) {
    assert_eq!(h.found(), found);
}

#[rstest]
#[case::all_again(publish(stage(grown()).ok()).ok().node_expand(128).size(128).see(128, 128))]
#[case::not_found_where_it_is_not(
    driven().create(64).stage().publish_only().at(PathRef::Target(7)).node_expand(128)
        .fails(Code::NotFound))]
#[case::not_found_after_its_deletion(
    driven().create(64).call(Rpc::DeleteVolume, |_| ()).ok().expand(128).fails(Code::NotFound))]
#[case::not_found_by_a_driver_that_was_killed(
    driven().create(64).restart().expand(128).fails(Code::NotFound))]
#[case::busy_for_a_moment(publish(stage(grown()).ok()).fails(Code::Aborted))]
#[case::published_anew(
    publish(grown().call(Rpc::NodeUnpublish, |c| c.path = Some(PathRef::Target(0))).ok())
        .fails(Code::Internal))]
#[case::aborted_and_then_grown(aborted(refused(), 6).expand(200).reply(200, false).see(200, 200))]
#[case::aborted_a_few_times(aborted(refused(), 3))]
#[case::something_may_be_pending(
    aborted(grown().expand(150).lost(Code::DeadlineExceeded).expand(9000).fails(Code::OutOfRange), 6))]
#[case::a_driver_that_takes_its_time(
    aborted(
        driven().create(64).stage().publish_only().see(64, 64).expand(128).fails(Code::Aborted)
            .until(900_000).expand(128).reply(128, true).node_expand(128).size(128).see(128, 128)
            .expand(9000).fails(Code::OutOfRange),
        8,
    ))]
#[case::not_driven(
    H::xfs().create(64).stage().publish_only().see(64, 64).expand(128).reply(128, true)
        .node_expand(128).fails(Code::NotFound).node_expand(128).size(128).see(128, 128))]
fn accepts(#[case] h: H) {
    let ours = ["denied", "locked", "stands"];
    let of_ours = |line: &String| ours.iter().any(|check| line.starts_with(check));
    let accusing: Vec<String> = h.found().into_iter().filter(of_ours).collect();
    assert_eq!(accusing, Vec::<String>::new());
}
