//! FlexVolume drivers, served as CSI by `flex-adapter`, and run directly.

use std::process::Command;

use serde_json::{Value, json};

use crate::rig::{Rig, expect_exit, stderr, stdout};

const LOOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../mock-driver/flexvolume/loop");

fn adapter(rig: &Rig, driver: &str, name: &str) -> Command {
    let socket = format!("unix://{}", rig.path("flex.sock").display());
    let words = ["flex-adapter", "--driver", driver, "--listen", &socket, "--name", name];
    rig.command(&[&words[..], &["--node-id", "here"]].concat())
}

#[rstest::rstest]
#[case::missing("/no/such/driver", "a.b", 2, "there is no /no/such/driver")]
#[case::not_executable("/etc/passwd", "a.b", 2, "chmod +x")]
#[case::no_json("/bin/echo", "a.b", 3, "cannot be read")]
#[case::silent("/bin/false", "a.b", 3, "exit code 1")]
#[case::name("/bin/echo", "under_score", 2, "flex.example.org")]
fn what_cannot_be_served_says_why(
    #[case] driver: &str,
    #[case] name: &str,
    #[case] code: i32,
    #[case] words: &str,
) {
    let rig = Rig::new();
    let told = stderr(&expect_exit(&mut adapter(&rig, driver, name), code));
    assert!(told.contains(words), "{told}");
    assert!(!rig.path("flex.sock").exists());
}

/// Real devices and file systems, grown through the adapter and measured beside it.
#[test]
fn loop_the_example_driver_conforms_through_the_adapter() {
    let rig = Rig::new();
    if !has_devices(&rig) {
        return;
    }
    let profile = include_str!("../../../scenarios/targets/flexvolume-loop.yaml")
        .replace("- csi-stretch\n", &format!("- {}\n", env!("CARGO_BIN_EXE_csi-stretch")))
        .replace("mock-driver/flexvolume/loop", LOOP);
    std::fs::write(rig.path("target.yaml"), profile).unwrap();
    let mut run = rig.command(&["run", "--target", "target.yaml", "--tier", "loop"]);
    run.arg("--out").arg(rig.path("out")).arg("--work-dir").arg(rig.work());
    for focus in [
        "conformance/identity",
        "conformance/expand-over-everything",
        "conformance/expand-repeat",
        "conformance/node-expand-others-path",
        "expansion/online-grow",
        "expansion/retries",
        "expansion/survives-driver-restart",
        "lifecycle/publish-cycle",
    ] {
        run.args(["--focus", focus]);
    }
    expect_exit(&mut run, 0);
    let report: serde_json::Value = serde_json::from_str(&rig.read_latest("report.json")).unwrap();
    assert_eq!(report["verdict"], "pass");
    assert_eq!(report["findings"].as_array().unwrap().len(), 0, "{}", report["findings"]);
    assert!(report["counts"]["pass"].as_u64().unwrap() >= 8, "{}", report["counts"]);
    assert_eq!(report["comparison"]["divergent"], 0, "{}", report["comparison"]);
}

fn has_devices(rig: &Rig) -> bool {
    let usable = stdout(&expect_exit(&mut rig.command(&["doctor"]), 0));
    let has_jq = Command::new("jq").arg("--version").output().is_ok();
    let has = usable.contains("here: loop") && has_jq;
    if !has {
        println!("skipped: needs jq, root and loop devices (`csi-stretch doctor`)");
    }
    has
}

#[rstest::rstest]
#[case::missing("flex:/no/such/driver", 2, "there is no /no/such/driver")]
#[case::none("flex:", 2, "flex:/path")]
#[case::no_json("flex:/bin/echo", 3, "cannot be read")]
#[case::silent("flex:/bin/false", 3, "exit code 1")]
fn what_cannot_be_run_says_why(#[case] endpoint: &str, #[case] code: i32, #[case] words: &str) {
    let rig = Rig::new();
    let told = stderr(&expect_exit(&mut rig.run(&["--endpoint", endpoint]), code));
    assert!(told.contains(words), "{told}");
}

#[test]
fn a_script_has_no_controller_elsewhere() {
    let rig = Rig::new();
    let args = ["--endpoint", "flex:/bin/echo", "--controller-endpoint", "unix:///c.sock"];
    let told = stderr(&expect_exit(&mut rig.run(&args), 2));
    assert!(told.contains("leave them out"), "{told}");
}

