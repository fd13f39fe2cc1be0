//! `grown`, `never-shrinks` and `refused-without-effect`.

use rstest::rstest;

use super::{super::testing::*, clean};
use crate::{
    action::{PathRef, Rpc},
    history::{Code, FsGeometry, Observation},
};

fn offline() -> H {
    H::xfs().create(64).publish().see(64, 64).unpublish()
}

#[rstest]
#[case::device_stays(
    H::xfs().create(64).publish().see(64, 64).expand(128).reply(128, true)
        .node_expand(128).size(128).see(64, 64),
    &["grown node-expand.purpose"])]
#[case::file_system_stays(
    H::xfs().create(64).publish().see(64, 64).expand(128).reply(128, true)
        .node_expand(128).size(128).see(128, 64),
    &["grown node-expand.purpose"])]
#[case::only_later(
    H::xfs().create(64).publish().see(64, 64).expand(128).reply(128, true)
        .node_expand(128).size(128).see(128, 64).see(128, 128),
    &["grown node-expand.purpose"])]
#[case::late_repeats_hide_nothing(
    H::xfs().create(64).publish().see(64, 64).expand(128).reply(128, true)
        .node_expand(128).size(128).expand(128).reply(128, true).see(128, 64),
    &["grown node-expand.purpose"])]
#[case::block_device_stays(
    H::block().create(64).publish().see_device(64).expand(128).reply(128, false).see_device(64),
    &["grown controller-expand.purpose"])]
#[case::offline_device_stays(
    offline().expand(128).reply(128, false).publish().see(64, 64),
    &["grown controller-expand.purpose"])]
#[case::above_the_limit(
    H::xfs().create(64).publish().see(64, 64).expand_to(128, 130).reply(128, true)
        .node_expand_to(128, 130).size(128).see(160, 160),
    &["grown controller-expand.result-at-most-limit"])]
#[case::controller_tells_too_much(
    H::xfs().create(64).publish().see(64, 64).expand(128).reply(256, true)
        .node_expand(128).ok().see(128, 128),
    &["grown controller-expand.capacity-bytes-actual"])]
#[case::node_tells_too_much(
    H::xfs().create(64).publish().see(64, 64).expand(128).reply(128, true)
        .node_expand(128).size(256).see(128, 128),
    &["grown node-expand.purpose"])]
#[case::directory_not_enforced(
    H::xfs().create(64).publish().see_shared(1000).expand(128).reply(128, true)
        .node_expand(128).size(128).see_shared(1000),
    &["grown node-expand.purpose inconclusive"])]
#[case::directory_not_enforced_without_node_step(
    H::xfs().create(64).publish().see_shared(1000).expand(128).reply(128, false).see_shared(1000),
    &["grown controller-expand.purpose inconclusive"])]
#[case::directory_of_too_small_a_file_system(
    H::xfs().create(64).publish().see_shared(100).expand(128).reply(128, true)
        .node_expand(128).size(128).see_shared(100),
    &["grown node-expand.purpose"])]
#[case::smaller_than_created(
    H::xfs().create(64).publish().see(32, 32),
    &["grown create-volume.capacity-range-honored"])]
#[case::clone_not_grown(
    H::xfs().create(64).on("copy").clone_of("vol", 128).publish().see(128, 64),
    &["grown create-volume.larger-than-source-fs"])]
#[case::clone_as_small_as_its_source(
    H::xfs().create(64).on("copy").clone_of("vol", 128).publish().see(64, 64),
    &["grown create-volume.capacity-range-honored"])]
#[case::clone_not_grown_from_stage_to_publish(
    H::xfs().create(64).on("copy").clone_of("vol", 128).stage().at(PathRef::Staging)
        .see(128, 64).at(PathRef::Target(0)).publish_only().see(128, 64),
    &["grown create-volume.larger-than-source-fs"])]
#[case::less_than_asked_for_and_said_so(
    H::xfs().create(64).publish().see(64, 64).expand(100).reply(96, true)
        .node_expand(100).ok().see(96, 96),
    &["capacity-contract controller-expand.result-at-least-required"])]
#[case::less_than_asked_for_and_less_than_said(
    H::xfs().create(64).publish().see(64, 64).expand(100).reply(96, true)
        .node_expand(100).ok().see(64, 64),
    &["grown node-expand.purpose", "capacity-contract controller-expand.result-at-least-required"])]
