//! Drivers of every shape get a correct and readable report: only one of the services, only one
//! half of growth, OFFLINE only, no capability at all, a wrong name. The summary of a few fixed
//! scenarios is kept as a snapshot, to be read by people when it changes.

use std::process::Command;

use rstest::rstest;

/// One or two of each kind, so that a snapshot stays readable.
const SCENARIOS: &[&str] = &[
    "conformance/identity",
    "conformance/expand-equal",
    "conformance/expand-no-capability",
    "conformance/expand-in-use-offline-only",
    "conformance/node-expand-no-capability",
    "lifecycle/create-delete",
    "lifecycle/publish-cycle",
    "lifecycle/stage-only",
    "expansion/offline-grow",
    "expansion/online-grow",
    "expansion/staged-grow",
];

#[rstest]
#[case::whole("{}", &[], 0)]
#[case::only_the_controller_service("node_service: false", &[], 0)]
#[case::only_the_node_service(
    "{controller_service: false, expansion: [online], node: [stage_unstage_volume, expand_volume]}",
    &[],
    3
)]
#[case::only_node_growth(
    "{controller: [create_delete_volume], node: [stage_unstage_volume, expand_volume]}",
    &[],
    0
)]
#[case::only_controller_growth(
    "{controller: [create_delete_volume, expand_volume], node: [stage_unstage_volume]}",
    &[],
    0
)]
#[case::offline_only("expansion: [offline]", &[], 0)]
#[case::no_capability("{expansion: [], controller_service: false, node: []}", &[], 0)]
#[case::wrong_name("name: wrong_name!", &[], 1)]
fn report(#[case] profile: &str, #[case] mock: &[&str], #[case] exit: i32) {
    let folder = tempfile::Builder::new().prefix("st").tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("mock.yaml"), profile).unwrap();
    let program = env!("CARGO_BIN_EXE_csi-stretch");
    let endpoint = format!(
        "exec:{program} mock --listen {{socket}} --backing memory --state-dir {} --profile {} {}",
        at("state").display(),
        at("mock.yaml").display(),
        mock.join(" "),
    );
    let mut command = Command::new(program);
    command.args(["run", "--quiet", "--reference", "off", "--seed", "7", "--endpoint", &endpoint]);
    command.arg("--out").arg(at("out")).arg("--work-dir").arg(at("work"));
    for scenario in SCENARIOS {
        command.args(["--focus", scenario]);
    }
    command.args(["--skip", "fs=xfs", "--skip", "fs=btrfs"]);
    command.env_remove("CSI_ENDPOINT").env_remove("GITHUB_ACTIONS");
    let ended = command.output().unwrap();
    let summary = std::fs::read_to_string(at("out/latest/summary.md"))
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&ended.stderr)));
    let shape = std::thread::current().name().unwrap_or_default().to_owned();
    // `report::case_3_only_the_node_service`
    let shape = shape.splitn(3, '_').last().unwrap_or_default();
    insta::assert_snapshot!(shape, plain(&summary));
    assert_eq!(ended.status.code(), Some(exit), "{}", String::from_utf8_lossy(&ended.stdout));
}

/// Without what differs from run to run: times, ids, the machine.
fn plain(summary: &str) -> String {
    let until = summary.split("## Reproduce").next().unwrap_or_default();
    let line = |line: &str| {
        if line.ends_with(" s |") {
            let cells: Vec<&str> = line.split('|').collect();
            return cells[..cells.len() - 2].join("|") + "| … |";
        }
        match line.split_once("csi-stretch replay ") {
            Some((_, rest)) => {
                let scenario = rest.split_once(' ').map_or("", |(_, scenario)| scenario);
                format!("csi-stretch replay … {scenario}")
            }
            None => line.to_owned(),
        }
    };
    until.lines().map(|one| line(one) + "\n").collect()
}
