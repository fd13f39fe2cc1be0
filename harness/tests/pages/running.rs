//! Compared while its loads go on; killed by somebody else; ended at once while it hangs.

use std::{
    os::unix::fs::FileExt,
    time::{Duration, Instant},
};

use csi_stretch::workload::engine::{self, Found, Leash, Met, State};
use nix::sys::signal::{Signal, kill};

use crate::rig::{Rig, until};

/// Loads that change rows all the time, in a pool that cannot hold them.
#[test]
fn a_comparison_under_load_finds_nothing_where_nothing_is_lost() {
    let mut rig = Rig::new();
    rig.settings.data_bytes_max = Some(12 << 20);
    let engine = rig.start();
    until("data", &*engine, |tick| tick.data_bytes > 8 << 20);
    let mut rows = 0;
    for round in 0..4 {
        let before = engine.tick();
        let verified = engine.scan()().unwrap();
        assert_eq!((verified.lost_total, &verified.lost), (0, &vec![]), "round {round}");
        assert_eq!(verified.rows, verified.rows_intact);
        assert!(verified.rows >= before.inserted.max(rows) && verified.bytes_intact > 0);
        rows = verified.rows;
        let after = until("a load that went on", &*engine, |tick| tick.updated > before.updated);
        assert_eq!((after.state, after.errors), (State::Running, 0));
    }
    assert!(engine.stop().clean);
    rig.verify_whole();
}

/// No load comes by at that page.
#[test]
fn damage_is_located_while_the_loads_go_on() {
    let mut rig = Rig::new();
    (rig.settings.query_threads, rig.settings.bulk_rate) = (0, 2000);
    let engine = rig.start();
    until("pages", &*engine, |tick| tick.data_bytes > 60 * 16384);
    // They are written back once in a second.
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(engine.scan()().unwrap().lost_total, 0);
    let file =
        std::fs::File::options().write(true).open(rig.place.path.join("pages.data")).unwrap();
    file.write_all_at(&[0; 16384], 20 * 16384).unwrap();
    let verified = engine.scan()().unwrap();
    let lost = &verified.lost[0];
    let spot = lost.spot.as_ref().unwrap();
    assert_eq!((spot.page, spot.offset / 16384, spot.file.as_str()), (20, 20, "pages.data"));
    assert_eq!(lost.found, Found::Zeros);
    assert!(verified.lost.iter().all(|lost| lost.spot.as_ref().unwrap().page == 20));
    assert!(verified.lost_total > 0 && verified.lost_total <= 16, "{verified:?}");
    assert_eq!(verified.rows, verified.rows_intact + verified.lost_total);
    let stopped = engine.stop();
    assert!(stopped.clean && stopped.troubles.is_empty(), "{stopped:?}");
}

#[test]
fn one_that_is_killed_by_somebody_else_is_the_labs() {
    let rig = Rig::new();
    let engine = rig.start();
    until("rows", &*engine, |tick| tick.inserted > 100);
    let scan = engine.scan();
    kill(rig.process(), Signal::SIGKILL).unwrap();
    until("the end", &*engine, |tick| tick.state == State::Ended);
    assert!(scan().is_err() || engine.scan()().is_err());
    let stopped = engine.stop();
    assert!(!stopped.clean);
    let told: Vec<&Met> = stopped.troubles.iter().map(|trouble| &trouble.met).collect();
    assert!(matches!(told[..], [Met::Lab(why)] if why.contains("SIGKILL")), "{told:?}");
    assert!(!rig.verify_whole().recovery.clean);
}

/// A process that stands still is one that waits for its volume.
#[test]
fn one_that_hangs_while_it_stops_is_let_go_at_once() {
    let rig = Rig::new();
    let leash = Leash::default();
    let engine = engine::start(&rig.kind(), &rig.place, &leash).unwrap();
    until("rows", &*engine, |tick| tick.inserted > 100);
    let process = rig.process();
    kill(process, Signal::SIGSTOP).unwrap();
    let stops = std::thread::spawn(move || engine.stop());
    std::thread::sleep(Duration::from_millis(300));
    assert!(!stops.is_finished());
    let begun = Instant::now();
    leash.cut();
    let stopped = stops.join().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(!stopped.clean && stopped.troubles.is_empty(), "{stopped:?}");
    assert!(kill(process, None).is_err(), "it is still there");
    // What is started after the cut does not live, either.
    assert!(engine::start(&rig.kind(), &rig.place, &leash).is_err());
}
