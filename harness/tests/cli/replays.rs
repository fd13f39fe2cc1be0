//! `replay` and `diff`: a run again, and two runs side by side.

use crate::rig::{Rig, expect_exit, stderr, stdout};

const DEFECT: &[&str] = &["--defect", "node-expand-leaves-fs", "--reference", "off"];
const FOCUS: &[&str] = &["--focus", "expansion/online-grow[fs=xfs", "--seed", "7", "-q"];

#[test]
fn the_line_of_a_failure_replays_it() {
    let rig = Rig::new();
    let output = expect_exit(rig.run(DEFECT).args(FOCUS), 1);
    let text = stdout(&output);
    let line = text.lines().find_map(|line| line.trim().strip_prefix("replay")).unwrap().trim();
    let words: Vec<&str> = line.split(' ').skip(1).map(|word| word.trim_matches('\'')).collect();
    let again = expect_exit(&mut rig.command(&words), 1);
    assert!(stdout(&again).contains("findings seen again"), "{}", stdout(&again));
    assert!(!stdout(&again).contains("not seen"), "{}", stdout(&again));
    // Another folder, and `latest` stays what it was.
    let latest = std::fs::canonicalize(rig.path("out/latest")).unwrap();
    let folders = std::fs::read_dir(rig.path("out")).unwrap().map(|entry| entry.unwrap().path());
    let mut others = folders.filter(|one| !one.ends_with("latest") && *one != latest);
    let folder = others.next().unwrap();
    let replayed = std::fs::read(folder.join("report.json")).unwrap();
    let replayed: serde_json::Value = serde_json::from_slice(&replayed).unwrap();
    assert_eq!(replayed["run"]["seed"], 7);
    assert_eq!(replayed["counts"]["total"], 1);
    // The replay of a replay is the same once more.
    expect_exit(&mut rig.command(&["replay", folder.to_str().unwrap()]), 1);
}

#[test]
fn a_failure_tells_the_calls_that_lead_to_it() {
    let rig = Rig::new();
    let output = expect_exit(rig.run(DEFECT).args(FOCUS), 1);
    let text = stdout(&output);
    for word in ["1. CreateVolume", "ControllerExpandVolume", "observed", "node-expand.purpose"] {
        assert!(text.contains(word), "{word} in {text}");
    }
}

#[test]
fn replay_says_what_it_cannot_do() {
    let rig = Rig::new();
    let focus = ["--focus", "lifecycle/create-delete", "-q"];
    expect_exit(rig.run(&["--reference", "off"]).args(focus), 0);
    let latest = rig.path("out/latest");
    let latest = latest.to_str().unwrap();
    let output = expect_exit(&mut rig.command(&["replay", latest]), 4);
    assert!(stderr(&output).contains("--all"), "{}", stderr(&output));
    let output = expect_exit(&mut rig.command(&["replay", latest, "--scenario", "no/such"]), 2);
    assert!(stderr(&output).contains("no/such"), "{}", stderr(&output));
    let output = expect_exit(&mut rig.command(&["replay", "nowhere"]), 2);
    assert!(stderr(&output).contains("cannot read nowhere"), "{}", stderr(&output));
}

#[test]
fn diff_tells_a_regression_from_a_mend() {
    let rig = Rig::new();
    let folder = |name: &str| {
        let latest = std::fs::canonicalize(rig.path("out/latest")).unwrap();
        let kept = rig.path(name);
        std::fs::rename(latest, &kept).unwrap();
        kept.display().to_string()
    };
    expect_exit(rig.run(&["--reference", "off"]).args(FOCUS), 0);
    let sound = folder("sound");
    expect_exit(rig.run(DEFECT).args(FOCUS), 1);
    let broken = folder("broken");

    let output = expect_exit(&mut rig.command(&["diff", &sound, &broken]), 1);
    let text = stdout(&output);
    for word in ["REGRESSED", "node-expand.purpose", "measure", "xfs 320 MiB"] {
        assert!(text.contains(word), "{word} in {text}");
    }
    let output = expect_exit(&mut rig.command(&["diff", &broken, &sound]), 0);
    assert!(stdout(&output).contains("mended"), "{}", stdout(&output));
    let output = expect_exit(&mut rig.command(&["diff", &sound, &sound]), 0);
    assert!(stdout(&output).contains("no difference in behaviour"), "{}", stdout(&output));

    let args = ["diff", &sound, &broken, "--format", "json"];
    let output = expect_exit(&mut rig.command(&args), 1);
    let data: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(data["schema"], "csi-stretch/diff/v1");
    assert_eq!(data["scenarios"][0]["way"], "regressed");
    let args = ["diff", &sound, &broken, "--format", "markdown"];
    assert!(stdout(&expect_exit(&mut rig.command(&args), 1)).contains("| REGRESSED |"));
    let output = expect_exit(&mut rig.command(&["diff", &sound, "nowhere"]), 2);
    assert!(stderr(&output).contains("nowhere"), "{}", stderr(&output));
}
