//! Declared against observed.

use rstest::rstest;

use super::clean;
use crate::{
    check::testing::H,
    history::Code,
    report::{HonestyRow, Promise, Standing},
};

/// A target that declares these modes.
fn with(h: H, modes: &[&str]) -> H {
    let modes: Vec<String> = modes.iter().map(|mode| (*mode).to_owned()).collect();
    h.run(|run| {
        let expand = vec!["EXPAND_VOLUME".to_owned()];
        let lists = [("plugin", modes), ("controller", expand.clone()), ("node", expand)];
        run.target.offers.declared = lists.map(|(name, list)| (name.to_owned(), list)).into();
    })
}

fn row(h: &H, call: &str, access: &str, state: &str) -> HonestyRow {
    let rows = h.report().honesty.rows;
    let found = rows
        .iter()
        .find(|row| row.call.starts_with(call) && row.access == access && row.state == state);
    found.expect("a row").clone()
}

fn published() -> H {
    H::xfs().create(64).publish().see(64, 64)
}

fn offline() -> H {
    published().unpublish()
}

const ONLINE: &[&str] = &["ONLINE"];
const OFFLINE: &[&str] = &["OFFLINE"];

#[rstest]
#[case::grown(clean(), ONLINE, "published", Promise::Works, Standing::Agrees)]
#[case::refused(
    published().expand(128).fails(Code::FailedPrecondition), ONLINE, "published",
    Promise::Works, Standing::Refuses)]
#[case::not_grown(
    published().expand(128).reply(128, false).see(64, 64), ONLINE, "published",
    Promise::Works, Standing::Lies)]
#[case::not_measured(
    published().expand(128).reply(128, false), ONLINE, "published",
    Promise::Works, Standing::Unmeasured)]
#[case::not_grown_before_the_node_step(
    published().expand(128).reply(128, true).see(64, 64), ONLINE, "published",
    Promise::Works, Standing::Unmeasured)]
#[case::offline_only_refuses(
    published().expand(128).fails(Code::FailedPrecondition), OFFLINE, "published",
    Promise::Refused, Standing::Agrees)]
#[case::offline_only_grows_online(
    clean(),
    OFFLINE,
    "published",
    Promise::Refused,
    Standing::Modest
)]
#[case::offline_only_grows_offline(
    offline().expand(128).reply(128, false).publish().see(128, 128), OFFLINE, "created",
    Promise::Works, Standing::Agrees)]
#[case::no_mode(clean(), &[], "published", Promise::Open, Standing::Agrees)]
#[case::no_mode_refuses(
    published().expand(128).fails(Code::FailedPrecondition), &[], "published",
    Promise::Open, Standing::Agrees)]
#[case::untried(clean(), ONLINE, "created", Promise::Works, Standing::Untried)]
#[case::a_size_that_is_too_large_says_nothing(
    published().expand(128).fails(Code::OutOfRange), ONLINE, "published",
    Promise::Works, Standing::Untried)]
#[case::no_growth_is_no_try(
    published().expand(64).fails(Code::Internal), ONLINE, "published",
    Promise::Works, Standing::Untried)]
#[case::a_bad_range_is_no_try(
    published().expand_to(128, 100).fails(Code::Internal), ONLINE, "published",
    Promise::Works, Standing::Untried)]
fn by_the_controller(
    #[case] h: H,
    #[case] modes: &[&str],
    #[case] state: &str,
    #[case] declared: Promise,
    #[case] standing: Standing,
) {
    let row = row(&with(h, modes), "Controller", "mount", state);
    assert_eq!((row.declared, row.standing), (declared, standing), "{row:?}");
    assert_eq!(row.why.is_some(), standing == Standing::Untried);
    assert_eq!(row.scenario.is_some(), standing.contradicts());
}

fn due() -> H {
    published().expand(128).reply(128, true).see(128, 64)
}

#[rstest]
#[case::grown(due().node_expand(128).ok().see(128, 128), "published", Standing::Agrees)]
#[case::not_grown(due().node_expand(128).ok().see(128, 64), "published", Standing::Lies)]
#[case::allowed_to_refuse(
    due().node_expand(128).fails(Code::FailedPrecondition), "published", Standing::Agrees)]
#[case::nowhere_to_grow(
    due().unpublish().node_expand(128).fails(Code::NotFound), "created", Standing::Agrees)]
#[case::before_the_controller(
    published().node_expand(128).fails(Code::Internal), "published", Standing::Untried)]
fn by_the_node(#[case] h: H, #[case] state: &str, #[case] standing: Standing) {
    let row = row(&with(h, ONLINE), "Node", "mount", state);
    assert_eq!(row.standing, standing, "{row:?}");
}

#[test]
fn what_is_not_declared_says_why_it_was_not_tried() {
    let h = with(clean(), ONLINE).without("controller.expand");
    let row = row(&h, "Controller", "block", "created");
    assert_eq!((row.declared, row.standing), (Promise::Absent, Standing::Untried));
    assert_eq!(row.why.as_deref(), Some("needs `controller.expand`: not offered"));
}