#[case::node_only_plugin(
    H::xfs().without("controller.expand").create(64).publish().see(64, 64)
        .node_expand(128).ok().see(64, 64),
    &["grown node-expand.purpose"])]
#[case::node_step_before_the_controllers(
    H::xfs().create(64).publish().see(64, 64).node_expand(128).ok().see(64, 64),
    &["grown node-expand.purpose"])]
fn grown_finds(#[case] h: H, #[case] found: &[&str]) {
    assert_eq!(h.found(), found);
}

fn slack(fs: u64, slack: u64) -> Observation {
    let mib = MIB as u64;
    Observation {
        device_bytes: Some(1024 * mib),
        fs: Some(FsGeometry { kind: "xfs".into(), bytes: fs * mib, slack_bytes: slack * mib }),
        ..Observation::default()
    }
}

fn read_only() -> Observation {
    Observation { read_only: true, ..slack(64, 0) }
}

/// Notes 3, 4, 13 to 18, 21, 22, 28: legal.
#[rstest]
#[case::rounded_up(
    H::xfs().create(64).publish().see(64, 64).expand(100).reply(128, true)
        .node_expand(100).size(128).see(128, 128), &[])]
#[case::grown_at_stage(
    offline().expand(128).reply(128, true).publish().see(128, 128).node_expand(128).ok()
        .see(128, 128), &[])]
#[case::node_does_not_tell(
    H::xfs().create(64).publish().see(64, 64).expand(128).reply(128, true)
        .node_expand(128).ok().see(128, 128), &[])]
#[case::node_step_without_range(
    H::xfs().create(64).publish().see(64, 64).expand(128).reply(128, true)
        .call(Rpc::NodeExpand, |_| ()).ok().see(128, 64), &[])]
#[case::controller_step_alone_with_demand(
    H::xfs().create(64).publish().see(64, 64).expand(128).reply(128, true).see(64, 64), &[])]
#[case::device_first_file_system_with_the_node_step(
    H::xfs().create(64).publish().see(64, 64).expand(128).reply(128, true).see(128, 64)
        .node_expand(128).ok().see(128, 128), &[])]
#[case::merged(
    H::xfs().create(64).publish().see(64, 64).expand(128).reply(128, true)
        .expand(192).reply(192, true).node_expand(192).ok().see(192, 192), &[])]
#[case::short_by_one_percent(
    H::xfs().create(1024).publish().probe(slack(1010, 0)).expand(1024).reply(1024, true)
        .node_expand(1024).ok().probe(slack(1010, 0)), &[])]
#[case::short_by_an_allocation_group(
    H::xfs().create(512).publish().expand(1024).reply(1024, true)
        .node_expand(1024).ok().probe(slack(900, 128)), &[])]
#[case::limit_below_what_there_is(
    H::xfs().create(128).publish().see(128, 128).expand_to(64, 96).reply(128, false)
        .see(128, 128), &[])]
#[case::smaller_after_a_timeout(
    H::xfs().create(64).publish().see(64, 64).expand(160).lost(Code::Cancelled)
        .expand_to(128, 140).reply(160, true).node_expand(128).ok().see(160, 160), &[])]
#[case::read_only_publication(
    H::xfs().create(512).publish().expand(1024).reply(1024, true).node_expand(1024).ok()
        .probe(read_only()), &[])]
#[case::a_shared_file_system_that_grows(
    H::xfs().create(64).publish().see_shared(1000).expand(128).reply(128, false)
        .see_shared(1064), &[])]
#[case::a_directory_and_no_growth(
    H::xfs().create(64).publish().see_shared(1000).expand(64).reply(64, false)
        .see_shared(1000), &[])]
#[case::probe_before_publication(
    H::xfs().create(64).see_shared(1000).publish().see(64, 64), &[])]
#[case::staging_path_of_a_block_volume(
    H::block().create(64).publish().at(PathRef::Staging).see_shared(1000)
        .expand(128).reply(128, true).node_expand(128).ok().see_shared(1000)
        .at(PathRef::Target(0)).see_device(128), &["grown node-expand.purpose inconclusive"])]
