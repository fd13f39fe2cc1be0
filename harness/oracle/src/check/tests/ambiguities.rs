//! Where the specification leaves room (`scenarios/labels.md`, A1 to A39): what passes, what gets a
//! remark, what fails. The number is in each case's name. A33 and A37 are remarks on the text; A36
//! and the declarations of A7 and A39 are other checks' and tested with them.

use rstest::rstest;

use super::{super::testing::*, clean};
use crate::{
    action::{Access, Capability, PathRef, Rpc},
    history::{Code, FsGeometry, Observation},
};

use Code::{
    Aborted, AlreadyExists, DeadlineExceeded, FailedPrecondition, Internal, InvalidArgument,
    NotFound, Ok as Fine, OutOfRange, ResourceExhausted, Unavailable, Unknown,
};

const PASS: &[&str] = &[];

fn created() -> H {
    H::xfs().create(64)
}

fn published() -> H {
    created().publish().see(64, 64)
}

/// The backend has grown, the node step is due.
fn half() -> H {
    published().expand(128).reply(128, true)
}

fn block() -> H {
    H::block().create(64).publish().see_device(64)
}

/// The next answer as a scenario's file has it.
fn next(h: H, pass: &[Code], warn: &[Code], clause: &str) -> H {
    h.expect(pass).warn(warn).clause(clause)
}

const LARGE: &str = "controller-expand.already-large-ok";

fn smaller(h: H) -> H {
    next(h, &[Fine], &[OutOfRange, InvalidArgument], LARGE).expand(96)
}

fn repeat(h: H) -> H {
    next(h, &[Fine], &[], "controller-expand.idempotent").expand(128)
}

fn smaller_limit(h: H) -> H {
    next(h, &[Fine, OutOfRange], &[], "controller-expand.result-at-most-limit").expand_to(64, 96)
}

#[rstest]
#[case::a01_pass_repeat(repeat(clean()).reply(128, false).see(128, 128), PASS)]
#[case::a01_fail_repeat(
    repeat(clean()).fails(Internal), &["code-expected controller-expand.idempotent"])]
#[case::a01_fail_repeat_unasked(
    clean().expand(128).fails(OutOfRange), &["idempotent controller-expand.idempotent"])]
#[case::a01_pass_smaller(smaller(clean()).reply(128, false).see(128, 128), PASS)]
#[case::a01_warn_smaller(
    smaller(clean()).fails(OutOfRange), &["code-expected controller-expand.already-large-ok remark"])]
#[case::a01_fail_shrunk(
    smaller(clean()).reply(128, false).see(96, 96),
    &["never-shrinks controller-expand.never-shrinks"])]
#[case::a02_pass_ok(smaller_limit(clean()).reply(128, false).see(128, 128), PASS)]
#[case::a02_pass_refused(smaller_limit(clean()).fails(OutOfRange).see(128, 128), PASS)]
#[case::a02_fail_shrunk(
    smaller_limit(clean()).reply(128, false).see(96, 96),
    &["never-shrinks controller-expand.never-shrinks"])]
#[case::a02_fail_other_code(
    smaller_limit(clean()).fails(Internal), &["code-expected controller-expand.result-at-most-limit"])]
#[case::a03_pass_rounded(
    published().expand(100).reply(128, true).node_expand(100).size(128).see(128, 128), PASS)]
#[case::a03_fail_above_limit(
    created().expand_to(100, 110).reply(128, true),
    &["capacity-contract controller-expand.result-at-most-limit"])]
#[case::a03_pass_limit_below_unit(limit_below_unit().fails(OutOfRange), PASS)]
#[case::a03_warn_limit_below_unit(
    limit_below_unit().fails(InvalidArgument),
    &["code-expected controller-expand.result-at-most-limit remark"])]
#[case::a03_fail_limit_below_unit(
    limit_below_unit().fails(Internal), &["code-expected controller-expand.result-at-most-limit"])]
#[case::a04_pass(half().node_expand(128).ok().see(128, 128), PASS)]
#[case::a04_fail_zero(
    created().expand(128).reply(0, true),
    &["capacity-contract controller-expand.capacity-bytes-required"])]
#[case::a04_fail_below_required(
    created().expand(128).reply(100, true),
    &["capacity-contract controller-expand.result-at-least-required"])]
#[case::a04_fail_above_device(
    block().expand(128).reply(256, false).see_device(128),
    &["grown controller-expand.capacity-bytes-actual"])]
