//! A database that somebody kills, or that hangs: whose fault it is, and how long it is waited for.

use std::{
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use crate::rig::{Rig, entries, expect_exit, stderr, stdout, wait_for};

const SCENARIO: &str = "about: A database is in trouble of its own.
clauses: [controller-expand.online-no-downtime]
volume: { fs: block, size: 64MiB }
steps:
  - publish
  - start_database: { rate: 200 }
  - await: 16KiB
  - wait: 4s
  - stop_database
  - verify
";

/// A run of that on a real device, and its database's process; `None` after saying what is missing.
fn start(rig: &Rig) -> Option<(Child, Pid)> {
    if !stdout(&expect_exit(&mut rig.command(&["doctor"]), 0)).contains("here: loop") {
        println!("skipped: needs root and loop devices (`csi-stretch doctor`)");
        return None;
    }
    std::fs::write(rig.path("trouble.yaml"), SCENARIO).unwrap();
    let mut command = rig.command(&["run", "--tier", "loop", "--scenarios", "trouble.yaml"]);
    command.arg("--out").arg(rig.path("out")).arg("--work-dir").arg(rig.work());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let parent = Pid::from_raw(child.id().cast_signed());
    let mut engine = None;
    wait_for("the database", || {
        engine = engine_of(parent);
        engine.is_some()
    });
    // It has some rows, and the pause has begun.
    std::thread::sleep(Duration::from_secs(1));
    Some((child, engine.unwrap()))
}

fn engine_of(parent: Pid) -> Option<Pid> {
    let own = |process: &std::path::PathBuf| {
        let status = std::fs::read_to_string(process.join("status")).ok()?;
        let words = std::fs::read_to_string(process.join("cmdline")).ok()?;
        let is_child = status.contains(&format!("PPid:\t{parent}\n"));
        let pid = process.file_name()?.to_str()?.parse().ok()?;
        (is_child && words.contains("\0engine\0pages")).then(|| Pid::from_raw(pid))
    };
    entries(Path::new("/proc")).iter().find_map(own)
}

fn report(rig: &Rig) -> Value {
    serde_json::from_str(&rig.read_latest("report.json")).unwrap()
}

#[test]
fn loop_a_database_killed_by_somebody_else_is_no_fault_of_the_drivers() {
    let rig = Rig::new();
    let Some((child, engine)) = start(&rig) else { return };
    kill(engine, Signal::SIGKILL).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    let report = report(&rig);
    assert_eq!(report["scenarios"][0]["verdict"], "error", "{report:#}");
    let findings = report["scenarios"][0]["findings"].as_array().unwrap();
    let blamed = findings.iter().find(|finding| finding["verdict"] == "fail");
    assert_eq!(blamed, None);
    let what = findings[0]["what"].as_str().unwrap();
    assert!(what.contains("its process ended") && what.contains("SIGKILL"), "{what}");
}

#[test]
fn loop_an_interruption_does_not_wait_for_a_database_that_hangs() {
    let rig = Rig::new();
    let Some((child, engine)) = start(&rig) else { return };
    // It will not hear that it is to stop.
    kill(engine, Signal::SIGSTOP).unwrap();
    std::thread::sleep(Duration::from_secs(6));
    let begun = Instant::now();
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(kill(engine, None).is_err(), "it is still there");
    let report = report(&rig);
    assert_eq!(report["counts"]["fail"], 0, "a sound driver is blamed: {}", report["findings"]);
    assert_eq!(report["counts"]["error"], 0, "{report:#}");
    assert_eq!(entries(&rig.work()), Vec::<std::path::PathBuf>::new());
}
