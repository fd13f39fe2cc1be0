//! Clean ends, kills of the server, and an end of the harness itself.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill, raise},
    unistd::Pid,
};

use super::rig::{Rig, servers, until};
use crate::workload::engine::{Met, State, rows::mix};

#[test]
fn loads_run_and_what_was_acknowledged_is_there() {
    let Some(rig) = Rig::new() else { return };
    let engine = rig.start();
    assert!(engine.name().starts_with("MariaDB ") && engine.name().ends_with(" (InnoDB)"));
    let (mut bulk, mut query) = (0, 0);
    let tick = until("both loads", &*engine, |tick| {
        bulk += tick.bulk.count();
        query += tick.query.count();
        tick.inserted > 300 && tick.read > 50 && tick.updated > 50
    });
    assert_eq!((tick.state, tick.errors, tick.blocked_us), (State::Running, 0, 0));
    assert_eq!(engine.recovery(), None, "it was made");
    assert!(bulk > 300 / 16 - 4 && query > 90 && tick.data_bytes > 0, "{bulk} {query} {tick:?}");
    let stopped = engine.stop();
    assert!(stopped.clean && stopped.troubles.is_empty(), "{stopped:?}");
    assert_eq!(stopped.last.state, State::Ended);
    assert_eq!(servers(&rig.data()), Vec::<i32>::new());

    let verified = rig.verify_whole();
    assert_eq!(verified.rows, stopped.last.inserted);
    assert!(verified.recovery.clean && verified.bytes_intact > verified.rows * 1000);

    // Where it stopped it goes on.
    let again = rig.start();
    assert!(again.recovery().unwrap().clean);
    until("more rows", &*again, |tick| tick.inserted > 100);
    let ended = again.stop();
    assert!(ended.clean, "{ended:?}");
    assert_eq!(rig.verify_whole().rows, verified.rows + ended.last.inserted);
}

/// `CSI_STRETCH_MARIADB_ROUNDS` makes it more.
#[test]
fn kills_of_the_server_lose_nothing_that_was_acknowledged() {
    let Some(rig) = Rig::new() else { return };
    let told = std::env::var("CSI_STRETCH_MARIADB_ROUNDS").ok().and_then(|n| n.parse().ok());
    let mut rows = 0;
    for round in 0..told.unwrap_or(3) {
        let engine = rig.start();
        until("some rows", &*engine, |tick| tick.inserted > 50 && tick.updated > 20);
        std::thread::sleep(Duration::from_millis(mix(round) % 400));
        let stopped = engine.kill();
        assert!(!stopped.clean && stopped.troubles.is_empty(), "{stopped:?}");
        assert_eq!(servers(&rig.data()), Vec::<i32>::new());
        let verified = rig.verify_whole();
        assert!(!verified.recovery.clean, "a server that was killed has to recover");
        assert_eq!(verified.rows, rows + stopped.last.inserted, "round {round}");
        rows = verified.rows;
    }
}

#[test]
fn a_server_that_ends_by_itself_is_told() {
    let Some(rig) = Rig::new() else { return };
    let engine = rig.start();
    until("some rows", &*engine, |tick| tick.inserted > 50);
    for pid in servers(&rig.data()) {
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    }
    until("the end", &*engine, |tick| tick.state == State::Ended);
    let stopped = engine.stop();
    assert!(!stopped.clean);
    let told: Vec<&Met> = stopped.troubles.iter().map(|trouble| &trouble.met).collect();
    let want = "ended by itself (signal: 9 (SIGKILL))";
    assert!(matches!(told[..], [Met::Lab(why)] if why.starts_with(want)), "{told:?}");
    rig.verify_whole();
}

const ORPHAN: &str = "CSI_STRETCH_TEST_ORPHAN";

/// Runs in a process of its own, which is killed while its server runs.
#[test]
fn part_of_the_test_below() {
    let Ok(path) = std::env::var(ORPHAN) else { return };
    let Some(rig) = Rig::on(&path) else { return };
    let engine = rig.start();
    until("some rows", &*engine, |tick| tick.inserted > 50);
    assert_eq!(servers(&rig.data()).len(), 1);
    raise(Signal::SIGKILL).unwrap();
}

#[test]
fn no_server_outlives_the_harness() {
    let Some(rig) = Rig::new() else { return };
    let name = "workload::mariadb::tests::kills::part_of_the_test_below";
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(ORPHAN, &rig.place.path)
        .env("TMPDIR", rig.place.ledger.parent().unwrap())
        .status()
        .unwrap();
    let killed = std::os::unix::process::ExitStatusExt::signal(&status);
    assert_eq!(killed, Some(Signal::SIGKILL as i32), "{status}");
    let deadline = Instant::now() + Duration::from_secs(10);
    while !servers(&rig.data()).is_empty() {
        assert!(Instant::now() < deadline, "{:?}", servers(&rig.data()));
        std::thread::sleep(Duration::from_millis(10));
    }
}
