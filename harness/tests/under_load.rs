//! What only a database on real devices sees: each defect planted for it is found by the
//! database's own evidence, and located; without a defect nothing is.

use std::process::Command;

use csi_stretch_mock::Defect;
use rstest::rstest;
use serde_json::Value;

/// Scenario, clause or class of the finding, and words that locate it.
#[rstest]
#[case::dropped("growth-drops-last-extent", RESCUE_BLOCK, "controller-expand.data-kept", "at byte")]
#[case::zeroed(
    "growth-zeroes-new-range-late",
    RESCUE_BLOCK,
    "controller-expand.data-kept",
    "zeros"
)]
#[case::remounted("growth-remounts", QUICK, "node-publish.capability-usable", "EIO")]
#[case::still("growth-blocks-writers", COST, "slo", "stood still for")]
#[case::unseen(
    "growth-that-statfs-never-shows",
    RESCUE,
    "node-expand.purpose",
    "DEADLINE_EXCEEDED"
)]
fn found_and_located(
    #[case] defect: &str,
    #[case] scenario: &str,
    #[case] clause: &str,
    #[case] words: &str,
) {
    let planted = Defect::under_load().find(|planted| planted.name == defect).unwrap();
    assert!(planted.breaks.contains(&clause), "{defect} is not said to break {clause}");
    let Some(findings) = findings(scenario, Some(defect)) else { return };
    let named = findings.iter().filter(|(named, _)| named == clause);
    let text: String = named.map(|(_, text)| text.as_str()).collect();
    assert!(text.contains(words), "{defect}: no {words:?} in {findings:#?}");
    let unrelated = findings.iter().find(|(named, _)| !planted.breaks.contains(&named.as_str()));
    assert_eq!(unrelated, None, "{defect} is not said to break that");
}

#[rstest]
#[case(RESCUE_BLOCK)]
#[case(QUICK)]
#[case(COST)]
#[case(AUTOSCALER)]
fn nothing_is_found_without(#[case] scenario: &str) {
    let Some(findings) = findings(scenario, None) else { return };
    assert_eq!(findings, []);
}

#[test]
fn each_has_its_case() {
    assert_eq!(Defect::under_load().count(), 5);
}

const RESCUE_BLOCK: &str = "workload/full-device-rescue";
const QUICK: &str = "workload/mysql-quick[fs=xfs,engine=pages]";
const RESCUE: &str = "workload/full-disk-rescue[fs=xfs,engine=pages]";
const COST: &str = "workload/cost-of-growth[fs=xfs,engine=pages]";
const AUTOSCALER: &str = "workload/autoscaler[fs=xfs]";

/// Clause (for one without, the class) and text of every finding; `None`: it cannot run here.
fn findings(scenario: &str, defect: Option<&str>) -> Option<Vec<(String, String)>> {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_csi-stretch"));
    command.args(["run", "--quiet", "--scenario", scenario, "--reference", "off"]);
    command.arg("--out").arg(folder.path().join("out"));
    command.arg("--work-dir").arg(folder.path().join("work"));
    command.args(defect.map_or(vec![], |defect| vec!["--defect", defect]));
    command.env_remove("CSI_ENDPOINT").env_remove("GITHUB_ACTIONS");
    let ended = command.output().unwrap();
    let report = folder.path().join("out/latest/report.json");
    let report = std::fs::read_to_string(&report).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&ended.stderr));
    });
    let report: Value = serde_json::from_str(&report).unwrap();
    let result = &report["scenarios"][0];
    if result["verdict"] == "skip" {
        println!("skipped: {scenario} {}", result["skip"].as_str().unwrap_or_default());
        return None;
    }
    let findings = result["findings"].as_array().unwrap();
    let failed = findings.iter().filter(|finding| finding["verdict"] == "fail");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Some(
        failed
            .map(|finding| match text(&finding["clause"]) {
                clause if clause.is_empty() => (text(&finding["class"]), text(&finding["what"])),
                clause => (clause, text(&finding["what"])),
            })
            .collect(),
    )
}
