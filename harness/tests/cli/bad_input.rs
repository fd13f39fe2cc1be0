//! Bad input: each a clear message and the right exit code.

use std::{
    io::Write as _,
    os::unix::net::{UnixListener, UnixStream},
    time::Instant,
};

use crate::rig::{Rig, expect_exit, stderr};

#[test]
fn a_missing_socket_is_one_line_and_exit_3() {
    let rig = Rig::new();
    let began = Instant::now();
    let output = expect_exit(&mut rig.run(&["--endpoint", "unix:///nowhere/csi.sock"]), 3);
    assert!(began.elapsed().as_secs() < 6, "{:?}", began.elapsed());
    let text = stderr(&output);
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains("/nowhere/csi.sock"), "{text}");
    assert!(!rig.path("out/latest").exists());
}

/// What a listener does with each connection.
type Manner = fn(UnixStream);

#[rstest::rstest]
#[case::speaks_no_grpc(|mut stream: UnixStream| drop(stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n")))]
#[case::closes_at_once(drop)]
#[case::answers_http_1(|mut stream: UnixStream| drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")))]
#[case::never_answers(|stream: UnixStream| {
    std::thread::sleep(std::time::Duration::from_secs(60));
    drop(stream);
})]
fn a_socket_that_is_no_csi_driver_is_exit_3(#[case] manner: Manner) {
    let rig = Rig::new();
    let socket = rig.path("odd.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || manner(stream));
        }
    });
    let endpoint = format!("unix://{}", socket.display());
    let began = Instant::now();
    let args = ["--endpoint", endpoint.as_str(), "--connect-timeout", "1s"];
    let output = expect_exit(&mut rig.run(&args), 3);
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
    let text = stderr(&output);
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(crate::rig::entries(&rig.work()).is_empty(), "a run's folder is left");
}

#[test]
fn a_driver_that_ends_at_once_is_exit_3_with_its_last_words() {
    let rig = Rig::new();
    let output =
        expect_exit(&mut rig.run(&["--endpoint", "exec:sh -c 'echo no licence; exit 7'"]), 3);
    let text = stderr(&output);
    assert!(text.contains("no licence") && text.contains('7'), "{text}");
}

#[test]
fn a_typing_error_in_a_scenario_shows_line_column_and_the_right_word() {
    let rig = Rig::new();
    let file = rig.path("mine.yaml");
    let text = "about: x\nclauses: [controller-expand.idempotent]\nvolume: { access: block }\nsteps:\n  - { call: controller_expand, to: x2, expct: ok }\n";
    std::fs::write(&file, text).unwrap();
    let output = expect_exit(rig.run(&["--scenarios"]).arg(&file), 2);
    let text = stderr(&output);
    assert!(text.contains("unknown key `expct`"), "{text}");
    assert!(text.contains("did you mean `expect`?"), "{text}");
    assert!(text.contains("mine.yaml:5:"), "{text}");
}

#[test]
fn nothing_selected_is_exit_4() {
    let rig = Rig::new();
    let output = expect_exit(&mut rig.run(&["--focus", "no-such-scenario"]), 4);
    assert!(stderr(&output).contains("csi-stretch list"));
    assert!(crate::rig::entries(&rig.path("out")).is_empty(), "an empty run folder is left");
}

#[test]
fn reports_that_cannot_be_written_are_exit_5() {
    let rig = Rig::new();
    std::fs::write(rig.path("file"), "").unwrap();
    let mut command = rig.command(&["run", "--tier", "memory", "--out", "file/below"]);
    let output = expect_exit(command.arg("--work-dir").arg(rig.work()), 5);
    assert!(stderr(&output).contains("file/below"));
}

#[rstest::rstest]
#[case(&["run", "--no-such-flag"])]
#[case(&["run", "--endpoint", "csi.sock"])]
#[case(&["run", "--jobs", "0"])]
#[case(&["run", "--seed", "many"])]
#[case(&["run", "--volume-size", "5 apples"])]
#[case(&["run", "--target", "no-such-profile.yaml"])]
#[case(&["check", "no-such-history"])]
#[case(&["report", "no-such-report"])]
#[case(&["rpc", "NoSuchMethod"])]
#[case(&["rpc", "Probe", "{\"a\":1}", "--endpoint", "unix:///nowhere"])]
#[case(&["no-such-command"])]
fn wrong_arguments_are_exit_2(#[case] args: &[&str]) {
    let rig = Rig::new();
    let output = expect_exit(&mut rig.command(args), 2);
    assert!(!stderr(&output).is_empty());
}