#[case::clone_grown_at_publish(
    H::xfs().create(64).on("copy").clone_of("vol", 128).stage().at(PathRef::Staging)
        .see(128, 64).at(PathRef::Target(0)).publish_only().see(128, 128), &[])]
#[case::echo_below_the_device(
    H::xfs().create(64).publish().see(64, 64).expand(100).reply(100, true)
        .node_expand(100).size(100).see(128, 128),
    &["grown controller-expand.capacity-bytes-actual remark"])]
#[case::another_target_not_grown(
    H::xfs().create(64).publish().at(PathRef::Target(1)).publish_only().at(PathRef::Target(0))
        .see(64, 64).expand(128).reply(128, true).node_expand(128).ok().see(128, 128)
        .at(PathRef::Target(1)).see(128, 64),
    &["grown node-expand.all-targets remark"])]
fn grown_accepts(#[case] h: H, #[case] found: &[&str]) {
    assert_eq!(h.found(), found);
}

#[rstest]
#[case::device(
    clean().unpublish().publish().see(64, 64),
    &["never-shrinks node-unstage.stays-grown"])]
#[case::file_system(
    clean().expand(128).reply(128, false).see(128, 115),
    &["never-shrinks controller-expand.never-shrinks"])]
#[case::by_the_controller(
    H::xfs().create(64).publish().see(64, 64).expand(32).reply(32, false).see(32, 32),
    &["never-shrinks controller-expand.never-shrinks",
      "never-shrinks controller-expand.never-shrinks"])]
#[case::by_the_node(
    clean().node_expand(64).ok().see(128, 64),
    &["never-shrinks node-expand.never-shrinks"])]
#[case::by_its_own_word(
    H::xfs().create(128).expand(64).reply(64, false),
    &["never-shrinks controller-expand.never-shrinks"])]
#[case::below_the_minimum_is_no_shrinking(
    H::xfs().create(64).expand(64).reply(61, false),
    &["capacity-contract controller-expand.result-at-least-required"])]
#[case::careless_echo(
    H::xfs().create(128).publish().expand(64).reply(64, false).see(128, 128),
    &["never-shrinks controller-expand.capacity-bytes-actual remark"])]
#[case::smaller_answered_with_what_there_is(
    clean().expand(64).reply(128, false).see(128, 128), &[])]
#[case::node_echo(clean().node_expand(64).size(64).see(128, 128), &[])]
#[case::another_volume_of_that_name(
    clean().unpublish().call(Rpc::DeleteVolume, |_| ()).ok().create(32).publish().see(32, 32), &[])]
fn never_shrinks(#[case] h: H, #[case] found: &[&str]) {
    assert_eq!(h.found(), found);
}

fn asked() -> H {
    H::xfs().create(64).publish().see(64, 64).expand_to(128, 0)
}

#[rstest]
#[case::device(
    asked().fails(Code::OutOfRange).see(128, 128),
    &["refused-without-effect controller-expand.err-out-of-range-no-effect"])]
#[case::in_use(
    asked().fails(Code::FailedPrecondition).unpublish().publish().see(128, 128),
    &["refused-without-effect controller-expand.err-in-use-no-effect"])]
#[case::file_system(
    H::xfs().create(64).publish().see(128, 64).node_expand(128).fails(Code::FailedPrecondition)
        .see(128, 128),
    &["refused-without-effect node-expand.err-in-use"])]
#[case::nothing(asked().fails(Code::OutOfRange).see(64, 64), &[])]
#[case::internal_may_leave_half(asked().fails(Code::Internal).see(128, 64), &[])]
#[case::aborted_because_another_runs(asked().fails(Code::Aborted).see(128, 128), &[])]
#[case::grown_at_publish_after_an_earlier_ok(
    H::xfs().create(64).publish().expand(128).reply(128, true).see(128, 64)
        .node_expand(128).fails(Code::FailedPrecondition).unpublish().publish().see(128, 128), &[])]
#[case::then_a_smaller_one(
    asked().fails(Code::OutOfRange).expand(100).reply(100, true).node_expand(100).ok()
        .see(100, 100), &[])]
fn refused_without_effect(#[case] h: H, #[case] found: &[&str]) {
    assert_eq!(h.found(), found);
}