#[case::a04_warn_echo(
    block().expand(100).reply(100, false).see_device(128),
    &["grown controller-expand.capacity-bytes-actual remark"])]
#[case::a05_pass(limit_only().reply(96, true), PASS)]
#[case::a05_warn(
    limit_only().fails(InvalidArgument), &["code-expected controller-expand.limit-only remark"])]
#[case::a05_fail_above(
    limit_only().reply(160, true), &["capacity-contract controller-expand.result-at-most-limit"])]
#[case::a05_fail_code(limit_only().fails(Internal), &["code-expected controller-expand.limit-only"])]
fn sizes(#[case] h: H, #[case] found: &[&str]) {
    assert_eq!(h.found(), found);
}

fn limit_below_unit() -> H {
    let clause = "controller-expand.result-at-most-limit";
    next(created(), &[Fine, OutOfRange], &[InvalidArgument], clause).expand_to(100, 100)
}

fn limit_only() -> H {
    next(created(), &[Fine], &[InvalidArgument], "controller-expand.limit-only").expand_to(0, 128)
}

const EMPTY: &str = "general.capacity-range.both-zero-rejected";
const NEGATIVE: &str = "general.capacity-range.negative-rejected";
const INVERTED: &str = "general.capacity-range.inverted-rejected";

fn empty() -> H {
    next(created(), &[InvalidArgument], &[OutOfRange, Fine], EMPTY).expand(0)
}

fn negative() -> H {
    next(created(), &[InvalidArgument], &[OutOfRange], NEGATIVE).expand(-1)
}

fn inverted() -> H {
    next(created(), &[InvalidArgument, OutOfRange], &[], INVERTED).expand_to(128, 64)
}

#[rstest]
#[case::a06_pass_empty(empty().fails(InvalidArgument), "")]
#[case::a06_warn_empty(empty().fails(OutOfRange), " remark")]
#[case::a06_fail_empty(empty().fails(Internal), EMPTY)]
#[case::a06_pass_negative(negative().fails(InvalidArgument), "")]
#[case::a06_warn_negative(negative().fails(OutOfRange), " remark")]
#[case::a06_fail_negative(negative().reply(64, false), NEGATIVE)]
#[case::a06_pass_inverted(inverted().fails(OutOfRange), "")]
#[case::a06_pass_inverted_invalid(inverted().fails(InvalidArgument), "")]
#[case::a06_fail_inverted(inverted().reply(128, false), INVERTED)]
fn ranges(#[case] h: H, #[case] found: &str) {
    let all = h.found();
    match found {
        "" => assert_eq!(all, PASS),
        " remark" => assert!(all.len() == 1 && all[0].ends_with(found), "{all:?}"),
        clause => assert_eq!(all, [format!("code-expected {clause}")]),
    }
}

/// A growth in use of a plugin that says neither ONLINE nor OFFLINE, as the script accepts it.
fn undeclared() -> H {
    published().expect(&[Fine, FailedPrecondition]).expand(128)
}

fn both_modes() -> H {
    let modes = || vec!["ONLINE".to_owned(), "OFFLINE".to_owned()];
    published().run(|run| {
        run.target.offers.declared.insert("plugin".into(), modes());
        run.target.offers.has.insert("expand.offline".into());
    })
}

fn offline_only(h: H, pass: &[Code]) -> H {
    let h = h.without("expand.online").run(|run| {
        run.target.offers.has.insert("expand.offline-only".into());
    });
    next(h, pass, &[Internal], "controller-expand.err-in-use").expand(128)
}

const PUBLISHED_PATH: &str = "node-expand.implemented";

fn node_step(h: H) -> H {
    next(h, &[Fine], &[FailedPrecondition], PUBLISHED_PATH).node_expand(128)
}

fn any_time() -> H {
    next(created(), &[Fine], &[], "controller-expand.online-any-time-sp").expand(128)
}

#[rstest]
#[case::a07_pass_ok(undeclared().reply(128, true).node_expand(128).ok().see(128, 128), PASS)]
#[case::a07_pass_refused(undeclared().fails(FailedPrecondition).see(64, 64), PASS)]
#[case::a07_fail(undeclared().fails(Internal), &["code-expected controller-expand.purpose"])]
#[case::a08_pass(
    both_modes().expand(128).reply(128, true).node_expand(128).ok().see(128, 128), PASS)]
