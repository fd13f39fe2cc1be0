//! `code-expected`, `answered`, `teardown`, `vacuous`, `lab`, and what the judge itself says.

use rstest::rstest;

use super::{super::testing::*, clean};
use crate::{
    action::{PathRef, Rpc},
    history::{Because, Code, Observation},
    report::Class,
    verdict::Verdict,
};

fn created() -> H {
    H::xfs().create(64)
}

const FIRST: &str = "controller-expand.purpose";

#[rstest]
#[case::wrong_code(
    created().expect(&[Code::OutOfRange]).clause("controller-expand.err-out-of-range")
        .expand(1 << 30).fails(Code::Internal),
    &["code-expected controller-expand.err-out-of-range"])]
#[case::ok_instead_of_an_error(
    created().expect(&[Code::NotFound]).clause("controller-expand.err-not-found").expand(128)
        .reply(128, true), &["code-expected controller-expand.err-not-found"])]
#[case::first_clause_of_the_scenario(
    created().expect(&[Code::Ok]).expand(128).fails(Code::Internal),
    &["code-expected controller-expand.purpose"])]
#[case::set_up(
    created().step(0).expect(&[Code::Ok]).call(Rpc::NodePublish, |_| ()).fails(Code::Internal),
    &["code-expected node-publish.implemented"])]
#[case::should_only_advises(
    created().expect(&[Code::Ok]).clause("controller-expand.already-large-ok").expand(32)
        .fails(Code::Internal), &["code-expected controller-expand.already-large-ok remark"])]
#[case::tolerated(
    created().expect(&[Code::OutOfRange]).warn(&[Code::ResourceExhausted]).expand(1 << 30)
        .lost(Code::ResourceExhausted), &["code-expected controller-expand.purpose remark"])]
// A pool that is merely full blames nobody (notes, 25).
#[case::indefinite(
    created().expect(&[Code::Ok]).expand(128).lost(Code::ResourceExhausted),
    &["code-expected controller-expand.purpose inconclusive"])]
// The controller refused; a node that says so has done no wrong.
#[case::node_without_a_device_to_grow_to(
    created().publish().expand(128).fails(Code::FailedPrecondition).see(64, 64)
        .expect(&[Code::Ok]).clause("node-expand.idempotent").node_expand(128)
        .fails(Code::OutOfRange), &[])]
#[case::node_with_one(
    created().publish().expand(128).fails(Code::FailedPrecondition).see(128, 64)
        .expect(&[Code::Ok]).clause("node-expand.idempotent").node_expand(128)
        .fails(Code::OutOfRange), &["code-expected node-expand.idempotent"])]
#[case::right(created().expect(&[Code::NotFound, Code::InvalidArgument]).expand(128)
    .fails(Code::NotFound), &[])]
fn code_expected(#[case] h: H, #[case] found: &[&str]) {
    assert_eq!(h.found(), found);
}

#[test]
fn strict_makes_a_failure_of_a_should_and_not_of_what_is_legal() {
    let should = created()
        .run(|run| run.strict = true)
        .expect(&[Code::Ok])
        .warn(&[Code::OutOfRange])
        .clause("controller-expand.already-large-ok")
        .expand(32)
        .fails(Code::OutOfRange);
    assert_eq!(should.found(), ["code-expected controller-expand.already-large-ok"]);
    let must = created()
        .run(|run| run.strict = true)
        .expect(&[Code::OutOfRange])
        .warn(&[Code::InvalidArgument])
        .clause("controller-expand.err-out-of-range")
        .expand(1 << 30)
        .fails(Code::InvalidArgument);
    assert_eq!(must.found(), ["code-expected controller-expand.err-out-of-range remark"]);
}

#[rstest]
#[case::deadline(
    created().expand(128).lost(Code::DeadlineExceeded), &["answered general.error.grpc-status"])]
#[case::dead_for_good(
    created().expand(128).lost(Code::Unavailable).expand(128).lost(Code::Unavailable)
        .node_expand(128).lost(Code::Unavailable), &["answered general.error.grpc-status"])]
#[case::expected_otherwise(
    created().expect(&[Code::Ok]).expand(128).lost(Code::DeadlineExceeded),
    &["answered general.error.grpc-status"])]
#[case::garbage(
    created().expand(128).lost(Code::Internal), &["answered general.error.grpc-status"])]
#[case::stays_away_after_a_restart(
    created().restart().expand(128).lost(Code::Unavailable).expand(128).lost(Code::Unavailable),
    &["answered general.error.grpc-status"])]
#[case::in_parallel(
    created().expand(128).expand(128).reply(128, true).lost(Code::Unavailable),
    &["answered general.concurrency.graceful remark"])]
#[case::stale_connection_after_a_restart(
    created().restart().expand(128).lost(Code::Unavailable).expand(128).reply(128, true), &[])]
#[case::deadline_on_purpose(
    created().call(Rpc::ControllerExpand, |c| c.deadline_ms = Some(1)).lost(Code::DeadlineExceeded),
    &[])]
#[case::accepted_by_the_scenario(
    created().expect(&[Code::Ok, Code::Unavailable]).expand(128).lost(Code::Unavailable), &[])]
#[case::cancelled_is_an_answer(created().expand(128).lost(Code::Cancelled), &[])]
fn answered(#[case] h: H, #[case] found: &[&str]) {
    assert_eq!(h.found(), found);
}

#[test]
fn a_call_lost_to_a_fault_proves_nothing() {
    let h = created().expect(&[Code::Ok]).expand(128).restart().lost(Code::Unavailable);
    assert_eq!(h.found(), [format!("code-expected {FIRST} inconclusive")]);
}

