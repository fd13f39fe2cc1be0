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

/// A history that is not as a run wrote it is refused with the line, and never judged.
#[rstest::rstest]
#[case::doubled(|lines: &mut Vec<String>| {
    let line = lines[event(lines)].clone();
    lines.insert(event(lines), line);
}, "event index 0 repeated")]
#[case::removed(|lines: &mut Vec<String>| drop(lines.remove(event(lines))), "event index 0 is missing")]
#[case::run_doubled(|lines: &mut Vec<String>| lines.insert(1, lines[0].clone()), ":2: run repeated")]
#[case::edited(
    |lines: &mut Vec<String>| lines[1] = lines[1].replace("\"record\"", "\"recrod\""),
    ":2: not a history")]
fn a_damaged_history_is_exit_2_with_its_line(
    #[case] damage: fn(&mut Vec<String>),
    #[case] words: &str,
) {
    let rig = Rig::new();
    expect_exit(&mut rig.run(&["-q", "--scenario", "expansion/odd-sizes[fs=xfs]"]), 0);
    let mut lines: Vec<String> =
        rig.read_latest("history.ndjson").lines().map(str::to_owned).collect();
    damage(&mut lines);
    let file = rig.path("damaged.ndjson");
    std::fs::write(&file, lines.join("\n") + "\n").unwrap();
    let output = expect_exit(rig.command(&["check"]).arg(&file), 2);
    let text = stderr(&output);
    assert!(text.contains(words) && text.contains("damaged.ndjson:"), "{text}");
}

fn event(lines: &[String]) -> usize {
    lines.iter().position(|line| line.contains("\"record\":\"event\"")).unwrap()
}

/// Cut after any line, a history proves no driver good.
#[test]
fn a_cut_history_is_exit_3() {
    let rig = Rig::new();
    expect_exit(&mut rig.run(&["-q", "--scenario", "expansion/odd-sizes[fs=xfs]"]), 0);
    let history = rig.read_latest("history.ndjson");
    let lines: Vec<&str> = history.lines().collect();
    let file = rig.path("cut.ndjson");
    for length in [1, 2, lines.len() / 2, lines.len() - 1] {
        std::fs::write(&file, lines[..length].join("\n") + "\n").unwrap();
        expect_exit(rig.command(&["check"]).arg(&file), 3);
    }
    std::fs::write(&file, &history).unwrap();
    expect_exit(rig.command(&["check"]).arg(&file), 0);
}

/// A driver that declares growth must not pass because nothing that grows could run; one that
/// declares none passes, and the last line says what that is worth.
#[rstest::rstest]
#[case::no_controller("controller_service: false\nexpansion: []\n", 3, "growth was not tested)")]
#[case::no_growth(
    "expansion: []\ncontroller: [create_delete_volume]\nnode: [stage_unstage_volume]\n",
    0,
    "growth is not offered)"
)]
fn nothing_grown_is_not_simply_green(
    #[case] profile: &str,
    #[case] exit: i32,
    #[case] words: &str,
) {
    let rig = Rig::new();
    let file = rig.path("profile.yaml");
    std::fs::write(&file, profile).unwrap();
    let mock = rig.mock(&["--profile", file.to_str().unwrap()]);
    let args = ["--endpoint", &mock.endpoint(), "--reference", "off", "-q"];
    let output = expect_exit(&mut rig.run(&args), exit);
    let text = crate::rig::stdout(&output);
    assert!(text.lines().last().is_some_and(|line| line.contains(words)), "{text}");
}

#[test]
fn a_driver_that_never_listens_is_exit_3_after_its_start_timeout() {
    let rig = Rig::new();
    let file = rig.path("target.yaml");
    let text = "endpoint: exec\ncommand: [sh, -c, \"echo still thinking; exec sleep 60\"]\n";
    std::fs::write(&file, format!("{text}start_timeout: 1s\n")).unwrap();
    let began = Instant::now();
    let output = expect_exit(rig.run(&["--target"]).arg(&file), 3);
    assert!(began.elapsed().as_secs() < 9, "{:?}", began.elapsed());
    let text = stderr(&output);
    assert!(text.contains("still thinking") && text.contains("start_timeout"), "{text}");
}

#[rstest::rstest]
#[case(&["run", "--no-such-flag"])]
#[case(&["run", "--endpoint", "csi.sock"])]
#[case(&["run", "--jobs", "0"])]
#[case(&["run", "--seed", "many"])]
#[case(&["run", "--volume-size", "5 apples"])]
#[case(&["run", "--volume-size", "0"])]
#[case(&["run", "--deadline", "0s"])]
#[case(&["run", "--deadline", "1ms"])]
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

#[test]
fn a_server_that_is_none_is_a_usage_error() {
    let rig = Rig::new();
    for path in ["/no/such/mariadbd", "."] {
        let output = expect_exit(&mut rig.run(&["--mariadbd", path]), 2);
        let text = stderr(&output);
        assert!(text.contains("--mariadbd") && text.contains("is no program"), "{text}");
    }
    assert!(!rig.path("out/latest").exists());
}