#[case::a08_fail(
    both_modes().expect(&[Fine]).expand(128).fails(FailedPrecondition),
    &["code-expected controller-expand.purpose"])]
#[case::a09_pass_published(
    offline_only(published(), &[FailedPrecondition]).fails(FailedPrecondition).see(64, 64), PASS)]
#[case::a09_fail_published(
    offline_only(published(), &[FailedPrecondition]).reply(128, true),
    &["code-expected controller-expand.err-in-use"])]
#[case::a09_pass_staged(
    offline_only(created().stage(), &[Fine, FailedPrecondition]).reply(128, true), PASS)]
#[case::a09_pass_staged_refused(
    offline_only(created().stage(), &[Fine, FailedPrecondition]).fails(FailedPrecondition), PASS)]
#[case::a26_warn_hidden_code(
    offline_only(published(), &[FailedPrecondition]).fails(Internal),
    &["code-expected controller-expand.err-in-use remark"])]
#[case::a26_fail_other_code(
    offline_only(published(), &[FailedPrecondition]).fails(NotFound),
    &["code-expected controller-expand.err-in-use"])]
#[case::a10_pass(node_step(half()).ok().see(128, 128), PASS)]
#[case::a10_warn(
    node_step(half()).fails(FailedPrecondition),
    &["code-expected node-expand.implemented remark"])]
#[case::a10_fail(node_step(half()).fails(Internal), &["code-expected node-expand.implemented"])]
#[case::a38_pass(any_time().reply(128, true), PASS)]
#[case::a38_fail(
    any_time().fails(FailedPrecondition),
    &["code-expected controller-expand.online-any-time-sp"])]
fn modes(#[case] h: H, #[case] found: &[&str]) {
    assert_eq!(h.found(), found);
}

fn unasked() -> H {
    let h = published().expand(128).reply(128, false).see(128, 128);
    next(h, &[Fine], &[Internal, FailedPrecondition], "node-expand.already-large-ok")
        .node_expand(128)
}

fn put_off() -> H {
    created().publish().see(64, 64).unpublish().expand(128).reply(128, true).publish()
}

fn no_range() -> H {
    let clause = "node-expand.capacity-range-optional";
    next(half(), &[Fine], &[], clause).call(Rpc::NodeExpand, |c| c.path = Some(PathRef::Target(0)))
}

fn of_1_gib(fs: i64) -> H {
    let seen = Observation {
        device_bytes: Some(1 << 30),
        fs: Some(FsGeometry {
            kind: "xfs".into(),
            bytes: (fs * MIB).unsigned_abs(),
            slack_bytes: 0,
        }),
        ..Observation::default()
    };
    published().expand(1024).reply(1024, true).node_expand(1024).ok().probe(seen)
}

fn at_path(path: PathRef, clause: &str) -> H {
    next(half().at(path), &[Fine], &[], clause).node_expand(128)
}

const LYING: &[&str] = &["grown node-expand.purpose"];

#[rstest]
#[case::a11_pass_after_the_node_step(clean().expand(128).reply(128, false).see(128, 128), PASS)]
#[case::a11_pass_still_asked(clean().expand(128).reply(128, true).see(128, 128), PASS)]
#[case::a11_fail_dropped(
    half().expand(128).reply(128, false).see(128, 64),
    &["idempotent controller-expand.idempotent-node-flag"])]
#[case::a11_fail_without_capability(
    created().without("node.expand").expand(128).reply(128, true),
    &["node-flag controller-expand.node-flag-needs-capability"])]
#[case::a11_pass_block(
    block().expand(128).reply(128, true).expand(128).reply(128, false).see_device(128), PASS)]
#[case::a12_pass(unasked().ok().see(128, 128), PASS)]
#[case::a12_warn(
    unasked().fails(Internal), &["code-expected node-expand.already-large-ok remark"])]
#[case::a13_pass_at_stage(put_off().see(128, 128).node_expand(128).ok().see(128, 128), PASS)]
#[case::a13_pass_by_the_node_step(put_off().node_expand(128).ok().see(128, 128), PASS)]
#[case::a13_fail_by_nobody(put_off().node_expand(128).ok().see(128, 64), LYING)]
#[case::a14_pass_grown(no_range().ok().see(128, 128), PASS)]
#[case::a14_pass_not_grown(no_range().ok().see(128, 64), PASS)]
#[case::a14_fail(
    no_range().fails(InvalidArgument), &["code-expected node-expand.capacity-range-optional"])]
