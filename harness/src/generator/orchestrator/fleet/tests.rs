//! Fleets: healthy drivers get there under every profile, whatever restarts; each defect shows.

use rstest::rstest;

use super::*;
use crate::generator::orchestrator::profile::PROFILES;

fn small() -> Plan {
    Plan { claims: 30, nodes: 3, api: (0, 0), patience: 30 * MINUTE, ..Plan::default() }
}

fn outcome(plan: &Plan) -> Outcome {
    simulate(plan, None).unwrap()
}

fn healthy(plan: &Plan) -> Outcome {
    let outcome = outcome(plan);
    assert_eq!(outcome.breaches, [], "{}", plan.profile.name);
    assert_eq!(outcome.stuck, [], "{}", plan.profile.name);
    assert_eq!(outcome.settled, plan.claims);
    outcome
}

#[rstest]
fn a_healthy_driver_gets_there(
    #[values(0, 1, 2, 3, 4)] profile: usize,
    #[values(false, true)] from_nothing: bool,
) {
    let outcome = healthy(&Plan { profile: &PROFILES[profile], from_nothing, ..small() });
    let calls = |name: &str| outcome.calls.get(name).copied().unwrap_or(0);
    assert!(calls("ControllerExpandVolume") >= 30);
    assert!(calls("NodeExpandVolume") >= 30, "{:?}", outcome.calls);
    if from_nothing {
        assert_eq!((calls("CreateVolume"), calls("ControllerPublishVolume")), (30, 30));
    }
    assert!(outcome.amplification < 1.2, "{}", outcome.amplification);
    assert!(outcome.converged.p50 > 0 && outcome.converged.p50 <= outcome.converged.max);
}

#[rstest]
fn a_healthy_driver_gets_there_whatever_restarts(#[values(1, 2, 3, 4, 5)] seed: u64) {
    healthy(&Plan {
        seed,
        driver_restarts: 20 * SECOND,
        resizer_restarts: 7 * SECOND,
        kubelet_restarts: 11 * SECOND,
        patience: 120 * MINUTE,
        ..small()
    });
}

#[rstest]
fn errors_that_pass_cost_time_and_calls_but_no_claim(#[values(1, 2, 3)] seed: u64) {
    use csi_stretch_oracle::history::Code::{Aborted, Internal, ResourceExhausted, Unavailable};
    let codes =
        vec![(Unavailable, 0.1), (Aborted, 0.05), (Internal, 0.05), (ResourceExhausted, 0.05)];
    let errors = Errors { codes, lost: 0.02 };
    let plan = Plan { seed, errors, patience: 120 * MINUTE, ..small() };
    let outcome = healthy(&plan);
    assert!(outcome.amplification > 1.2, "{}", outcome.amplification);
}

#[test]
fn an_api_limit_makes_a_fleet_wait() {
    let free = healthy(&Plan { claims: 60, ..small() });
    let limited = healthy(&Plan { claims: 60, api: (5, 10), ..small() });
    assert!(limited.converged.p99 > 2 * free.converged.p99 / 3 + 20 * SECOND, "{limited:?}");
}

#[test]
fn claims_without_a_pod_wait_for_one_and_count_as_settled() {
    let outcome = healthy(&Plan { idle: 0.5, ..small() });
    assert_eq!(outcome.calls["ControllerExpandVolume"], 30);
    assert_eq!(outcome.calls["NodeExpandVolume"], 15);
}

#[test]
fn block_volumes_grow_too() {
    healthy(&Plan { block: true, ..small() });
}

fn history(plan: &Plan) -> String {
    let mut text = String::new();
    let mut sink = |line: &Line| text += &(serde_json::to_string(line).unwrap() + "\n");
    let outcome = simulate(plan, Some(&mut sink)).unwrap();
    text + &serde_json::to_string(&outcome).unwrap()
}

#[test]
fn a_seed_is_a_history_to_the_byte() {
    let plan = |seed| Plan { seed, claims: 10, driver_restarts: 30 * SECOND, ..small() };
    let first = history(&plan(1));
    assert!(first.lines().count() > 100);
    assert_eq!(first, history(&plan(1)));
    assert_ne!(first, history(&plan(2)));
}

/// Each defect with what it shows in: claims that are stuck, or a broken invariant.
#[rstest]
#[case(Defect::StickyAborted, "ABORTED", "Aborted")]
#[case(Defect::NotRepeatable, "INTERNAL", "Internal")]
#[case(Defect::FlagFlips, "capacity-is-there", "")]
#[case(Defect::RoundsUp, "", "the last call went well")]
#[case(Defect::NoSize, "", "the last call went well")]
fn a_defect_that_only_an_orchestrator_sees(
    #[case] defect: Defect,
    #[case] breach: &str,
    #[case] why: &str,
) {
    let errors = Errors { lost: 0.2, ..Errors::default() };
    // What is rounded up to 24 GiB is more than was asked for; a size in between is never reached.
    let mut sizes = small().sizes;
    if defect == Defect::RoundsUp {
        sizes.push(22 << 30);
    }
    let plan = Plan { defect: Some(defect), errors, sizes, ..small() };
    let outcome = outcome(&plan);
    let told = outcome.breaches.iter().any(|found| found.rule == breach)
        || !why.is_empty() && outcome.stuck.iter().any(|stuck| stuck.why.contains(why));
    assert!(told, "{defect:?}: {outcome:#?}");
}

#[test]
fn a_device_that_is_late_costs_little_if_the_driver_says_so_and_much_if_it_says_not_found() {
    // A kubelet looks every 60 to 90 s, the device is late by 2 s: one node in forty is too early.
    let many = Plan { claims: 400, ..small() };
    let good = healthy(&many);
    let bad = outcome(&Plan { defect: Some(Defect::NotFoundWhileLate), ..many });
    assert!(bad.calls["ControllerExpandVolume"] > good.calls["ControllerExpandVolume"], "{bad:?}");
}

#[test]
fn growths_follow_each_other() {
    let sizes = vec![300 << 30, 400 << 30, 500 << 30];
    let outcome = healthy(&Plan { sizes, ..small() });
    assert_eq!(outcome.converged.count, 60);
    // Now and then a node is asked before it sees the grown device.
    assert!((60..=66).contains(&outcome.calls["NodeExpandVolume"]), "{:?}", outcome.calls);
}
