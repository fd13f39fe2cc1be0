//! The smaller commands.

use crate::rig::{Rig, expect_exit, stderr, stdout};

#[rstest::rstest]
#[case(&["--help"], "Exit codes")]
#[case(&["list"], "expansion/")]
#[case(&["list", "clauses"], "controller-expand.never-shrinks")]
#[case(&["list", "checks"], "never-shrinks")]
#[case(&["list", "offers"], "controller.expand")]
#[case(&["schema", "scenario"], "\"properties\"")]
#[case(&["schema", "profile"], "grows_at_stage")]
#[case(&["schema", "report"], "growths")]
#[case(&["schema", "history"], "invoke")]
#[case(&["completions", "bash"], "complete -F")]
#[case(&["doctor"], "tier of `csi-stretch run` here")]
#[case(&["rpc"], "csi.v1.Controller/ControllerExpandVolume")]
#[case(&["rpc", "NodeExpandVolume", "--describe"], "staging_target_path")]
fn prints(#[case] args: &[&str], #[case] words: &str) {
    let rig = Rig::new();
    let output = expect_exit(&mut rig.command(args), 0);
    assert!(stdout(&output).contains(words), "{}", stdout(&output));
    assert!(stderr(&output).is_empty(), "{}", stderr(&output));
}

#[test]
fn rpc_calls_any_method_and_passes_the_code_on() {
    let rig = Rig::new();
    let mock = rig.mock(&[]);
    let endpoint = mock.endpoint();
    let output = expect_exit(&mut rig.command(&["rpc", "getplugininfo", "-e", &endpoint]), 0);
    assert!(stdout(&output).contains("mock.csi-stretch.example"), "{}", stdout(&output));
    let request = r#"{"volume_id":"nope","capacity_range":{"required_bytes":"1048576"}}"#;
    let args = ["rpc", "ControllerExpandVolume", request, "-e", &endpoint];
    let output = expect_exit(&mut rig.command(&args), 64 + 5);
    assert!(stderr(&output).contains("NotFound"), "{}", stderr(&output));
}

#[test]
fn clean_has_nothing_to_do_on_a_clean_host() {
    let rig = Rig::new();
    let output = expect_exit(rig.command(&["clean", "--work-dir"]).arg(rig.work()), 0);
    assert_eq!(stdout(&output), "nothing to clean\n");
}
