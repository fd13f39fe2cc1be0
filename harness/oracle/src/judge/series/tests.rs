//! What of readings, calls and measurements gets into a series.

use super::thin::thin;
use crate::{
    check::testing::{H, MIB},
    history::{Ops, Reading, State},
    report::{MarkKind, Series, SizeSource},
};

fn reading(number: u64) -> Reading {
    let bulk = Ops { done: 100, max_us: 5, ..Ops::default() };
    Reading { at_us: number * 100_000, span_us: 100_000, bulk, ..Reading::default() }
}

fn series(h: &H) -> Series {
    let mut report = h.report();
    assert_eq!(report.series.len(), 1);
    report.series.remove(0)
}

#[test]
fn a_lie_shows_as_a_gap_between_lines() {
    let seen = |number| Reading { statfs_total: Some(270), ..reading(number) };
    let h = H::xfs().create(300).publish().see(300, 300).until(2_000_000).expand(400);
    let h = h.reply(400, true).node_expand(400).size(400).see(300, 300);
    let series = series(&h.readings((11..=40).map(seen).collect()));
    let last = |source: SizeSource| {
        let line = series.sizes.iter().find(|line| line.source == source);
        line.and_then(|line| line.steps.last()).map(|(_, bytes)| *bytes)
    };
    let mib = |size: i64| Some((size * MIB) as u64);
    assert_eq!(last(SizeSource::Requested), mib(400));
    assert_eq!(last(SizeSource::Controller), mib(400));
    assert_eq!(last(SizeSource::Node), mib(400));
    assert_eq!(last(SizeSource::Device), mib(300));
    assert_eq!(last(SizeSource::Statfs), Some(270));
    let calls: Vec<&str> = series.bands.iter().map(|band| band.call.as_str()).collect();
    assert_eq!(calls, ["ControllerExpandVolume", "NodeExpandVolume"], "the set-up is before it");
    assert_eq!((series.from_us, series.to_us), (1_000_000, 4_000_000));
}

#[test]
fn what_happened_is_marked_once() {
    let mut all: Vec<Reading> = (1..=50).map(reading).collect();
    for number in [10, 11, 13] {
        (all[number].state, all[number].blocked_us) = (State::Blocked, 40_000);
    }
    all[40].state = State::Ended;
    let h = H::xfs().create(300).publish().until(3_000_000).restart().readings(all);
    let marks = series(&h).marks;
    let told: Vec<(MarkKind, &str)> = marks.iter().map(|m| (m.kind, m.what.as_str())).collect();
    assert_eq!(
        told,
        [
            (MarkKind::NoSpace, "no space: a writer waited 0.1 s"),
            (MarkKind::Fault, "kill the driver and start it again"),
            (MarkKind::Ended, "the engine did not run for 0.1 s"),
        ]
    );
    assert_eq!((marks[0].from_us, marks[0].to_us), (1_000_000, 1_400_000));
}

#[test]
fn the_first_damage_is_named() {
    let h = H::xfs().create(300).publish().verify(0).verify(3).readings(vec![reading(1)]);
    let integrity = series(&h).integrity.expect("verified");
    assert_eq!((integrity.verifications, integrity.lost), (2, 3));
    assert_eq!(integrity.first.map(|first| first.offset), Some(0));
}

/// Twenty minutes of them: the picture stays, and what stands out is in it.
#[test]
fn thinned_readings_keep_what_stands_out() {
    let mut all: Vec<Reading> = (1..=12_000).map(reading).collect();
    all[4_321].bulk.done = 0;
    all[7_777].bulk.done = 1_000;
    all[9_999].bulk.max_us = 2_000_000;
    let thinned = thin(&all);
    assert!(thinned.len() <= 2_401, "{}", thinned.len());
    for at in [0, 4_321, 7_777, 9_999, 11_999] {
        assert!(thinned.contains(&all[at]), "{at}");
    }
    assert!(thinned.is_sorted_by_key(|one| one.at_us));
    assert_eq!(thin(&all[..2_400]), all[..2_400]);
}

#[test]
fn readings_of_the_reference_are_not_the_subjects() {
    let mut records = H::xfs().create(300).readings(vec![reading(1)]).records();
    for record in &mut records {
        if let crate::history::Record::Readings { side, .. } = record {
            *side = crate::history::Side::Reference;
        }
    }
    let report = crate::judge::judge(records, &crate::check::testing::catalogue());
    assert_eq!(report.series, []);
}
