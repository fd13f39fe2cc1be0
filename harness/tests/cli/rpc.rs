//! `rpc`: the words of csc, every method, and what is never shown.

use std::{
    io::Write as _,
    process::{Output, Stdio},
};

use crate::rig::{Rig, Served, expect_exit, free_tcp, stderr, stdout};

fn ask(rig: &Rig, mock: &Served, line: &str) -> Output {
    let mut args: Vec<&str> = line.split(' ').collect();
    let endpoint = mock.endpoint();
    args.extend(["--endpoint", &endpoint]);
    rig.command(&args).output().unwrap()
}

/// One line's standard output; it has to succeed.
fn answer(rig: &Rig, mock: &Served, line: &str) -> String {
    let output = ask(rig, mock, line);
    assert_eq!(output.status.code(), Some(0), "{line}: {}", stderr(&output));
    stdout(&output)
}

/// The two calls of the article, as written but for the program's name.
#[test]
fn lines_of_csc_run_as_they_are() {
    let rig = Rig::new();
    let endpoint = free_tcp();
    std::fs::write(
        rig.path("profile.yaml"),
        "{expansion: [], controller: [create_delete_volume], node: []}",
    )
    .unwrap();
    let _mock = rig.mock_at(&endpoint, &["--profile", "profile.yaml"]);
    let info = ["identity", "plugin-info", "--endpoint", &endpoint];
    let output = expect_exit(&mut rig.command(&info), 0);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(stdout(&output), format!("\"mock.csi-stretch.example\"\t\"{version}\"\n"));

    let create = ["controller", "create", "-e", &endpoint, "--cap", "1,mount,ext4", "v"];
    let output = expect_exit(&mut rig.command(&create), 0);
    let id = stdout(&output).split('"').nth(1).unwrap().to_owned();
    std::fs::create_dir(rig.path("mnt")).unwrap();
    let target = rig.path("mnt/t").display().to_string();
    let publish = [
        "node",
        "publish",
        "--endpoint",
        &endpoint,
        "--target-path",
        &target,
        "--pub-context",
        "server=192.168.1.2,share=/exports",
        "--cap",
        "SINGLE_NODE_WRITER,mount,ext4",
        &id,
    ];
    assert_eq!(stdout(&expect_exit(&mut rig.command(&publish), 0)), format!("{id}\n"));
    // Without a capability, as in the article, it is the driver that says no.
    let bare = [&publish[..8], &publish[10..]].concat();
    expect_exit(&mut rig.command(&bare), 64 + 3);
    let after_rpc = [&["rpc"], &info[..]].concat();
    assert_eq!(stdout(&expect_exit(&mut rig.command(&after_rpc), 0)).lines().count(), 1);
    let flag_first = ["rpc", "-e", &endpoint, "-t", "5s", "n", "get-info"];
    let output = expect_exit(&mut rig.command(&flag_first), 0);
    assert_eq!(stdout(&output), "node-1\t0\t(*csi.Topology)(nil)\n");
}

/// A volume's whole life in csc's words, as text.
#[test]
fn a_life_in_cscs_words() {
    let rig = Rig::new();
    let mock = rig.mock(&[]);
    let mut story = String::new();
    let mut id = String::new();
    let dir = rig.path("").display().to_string();
    for line in [
        "identity probe",
        "identity plugin-capabilities",
        "controller get-capabilities",
        "controller capacity",
        "controller create --req-bytes 8MiB --cap SINGLE_NODE_WRITER,mount,ext4 one",
        "controller validate --cap SINGLE_NODE_WRITER,mount,ext4 ID",
        "controller ls",
        "controller publish --node-id node-1 --cap SINGLE_NODE_WRITER,mount,ext4 ID",
        "node stage --staging-target-path DIR/s --cap SINGLE_NODE_WRITER,mount,ext4 ID",
        "node publish --staging-target-path DIR/s --target-path DIR/t --cap 1,mount,ext4 ID",
        "controller expand --req-bytes 16777216 ID",
        "node expand --staging-target-path DIR/s --req-bytes 16777216 ID DIR/t",
        "node unpublish --target-path DIR/t ID",
        "node unstage --staging-target-path DIR/s ID",
        "controller unpublish --node-id node-1 ID",
        "controller delete ID",
    ] {
        std::fs::create_dir_all(rig.path("s")).unwrap();
        let real = line.replace("ID", &id).replace("DIR/", &dir);
        let said = answer(&rig, &mock, &real);
        if line.contains("create") {
            said.split('"').nth(1).unwrap().clone_into(&mut id);
        }
        let said = if id.is_empty() { said } else { said.replace(&id, "ID") };
        story.extend(["$ ", line, "\n", &said]);
    }
    insta::assert_snapshot!(story);
}

