//! Drivers that speak csi.v0: the same scenarios, found out by asking or said by a profile.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::rig::{Rig, expect_exit, stderr, stdout};

/// Scenarios that every driver with growth can offer, and that race with nothing.
const SHARED: &[&str] = &[
    "lifecycle/create-delete",
    "lifecycle/publish-cycle",
    "lifecycle/publish-repeat",
    "lifecycle/unpublish-repeat",
    "expansion/online-grow",
    "expansion/offline-grow",
    "expansion/retries",
    "expansion/merged-growths",
    "expansion/survives-restart-pod",
    "conformance/expand-repeat",
    "conformance/expand-smaller",
    "conformance/expand-over-everything",
    "conformance/expand-missing-fields",
];

/// The mock, started by the run, in a dialect.
fn mock(dialect: &str, more: &str) -> String {
    let program = env!("CARGO_BIN_EXE_csi-stretch");
    format!(
        "exec:{program} mock --dialect {dialect} --backing memory --listen {{socket}} \
         --state-dir {{run_dir}}/state {more}"
    )
}

fn report(rig: &Rig) -> Value {
    serde_json::from_str(&rig.read_latest("report.json")).unwrap()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn a_driver_of_2018_runs_the_whole_default_set() {
    let rig = Rig::new();
    let mut run = rig.run(&["--endpoint", &mock("v0", ""), "--reference", "off", "--jobs", "8"]);
    expect_exit(&mut run, 0);
    let report = report(&rig);
    assert_eq!(report["run"]["target"]["dialect"], "csi.v0");
    assert_eq!(list(&report, "findings").len(), 0, "{}", report["findings"]);
    assert!(report["counts"]["pass"].as_u64().unwrap() > 300, "{}", report["counts"]);
    let skips: BTreeSet<&str> =
        list(&report, "scenarios").iter().filter_map(|one| one["skip"].as_str()).collect();
    for why in [
        "csi.v0 has no node GET_VOLUME_STATS",
        "csi.v0 has no controller CLONE_VOLUME",
        "csi.v0 has no controller GET_VOLUME",
    ] {
        assert!(skips.iter().any(|skip| skip.ends_with(why)), "{skips:?}");
    }
    // Growth is judged, and not as CSI's.
    let clauses = list(&report, "clauses");
    let of_growth: Vec<&Value> = clauses
        .iter()
        .filter(|clause| clause["id"].as_str().unwrap().contains("-expand."))
        .collect();
    let kept = |clause: &&&Value| clause["state"] == "kept";
    assert!(of_growth.iter().filter(kept).count() > 30);
    for clause in of_growth {
        assert!(clause["id"].as_str().unwrap().starts_with("dialect."), "{clause}");
        assert_eq!(clause["basis"], "derived", "{clause}");
    }
    // What a driver had to bring in 2018: each of the ten functions was called.
    let log = rig.read_latest("driver.log");
    for function in [
        "create_volume",
        "delete_volume",
        "controller_publish_volume",
        "controller_unpublish_volume",
        "validate_volume_capabilities",
        "list_volumes",
        "get_capacity",
        "controller_get_capabilities",
        "requires_fs_resize",
        "controller_expand_volume",
    ] {
        assert!(log.contains(&format!("rpc=\"{function}\"")), "{function} was never called");
    }
}

/// Without the growth of 2018 it is a plain driver of CSI 0.3.
#[test]
fn a_driver_that_cannot_grow_is_asked_for_no_growth() {
    let rig = Rig::new();
    std::fs::write(
        rig.path("mock.yaml"),
        "expansion: []\ncontroller: [create_delete_volume]\nnode: [stage_unstage_volume]\n",
    )
    .unwrap();
    let more = format!("--profile {}", rig.path("mock.yaml").display());
    let args =
        ["--endpoint", &mock("v0", &more), "--focus", "publish-cycle", "--focus", "online-grow"];
    expect_exit(&mut rig.run(&args), 0);
    let report = report(&rig);
    assert_eq!(report["growth_tested"]["state"], "not_offered");
    assert!(report["counts"]["pass"].as_u64().unwrap() > 0, "{}", report["counts"]);
}

#[rstest::rstest]
#[case::said("v0", "v0", 0, "")]
#[case::said_wrong("v1", "v0", 3, "UNIMPLEMENTED")]
#[case::said_wrong_of_v1("v0", "v1", 3, "UNIMPLEMENTED")]
fn a_profile_can_say_the_dialect(
    #[case] said: &str,
    #[case] spoken: &str,
    #[case] code: i32,
    #[case] words: &str,
) {
    let rig = Rig::new();
    let command = mock(spoken, "");
    let command: Vec<&str> = command.trim_start_matches("exec:").split_whitespace().collect();
    let profile = serde_json::json!({ "endpoint": "exec", "command": command, "dialect": said });
    std::fs::write(rig.path("target.yaml"), profile.to_string()).unwrap();
    let mut run = rig.run(&["--target", "target.yaml", "--focus", "lifecycle/create-delete"]);
    let told = stderr(&expect_exit(&mut run, code));
    assert!(told.contains(words), "{told}");
}

/// Code of each call and size of each growth, by scenario: what a workload and its owner get.
fn outcome(report: &Value) -> BTreeMap<String, Vec<String>> {
    let mut outcome: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in list(report, "scenarios").iter().filter(|one| one["verdict"] != "skip") {
        let id = one["id"].as_str().unwrap();
        outcome.entry(id.into()).or_default().push(one["verdict"].to_string());
        let calls = list(one, "steps").iter().filter(|step| step["kind"] == "call");
        let lines = calls.map(|step| format!("{} {}", step["action"], step["code"]));
        outcome.entry(id.into()).or_default().extend(lines);
    }
    for growth in list(report, "growths") {
        let line = ["required", "controller", "node", "device_after", "fs_after", "verified"]
            .map(|key| format!("{key}={}", growth[key]));
        outcome
            .entry(growth["scenario"].as_str().unwrap().into())
            .or_default()
            .push(line.join(" "));
    }
    outcome
}

/// The same driver, spoken to in two dialects.
#[test]
fn both_dialects_come_to_the_same() {
    let outcomes: Vec<BTreeMap<String, Vec<String>>> = ["v0", "v1"]
        .into_iter()
        .map(|dialect| {
            let rig = Rig::new();
            let endpoint = mock(dialect, "");
            let args =
                ["--endpoint", &endpoint, "--reference", "off", "--jobs", "4", "--seed", "1"];
            let mut run = rig.run(&args);
            for focus in SHARED {
                run.args(["--focus", focus]);
            }
            expect_exit(&mut run, 0);
            outcome(&report(&rig))
        })
        .collect();
    assert!(outcomes[0].len() >= SHARED.len(), "{:?}", outcomes[0].keys());
    let ids = |at: usize| outcomes[at].keys().collect::<Vec<_>>();
    assert_eq!(ids(0), ids(1));
    for (id, lines) in &outcomes[0] {
        assert_eq!(Some(lines), outcomes[1].get(id), "{id}");
    }
}

#[test]
fn every_call_of_v0_can_be_made_by_hand() {
    let rig = Rig::new();
    let mock = rig.mock(&["--dialect", "v0"]);
    let endpoint = mock.endpoint();
    let rpc = |words: &[&str], code: i32| {
        let mut command = rig.command(&[&["rpc"], words, &["--endpoint", &endpoint]].concat());
        let output = expect_exit(&mut command, code);
        // Nothing that csi.v0 has no field for.
        assert!(!stderr(&output).contains("fields that"), "{}", stderr(&output));
        stdout(&output)
    };
    rpc(&["GetPluginInfo"], 76);
    assert!(rpc(&["csi.v0.Identity/GetPluginInfo"], 0).contains("mock.csi-stretch"));
    for identity in ["GetPluginCapabilities", "Probe"] {
        rpc(&[&format!("csi.v0.Identity/{identity}")], 0);
    }
    let made = rpc(
        &[
            "csi.v0.Controller/CreateVolume",
            r#"{"name":"qcfs-pvc","capacity_range":{"required_bytes":"67108864"},
                "volume_capabilities":[{"mount":{"fs_type":"xfs"},"access_mode":{"mode":1}}]}"#,
        ],
        0,
    );
    let made: Value = serde_json::from_str(&made).unwrap();
    let id = made["volume"]["id"].as_str().unwrap();
    let answer = rpc(&["RequiresFSResize", id], 0);
    assert!(answer.contains("\"requires_fs_resize\": true"), "{answer}");
    let answer = rpc(&["ControllerResizeVolume", id, "--required-bytes", "128MiB"], 0);
    assert!(answer.contains("134217728"), "{answer}");
    rpc(&["ControllerResizeVolume", "nobody", "--required-bytes", "128MiB"], 69);
    rpc(&["NodeResizeVolume", id, "/nowhere"], 69);
    rpc(&["csi.v0.Controller/ValidateVolumeCapabilities", id, "--cap", "1,mount,xfs"], 0);
    let snapshot = ["csi.v0.Controller/CreateSnapshot", "s", "--source-volume-id", id];
    assert!(rpc(&snapshot, 0).contains("READY"));
    for controller in ["ListVolumes", "GetCapacity", "ControllerGetCapabilities", "ListSnapshots"] {
        rpc(&[&format!("csi.v0.Controller/{controller}")], 0);
    }
    for node in ["NodeGetId", "csi.v0.Node/NodeGetInfo", "csi.v0.Node/NodeGetCapabilities"] {
        rpc(&[node], 0);
    }
    rpc(&["csi.v0.Controller/DeleteVolume", id], 0);
    let words = rig.command(&["controller", "requires-fs-resize", "--endpoint", &endpoint]);
    assert!(stdout(&expect_exit(&mut { words }, 0)).contains("requires_fs_resize"));
}
