//! Subject and reference side by side: same, allowed by which clause, divergent, unmatched.

use rstest::rstest;

use crate::{
    action::{PathRef, Rpc},
    check::testing::H,
    history::Code,
    report::Relation,
};

/// Relation of the subject's last step that was compared, and the clause.
fn last(h: &H) -> (Relation, Option<String>) {
    let report = h.report();
    let steps = &report.scenarios[0].steps;
    let comparison = steps.iter().filter_map(|step| step.comparison.as_ref()).next_back();
    let comparison = comparison.expect("a comparison");
    assert_eq!(comparison.differences.is_empty(), comparison.relation == Relation::Same);
    (comparison.relation, comparison.allowed_by.clone())
}

fn start() -> H {
    H::xfs().create(64)
}

/// The same set-up on both sides, then one operation on each.
fn pair(
    before: impl Fn(H) -> H,
    subject: impl FnOnce(H) -> H,
    reference: impl FnOnce(H) -> H,
) -> H {
    let ours = subject(before(start()));
    reference(before(ours.reference().create(64)))
}

fn plain(h: H) -> H {
    h
}

fn used(h: H) -> H {
    h.publish()
}

#[rstest]
#[case::same(
    pair(plain, |h| h.expand(128).reply(128, true), |h| h.expand(128).reply(128, true)), None)]
#[case::rounded(
    pair(plain, |h| h.expand(100).reply(128, true), |h| h.expand(100).reply(100, true)),
    Some("controller-expand.result-at-least-required"))]
#[case::create_rounded(
    pair(plain, |h| h.on("w").creates(5, 0).volume("w", 8),
        |h| h.on("w").creates(5, 0).volume("w", 5)),
    Some("create-volume.capacity-range-honored"))]
#[case::create_without_size(
    pair(plain, |h| h.on("w").creates(5, 0).volume("w", 0),
        |h| h.on("w").creates(5, 0).volume("w", 5)),
    Some("general.volume.capacity-zero-unknown"))]
#[case::node_tells_nothing(
    pair(used, |h| h.node_expand(64).ok(), |h| h.node_expand(64).size(64)),
    Some("node-expand.response-capacity"))]
#[case::aborted(
    pair(plain, |h| h.expand(128).fails(Code::Aborted), |h| h.expand(128).reply(128, true)),
    Some("general.concurrency.aborted"))]
#[case::malformed_id(
    pair(plain, |h| h.expand(128).fails(Code::InvalidArgument),
        |h| h.expand(128).fails(Code::NotFound)),
    Some("controller-expand.err-not-found"))]
#[case::smaller(
    pair(plain, |h| h.expand(32).fails(Code::OutOfRange), |h| h.expand(32).reply(64, false)),
    Some("controller-expand.already-large-ok"))]
#[case::pool_full(
    pair(plain, |h| h.expand(1 << 30).lost(Code::ResourceExhausted),
        |h| h.expand(1 << 30).fails(Code::OutOfRange)),
    Some("controller-expand.err-out-of-range"))]
#[case::staged_only(
    pair(H::stage, |h| h.expand(128).fails(Code::FailedPrecondition),
        |h| h.expand(128).reply(128, true)),
    Some("get-plugin-capabilities.expansion-offline-not-published"))]
#[case::clone_refused(
    pair(plain, |h| h.on("w").call(Rpc::CreateVolume, |c| {
        c.source = Some(crate::action::Source::Volume(crate::action::Ref::Handle("vol".into())));
    }).fails(Code::OutOfRange), |h| h.on("w").clone_of("vol", 128)),
    Some("create-volume.larger-than-source"))]
#[case::second_path(
    pair(used, |h| h.call(Rpc::NodePublish, |c| c.path = Some(PathRef::Target(1)))
        .fails(Code::FailedPrecondition), |h| h.at(PathRef::Target(1)).publish_only()),
    Some("node-publish.second-path-single-node"))]
#[case::no_node_step(
    pair(plain, |h| h.expand(128).reply(128, false), |h| h.expand(128).reply(128, true)),
    Some("controller-expand.node-flag-truthful"))]
