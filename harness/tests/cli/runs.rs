//! Whole runs.

use crate::rig::{Rig, expect_exit, stdout};

#[rstest::rstest]
#[case("1")]
#[case("8")]
fn the_reference_driver_is_all_green(#[case] jobs: &str) {
    let rig = Rig::new();
    let output = expect_exit(&mut rig.run(&["--jobs", jobs]), 0);
    let report: serde_json::Value = serde_json::from_str(&rig.read_latest("report.json")).unwrap();
    assert_eq!(report["verdict"], "pass");
    assert_eq!(report["findings"].as_array().unwrap().len(), 0, "{}", report["findings"]);
    assert!(report["counts"]["pass"].as_u64().unwrap() >= 25, "{}", report["counts"]);
    let skips = report["scenarios"].as_array().unwrap().iter().filter(|s| s["verdict"] == "skip");
    for skip in skips {
        let why = skip["skip"].as_str().unwrap();
        // The node has nothing to grow of a block volume.
        let named = ["needs `", "only for targets without `", "no NodeExpandVolume was due"];
        assert!(named.iter().any(|words| why.contains(words)), "{}: {why}", skip["id"]);
    }
    assert!(stdout(&output).contains("memory"), "the tier is at the head");
    for file in ["report.html", "junit.xml", "summary.md", "history.ndjson", "driver.log"] {
        assert!(rig.latest(file).exists(), "{file}");
    }
    assert!(crate::rig::entries(&rig.work()).is_empty(), "the run's folder is left");
}

#[test]
fn judging_a_history_again_gives_the_same_bytes() {
    let rig = Rig::new();
    expect_exit(&mut rig.run(&["--jobs", "8"]), 0);
    let mut command = rig.command(&["check", "out/latest/history.ndjson", "--out", "again"]);
    expect_exit(&mut command, 0);
    let again = std::fs::read_to_string(rig.path("again/report.json")).unwrap();
    assert_eq!(again, rig.read_latest("report.json"));
}

/// But where the orchestrator's components run side by side: which of two answers comes first is
/// the driver's.
#[test]
fn same_seed_same_actions() {
    let actions = |rig: &Rig| -> Vec<String> {
        let history = rig.read_latest("history.ndjson");
        let id = history_id(&history);
        let lines = history.lines().filter(|line| line.contains("\"invoke\""));
        lines.map(|line| strip_time(line).replace(&id, "RUN")).collect()
    };
    let runs: Vec<Vec<String>> = (0..2)
        .map(|_| {
            let rig = Rig::new();
            let scripts = ["--seed", "0x5eed", "--jobs", "1", "--skip", "orchestrator/"];
            expect_exit(&mut rig.run(&scripts), 0);
            actions(&rig)
        })
        .collect();
    assert!(runs[0].len() > 100);
    assert_eq!(runs[0], runs[1]);
}

fn history_id(history: &str) -> String {
    let run: serde_json::Value = serde_json::from_str(history.lines().next().unwrap()).unwrap();
    run["id"].as_str().unwrap().to_owned()
}

fn strip_time(line: &str) -> String {
    let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
    value["event"].as_object_mut().unwrap().remove("at_us");
    value.to_string()
}

/// The same driver on a socket, compared with the reference: nothing differs.
#[test]
fn a_target_on_a_socket_is_compared_step_by_step() {
    let rig = Rig::new();
    let mock = rig.mock(&[]);
    expect_exit(&mut rig.run(&["--endpoint", &mock.endpoint(), "--focus", "expansion/"]), 0);
    let report: serde_json::Value = serde_json::from_str(&rig.read_latest("report.json")).unwrap();
    let comparison = &report["comparison"];
    assert!(comparison["same"].as_u64().unwrap() > 50, "{comparison}");
    assert_eq!(comparison["divergent"], 0, "{comparison}");
}

#[test]
fn a_driver_that_is_started_by_the_run_ends_with_it() {
    let rig = Rig::new();
    let program = env!("CARGO_BIN_EXE_csi-stretch");
    let state = rig.path("state");
    let endpoint = format!(
        "exec:{program} mock --backing memory --listen {{socket}} --state-dir {}",
        state.display()
    );
    expect_exit(&mut rig.run(&["--endpoint", &endpoint, "--focus", "lifecycle/"]), 0);
    let mark = state.display().to_string();
    for entry in crate::rig::entries(std::path::Path::new("/proc")) {
        let line = std::fs::read(entry.join("cmdline")).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&line).contains(&mark), "{} is left", entry.display());
    }
}