/// Every method that the protocol has gets an answer, if only UNIMPLEMENTED: nothing is missing
/// in the table, and no request is broken.
#[test]
fn every_method_can_be_called() {
    let rig = Rig::new();
    let mock = rig.mock(&[]);
    let listing = stdout(&expect_exit(&mut rig.command(&["rpc"]), 0));
    let mut answered = 0;
    for line in listing.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        // An older dialect's method has no words of csc if a newer one has them.
        let mut lines = vec![format!("rpc {} {{}}", words[0])];
        lines.extend((words.len() == 3).then(|| format!("rpc {} {}", words[1], words[2])));
        for line in lines {
            let output = ask(&rig, &mock, &line);
            let code = output.status.code().unwrap();
            assert!(code == 0 || (65..81).contains(&code), "{line}: {code}, {}", stderr(&output));
            answered += i32::from(code != 64 + 12);
        }
    }
    assert!(answered > 50, "{answered}");
}

#[test]
fn a_request_comes_from_the_line_a_file_or_standard_input() {
    let rig = Rig::new();
    let mock = rig.mock(&[]);
    let request = r#"{"volume_id":"nope"}"#;
    std::fs::write(rig.path("request.json"), request).unwrap();
    for line in [format!("rpc DeleteVolume {request}"), "rpc DeleteVolume @request.json".to_owned()]
    {
        assert_eq!(answer(&rig, &mock, &line), "{}\n");
    }
    let endpoint = mock.endpoint();
    for args in [vec!["rpc", "ControllerGetVolume", "-"], vec!["rpc", "ControllerGetVolume"]] {
        let mut command = rig.command(&args);
        command.args(["-e", &endpoint]).stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(request.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(64 + 5), "{}", stderr(&output));
    }
}

#[test]
fn pages_are_followed() {
    let rig = Rig::new();
    let mock = rig.mock(&[]);
    for name in ["a", "b", "c"] {
        answer(&rig, &mock, &format!("c new --cap 1,block {name}"));
    }
    let one = answer(&rig, &mock, "controller ls --max-entries 1");
    assert!(one.lines().count() == 2 && one.contains("token="), "{one}");
    let all = answer(&rig, &mock, "controller ls --max-entries 1 --paging");
    assert_eq!(all.lines().filter(|line| line.contains("vol-")).count(), 3, "{all}");
    let json = answer(&rig, &mock, "rpc ListVolumes --format json");
    assert_eq!(json.matches("\"volume_id\"").count(), 3, "{json}");
}

