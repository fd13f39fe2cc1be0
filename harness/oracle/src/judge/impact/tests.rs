//! Made-up workloads: which costs are found, and which are noise.

use rstest::rstest;

use crate::{
    check::testing::H,
    history::{Ops, Reading, Slo, State},
    report::{Class, Impact, Loading, Report},
};

const SECOND: u64 = 1_000_000;
const SPAN: u64 = SECOND / 10;
/// When the growth is asked for.
const GROWS: u64 = 60 * SECOND;

/// A reading each tenth of a second, for 70 s: 100 rows and 300 queries in each, then changed.
fn readings(change: impl Fn(u64, &mut Reading)) -> Vec<Reading> {
    let one = |number: u64| {
        let mut reading = Reading {
            at_us: number * SPAN,
            span_us: SPAN,
            bulk: Ops { done: 100, p99_us: 2_000, ..Ops::default() },
            query: Ops { done: 300, p99_us: 900, ..Ops::default() },
            ..Reading::default()
        };
        change(number * SPAN - SPAN, &mut reading);
        reading
    };
    (1..=700).map(one).collect()
}

/// Grows from `from` on; the calls take `takes` together.
fn grown(from: u64, takes: u64, readings: Vec<Reading>) -> Report {
    let slo = Slo { dip_percent: Some(30), stall_ms: Some(500) };
    let h = H::xfs().plan(|plan| plan.slo = Some(slo)).create(300).publish().see(300, 300);
    let h = h.until(from - 100).expand(400).until(from + takes / 2).reply(400, true);
    let h = h.node_expand(400).until(from + takes).size(400).see(400, 400);
    h.verify(0).readings(readings).report()
}

fn found(report: &Report) -> Vec<&str> {
    let slo = report.findings.iter().filter(|one| one.finding.class == Class::Slo);
    slo.map(|one| one.finding.what.as_str()).collect()
}

fn impact(report: &Report) -> Impact {
    report.growths[0].impact.clone().expect("a workload was running")
}

