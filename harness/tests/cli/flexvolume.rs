//! FlexVolume drivers, served as CSI by `flex-adapter`.

use std::process::Command;

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
    let usable = stdout(&expect_exit(&mut rig.command(&["doctor"]), 0));
    let has_jq = Command::new("jq").arg("--version").output().is_ok();
    if !usable.contains("here: loop") || !has_jq {
        println!("skipped: needs jq, root and loop devices (`csi-stretch doctor`)");
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