#[case::grown_earlier(
    pair(|h| h.publish().expand(128).reply(128, true), |h| h.see(128, 128), |h| h.see(128, 64)),
    Some("node-expand.already-large-ok"))]
#[case::grown_with_the_node_step(
    pair(|h| h.publish().expand(128).reply(128, true), |h| h.see(128, 64), |h| h.see(128, 128)),
    Some("controller-expand.co-node-step"))]
fn legal_differences_name_their_clause(#[case] h: H, #[case] clause: Option<&str>) {
    let relation = if clause.is_some() { Relation::Allowed } else { Relation::Same };
    assert_eq!(last(&h), (relation, clause.map(ToOwned::to_owned)));
}

#[rstest]
#[case::refused(
    pair(plain, |h| h.expand(128).fails(Code::OutOfRange), |h| h.expand(128).reply(128, true)),
    "code OUT_OF_RANGE, reference OK")]
#[case::malformed_id_is_no_excuse_for_ok(
    pair(plain, |h| h.expand(128).reply(128, true), |h| h.expand(128).fails(Code::NotFound)),
    "code OK, reference NOT_FOUND")]
#[case::below(
    pair(plain, |h| h.expand(128).reply(100, true), |h| h.expand(128).reply(128, true)),
    "size below the minimum (100 MiB), reference as asked (128 MiB)")]
#[case::above_the_limit(
    pair(plain, |h| h.expand_to(128, 130).reply(140, true),
        |h| h.expand_to(128, 130).reply(128, true)),
    "size above the limit (140 MiB), reference as asked (128 MiB)")]
#[case::small_after_the_node_step(
    pair(|h| h.publish().expand(128).reply(128, true).node_expand(128).ok(),
        |h| h.see(128, 64), |h| h.see(128, 128)),
    "file system smaller than the device, reference fills the device")]
#[case::no_device(
    pair(used, |h| h.see_shared(1000), |h| h.see(64, 64)),
    "device without one of its own, reference as promised")]
#[case::damaged(pair(used, |h| h.verify(1), |h| h.verify(0)), "data damaged, reference whole")]
fn other_differences_diverge(#[case] h: H, #[case] difference: &str) {
    assert_eq!(last(&h), (Relation::Divergent, None));
    let report = h.report();
    let steps = &report.scenarios[0].steps;
    let comparison = steps.iter().filter_map(|step| step.comparison.as_ref()).next_back();
    let differences = comparison.map(|comparison| comparison.differences.clone());
    assert_eq!(differences.unwrap_or_default()[0], difference);
}

#[test]
fn a_difference_is_not_a_failure() {
    let h =
        pair(plain, |h| h.expand(128).fails(Code::OutOfRange), |h| h.expand(128).reply(128, true));
    assert!(h.found().is_empty());
    let summary = h.report().comparison.expect("a comparison");
    assert_eq!((summary.same, summary.divergent), (1, 1));
}

#[test]
fn steps_align_by_name_and_the_rest_is_unmatched() {
    // The subject needs one call more in step 2; the reference has a step 4 of its own.
    let h = start()
        .expand(128)
        .reply(128, true)
        .step(2)
        .call(Rpc::ControllerGetVolume, |_| ())
        .ok()
        .step(3)
        .expand(192)
        .reply(192, true)
        .teardown()
        .call(Rpc::DeleteVolume, |_| ())
        .ok()
        .reference()
        .create(64)
        .expand(128)
        .reply(128, true)
        .expand(192)
        .reply(192, true)
        .expand(256)
        .reply(256, true);
    let report = h.report();
    let relations: Vec<Option<Relation>> = report.scenarios[0]
        .steps
        .iter()
        .map(|step| step.comparison.as_ref().map(|comparison| comparison.relation))
        .collect();
    let same = Some(Relation::Same);
    assert_eq!(relations, [same, same, Some(Relation::Unmatched), same, None]);
    let summary = report.comparison.expect("a comparison");
    assert_eq!((summary.same, summary.unmatched), (3, 2));
}

#[test]
fn without_a_reference_there_is_no_comparison() {
    let report = start().report();
    assert_eq!(report.comparison, None);
    assert!(report.scenarios[0].steps.iter().all(|step| step.comparison.is_none()));
}