#[rstest]
#[case::delete_refused(
    clean().teardown().call(Rpc::DeleteVolume, |_| ()).fails(Code::Internal),
    &["teardown delete-volume.implemented"])]
#[case::delete_unanswered(
    clean().teardown().call(Rpc::DeleteVolume, |_| ()).lost(Code::DeadlineExceeded),
    &["teardown delete-volume.implemented"])]
#[case::unpublish_refused(
    clean().teardown().call(Rpc::NodeUnpublish, |c| c.path = Some(PathRef::Target(0)))
        .fails(Code::Internal).call(Rpc::DeleteVolume, |_| ()).ok(),
    &["teardown node-unpublish.undoes"])]
#[case::a_refusal_explains_those_after_it(
    clean().teardown().call(Rpc::NodeUnstage, |c| c.staging_path = Some(PathRef::Staging))
        .fails(Code::Aborted).call(Rpc::ControllerUnpublish, |_| ())
        .fails(Code::FailedPrecondition).call(Rpc::DeleteVolume, |_| ())
        .fails(Code::FailedPrecondition),
    &["teardown node-unstage.undoes"])]
#[case::mount_left(clean().leak("mount"), &["teardown node-unpublish.undoes"])]
#[case::volume_left(clean().leak("volume"), &["teardown general.error.non-ok-on-failure"])]
#[case::process_left(
    clean().leak("process"), &["teardown general.error.non-ok-on-failure error"])]
#[case::a_refusal_explains_the_leak(
    clean().teardown().call(Rpc::DeleteVolume, |_| ()).fails(Code::Internal).leak("volume"),
    &["teardown delete-volume.implemented"])]
#[case::at_the_second_try(
    clean().teardown().call(Rpc::DeleteVolume, |_| ()).fails(Code::Aborted)
        .call(Rpc::DeleteVolume, |_| ()).ok(), &[])]
#[case::nothing_to_delete(
    clean().teardown().call(Rpc::DeleteVolume, |_| ()).fails(Code::Unbound), &[])]
fn teardown(#[case] h: H, #[case] found: &[&str]) {
    assert_eq!(h.found(), found);
}

#[rstest]
#[case::no_call(H::xfs(), "vacuous")]
#[case::no_call_succeeded(H::xfs().creates(64, 0).fails(Code::Internal), "vacuous")]
#[case::nothing_measured(
    created().publish().expand(128).reply(128, true).node_expand(128).ok().blind(), "vacuous")]
#[case::nothing_told(
    created().publish().expand(128).reply(128, true).node_expand(128).ok()
        .probe(Observation::default()), "vacuous")]
#[case::expected_to_be_measured(created().publish().expect(&[Code::Ok]).blind(), "code-expected")]
#[case::stopped(created().stopped(Because::StepFailed), "whole")]
#[case::cut(clean().cut(), "whole")]
#[case::in_the_middle_of_a_call(clean().expand(256).cut(), "whole")]
#[case::never_came_back(clean().expand(256), "whole")]
#[case::never_sent(clean().node_expand(128).fails(Code::Unbound), "whole")]
fn what_proves_nothing_is_inconclusive(#[case] h: H, #[case] check: &str) {
    assert_eq!(h.found(), [format!("{check} {FIRST} inconclusive")]);
    assert_eq!(h.report().verdict, Verdict::Inconclusive);
}

#[rstest]
#[case::measured_once(
    created().publish().blind().expand(128).reply(128, true).node_expand(128).ok().see(128, 128))]
#[case::not_looked_at(created().publish().expand(128).reply(128, true).node_expand(128).ok())]
#[case::nothing_grown_nothing_measured(created().publish().blind())]
fn what_proves_enough_passes(#[case] h: H) {
    assert_eq!(h.found(), Vec::<String>::new());
}

#[test]
fn a_proved_failure_is_not_watered_down() {
    let h = H::xfs()
        .expect(&[Code::Ok])
        .creates(64, 0)
        .fails(Code::Internal)
        .stopped(Because::StepFailed);
    assert_eq!(h.found(), [format!("code-expected {FIRST}")]);
}

#[rstest]
#[case::broken(clean().ended(|e| e.broken = Some("disk full".into())))]
#[case::own_code(clean().expand(256).fails(Code::Harness))]
fn a_broken_lab_is_an_error_and_accuses_nobody(#[case] h: H) {
    let report = h.report();
    assert_eq!(h.found(), [format!("lab {FIRST} error")]);
    assert_eq!(report.verdict, Verdict::Error);
    assert_eq!(report.findings[0].finding.class, Class::Lab);
}

/// A driver that the run started ended: one scenario says so, no other is held against it.
#[rstest]
#[case::here(
    clean().expand(256).fails(Code::DriverEnded).leak("volume").stopped(Because::DriverEnded)
        .ended(|ended| ended.driver_ended = Some("signal: 11 (SIGSEGV); …".into())),
    &["alive general.process.long-running"], Verdict::Fail)]
#[case::here_and_only_after_the_last_step(
    clean().ended(|ended| ended.driver_ended = Some("exit status: 2; …".into())),
    &["alive general.process.long-running"], Verdict::Fail)]
#[case::under_way_elsewhere(
    clean().expand(256).fails(Code::DriverEnded).leak("volume").stopped(Because::DriverEnded),
    &["whole controller-expand.purpose inconclusive"], Verdict::Inconclusive)]
#[case::never_begun(H::xfs().stopped(Because::DriverEnded), &[], Verdict::Skip)]
fn a_driver_that_ended_is_told_once(
    #[case] h: H,
    #[case] found: &[&str],
    #[case] verdict: Verdict,
) {
    assert_eq!(h.found(), found);
    assert_eq!(h.report().scenarios[0].verdict, verdict);
}
