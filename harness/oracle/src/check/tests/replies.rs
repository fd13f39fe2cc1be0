//! `capacity-contract`.

use rstest::rstest;

use super::{super::testing::*, clean};
use crate::{
    action::Rpc,
    history::{Code, Entry, Reply, SnapshotInfo, Usage},
};

fn created() -> H {
    H::xfs().create(64)
}

#[rstest]
#[case::create_below(
    H::xfs().creates(64, 0).volume("v", 32), &["create-volume.capacity-range-honored"])]
#[case::create_above(
    H::xfs().creates(64, 70).volume("v", 80), &["create-volume.capacity-range-honored"])]
#[case::create_without_volume(H::xfs().creates(64, 0).ok(), &["create-volume.response-volume"])]
#[case::controller_below(
    created().expand(128).reply(100, true), &["controller-expand.result-at-least-required"])]
#[case::controller_above(
    created().expand_to(128, 130).reply(140, true), &["controller-expand.result-at-most-limit"])]
#[case::controller_nothing(
    created().expand(128).reply(0, true), &["controller-expand.capacity-bytes-required"])]
#[case::controller_unset(
    created().expand(128).ok(), &["controller-expand.capacity-bytes-required"])]
#[case::controller_negative(
    created().expand(128).reply(-1, true), &["general.volume.capacity-non-negative"])]
#[case::above_only_the_limit(
    created().expand_to(0, 100).reply(128, true), &["controller-expand.result-at-most-limit"])]
#[case::inverted(
    created().expand_to(128, 100).reply(128, true), &["general.capacity-range.inverted-rejected"])]
#[case::negative_range(
    created().expand(-1).reply(64, true), &["general.capacity-range.negative-rejected"])]
#[case::node_below(
    H::xfs().create(64).publish().expand(128).reply(128, true).node_expand(128).size(64)
        .see(128, 128),
    &["node-expand.result-at-least-required"])]
#[case::node_below_and_never_measured(
    H::xfs().create(64).publish().expand(128).reply(128, true).node_expand(128).size(64),
    &["node-expand.result-at-least-required"])]
#[case::node_above(
    H::xfs().without("controller.expand").create(64).publish().node_expand_to(128, 130).size(140),
    &["node-expand.result-at-most-limit"])]
fn outside_the_range(#[case] h: H, #[case] clauses: &[&str]) {
    let lines: Vec<String> = clauses.iter().map(|id| format!("capacity-contract {id}")).collect();
    assert_eq!(h.found(), lines);
}

#[test]
fn every_reply_counts() {
    let h = created().expand(128).reply(128, true).expand(128).reply(100, true);
    // The second reply is below its minimum, which says more than that it is below the first.
    assert_eq!(h.found(), ["capacity-contract controller-expand.result-at-least-required"]);
}

fn negative(rpc: Rpc, reply: Reply) -> H {
    created().call(rpc, |_| ()).says(reply)
}

#[rstest]
#[case(
    negative(Rpc::GetCapacity, Reply { available_capacity: Some(-1), ..Reply::default() }),
    "get-capacity.available-non-negative")]
#[case(
    negative(Rpc::GetCapacity, Reply { maximum_volume_size: Some(-1), ..Reply::default() }),
    "get-capacity.limits-non-negative")]
#[case(
    negative(Rpc::NodeGetStats, Reply {
        usage: vec![Usage { unit: "BYTES".into(), total: 8, used: -1, available: 9 }],
        ..Reply::default()
    }),
    "node-get-volume-stats.non-negative")]
#[case(
    negative(Rpc::ListVolumes, Reply {
        entries: Some(vec![Entry { id: "id-vol".into(), bytes: -1, nodes: vec![] }]),
        ..Reply::default()
    }),
    "general.volume.capacity-non-negative")]
#[case(
    negative(Rpc::CreateSnapshot, Reply {
        snapshot: Some(SnapshotInfo {
            id: "s".into(),
            source_volume_id: "id-vol".into(),
            size_bytes: -1,
            ready_to_use: true,
        }),
        ..Reply::default()
    }),
    "create-snapshot.size-non-negative")]
fn negative_numbers(#[case] h: H, #[case] clause: &str) {
    assert_eq!(h.found(), [format!("capacity-contract {clause}")]);
}

/// Notes 2, 3, 5, 16, 28, 31: legal.
#[rstest]
#[case::rounded_up(created().expand_to(100, 128).reply(128, true), &[])]
#[case::exactly_the_limit(created().expand_to(128, 128).reply(128, true), &[])]
#[case::size_unknown_at_creation(H::xfs().creates(64, 64).volume("v", 0), &[])]
#[case::only_a_limit(created().expand_to(0, 128).reply(128, true), &[])]
#[case::already_above_the_limit(created().expand_to(16, 32).reply(64, false), &[])]
#[case::maybe_above_since_a_timeout(
    created().expand(160).lost(Code::Cancelled).expand_to(128, 140).reply(160, true), &[])]
#[case::node_tells_the_file_systems_size(
    H::xfs().create(64).publish().expand(128).reply(128, true).node_expand(128).size(120)
        .see(128, 120), &[])]
#[case::node_tells_nothing(clean().node_expand(128).size(0), &[])]
#[case::refused_ranges_are_judged_by_code(
    created().expect(&[Code::InvalidArgument]).clause("general.capacity-range.inverted-rejected")
        .expand_to(128, 100).reply(128, true),
    &["code-expected general.capacity-range.inverted-rejected"])]
#[case::node_limit_below_the_controllers_rounding(
    H::xfs().create(64).publish().expand(100).reply(128, true).node_expand_to(100, 110).size(128)
        .see(128, 128),
    &["capacity-contract node-expand.result-at-most-limit remark"])]
#[case::created_again_after_growth(
    H::xfs().creates(64, 64).volume("v", 64).expand(128).reply(128, false)
        .creates(64, 64).volume("v", 128),
    &["capacity-contract create-volume.capacity-range-honored remark"])]
fn legal_variety(#[case] h: H, #[case] found: &[&str]) {
    assert_eq!(h.found(), found);
}
