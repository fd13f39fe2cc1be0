//! A full volume blocks writers and loses nothing; an error ends the engine and is told.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use super::sim::Rig;
use crate::workload::{
    engine::{Met, State},
    pages::page::BYTES,
};

fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_full_volume_blocks_writers_until_there_is_room() {
    let rig = Rig::new();
    rig.disk.capacity.store(40 * BYTES as u64, Ordering::SeqCst);
    let database = rig.open().unwrap();
    let meter = rig.load(&database, |meter| {
        let gate = &database.gate;
        eventually("a full volume", || gate.state() == State::Blocked);
        let (inserted, read) =
            (meter.inserted.load(Ordering::SeqCst), meter.read.load(Ordering::SeqCst));
        let updated = meter.updated.load(Ordering::SeqCst);
        eventually("queries that go on", || {
            meter.read.load(Ordering::SeqCst) > read + 100
                && meter.updated.load(Ordering::SeqCst) > updated + 100
        });
        assert!(meter.inserted.load(Ordering::SeqCst) <= inserted + 10);
        assert!(database.data_bytes() <= 40 * BYTES as u64);
        rig.disk.capacity.store(80 * BYTES as u64, Ordering::SeqCst);
        eventually("a writer that goes on", || database.data_bytes() > 60 * BYTES as u64);
        eventually("a volume that is full again", || gate.state() == State::Blocked);
        gate.close();
    });
    assert!(database.close(), "the pages that are there have their room");
    let troubles = database.gate.troubles(0);
    assert!(
        troubles.iter().all(|trouble| trouble.met == Met::Full("ENOSPC".into())),
        "{troubles:?}"
    );
    assert!(troubles.len() >= 2 && database.gate.blocked_us() > 10_000);
    assert!(meter.windows().0.max().unwrap() > 10_000, "the wait is a latency");
    let verified = rig.compare();
    assert_eq!((verified.lost_total, verified.rows_intact), (0, verified.rows));
}

#[test]
fn an_error_is_told_and_ends_the_engine() {
    let rig = Rig::new();
    let database = rig.open().unwrap();
    rig.load(&database, |meter| {
        eventually("some rows", || meter.inserted.load(Ordering::SeqCst) > 100);
        rig.disk.cut_after(0);
        eventually("the end", || database.gate.state() == State::Ended);
    });
    assert!(!database.close());
    assert_eq!(database.gate.troubles(0)[0].met, Met::Volume("EIO".into()));
}

#[test]
fn at_its_cap_the_bulk_load_changes_rows_instead() {
    let mut rig = Rig::new();
    rig.settings.data_bytes_max = Some(30 * BYTES as u64);
    rig.settings.query_threads = 0;
    let database = rig.open().unwrap();
    let meter = rig.load(&database, |meter| {
        eventually("changed rows", || meter.updated.load(Ordering::SeqCst) > 500);
        database.gate.close();
    });
    assert!(database.close());
    let most = 30 * rig.settings.shape().rows_per_page();
    let inserted = meter.inserted.load(Ordering::SeqCst);
    assert!(inserted <= most + 10 && inserted > most - 20, "{inserted} of {most}");
    assert_eq!(rig.compare().lost_total, 0);
}

#[test]
fn a_rate_is_kept() {
    let mut rig = Rig::new();
    (rig.settings.bulk_rate, rig.settings.query_threads) = (500, 0);
    let database = rig.open().unwrap();
    let begun = Instant::now();
    let meter = rig.load(&database, |_| {
        std::thread::sleep(Duration::from_millis(400));
        database.gate.close();
    });
    let most = begun.elapsed().as_secs_f64() * 500.0 + 20.0;
    let inserted = meter.inserted.load(Ordering::SeqCst);
    assert!(inserted > 20 && (inserted as f64) < most, "{inserted} of {most}");
    database.close();
}
