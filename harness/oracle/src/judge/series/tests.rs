//! What of readings, calls and measurements gets into a series.

use super::thin::thin;
use crate::{
    action::Close,
    check::testing::{H, MIB},
    history::{Ops, Reading, State},
    report::{Integrity, MarkKind, Series, SizeSource},
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

/// Between its end and its next start nothing is read, and the chart says why.
#[test]
fn a_hole_in_the_readings_is_marked() {
    let all: Vec<Reading> = (1..=20).chain(41..=50).map(reading).collect();
    let h = H::xfs().create(300).publish().open_database(None).until(2_000_000);
    let h = h.close_database(Close::Kill).until(3_500_000).opens_database().until(4_000_000);
    let h = h.opened_database(Some(812)).until(5_000_000).close_database(Close::Stop);
    let marks = series(&h.readings(all)).marks;
    let told: Vec<(MarkKind, &str)> = marks.iter().map(|m| (m.kind, m.what.as_str())).collect();
    let again = "the engine opened its data again in 0.5 s; recovered: 812 records of its log";
    assert_eq!(
        told,
        [
            (MarkKind::Ended, "the engine was killed, and did not run for 1.5 s"),
            (MarkKind::Recovering, again),
        ]
    );
    let spans: Vec<_> = marks.iter().map(|m| (m.from_us / 1000, m.to_us / 1000)).collect();
    assert_eq!(spans, [(2_000, 3_500), (3_500, 4_000)]);
}

/// An engine that ends by itself says so in its last reading.
#[test]
fn an_end_lasts_until_the_next_start() {
    let mut all: Vec<Reading> = (1..=20).chain(41..=50).map(reading).collect();
    all[19].state = State::Ended;
    let h = H::xfs().create(300).publish().open_database(None).until(4_000_000);
    let marks = series(&h.open_database(Some(0)).until(5_000_000).readings(all)).marks;
    let told: Vec<&str> = marks.iter().map(|mark| mark.what.as_str()).collect();
    assert_eq!(told[0], "the engine ended by itself, and did not run for 2.0 s");
    assert_eq!(told.len(), 2, "{told:?}");
}

/// A copy has no loads and no readings; what became of its rows is told with its source.
#[test]
fn copies_are_compared_beside_their_source() {
    let h = H::xfs().create(300).publish().open_database(None).readings(vec![reading(1)]);
    let h = h.on("copy").clone_of("vol", 300).publish().verify_rows(40, 2, true);
    let h = h.on("stranger").create(300).publish().verify_rows(9, 0, true);
    let series = series(&h.on("vol").verify_rows(50, 0, true));
    let rows = |integrity: &Integrity| integrity.rows.map(|rows| (rows.acknowledged, rows.lost));
    assert_eq!(series.integrity.as_ref().and_then(rows), Some((50, 0)));
    let copies: Vec<_> =
        series.copies.iter().map(|(name, one)| (name.as_str(), rows(one))).collect();
    assert_eq!(copies, [("copy", Some((40, 2)))]);
}

/// Sizes of pages and of rows are never mixed.
#[test]
fn acknowledged_and_verified_are_the_same_kind_of_bytes() {
    let h = H::xfs().create(300).publish().open_database(None).verify_rows(50, 0, true);
    let h = h.close_database(Close::Stop).verify_rows(60, 0, true).readings(vec![reading(1)]);
    let integrity = series(&h).integrity.expect("verified");
    assert_eq!((integrity.acknowledged_bytes, integrity.verified_bytes), (60_000, 60_000));
    assert_eq!(integrity.verifications, 2);
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
