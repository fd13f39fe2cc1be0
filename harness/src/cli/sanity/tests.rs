//! Command lines as drivers' CI jobs have them.

use rstest::rstest;

use super::*;

fn translated(words: &[&str]) -> Translated {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    translate(&words).unwrap().unwrap()
}

#[rstest]
#[case::one_dash_two_words(&["-csi.endpoint", "unix:///csi.sock"])]
#[case::two_dashes_two_words(&["--csi.endpoint", "unix:///csi.sock"])]
#[case::joined(&["--csi.endpoint=unix:///csi.sock"])]
#[case::joined_one_dash(&["-csi.endpoint=unix:///csi.sock"])]
#[case::with_the_subcommand(&["run", "-csi.endpoint", "unix:///csi.sock"])]
fn forms_of_a_flag(#[case] words: &[&str]) {
    let all = translated(&[&["csi-stretch"], words].concat());
    assert_eq!(all.words, ["csi-stretch", "run", "--endpoint=unix:///csi.sock"]);
    assert!(all.remarks.is_empty(), "{:?}", all.remarks);
}

#[rstest]
#[case("dns:///127.0.0.1:30123", "tcp://127.0.0.1:30123")]
#[case("127.0.0.1:30123", "127.0.0.1:30123")]
#[case("unix:///tmp/csi.sock", "unix:///tmp/csi.sock")]
#[case("/var/lib/kubelet/plugins/csi.sock", "/var/lib/kubelet/plugins/csi.sock")]
#[case("controller.sock", "unix:controller.sock")]
fn addresses_as_go_reads_them(#[case] theirs: &str, #[case] ours: &str) {
    let all = translated(&["csi-stretch", "--csi.controllerendpoint", theirs]);
    assert_eq!(all.words[2], format!("--controller-endpoint={ours}"));
}

/// The flags that prow.sh of csi-release-tools gives for csi-driver-host-path.
#[test]
fn host_paths_own_job() {
    let all = translated(&[
        "csi-sanity",
        "-ginkgo.v",
        "-csi.junitfile",
        "artifacts/junit_sanity.xml",
        "-csi.endpoint",
        "dns:///172.18.0.2:31415",
        "-csi.stagingdir",
        "/tmp/staging",
        "-csi.mountdir",
        "/tmp/mount",
        "-csi.createstagingpathcmd",
        "prow/mkdir_in_pod.sh",
        "-csi.createmountpathcmd",
        "prow/mkdir_in_pod.sh",
        "-csi.removestagingpathcmd",
        "prow/rmdir_in_pod.sh",
        "-csi.removemountpathcmd",
        "prow/rmdir_in_pod.sh",
        "-csi.checkpathcmd",
        "prow/checkdir_in_pod.sh",
    ]);
    let want = [
        "csi-sanity",
        "run",
        "--junit=artifacts/junit_sanity.xml",
        "--endpoint=tcp://172.18.0.2:31415",
        "--staging-dir=/tmp/staging",
        "--target-dir=/tmp/mount",
    ];
    assert_eq!(all.words, want);
    assert_eq!(all.remarks.len(), 1, "{:?}", all.remarks);
    for part in ["-csi.createstagingpathcmd, ", "-csi.checkpathcmd; paths", "node service runs"] {
        assert!(all.remarks[0].contains(part), "{}", all.remarks[0]);
    }
}

#[test]
fn switches_and_their_values() {
    let all = translated(&[
        "csi-stretch",
        "--ginkgo.fail-fast=false",
        "-ginkgo.failFast",
        "--ginkgo.v=true",
        "--ginkgo.seed=1",
        "--ginkgo.label-filter",
        "smoke && !slow",
        "--out",
        "here",
    ]);
    let want = [
        "csi-stretch",
        "run",
        "--fail-fast",
        "--seed=1",
        "--label=smoke && !slow",
        "--out",
        "here",
    ];
    assert_eq!(all.words, want);
}

#[test]
fn what_has_no_meaning_is_told_once_with_the_way_out() {
    let all = translated(&[
        "csi-stretch",
        "--csi.testvolumeexpandsize",
        "25769803776",
        "--csi.testsnapshotparameters",
        "snapshots.yaml",
        "--ginkgo.skip",
        "GetCapacity|ListSnapshots",
        "--ginkgo.focus",
        "ExpandVolume",
    ]);
    assert_eq!(all.words, ["csi-stretch", "run", "--expand-size=25769803776"]);
    assert_eq!(all.remarks.len(), 2, "{:?}", all.remarks);
    let told = all.remarks.join("\n");
    assert!(told.contains("-ginkgo.skip, -ginkgo.focus; csi-sanity's spec names"));
    assert!(told.contains("snapshots are made without"), "{told}");
}

#[rstest]
#[case(&["csi-stretch", "run", "--endpoint", "x"])]
#[case(&["csi-stretch", "list"])]
#[case(&["csi-stretch", "rpc", "Probe", "--csi.endpoint", "x"])]
#[case(&["csi-stretch"])]
fn other_command_lines_stay_as_they_are(#[case] words: &[&str]) {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    assert_eq!(translate(&words).unwrap(), None);
}

#[rstest]
#[case(&["csi-stretch", "-csi.endpiont=x"], "did you mean `-csi.endpoint`?")]
#[case(&["csi-stretch", "-csi.endpoint"], "needs a value")]
#[case(&["csi-stretch", "-ginkgo.v=maybe"], "true or false")]
fn mistakes(#[case] words: &[&str], #[case] message: &str) {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    assert!(translate(&words).unwrap_err().message.contains(message));
}

#[test]
fn every_flag_is_there_once() {
    let mut names: Vec<&str> = FLAGS.iter().map(|flag| flag.name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}
