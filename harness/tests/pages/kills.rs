//! SIGKILL at any moment, copies of a running database, and ends in good order.

use std::time::Duration;

use csi_stretch::workload::engine::{self, Leash, Met, State};
use nix::sys::signal::{Signal, kill};

use crate::rig::{Rig, until};

#[test]
fn a_clean_stop_leaves_nothing_to_recover() {
    let rig = Rig::new();
    let engine = rig.start();
    let tick = until("both loads", &*engine, |tick| {
        tick.inserted > 100 && tick.read > 10 && tick.updated > 10
    });
    assert_eq!((tick.state, tick.errors, tick.blocked_us), (State::Running, 0, 0));
    let stopped = engine.stop();
    assert!(stopped.clean, "{stopped:?}");
    assert_eq!(stopped.last.state, State::Ended);
    assert!(stopped.last.inserted >= tick.inserted && stopped.troubles.is_empty());
    let verified = rig.verify_whole();
    assert!(verified.recovery.clean);
    assert!(verified.rows >= stopped.last.inserted, "{verified:?}");
    let bytes = std::fs::metadata(rig.place.path.join("pages.data")).unwrap().len();
    assert!(bytes >= stopped.last.data_bytes);
    // It goes on where it was.
    let engine = rig.start();
    until("more rows", &*engine, |tick| {
        tick.inserted > 10 && tick.data_bytes >= stopped.last.data_bytes
    });
    engine.stop();
    assert!(rig.verify_whole().rows > verified.rows);
}

/// `CSI_STRETCH_PAGES_ROUNDS` makes it more.
#[test]
fn nothing_acknowledged_is_lost_by_kills() {
    let rounds = std::env::var("CSI_STRETCH_PAGES_ROUNDS").ok().and_then(|text| text.parse().ok());
    let rig = Rig::new();
    let (mut recovered, mut rows) = (0, 0);
    for round in 0..rounds.unwrap_or(8_u64).max(8) {
        let engine = rig.start();
        if round == 0 {
            // On a busy machine the first commit takes its time.
            until("a row to lose", &*engine, |tick| tick.inserted > 0);
        }
        std::thread::sleep(Duration::from_millis(20 + round * 7919 % 230));
        let stopped = engine.kill();
        assert!(!stopped.clean && stopped.troubles.is_empty(), "{stopped:?}");
        let verified = rig.verify_whole();
        assert!(verified.rows >= rows, "a ledger only grows");
        rows = verified.rows;
        recovered += verified.recovery.records;
    }
    assert!(recovered > 0);
}

/// The process stands still while it is copied, as a volume does in a snapshot.
#[test]
fn a_copy_of_a_running_database_holds_every_acknowledged_row() {
    let rig = Rig::new();
    let engine = rig.start();
    for rows in [200, 2000] {
        until("rows", &*engine, |tick| tick.inserted > rows);
        let copy = Rig::new();
        let process = rig.process();
        kill(process, Signal::SIGSTOP).unwrap();
        std::fs::copy(&rig.place.ledger, &copy.place.ledger).unwrap();
        for file in std::fs::read_dir(&rig.place.path).unwrap().flatten() {
            std::fs::copy(file.path(), copy.place.path.join(file.file_name())).unwrap();
        }
        kill(process, Signal::SIGCONT).unwrap();
        let verified = copy.verify_whole();
        assert!(verified.rows >= rows && !verified.recovery.clean);
        copy.start().kill();
        copy.verify_whole();
    }
    assert!(engine.stop().clean);
}

#[test]
fn an_engine_does_not_outlive_who_started_it() {
    let rig = Rig::new();
    let engine = rig.start();
    let process = rig.process();
    drop(engine);
    assert!(kill(process, None).is_err(), "it is still there");
    rig.verify();

    // Whoever is killed drops nothing; the pipe is closed all the same.
    let mut child = std::process::Command::new(&rig.place.program)
        .args(["engine", "pages"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let order = serde_json::json!({
        "settings": rig.settings, "path": rig.place.path, "block": false, "ledger": rig.place.ledger,
    });
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, format!("{order}\n").as_bytes()).unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    assert!(lines.next().unwrap().unwrap().contains("ready"));
    drop(stdin);
    let status = child.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
}

#[test]
fn damage_in_a_file_is_located() {
    let rig = Rig::new();
    let engine = rig.start();
    until("pages", &*engine, |tick| tick.data_bytes > 40 * 16384);
    assert!(engine.stop().clean);
    let path = rig.place.path.join("pages.data");
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &[0; 16384], 20 * 16384).unwrap();
    let verified = rig.verify();
    let spot = verified.lost[0].spot.as_ref().unwrap();
    assert_eq!(spot.page, 20);
    assert_eq!(verified.lost[0].found, engine::Found::Zeros);
    assert!(verified.lost_total <= 16 && spot.offset / 16384 == 20);
}

#[test]
fn what_cannot_be_opened_is_refused_with_the_reason() {
    let mut rig = Rig::new();
    rig.settings.row_bytes = 20_000;
    let refused =
        |rig: &Rig| engine::start(&rig.kind(), &rig.place, &Leash::default()).err().unwrap();
    let lab = |met: Met| match met {
        Met::Lab(why) => why,
        other => panic!("not the harness's: {other:?}"),
    };
    assert!(lab(refused(&rig)).contains("row_bytes is 20000"));
    rig.settings.row_bytes = 1000;
    let met = engine::verify(&rig.kind(), &rig.place, &Leash::default()).unwrap_err();
    assert!(matches!(met, Met::Lab(_)), "no ledger: {met:?}");
    let engine = rig.start();
    until("rows", &*engine, |tick| tick.inserted > 10);
    engine.stop();
    rig.settings.seed = 12;
    assert!(lab(refused(&rig)).contains("another database"));
    rig.settings.seed = 11;
    rig.settings.log_bytes = 2 << 20;
    assert!(refused(&rig).words().contains("log size"));
    std::fs::remove_dir_all(&rig.place.path).unwrap();
    // What is on the volume, or not any more, is the volume's.
    assert_eq!(refused(&rig), Met::Volume("ENOENT".into()));
    let verified = rig.verify();
    assert_eq!(verified.lost_total, verified.rows);
    assert!(verified.unopened.unwrap().contains("ENOENT"));
}