/// A script that knows init, mount and unmount, run directly: needs no device, and offers no growth.
#[test]
fn a_script_without_growth_is_asked_for_none() {
    let rig = Rig::new();
    let script = rig.path("small");
    let text = r#"#!/bin/sh
case $1 in
init) echo '{"status":"Success","capabilities":{"attach":false}}' ;;
*) echo '{"status":"Not supported"}' ;;
esac
"#;
    std::fs::write(&script, text).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, mode).unwrap();
    let endpoint = format!("flex:{}", script.display());
    let args = ["--endpoint", &endpoint, "--reference", "off", "--focus", "conformance/identity"];
    expect_exit(&mut rig.run(&args), 0);
    let report: Value = serde_json::from_str(&rig.read_latest("report.json")).unwrap();
    assert_eq!(report["run"]["target"]["dialect"], "flexvolume");
    assert_eq!(report["run"]["target"]["name"], "small.flexvolume");
    assert_eq!(report["growth_tested"]["state"], "not_offered");
    // Nobody promised CSI anything.
    assert_eq!(report["coverage"]["stated"]["total"], 0, "{}", report["coverage"]);
    assert!(report["coverage"]["derived"]["kept"].as_u64().unwrap() > 0);
}

/// What every one of the four ways can offer, over real devices.
const SHARED: &[&str] = &[
    "lifecycle/publish-cycle",
    "expansion/online-grow[fs=xfs]",
    "expansion/retries[fs=xfs]",
    "expansion/survives-restart-pod[fs=xfs]",
    "conformance/expand-repeat[fs=xfs]",
    "conformance/expand-over-everything",
];

/// Verdict of each scenario, and of each growth what was asked for and what was there in the end.
fn outcome(report: &Value) -> Vec<String> {
    let list = |key: &str| report[key].as_array().unwrap().clone();
    let scenarios = list("scenarios");
    let verdicts = scenarios.iter().map(|one| format!("{} {}", one["id"], one["verdict"]));
    let growths = list("growths");
    let growths = growths.iter().map(|growth| {
        let figures = ["required", "controller_code", "node_code", "device_after", "verified"]
            .map(|key| format!("{key}={}", growth[key]));
        format!("{} {}", growth["scenario"], figures.join(" "))
    });
    verdicts.chain(growths).collect()
}

/// CSI 1, csi.v0, a FlexVolume script behind the adapter, and the same script run directly.
#[test]
fn loop_four_ways_come_to_the_same() {
    let rig = Rig::new();
    if !has_devices(&rig) {
        return;
    }
    let program = env!("CARGO_BIN_EXE_csi-stretch");
    let mock = |dialect: &str| {
        let state = "--state-dir={run_dir}/state";
        let words = [program, "mock", "--backing=loop", "--listen={socket}", state, "--dialect"];
        let command = [&words[..], &[dialect]].concat();
        json!({ "endpoint": "exec", "command": command })
    };
    let driver = format!("--driver={LOOP}");
    let words = [program, "flex-adapter", &driver, "--listen={socket}", "--name=a.b"];
    let adapter = [&words[..], &["--node-id=here"]].concat();
    let ways = [
        ("csi.v1", mock("v1")),
        ("csi.v0", mock("v0")),
        ("csi.v1", json!({ "endpoint": "exec", "command": adapter })),
        ("flexvolume", json!({ "endpoint": format!("flex:{LOOP}") })),
    ];
    let outcomes = ways.map(|(dialect, way)| {
        let rig = Rig::new();
        let mut profile = json!({
            "access": ["mount"],
            "fs": ["xfs"],
            "sizes": { "granularity": "1MiB" },
            "grows_at_stage": true,
            "env": { "FLEX_STATE": "{run_dir}/flexvolume" },
        });
        profile.as_object_mut().unwrap().extend(way.as_object().unwrap().clone());
        std::fs::write(rig.path("target.yaml"), profile.to_string()).unwrap();
        let mut run = rig.run(&["--target", "target.yaml", "--reference", "off", "--seed", "1"]);
        for focus in SHARED {
            run.args(["--focus", focus]);
        }
        expect_exit(&mut run, 0);
        let report: Value = serde_json::from_str(&rig.read_latest("report.json")).unwrap();
        assert_eq!(report["run"]["target"]["dialect"], dialect);
        assert_eq!(report["run"]["target"]["tier"], "loop");
        outcome(&report)
    });
    assert!(outcomes[0].len() > SHARED.len() + 4, "{:#?}", outcomes[0]);
    for (way, outcome) in outcomes.iter().enumerate().skip(1) {
        assert_eq!(outcome, &outcomes[0], "way {way}");
    }
}