#[case::a15_pass(of_1_gib(1010), PASS)]
#[case::a15_fail(of_1_gib(1000), LYING)]
#[case::a16_pass_zero(half().node_expand(128).size(0).see(128, 128), PASS)]
#[case::a16_pass_echo(
    published().expand(100).reply(128, true).node_expand(100).size(100).see(128, 128), PASS)]
#[case::a16_fail_above_device(half().node_expand(128).size(160).see(128, 128), LYING)]
#[case::a17_pass_staging(
    at_path(PathRef::Staging, "node-expand.path-staged-or-published").ok().see(128, 128), PASS)]
#[case::a17_pass_target(
    at_path(PathRef::Target(0), "node-expand.path-staged-or-published").ok().see(128, 128), PASS)]
#[case::a17_fail_staging(
    at_path(PathRef::Staging, "node-expand.path-staged-or-published").fails(InvalidArgument),
    &["code-expected node-expand.path-staged-or-published"])]
#[case::a18_pass(
    at_path(PathRef::Target(0), "node-expand.staging-path-optional").ok().see(128, 128), PASS)]
#[case::a18_fail(
    at_path(PathRef::Target(0), "node-expand.staging-path-optional").fails(InvalidArgument),
    &["code-expected node-expand.staging-path-optional"])]
fn node_steps(#[case] h: H, #[case] found: &[&str]) {
    assert_eq!(h.found(), found);
}

fn wrong_path(h: H) -> H {
    let h = h.at(PathRef::Literal("/nobody".into()));
    let pass = [NotFound, FailedPrecondition, InvalidArgument];
    next(h, &pass, &[Internal, Unknown, Fine], "node-expand.not-staged-refused").node_expand(128)
}

fn at_target(h: H) -> H {
    h.at(PathRef::Target(0))
}

fn too_early() -> H {
    published().node_expand(128)
}

/// Published read-only; the node step that the controller has asked for.
fn read_only() -> H {
    let h = created().stage().call(Rpc::NodePublish, |call| {
        (call.path, call.readonly) = (Some(PathRef::Target(0)), true);
    });
    let h = h.ok().see(64, 64).expand(128).reply(128, true);
    h.expect(&[Fine, FailedPrecondition, InvalidArgument]).node_expand(128)
}

fn writable(h: H) -> H {
    h.unpublish().publish().node_expand(128)
}

fn two_targets() -> H {
    let h = published().at(PathRef::Target(1)).publish_only().see(64, 64).at(PathRef::Target(0));
    h.expand(128).reply(128, true).node_expand(128).ok().see(128, 128).at(PathRef::Target(1))
}

fn as_block(h: H) -> H {
    let clause = "controller-expand.err-exceeds-capabilities";
    let block = Capability { access: Access::Block, mode: crate::action::AccessMode::default() };
    next(h, &[InvalidArgument], &[Fine], clause).call(Rpc::ControllerExpand, |call| {
        call.capacity_range = Some(crate::action::CapacityRange { required: 128 * MIB, limit: 0 });
        call.capability = Some(block);
    })
}

#[rstest]
#[case::a19_pass_not_found(wrong_path(half()).fails(NotFound), PASS)]
#[case::a19_pass_precondition(wrong_path(half()).fails(FailedPrecondition), PASS)]
#[case::a19_warn(
    wrong_path(half()).fails(Internal), &["code-expected node-expand.not-staged-refused remark"])]
#[case::a19_warn_ok_and_grown(
    at_target(wrong_path(clean()).ok()).see(128, 128),
    &["code-expected node-expand.not-staged-refused remark"])]
#[case::a19_fail_ok_and_small(
    at_target(wrong_path(half()).ok()).see(128, 64),
    &["grown node-expand.purpose", "code-expected node-expand.not-staged-refused remark"])]
#[case::a19_fail_other_code(
    wrong_path(half()).fails(ResourceExhausted), &["code-expected node-expand.not-staged-refused"])]
#[case::a20_pass_refused(too_early().fails(Internal).see(64, 64), PASS)]
#[case::a20_pass_grown(too_early().ok().see(128, 128), PASS)]
#[case::a20_fail(too_early().ok().see(64, 64), LYING)]
#[case::a20_pass_node_only(
    H::xfs().without("controller.expand").create(64).publish().see(64, 64).node_expand(128).ok()
        .see(128, 128), PASS)]
