//! Compared while the loads go on.

use std::path::PathBuf;

use super::rig::{Rig, servers, until};
use crate::workload::{engine::Found, mariadb::client::Client};

/// A connection to the server that runs there, behind the engine's back.
fn connect(rig: &Rig) -> Client {
    let server = servers(&rig.data())[0];
    let words = std::fs::read(format!("/proc/{server}/cmdline")).unwrap();
    let words = String::from_utf8(words).unwrap();
    let socket = words.split('\0').find_map(|word| word.strip_prefix("--socket="));
    Client::new(&PathBuf::from(socket.unwrap())).unwrap()
}

#[test]
fn a_comparison_beside_the_loads_finds_what_is_lost_and_nothing_else() {
    let Some(mut rig) = Rig::new() else { return };
    rig.settings.data_bytes_max = Some(12 << 20);
    let engine = rig.start();
    until("some rows", &*engine, |tick| tick.inserted > 1000 && tick.updated > 200);
    for round in 0..3 {
        let before = engine.tick();
        let verified = engine.scan()().unwrap();
        assert_eq!((verified.lost_total, &verified.lost), (0, &vec![]), "round {round}");
        assert!(verified.rows > 1000 && verified.rows == verified.rows_intact, "{verified:?}");
        until("loads that went on", &*engine, |tick| tick.updated > before.updated);
    }
    connect(&rig).say("DELETE FROM stretch.kept WHERE id = 3").unwrap();
    let verified = engine.scan()().unwrap();
    let lost: Vec<(u64, &Found)> = verified.lost.iter().map(|it| (it.key, &it.found)).collect();
    assert_eq!(lost, [(3, &Found::Older(0))]);
    assert_eq!((verified.lost_total, verified.rows), (1, verified.rows_intact + 1));
    let scan = engine.scan();
    engine.kill();
    assert!(scan().is_err(), "it proves nothing any more");
}
