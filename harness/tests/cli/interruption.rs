//! SIGINT and SIGKILL in mid-run: after the first nothing is left, after the second the next run
//! or `clean` removes what the dead run owned, and nothing else.

use std::process::{Child, Command, Stdio};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::rig::{Rig, entries, expect_exit, stdout, wait_for};

/// Slow enough to be interrupted: the driver sleeps in each call.
const SLOW: &str =
    "latency: { create_volume: 200ms, controller_expand: 200ms, node_stage: 200ms }\n";

fn start(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until the history shows that a volume is being grown.
fn under_way(rig: &Rig) {
    wait_for("the first growth", || {
        entries(&rig.path("out")).iter().any(|run| {
            let history = std::fs::read_to_string(run.join("history.ndjson")).unwrap_or_default();
            history.contains("\"rpc\":\"controller_expand\"")
        })
    });
}

fn processes_of(rig: &Rig) -> Vec<String> {
    let mark = rig.work().display().to_string();
    entries(std::path::Path::new("/proc"))
        .iter()
        .filter_map(|entry| {
            let line = std::fs::read(entry.join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            (line.contains(&mark) && line.contains(" mock ")).then_some(line)
        })
        .collect()
}

fn volumes(rig: &Rig, endpoint: &str) -> usize {
    let output = expect_exit(&mut rig.command(&["rpc", "ListVolumes", "-e", endpoint]), 0);
    let list: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    list["entries"].as_array().unwrap().len()
}

/// The scenario in which a driver dies says so; the rest is not held against it one by one.
#[test]
fn a_driver_that_dies_is_told_once() {
    let rig = Rig::new();
    let profile = rig.path("slow.yaml");
    std::fs::write(&profile, SLOW).unwrap();
    let program = env!("CARGO_BIN_EXE_csi-stretch");
    let endpoint = format!(
        "exec:{program} mock --backing memory --listen {{socket}} --state-dir {} --profile {}",
        rig.work().join("state").display(),
        profile.display()
    );
    let args =
        ["--endpoint", &endpoint, "--reference", "off", "--jobs", "2", "--focus", "expansion/"];
    let child = start(rig.run(&args));
    under_way(&rig);
    let mark = format!(" {}", profile.display());
    for process in entries(std::path::Path::new("/proc")) {
        let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(" mock ") && line.trim_end().ends_with(&mark) {
            let pid = process.file_name().unwrap().to_str().unwrap().parse().unwrap();
            kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
        }
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_str(&rig.read_latest("report.json")).unwrap();
    let counts = &report["counts"];
    assert_eq!((&counts["fail"], &counts["error"]), (&1.into(), &0.into()), "{counts}");
    let failed: Vec<&serde_json::Value> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["verdict"] == "fail")
        .collect();
    assert_eq!(failed.len(), 1, "{failed:#?}");
    assert_eq!(failed[0]["check"], "alive");
    let what = failed[0]["what"].as_str().unwrap();
    assert!(what.contains("SIGKILL") && what.contains("its last words"), "{what}");
    let skipped = report["scenarios"].as_array().unwrap().iter().filter(|scenario| {
        let why = scenario["skip"].as_str().unwrap_or_default();
        why.contains("had ended (see expansion/")
    });
    assert!(skipped.count() > 5, "{counts}");
}

#[test]
fn sigint_leaves_nothing_and_still_reports() {
    let rig = Rig::new();
    let profile = rig.path("slow.yaml");
    std::fs::write(&profile, SLOW).unwrap();
    let mock = rig.mock(&["--profile", profile.to_str().unwrap()]);
    let endpoint = mock.endpoint();
    let args = [
        "--endpoint",
        endpoint.as_str(),
        "--reference",
        "off",
        "--jobs",
        "2",
        "--focus",
        "expansion/",
    ];
    let child = start(rig.run(&args));
    under_way(&rig);
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_str(&rig.read_latest("report.json")).unwrap();
    assert_eq!(report["interrupted"], true);
    assert_eq!(report["counts"]["fail"], 0, "a sound driver is blamed: {}", report["findings"]);
    assert_eq!(volumes(&rig, &endpoint), 0);
    assert_eq!(entries(&rig.work()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn after_sigkill_clean_removes_the_dead_runs_volumes_and_no_others() {
    let rig = Rig::new();
    let profile = rig.path("slow.yaml");
    std::fs::write(&profile, SLOW).unwrap();
    let mock = rig.mock(&["--profile", profile.to_str().unwrap()]);
    let endpoint = mock.endpoint();
    let request = r#"{"name":"somebody-elses","capacity_range":{"required_bytes":"67108864"},
        "volume_capabilities":[{"block":{},"access_mode":{"mode":"SINGLE_NODE_WRITER"}}]}"#;
    expect_exit(&mut rig.command(&["rpc", "CreateVolume", request, "-e", &endpoint]), 0);
    let args = [
        "--endpoint",
        endpoint.as_str(),
        "--reference",
        "off",
        "--jobs",
        "2",
        "--focus",
        "expansion/",
    ];
    let mut child = start(rig.run(&args));
    under_way(&rig);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(volumes(&rig, &endpoint) > 1);
    assert!(!entries(&rig.work()).is_empty());
    expect_exit(rig.command(&["clean", "--work-dir"]).arg(rig.work()), 0);
    assert_eq!(volumes(&rig, &endpoint), 1, "the other volume stays");
    assert_eq!(entries(&rig.work()), Vec::<std::path::PathBuf>::new());
}

/// A volume whose answer was never seen is found again by its name.
#[test]
fn a_volume_in_the_making_is_removed_too() {
    let rig = Rig::new();
    let profile = rig.path("slow.yaml");
    std::fs::write(&profile, "latency: { create_volume: 1500ms }\n").unwrap();
    let mock = rig.mock(&["--profile", profile.to_str().unwrap()]);
    let endpoint = mock.endpoint();
    let args = ["--endpoint", endpoint.as_str(), "--reference", "off", "--jobs", "2"];
    let mut child = start(rig.run(&args));
    wait_for("a creation", || {
        entries(&rig.path("out")).iter().any(|run| {
            let history = std::fs::read_to_string(run.join("history.ndjson")).unwrap_or_default();
            history.contains("\"rpc\":\"create_volume\"")
        })
    });
    child.kill().unwrap();
    child.wait().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(2));
    expect_exit(rig.command(&["clean", "--work-dir"]).arg(rig.work()), 0);
    assert_eq!(volumes(&rig, &endpoint), 0);
}

#[test]
fn after_sigkill_the_started_driver_is_gone_and_the_next_run_cleans_up() {
    let rig = Rig::new();
    let mut child = start(rig.run(&["--jobs", "2", "--focus", "expansion/"]));
    under_way(&rig);
    child.kill().unwrap();
    child.wait().unwrap();
    wait_for("the driver to die with the harness", || processes_of(&rig).is_empty());
    assert_eq!(entries(&rig.work()).len(), 1);
    expect_exit(&mut rig.run(&["--focus", "lifecycle/"]), 0);
    assert_eq!(entries(&rig.work()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn loop_sigkill_leaves_no_mount_or_loop_device_after_the_next_clean() {
    let rig = Rig::new();
    let usable = stdout(&expect_exit(&mut rig.command(&["doctor"]), 0));
    if !usable.contains("here: loop") {
        println!("skipped: needs root and loop devices (`csi-stretch doctor`)");
        return;
    }
    let mut command =
        rig.command(&["run", "--tier", "loop", "--jobs", "4", "--focus", "expansion/"]);
    command.arg("--out").arg(rig.path("out")).arg("--work-dir").arg(rig.work());
    let mut child = start(command);
    under_way(&rig);
    child.kill().unwrap();
    child.wait().unwrap();
    expect_exit(rig.command(&["clean", "--work-dir"]).arg(rig.work()), 0);
    let work = rig.work().display().to_string();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(&work), "{mounts}");
    for device in entries(std::path::Path::new("/sys/block")) {
        let backing = std::fs::read_to_string(device.join("loop/backing_file")).unwrap_or_default();
        assert!(!backing.contains(&work), "{} -> {backing}", device.display());
    }
    assert_eq!(entries(&rig.work()), Vec::<std::path::PathBuf>::new());
}
