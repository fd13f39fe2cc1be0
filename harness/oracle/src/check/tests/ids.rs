//! `volume-id`, and answers that excuse themselves.

use rstest::rstest;

use super::super::testing::*;
use crate::{
    action::{CapacityRange, Rpc},
    history::{Because, Code},
    verdict::Verdict,
};

/// CreateVolume of `handle`, answered with `id`.
fn made(h: H, handle: &str, id: &str) -> H {
    let name = handle.to_owned();
    let range = CapacityRange { required: 64 << 20, limit: 0 };
    h.on(handle)
        .call(Rpc::CreateVolume, |call| {
            (call.name, call.capacity_range) = (Some(name), Some(range));
        })
        .volume(id, 64)
}

#[rstest]
#[case::two(made(made(H::block(), "a", "1"), "b", "2"), None)]
#[case::again(made(made(H::block(), "a", "1"), "a", "1"), None)]
#[case::empty(made(H::block(), "a", ""), Some("general.volume.id-required"))]
#[case::shared(made(made(H::block(), "a", "1"), "b", "1"), Some("general.volume.id-unique"))]
#[case::after_deletion(
    made(made(H::block(), "a", "1").call(Rpc::DeleteVolume, |_| ()).ok(), "b", "1"), None)]
fn ids(#[case] h: H, #[case] clause: Option<&str>) {
    let report = h.report();
    let found: Vec<&str> =
        report.scenarios[0].findings.iter().map(|finding| finding.clause.as_str()).collect();
    assert_eq!(found, Vec::from_iter(clause));
}

fn refused(code: Code, step: u16, limit: i64) -> H {
    let range = CapacityRange { required: 64 << 20, limit };
    let create = H::block()
        .step(step)
        .expect(&[Code::Ok])
        .call(Rpc::CreateVolume, |call| call.capacity_range = Some(range));
    create.fails(code)
}

#[rstest]
#[case::full_pool(refused(Code::ResourceExhausted, 0, 0), Verdict::Inconclusive)]
#[case::too_small(refused(Code::OutOfRange, 0, 0), Verdict::Fail)]
#[case::perhaps_too_large(
    refused(Code::OutOfRange, 0, 0).run(|run| run.target.offers.assumed = true),
    Verdict::Inconclusive)]
#[case::kind_of_volume(
    refused(Code::InvalidArgument, 0, 0).run(|run| run.target.offers.assumed = true),
    Verdict::Skip)]
#[case::kind_of_volume_later(
    refused(Code::InvalidArgument, 1, 0).run(|run| run.target.offers.assumed = true),
    Verdict::Skip)]
#[case::promised_kind(refused(Code::InvalidArgument, 0, 0), Verdict::Fail)]
#[case::interrupted(refused(Code::Interrupted, 1, 0), Verdict::Inconclusive)]
#[case::does_not_apply(
    made(H::block(), "a", "1")
        .stopped(Because::NotApplicable),
    Verdict::Skip)]
fn answers_that_blame_nobody(#[case] h: H, #[case] verdict: Verdict) {
    let report = h.report();
    let scenario = &report.scenarios[0];
    assert_eq!(scenario.verdict, verdict, "{:#?}", scenario.findings);
    assert_eq!(scenario.skip.is_some(), verdict == Verdict::Skip);
}

#[test]
fn an_exact_size_that_no_unit_may_fit_is_not_the_drivers_fault_unless_the_unit_is_known() {
    let verdict = |granularity| {
        let h = refused(Code::OutOfRange, 0, 64 << 20);
        let report = h.run(|run| run.target.offers.granularity = granularity).report();
        report.scenarios[0].verdict
    };
    assert_eq!((verdict(1), verdict(1 << 20)), (Verdict::Skip, Verdict::Fail));
}
