//! `node-flag`.

use rstest::rstest;

use super::super::testing::*;

fn online() -> H {
    H::xfs().create(64).publish().see(64, 64)
}

#[rstest]
#[case::nobody_to_do_it(
    H::xfs().without("node.expand").create(64).publish().see(64, 64).expand(128).reply(128, true),
    &["node-flag controller-expand.node-flag-needs-capability"])]
#[case::nobody_grew_it(
    online().expand(128).reply(128, false).see(128, 64),
    &["node-flag controller-expand.node-flag-truthful"])]
#[case::nobody_grew_it_on_the_next_stage_either(
    online().unpublish().expand(128).reply(128, false).publish().see(128, 64),
    &["node-flag controller-expand.node-flag-truthful"])]
#[case::nor_the_second_time(
    online().expand(128).reply(128, false).see(128, 64).expand(192).reply(192, false).see(192, 192),
    &["node-flag controller-expand.node-flag-truthful"])]
#[case::grown_by_itself(online().expand(128).reply(128, false).see(128, 128), &[])]
#[case::grown_at_the_next_stage(
    online().unpublish().expand(128).reply(128, false).publish().see(128, 128), &[])]
#[case::grown_at_the_latest_on_republication(
    online().expand(128).reply(128, false).see(128, 64).unpublish().publish().see(128, 128), &[])]
#[case::block_with_a_step(
    H::block().create(64).publish().expand(128).reply(128, true).node_expand(128).ok()
        .see_device(128), &[])]
#[case::block_without(
    H::block().create(64).publish().expand(128).reply(128, false).see_device(128), &[])]
#[case::node_step_although_none_was_asked(
    online().expand(128).reply(128, false).see(128, 64).node_expand(128).ok().see(128, 128), &[])]
fn node_flag(#[case] h: H, #[case] found: &[&str]) {
    assert_eq!(h.found(), found);
}
