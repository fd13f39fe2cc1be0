//! SIGKILL at random instants: whatever was acknowledged is there afterwards, what was under way
//! either happened or did not, and its repeat succeeds.
//!
//! The driver is this test binary, started again to run only [`a_driver_to_be_killed`].

mod look;
mod model;
#[path = "../support/mod.rs"]
mod support;

use std::{path::Path, process::Stdio, time::Duration};

use csi_stretch_mock::{BackingKind, Dialect, Options, Profile, serve};
use look::check;
use model::{Model, Random, Step, apply, choose, perform};
use support::*;
use tokio::process::{Child, Command};
use tonic::Code;

const FOLDER: &str = "CSI_STRETCH_TEST_FOLDER";
const BACKING: &str = "CSI_STRETCH_TEST_BACKING";

/// What differs between the two backings.
#[derive(Clone, Copy)]
struct Lab {
    backing: BackingKind,
    fs: &'static str,
    base: i64,
    step: i64,
    rounds: u32,
    /// The longest a driver lives, milliseconds.
    life_ms_max: u64,
}

/// Not a test of its own: serves until it is killed, if it is started for that.
#[tokio::test(flavor = "multi_thread")]
async fn a_driver_to_be_killed() {
    let (Ok(folder), Ok(backing)) = (std::env::var(FOLDER), std::env::var(BACKING)) else { return };
    let backing = if backing == "loop" { BackingKind::Loop } else { BackingKind::Memory };
    serve(options(Path::new(&folder), backing, false), std::future::pending()).await.unwrap();
}

fn options(folder: &Path, backing: BackingKind, remove_on_exit: bool) -> Options {
    let state_dir = folder.join("state");
    let profile = Profile::default();
    let (listen, tls, defect) = (endpoint(folder), None, None);
    let dialect = Dialect::V1;
    Options { listen, tls, state_dir, backing, dialect, profile, remove_on_exit, defect }
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_effects_survive_sigkill() {
    let lab = Lab {
        backing: BackingKind::Memory,
        fs: "ext4",
        base: 8 * MIB,
        step: MIB,
        rounds: 40,
        life_ms_max: 60,
    };
    torture(lab, 0x5eed).await;
}

#[cfg(feature = "loop")]
#[tokio::test(flavor = "multi_thread")]
async fn loop_acknowledged_effects_survive_sigkill() {
    if !nix::unistd::Uid::effective().is_root() || !Path::new("/dev/loop-control").exists() {
        println!("skipped: needs root and loop devices");
        return;
    }
    let lab = Lab {
        backing: BackingKind::Loop,
        fs: "xfs",
        base: 320 * MIB,
        step: 16 * MIB,
        rounds: 12,
        life_ms_max: 900,
    };
    torture(lab, 0x5eed).await;
}

async fn torture(lab: Lab, seed: u64) {
    let folder = tempfile::tempdir().unwrap();
    let _sweep = Sweep { folder: folder.path().into(), backing: lab.backing };
    let mut random = Random(seed);
    let mut model = Model::new();
    let mut pending: Option<(String, Step)> = None;
    let (mut steps, mut cut_off) = (0, 0);
    for round in 0..lab.rounds {
        let mut child = spawn(folder.path(), lab.backing);
        let c = connect(folder.path()).await;
        let context = format!("seed {seed:#x}, round {round}, pending {pending:?}");
        check(&c, lab, &model, pending.as_ref(), &context).await;
        if let Some((name, step)) = pending.take() {
            let done = perform(&c, lab, &model, &name, &step).await;
            let id = done.unwrap_or_else(|status| panic!("repeat fails: {status}; {context}"));
            apply(&mut model, lab, &name, &step, id);
            check(&c, lab, &model, None, &context).await;
        }
        let pid = nix::unistd::Pid::from_raw(child.id().unwrap() as i32);
        let life = Duration::from_micros(random.below(lab.life_ms_max * 1000));
        let killer = tokio::spawn(async move {
            tokio::time::sleep(life).await;
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
        });
        loop {
            let name = format!("v{}", random.below(4));
            let step = choose(&mut random, model.get(&name), steps + u64::from(cut_off));
            match perform(&c, lab, &model, &name, &step).await {
                Ok(id) => apply(&mut model, lab, &name, &step, id),
                // The connection broke: nobody can know whether it happened.
                Err(status) if killed(&status) => {
                    pending = Some((name, step));
                    cut_off += 1;
                    break;
                }
                Err(status) => panic!("{name} {step:?}: {status}; {context}; {model:#?}"),
            }
            steps += 1;
        }
        killer.await.unwrap();
        child.wait().await.unwrap();
    }
    println!("{steps} steps acknowledged, {cut_off} cut off");
    assert!(steps > u64::from(lab.rounds) && cut_off == lab.rounds);
}

fn killed(status: &tonic::Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled)
        || (status.code() == Code::Internal && status.message().contains("h2 protocol error"))
}

fn spawn(folder: &Path, backing: BackingKind) -> Child {
    let backing = if backing == BackingKind::Loop { "loop" } else { "memory" };
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_driver_to_be_killed", "--nocapture"])
        .env(FOLDER, folder)
        .env(BACKING, backing)
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Removes all volumes at the end, also when the test fails.
struct Sweep {
    folder: std::path::PathBuf,
    backing: BackingKind,
}

impl Drop for Sweep {
    fn drop(&mut self) {
        let options = options(&self.folder, self.backing, true);
        let swept = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            // The last child may still be on its way out, and holds the folder until then.
            for _ in 0..100 {
                match runtime.block_on(serve(options.clone(), async {})) {
                    Err(csi_stretch_mock::ServeError::StateInUse(_)) => {
                        std::thread::sleep(Duration::from_millis(20));
                    }
                    other => return other.map_err(|e| e.to_string()),
                }
            }
            Err("the folder stays in use".to_owned())
        });
        let result = swept.join().unwrap();
        if !std::thread::panicking() {
            result.unwrap();
        }
    }
}