#[test]
fn secrets_are_sent_and_not_shown() {
    let rig = Rig::new();
    let mock = rig.mock(&[]);
    std::fs::write(rig.path("secrets.yaml"), "CreateVolumeSecret: { key: canary-1 }\n").unwrap();
    let endpoint = mock.endpoint();
    // The driver is asked for a volume whose name is a secret, and answers with the name.
    let args = ["controller", "new", "--cap", "1,block", "--params", "p=canary-1", "v"];
    let mut command = rig.command(&args);
    command.args(["-e", &endpoint, "--secrets", "secrets.yaml", "--with-request-logging"]);
    command.args(["--format", "json", "--with-response-logging"]);
    let output = expect_exit(command.env("X_CSI_SECRETS", "other=canary-2"), 0);
    let text = stdout(&output) + &stderr(&output);
    assert!(!text.contains("canary-2"), "{text}");
    assert!(stderr(&output).contains("\"name\":\"v\""), "{text}");
    let delete = ["rpc", "DeleteVolume", "canary-3"];
    let output = rig
        .command(&delete)
        .args(["-e", &endpoint, "--format", "text"])
        .env("X_CSI_SECRETS", "k=canary-3")
        .output()
        .unwrap();
    assert_eq!(stdout(&output), "[redacted]\n");
}

#[rstest::rstest]
#[case(&["rpc", "ControllerExpandVolum"], "did you mean `ControllerExpandVolume`?")]
#[case(&["node", "publisch", "v"], "did you mean `publish`?")]
#[case(&["rpc", "Probe", "--no-such-flag"], "--no-such-flag")]
#[case(&["rpc", "Probe"], "no endpoint")]
#[case(&["identity", "probe", "--format", "{{.}}"], "possible values: json, text")]
#[case(&["rpc", "Probe", "-e", "csi.sock"], "unix:///path/csi.sock")]
fn a_wrong_line_is_exit_2(#[case] args: &[&str], #[case] words: &str) {
    let rig = Rig::new();
    let output = expect_exit(&mut rig.command(args), 2);
    assert!(stderr(&output).contains(words), "{}", stderr(&output));
}

#[rstest::rstest]
#[case(&["node"], "csi.v1.Node/NodePublishVolume")]
#[case(&["rpc", "--help"], "76 UNIMPLEMENTED")]
#[case(&["rpc", "NodePublishVolume", "--help"], "--pub-context")]
#[case(&["controller", "create", "--help"], "--source-snapshot")]
#[case(&["controller", "expand", "--describe"], "node_expansion_required")]
#[case(&["rpc", "GetMetadataDelta", "--describe"], "a stream of GetMetadataDeltaResponse")]
#[case(&["completions", "bash"], "ControllerExpandVolume")]
#[case(&["completions", "zsh"], "plugin-info")]
#[case(&["completions", "fish"], "pub-context")]
fn prints(#[case] args: &[&str], #[case] words: &str) {
    let rig = Rig::new();
    let output = expect_exit(&mut rig.command(args), 0);
    assert!(stdout(&output).contains(words), "{}", stdout(&output));
}

/// Against Kubernetes' own sample driver: every method that it serves answers.
#[test]
fn the_sample_driver_answers_every_method() {
    let file = "../target/drivers/hostpathplugin";
    let driver = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if !driver.exists() || !nix::unistd::geteuid().is_root() {
        println!("skipped: rpc on csi-driver-host-path (needs root, and {file})");
        return;
    }
    let rig = Rig::new();
    let endpoint = format!("unix://{}", rig.path("hp.sock").display());
    let mut command = std::process::Command::new(driver);
    command.args([
        "--nodeid",
        "n1",
        "--drivername",
        "hostpath.csi.k8s.io",
        "--endpoint",
        &endpoint,
    ]);
    command.arg("--statedir").arg(rig.path("state"));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    crate::rig::wait_for("host-path", || crate::rig::listens(&endpoint));
    let listing = stdout(&expect_exit(&mut rig.command(&["rpc"]), 0));
    let mut served = 0;
    for line in listing.lines().filter(|line| line.starts_with("csi.v1")) {
        let name = line.split_whitespace().next().unwrap();
        let output = rig.command(&["rpc", name, "{}", "-e", &endpoint]).output().unwrap();
        let code = output.status.code().unwrap();
        assert!(code == 0 || (65..81).contains(&code), "{name}: {code}, {}", stderr(&output));
        served += i32::from(code != 64 + 12);
    }
    let _ = child.kill();
    let _ = child.wait();
    assert!(served > 20, "{served}");
}