#[case::a21_pass_nothing_done(read_only().ok().see(128, 64), PASS)]
#[case::a21_pass_refused(read_only().fails(FailedPrecondition).see(128, 64), PASS)]
#[case::a21_pass_writable(writable(read_only().ok()).ok().see(128, 128), PASS)]
#[case::a21_fail_writable(writable(read_only().ok()).ok().see(128, 64), LYING)]
#[case::a21_fail_code(read_only().fails(NotFound), &["code-expected controller-expand.purpose"])]
#[case::a22_pass(two_targets().see(128, 128), PASS)]
#[case::a22_warn(two_targets().see(64, 64), &["grown node-expand.all-targets remark"])]
#[case::a23_pass(as_block(published()).fails(InvalidArgument), PASS)]
#[case::a23_warn(
    as_block(published()).reply(128, false).expand(128).reply(128, true).node_expand(128).ok()
        .see(128, 128),
    &["code-expected controller-expand.err-exceeds-capabilities remark"])]
#[case::a23_fail_damage(
    as_block(published()).reply(128, true).node_expand(128).ok().see(128, 128).verify(1),
    &["data-kept node-expand.data-kept",
        "code-expected controller-expand.err-exceeds-capabilities remark"])]
fn where_and_as_what(#[case] h: H, #[case] found: &[&str]) {
    assert_eq!(h.found(), found);
}

const UNKNOWN: &str = "controller-expand.err-not-found";

fn deleted() -> H {
    next(created().call(Rpc::DeleteVolume, |_| ()).ok(), &[NotFound], &[], UNKNOWN).expand(128)
}

fn random() -> H {
    next(created(), &[NotFound, InvalidArgument], &[], UNKNOWN).expand(128)
}

const RANGE: &str = "controller-expand.err-out-of-range";

fn too_large() -> H {
    let warn = [ResourceExhausted, InvalidArgument, Internal];
    next(created(), &[OutOfRange], &warn, RANGE).expand(1 << 40)
}

/// Given up at three times the size; then twice the size was OK.
fn given_up() -> H {
    let range = crate::action::CapacityRange { required: 192 * MIB, limit: 0 };
    block()
        .call(Rpc::ControllerExpand, |c| {
            (c.capacity_range, c.deadline_ms) = (Some(range), Some(1));
        })
        .lost(DeadlineExceeded)
        .expand(128)
}

const AT_ONCE: &str = "general.concurrency.graceful";

/// Two growths at the same time; the first is OK.
fn at_once() -> H {
    let warn = [Unavailable, Internal, DeadlineExceeded];
    let h = next(block(), &[Fine, Aborted], &warn, AT_ONCE).expand(128);
    next(h, &[Fine, Aborted], &warn, AT_ONCE).expand(128).reply(128, false)
}

fn snapped() -> H {
    next(
        published().snapshot("snap"),
        &[Fine],
        &[FailedPrecondition, Internal],
        "controller-expand.purpose",
    )
    .expand(128)
}

fn again(limit: i64, pass: &[Code], warn: &[Code], clause: &str) -> H {
    let h = H::xfs().creates(64, limit).volume("id-vol", 64).expand(128).reply(128, true);
    next(h, pass, warn, clause).creates(64, limit)
}

fn full_for_snapshots() -> H {
    next(published(), &[ResourceExhausted], &[Internal], "create-snapshot.implemented")
        .call(Rpc::CreateSnapshot, |_| ())
}

fn second_target() -> H {
    let clause = "node-publish.second-path-single-node";
    next(published(), &[FailedPrecondition], &[Fine], clause)
        .call(Rpc::NodePublish, |call| call.path = Some(PathRef::Target(1)))
}

