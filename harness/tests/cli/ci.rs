//! What a CI job asks for: a selection, parts, csi-sanity's own command line, a draft profile.

use crate::rig::{Rig, expect_exit, stderr, stdout};

fn listed(rig: &Rig, args: &[&str]) -> Vec<String> {
    let output = expect_exit(rig.command(&["run", "--list"]).args(args), 0);
    stdout(&output).lines().map(str::to_owned).collect()
}

#[test]
fn a_list_needs_no_driver_and_parts_are_the_whole() {
    let rig = Rig::new();
    let selection = ["--endpoint", "unix:///nowhere/csi.sock", "--suite", "expansion,lifecycle"];
    let whole = listed(&rig, &selection);
    assert!(whole.len() > 40);
    let mut parts: Vec<String> = Vec::new();
    for part in ["slice:1/3", "slice:2/3", "slice:3/3"] {
        parts.extend(listed(&rig, &[&selection[..], &["--partition", part]].concat()));
    }
    parts.sort();
    let mut all = whole.clone();
    all.sort();
    assert_eq!(parts, all);
    assert!(listed(&rig, &["--label", "smoke"]).len() < whole.len());
    assert!(!rig.path("stretch-out").exists(), "a list leaves nothing");
}

#[test]
fn a_part_runs_just_its_share() {
    let rig = Rig::new();
    let args = ["--label", "smoke", "--partition", "slice:1/2"];
    expect_exit(&mut rig.run(&args), 0);
    let report: serde_json::Value = serde_json::from_str(&rig.read_latest("report.json")).unwrap();
    let ran = report["scenarios"].as_array().unwrap().iter();
    let ran: Vec<String> = ran.map(|one| one["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ran, listed(&rig, &args));
}

#[rstest::rstest]
#[case(&["run", "--suite", "expanson"], "did you mean `expansion`?")]
#[case(&["run", "--label", "smok"], "did you mean `smoke`?")]
#[case(&["run", "--label", "smoke &&"], "a label is missing")]
#[case(&["run", "--partition", "slice:4/3"], "does not exist")]
#[case(&["run", "--access", "files"], "mount")]
#[case(&["run", "--controller-endpoint", "unix:///c.sock"], "--endpoint")]
#[case(&["run", "--endpoint", "/n.sock", "--controller-endpoint", "exec:x"], "is an address")]
#[case(&["-csi.endpiont", "x"], "did you mean `-csi.endpoint`?")]
fn a_selection_that_cannot_be_is_exit_2(#[case] args: &[&str], #[case] words: &str) {
    let rig = Rig::new();
    let output = expect_exit(&mut rig.command(args), 2);
    assert!(stderr(&output).contains(words), "{}", stderr(&output));
}

/// The lines of csi-driver-host-path's job (csi-release-tools, prow.sh) and of three drivers'
/// scripts, with the endpoint, folders and files of this test.
#[rstest::rstest]
#[case::host_path(&["-ginkgo.v", "-csi.junitfile", "{dir}/junit_sanity.xml", "-csi.endpoint",
    "{endpoint}", "-csi.stagingdir", "{dir}/staging", "-csi.mountdir", "{dir}/mount",
    "-csi.createstagingpathcmd", "mkdir_in_pod.sh", "-csi.createmountpathcmd", "mkdir_in_pod.sh",
    "-csi.removestagingpathcmd", "rmdir_in_pod.sh", "-csi.removemountpathcmd", "rmdir_in_pod.sh",
    "-csi.checkpathcmd", "checkdir_in_pod.sh"], 1)]
#[case::a_lun_driver(&["--csi.endpoint={endpoint}", "--csi.mountdir", "{dir}/target",
    "--csi.stagingdir", "{dir}/staging", "--csi.testvolumeaccesstype", "block",
    "--csi.testvolumeparameters", "{dir}/parameters", "--csi.testvolumesize=1073741824",
    "--csi.testvolumeexpandsize=2147483648", "--ginkgo.v", "--ginkgo.seed=1",
    "--ginkgo.junit-report={dir}/junit_sanity.xml"], 0)]
#[case::an_array_driver(&["--ginkgo.v", "--csi.controllerendpoint={endpoint}",
    "--csi.endpoint={endpoint}", "--csi.secrets={dir}/secrets.yaml", "--ginkgo.junit-report",
    "{dir}/junit_sanity.xml", "--ginkgo.skip", "GetCapacity|ListSnapshots"], 1)]
#[case::a_file_driver(&["-csi.stagingdir", "{dir}/staging", "--csi.endpoint", "{endpoint}",
    "-csi.mountdir={dir}/mount", "-ginkgo.failFast", "-csi.testvolumeparameters",
    "{dir}/parameters", "-ginkgo.trace", "-ginkgo.v", "-csi.junitfile", "{dir}/junit_sanity.xml"], 0)]