/// The same numbers each time, and no pattern in them.
fn chance(number: u64) -> u64 {
    let mixed = (number ^ (number >> 3)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40
}

fn during(at_us: u64, length: u64) -> bool {
    (GROWS..GROWS + length).contains(&at_us)
}

#[test]
fn flat_costs_nothing() {
    let report = grown(GROWS, SECOND, readings(|_, _| ()));
    assert_eq!(found(&report), [""; 0]);
    let Impact { dip, stall, why, before_us, .. } = impact(&report);
    let (dip, stall) = (dip.expect("a dip"), stall.expect("a stall"));
    assert_eq!((dip.value, dip.noise, stall.value, stall.noise), (0, Some(0), 0, Some(0)));
    assert_eq!((why, before_us), (None, GROWS));
}

/// Reading all rows back takes its share of the disk, and that is no cost of the growth.
#[test]
fn a_comparison_beside_the_loads_is_left_out() {
    let compares = |at: u64| (40 * SECOND..44 * SECOND).contains(&at) || at >= GROWS + SECOND;
    let slower = readings(|at, one| {
        if compares(at) {
            (one.bulk.done, one.query.done) = (20, 60);
        }
    });
    let slo = Slo { dip_percent: Some(30), stall_ms: Some(500) };
    let h = H::xfs().plan(|plan| plan.slo = Some(slo)).create(300).publish().see(300, 300);
    let h = h.until(40 * SECOND).verifying().until(44 * SECOND).compared(50, 0, true);
    let h = h.until(GROWS - 100).expand(400).until(GROWS + SECOND / 2).reply(400, true);
    let h = h.node_expand(400).until(GROWS + SECOND / 2).size(400).see(400, 400);
    let h = h.until(GROWS + SECOND).verifying().until(GROWS + 9 * SECOND).compared(60, 0, true);
    let report = h.readings(slower).report();
    assert_eq!(found(&report), [""; 0]);
    let Impact { dip, stall, why, before_us, .. } = impact(&report);
    let (dip, stall) = (dip.expect("a dip"), stall.expect("a stall"));
    assert_eq!((dip.value, dip.noise, stall.value, stall.noise), (0, Some(0), 0, Some(0)));
    assert_eq!((why, before_us / SECOND), (None, 55), "{before_us}");
}

#[test]
fn half_the_throughput_is_a_dip_and_no_stall() {
    let report = grown(
        GROWS,
        3 * SECOND,
        readings(|at, one| {
            one.query.done = if during(at, 3 * SECOND) { 150 } else { 290 + chance(at) % 20 };
        }),
    );
    assert_eq!(found(&report), ["queries of vol fell by 50 % while it grew"]);
    let finding = &report.findings[0].finding;
    assert_eq!(finding.expected.as_deref(), Some("a dip of at most 30 % against the 60 s before"));
    assert_eq!(finding.observed.as_deref(), Some("50 %; without a growth at most 1 %"));
    assert_eq!(finding.events.len(), 4, "both calls prove it");
    let dip = impact(&report).dip.expect("a dip");
    assert_eq!((dip.load, dip.value), (Loading::Query, 50));
}

#[test]
fn two_seconds_of_nothing_are_a_stall() {
    let report = grown(
        GROWS,
        2 * SECOND,
        readings(|at, one| {
            if during(at, 2 * SECOND) {
                one.bulk.done = 0;
            }
        }),
    );
    let told = [
        "bulk load of vol fell by 100 % while it grew",
        "bulk load of vol stood still for 2000 ms while it grew",
    ];
    assert_eq!(found(&report), told);
}

/// It begins in the growth and outlasts it: all of it counts.
#[test]
fn a_stall_may_outlast_the_call() {
    let report = grown(
        GROWS,
        SECOND / 10,
        readings(|at, one| {
            if (GROWS + 5 * SPAN..GROWS + 25 * SPAN).contains(&at) {
                (one.bulk.done, one.query.done) = (0, 0);
            }
        }),
    );
    assert_eq!(impact(&report).stall.map(|stall| stall.value), Some(2_000));
}

/// A load that stands still now and then does so in a growth, too.
#[rstest]
#[case(1)]
#[case(7)]
#[case(23)]
#[case(101)]
fn noise_is_no_finding(#[case] seed: u64) {
    for round in 0..40 {
        let noisy = readings(|at, one| {
            let number = at / SPAN + 1_000 * (seed + 31 * round);
            // Half a second to a second and a half of nothing in every four, and else anything.
            let block = chance(number / 40);
            let pause = number % 40 >= block % 20 && number % 40 < block % 20 + 5 + block % 11;
            (one.bulk.done, one.query.done) =
                if pause { (0, 0) } else { (chance(number) % 200, chance(number + 7) % 600) };
        });
        let report = grown(GROWS, SECOND, noisy);
        assert_eq!(found(&report), [""; 0], "round {round}: {:?}", impact(&report));
        assert!(impact(&report).stall.is_some_and(|stall| stall.noise >= Some(500)));
    }
}

#[rstest]
#[case::none_to_compare(SECOND, "too little before it: 1 s without a growth, 2 s are needed", true)]
#[case::none_for_noise(5 * SECOND, "too little before it to know the noise", false)]
fn what_cannot_be_known_is_said(#[case] from: u64, #[case] why: &str, #[case] nothing: bool) {
    let report = grown(
        from,
        SECOND,
        readings(|at, one| {
            if (from..from + 2 * SECOND).contains(&at) {
                (one.bulk.done, one.query.done) = (0, 0);
            }
        }),
    );
    assert_eq!(found(&report), [""; 0]);
    // A threshold that nothing could be held to proves nothing.
    let unjudged = &report.findings[0].finding;
    assert_eq!(unjudged.verdict, crate::verdict::Verdict::Inconclusive);
    assert!(unjudged.what.contains(why), "{}", unjudged.what);
    let impact = impact(&report);
    assert_eq!((impact.why.as_deref(), impact.dip.is_none()), (Some(why), nothing));
}

#[test]
fn a_writer_that_waits_for_room_is_no_cost_of_the_growth() {
    let report = grown(
        GROWS,
        SECOND,
        readings(|at, one| {
            if (GROWS - 2 * SECOND..GROWS + 2 * SECOND).contains(&at) {
                (one.bulk.done, one.blocked_us, one.state) = (0, SPAN, State::Blocked);
            }
        }),
    );
    assert_eq!(found(&report), [""; 0]);
    assert_eq!(impact(&report).dip.map(|dip| dip.load), Some(Loading::Query));
}

#[test]
fn a_load_that_has_done_all_it_had_to_is_no_cost_of_the_growth() {
    let ends = |at: u64, one: &mut Reading| {
        if at >= GROWS + 2 * SPAN {
            one.bulk.done = 0;
        }
    };
    assert_eq!(found(&grown(GROWS, SECOND, readings(ends))), [""; 0]);
    let hangs = |at: u64, one: &mut Reading| {
        if at >= GROWS + 2 * SPAN {
            (one.bulk.done, one.query.done) = (0, 0);
        }
    };
    assert_eq!(found(&grown(GROWS, SECOND, readings(hangs))).len(), 2);
}

#[test]
fn without_a_threshold_there_are_numbers_and_no_finding() {
    let bad = readings(|at, one| {
        if during(at, SECOND) {
            (one.bulk.done, one.query.done) = (0, 0);
        }
    });
    let h = H::xfs().create(300).publish().see(300, 300).until(GROWS - 100).expand(400);
    let h = h.until(GROWS + SECOND).reply(400, false).see(400, 400).verify(0).readings(bad);
    let report = h.report();
    assert_eq!(found(&report), [""; 0]);
    assert_eq!(impact(&report).dip.map(|dip| dip.value), Some(100));
}

#[test]
fn a_growth_without_a_workload_has_no_impact() {
    let h = H::xfs().create(300).publish().see(300, 300).expand(400).reply(400, false);
    assert_eq!(h.report().growths[0].impact, None);
}

#[test]
fn the_time_until_the_room_is_there_is_measured() {
    let sized = readings(|at, one| {
        let size = if at >= GROWS + 3 * SPAN { 400 } else { 300 };
        one.statfs_total = Some((size << 20) * 9 / 10);
    });
    assert_eq!(impact(&grown(GROWS, SECOND, sized)).usable_us, Some(4 * SPAN));
}