#[rstest]
#[case::a24_pass_deleted(deleted().fails(NotFound), "")]
#[case::a24_fail_deleted(deleted().fails(InvalidArgument), UNKNOWN)]
#[case::a24_pass_random(random().fails(InvalidArgument), "")]
#[case::a24_fail_random(random().fails(Internal), UNKNOWN)]
#[case::a25_pass(too_large().fails(OutOfRange), "")]
#[case::a25_warn(too_large().fails(ResourceExhausted), " remark")]
#[case::a25_warn_internal(too_large().fails(Internal), " remark")]
#[case::a25_fail_ok(too_large().reply(1 << 40, false), RANGE)]
// One thing is wrong at a time: what is due is due whatever else might be checked first.
#[case::a27_fail(random().fails(OutOfRange), UNKNOWN)]
#[case::a31_pass(again(0, &[Fine], &[], AFTER).volume("id-vol", 128), "")]
#[case::a31_fail(again(0, &[Fine], &[], AFTER).fails(AlreadyExists), AFTER)]
#[case::a31_pass_exact(again(64, &[AlreadyExists], &[Fine], EXACT).fails(AlreadyExists), "")]
#[case::a31_fail_exact(again(64, &[AlreadyExists], &[Fine], EXACT).fails(Internal), EXACT)]
#[case::a34_pass(full_for_snapshots().fails(ResourceExhausted), "")]
#[case::a34_warn(full_for_snapshots().fails(Internal), " remark")]
#[case::a35_pass(second_target().fails(FailedPrecondition), "")]
#[case::a35_warn(second_target().ok(), " remark")]
fn codes(#[case] h: H, #[case] found: &str) {
    let all = h.found();
    match found {
        "" => assert_eq!(all, PASS),
        " remark" => assert!(all.len() == 1 && all[0].ends_with(found), "{all:?}"),
        clause => assert_eq!(all, [format!("code-expected {clause}")]),
    }
}

const AFTER: &str = "create-volume.after-expansion-idempotent";
const EXACT: &str = "create-volume.err-already-exists";

#[rstest]
#[case::a25_blameless_full_pool(
    published().expect(&[Fine]).expand(128).fails(ResourceExhausted),
    &["code-expected controller-expand.purpose inconclusive"])]
#[case::a28_pass_asked_for(given_up().reply(128, false).see_device(128), PASS)]
#[case::a28_pass_given_up(given_up().reply(192, false).see_device(192), PASS)]
#[case::a28_pass_between(given_up().reply(160, false).see_device(160), PASS)]
#[case::a28_warn_echo(
    given_up().reply(128, false).see_device(160),
    &["grown controller-expand.capacity-bytes-actual remark"])]
#[case::a28_fail(
    given_up().reply(128, false).see_device(100), &["grown controller-expand.purpose"])]
#[case::a29_pass_ok(at_once().reply(128, false).see_device(128), PASS)]
#[case::a29_pass_aborted(at_once().fails(Aborted).see_device(128), PASS)]
#[case::a29_warn(
    at_once().fails(Internal).see_device(128),
    &["code-expected general.concurrency.graceful remark"])]
#[case::a29_warn_deadline(
    at_once().lost(DeadlineExceeded).see_device(128),
    &["code-expected general.concurrency.graceful remark"])]
#[case::a29_fail_size(
    at_once().fails(Aborted).see_device(64), &["grown controller-expand.purpose"])]
#[case::a29_pass_out_of_order(
    block().expand(128).expand(192).reply(192, false).reply(128, false).see_device(192), PASS)]
#[case::a29_pass_told_the_other_size(
    block().expand(192).expand(128).reply(192, false).reply(192, false).expand(128)
        .reply(192, false).see_device(192), PASS)]
#[case::a29_pass_overtaken(
    block().expand(192).expand(128).reply(128, false).expand(128).reply(192, false)
        .reply(192, false).see_device(192), PASS)]
#[case::a29_fail_lost_the_larger(
    block().expand(128).expand(192).reply(192, false).reply(128, false).see_device(128),
    &["grown controller-expand.purpose"])]
#[case::a30_pass(snapped().reply(128, true).node_expand(128).ok().see(128, 128), PASS)]
#[case::a30_warn(
    snapped().fails(FailedPrecondition).see(64, 64),
    &["code-expected controller-expand.purpose remark"])]
#[case::a30_fail_damage(
    snapped().reply(128, true).node_expand(128).ok().see(128, 128).verify(1),
    &["data-kept node-expand.data-kept"])]
#[case::a31_warn_exact(
    again(64, &[AlreadyExists], &[Fine], EXACT).volume("id-vol", 128),
    &["capacity-contract create-volume.capacity-range-honored remark",
        "code-expected create-volume.err-already-exists remark"])]
#[case::a32_pass(clean().verify(0), PASS)]
#[case::a32_fail(clean().verify(1), &["data-kept node-expand.data-kept"])]
fn doings(#[case] h: H, #[case] found: &[&str]) {
    assert_eq!(h.found(), found);
}