fn csi_sanitys_command_line_runs(#[case] line: &[&str], #[case] remarks: usize) {
    let rig = Rig::new();
    let mock = rig.mock(&[]);
    std::fs::write(rig.path("parameters"), "type: fast\n").unwrap();
    std::fs::write(rig.path("secrets.yaml"), "CreateVolumeSecret: { key: value }\n").unwrap();
    let dir = rig.path("").display().to_string();
    let dir = dir.trim_end_matches('/');
    let fill = |word: &&str| word.replace("{endpoint}", &mock.endpoint()).replace("{dir}", dir);
    let mut words: Vec<String> = line.iter().map(fill).collect();
    let out = rig.path("out").display().to_string();
    let work = rig.work().display().to_string();
    let ours = ["--out", &out, "--work-dir", &work, "--reference", "off", "--suite", "lifecycle"];
    words.extend(ours.map(str::to_owned));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let output = expect_exit(&mut rig.command(&words), 0);
    assert_eq!(stderr(&output).lines().count(), remarks, "{}", stderr(&output));
    let junit = std::fs::read_to_string(rig.path("junit_sanity.xml")).unwrap();
    assert_eq!(junit, rig.read_latest("junit.xml"));
    let report: serde_json::Value = serde_json::from_str(&rig.read_latest("report.json")).unwrap();
    let pass = report["counts"]["pass"].as_u64().unwrap();
    assert!(pass >= 5, "{}", report["counts"]);
    let block_only = line.contains(&"block");
    let mounts = report["scenarios"].as_array().unwrap().iter().filter(|one| {
        one["verdict"] != "skip" && one["axes"]["fs"].as_str().is_some_and(|fs| fs != "block")
    });
    assert_eq!(mounts.count() == 0, block_only);
}

#[test]
fn a_drafted_profile_can_be_run_as_it_is() {
    let rig = Rig::new();
    let mock = rig.mock(&[]);
    let endpoint = mock.endpoint();
    let init = ["init", "--endpoint", &endpoint, "--output", "draft.yaml"];
    let output = expect_exit(&mut rig.command(&init), 0);
    assert!(stdout(&output).contains("run --target draft.yaml"), "{}", stdout(&output));
    let draft = std::fs::read_to_string(rig.path("draft.yaml")).unwrap();
    for words in ["name: \"mock.csi-stretch.example\"", "EXPAND_VOLUME", "guess", "assumed: true"] {
        assert!(draft.contains(words), "{draft}");
    }
    let printed = expect_exit(&mut rig.command(&init[..3]), 0);
    assert_eq!(stdout(&printed), draft);
    let run = ["--target", "draft.yaml", "--reference", "off", "--suite", "lifecycle"];
    expect_exit(&mut rig.run(&run), 0);
    std::fs::write(rig.path("draft.yaml"), "mine").unwrap();
    let output = expect_exit(&mut rig.command(&init), 2);
    assert!(stderr(&output).contains("is there already"), "{}", stderr(&output));
    assert_eq!(std::fs::read_to_string(rig.path("draft.yaml")).unwrap(), "mine");
}

#[test]
fn a_draft_of_no_driver_is_exit_3() {
    let rig = Rig::new();
    let output = expect_exit(&mut rig.command(&["init", "--endpoint", "unix:///nowhere/x"]), 3);
    assert!(stderr(&output).contains("/nowhere/x"));
}

/// The controller's own address is the one that is called.
#[test]
fn a_profiles_controller_endpoint_is_used() {
    let rig = Rig::new();
    let mock = rig.mock(&[]);
    let controller = rig.path("controller.sock");
    let profile = |controller: &str| {
        let text = format!("endpoint: {}\ncontroller_endpoint: {controller}\n", mock.endpoint());
        std::fs::write(rig.path("profile.yaml"), text).unwrap();
    };
    let args = ["--target", "profile.yaml", "--reference", "off", "--label", "smoke"];
    profile(&format!("unix://{}", controller.display()));
    let output = expect_exit(&mut rig.run(&args), 3);
    assert!(stderr(&output).contains("controller.sock"), "{}", stderr(&output));
    std::os::unix::fs::symlink(rig.path("mock.sock"), &controller).unwrap();
    expect_exit(&mut rig.run(&args), 0);
}

/// The examples in `ci/` are not run here; at least the options in them exist.
#[test]
fn every_option_in_the_examples_exists() {
    let rig = Rig::new();
    let help = stdout(&expect_exit(&mut rig.command(&["run", "--help"]), 0));
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for file in ["ci/github-action/action.yml", "ci/gitlab/csi-stretch.gitlab-ci.yml"] {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        serde_saphyr::from_str::<serde_json::Value>(&text).unwrap();
        let lines = text.lines().skip_while(|line| !line.contains(" run --target "));
        let words = lines.take(2).flat_map(str::split_whitespace);
        let options: Vec<&str> = words.filter(|word| word.starts_with("--")).collect();
        assert!(options.len() >= 2, "{file}: {options:?}");
        for option in options {
            assert!(help.contains(&format!("{option} <")), "{file}: {option}");
        }
    }
}
