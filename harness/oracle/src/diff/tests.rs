//! Two judged histories beside each other.

use super::*;
use crate::check::testing::H;

fn listed() -> H {
    H::xfs().plan(|plan| plan.clauses = vec!["node-expand.purpose".into()])
}

fn sound() -> H {
    let h = listed().create(64).publish().see(64, 64).expand(128).reply(128, true);
    h.node_expand(128).size(128).see(128, 128).verify(0)
}

fn lying() -> H {
    let h = listed().create(64).publish().see(64, 64).expand(128).reply(128, true);
    h.node_expand(128).size(128).see(128, 64).verify(0)
}

#[test]
fn the_same_twice_is_no_difference() {
    let report = sound().report();
    let difference = Difference::between(&report, &report);
    assert!(difference.is_empty());
    assert!(!difference.has_regressed());
    assert!(difference.latency.iter().all(|change| change.pace == Pace::Same));
    assert!(!difference.latency.is_empty());
}

#[test]
fn what_was_good_and_is_not_any_more_is_a_regression() {
    let difference = Difference::between(&sound().report(), &lying().report());
    assert!(difference.has_regressed());
    let [scenario] = &difference.scenarios[..] else { panic!("{:?}", difference.scenarios) };
    assert_eq!(scenario.way, Way::Regressed);
    let clause = &difference.clauses[0];
    assert_eq!((clause.clause.as_str(), clause.way), ("node-expand.purpose", Way::Regressed));
    let [seen] = &difference.behaviour[..] else { panic!("{:?}", difference.behaviour) };
    assert_eq!(seen.action, "measure");
    assert!(seen.old.contains("xfs 128 MiB") && seen.new.contains("xfs 64 MiB"), "{seen:?}");
}

#[test]
fn the_other_way_round_it_is_mended() {
    let difference = Difference::between(&lying().report(), &sound().report());
    assert!(!difference.has_regressed() && !difference.is_empty());
    assert_eq!(difference.scenarios[0].way, Way::Mended);
}

#[test]
fn a_scenario_that_only_one_report_has_is_neither() {
    let (mut fewer, all) = (sound().report(), sound().report());
    fewer.scenarios.clear();
    let difference = Difference::between(&fewer, &all);
    assert_eq!(difference.scenarios[0].way, Way::Changed);
    assert_eq!(difference.scenarios[0].old, None);
    assert!(difference.behaviour.is_empty());
    assert!(difference.caveats[0].starts_with("scenarios: 0 only before, "), "{difference:?}");
    assert!(difference.clauses.iter().all(|change| change.way != Way::Changed));
}

#[test]
fn other_circumstances_are_said() {
    let (old, mut new) = (sound().report(), sound().report());
    new.run.host.kernel = "Linux 9.9".into();
    let caveats = Difference::between(&old, &new).caveats;
    assert_eq!(caveats.len(), 1);
    assert!(caveats[0].starts_with("kernel: "), "{caveats:?}");
}

#[test]
fn only_what_cannot_be_noise_is_slower() {
    let old = sound().report();
    let step = old.scenarios[0].steps.iter().position(|step| step.kind == "call").unwrap();
    let step = old.scenarios[0].steps[step].clone();
    let timed = |range: std::ops::Range<u64>| {
        let mut report = sound().report();
        let steps =
            range.map(|n| crate::report::StepResult { elapsed_us: n * 100, ..step.clone() });
        report.scenarios[0].steps = steps.collect();
        report
    };
    let pace = |old: &Report, new: &Report| Difference::between(old, new).latency[0].pace;
    let (quick, near, slow, few) = (timed(10..20), timed(14..24), timed(40..50), timed(90..93));
    assert_eq!(pace(&quick, &slow), Pace::Slower);
    assert_eq!(pace(&slow, &quick), Pace::Faster);
    assert_eq!(pace(&quick, &near), Pace::Same, "the middle halves overlap");
    assert_eq!(pace(&quick, &few), Pace::Same, "too few calls");
}
