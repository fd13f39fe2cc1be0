//! Executables that answer well, badly, late, too much or not at all: each has one clear outcome.
//! Must not need root, nor a device.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use rstest::rstest;

use super::*;

const DEADLINE: Duration = Duration::from_secs(20);

/// A driver that runs `body` for every operation but `init`.
struct Script {
    dir: tempfile::TempDir,
}

impl Script {
    fn new(body: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let script = Self { dir };
        let init = r#"[ "$1" != init ] || { echo '{"status":"Success"}'; exit 0; }"#;
        script.write(&format!("#!/bin/sh\n{init}\n{body}\n"));
        script
    }

    fn write(&self, text: &str) {
        fs::write(self.path(), text).unwrap();
        fs::set_permissions(self.path(), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("driver")
    }

    async fn driver(&self, deadline: Duration) -> Driver {
        Driver::init(&self.path(), BTreeMap::new(), deadline).await.unwrap()
    }

    async fn mount(&self) -> Result<Answer, Trouble> {
        self.driver(DEADLINE).await.call(Operation::Mount, &["/a b", "{}"]).await
    }
}

#[tokio::test]
async fn an_operation_and_its_arguments_reach_the_driver_whole() {
    let script = Script::new(
        r#"echo "{\"status\":\"Success\",\"device\":\"$1|$2|$3|$#\",\"volumeNewSize\":7,\"else\":1}""#,
    );
    let answer = script.mount().await.unwrap();
    assert_eq!(answer.device.as_deref(), Some("mount|/a b|{}|3"));
    assert_eq!(answer.volume_new_size, Some(7));
}

#[rstest]
#[case::failure(r#"echo '{"status":"Failure","message":"busy"}'"#, "busy")]
#[case::failure_and_exit(r#"echo '{"status":"Failure","message":"busy"}'; exit 1"#, "busy")]
#[case::any_other_word(r#"echo '{"status":"Oops"}'"#, "without a word")]
#[case::contradiction(r#"echo '{"status":"Success"}'; exit 3"#, "exit code 3: a fault")]
#[case::no_json("echo usage: driver", "usage: driver")]
#[case::noise_beside_json(r#"echo warning >&2; echo '{"status":"Success"}'"#, "warning")]
#[case::two_objects(r#"echo '{"status":"Success"} {}'"#, "trailing")]
#[case::no_status("echo '{}'", "no status")]
#[case::a_list("echo '[]'", "cannot be read")]
#[case::wrong_type(r#"echo '{"status":"Success","attached":"yes"}'"#, "boolean")]
#[case::nothing("exit 0", "(nothing)")]
#[case::terminal(r"printf '\033[31mred'", "\\u{1b}[31mred")]
#[case::killed("kill -9 $$", "killed by signal 9")]
#[case::flood("yes", "more than 1048576 bytes")]
#[tokio::test]
async fn whatever_a_driver_does_is_told(#[case] body: &str, #[case] words: &str) {
    let told = Script::new(body).mount().await.unwrap_err().to_string();
    assert!(told.contains(words), "{told}");
    assert!(told.len() < 3000, "{} bytes", told.len());
}

#[tokio::test]
async fn a_failure_may_have_a_code() {
    let script = Script::new(r#"echo '{"status":"Failure","message":"no","code":"NOT_FOUND"}'"#);
    let Err(Trouble::Failure { code, .. }) = script.mount().await else { panic!("no failure") };
    assert_eq!(code.as_deref(), Some("NOT_FOUND"));
}

#[tokio::test]
async fn what_is_not_supported_is_asked_once() {
    let script = Script::new(r#"echo "$1" >>"$0.log"; echo '{"status":"Not supported"}'; exit 1"#);
    let driver = script.driver(DEADLINE).await;
    for _ in 0..3 {
        let answer = driver.call_if_any(Operation::Attach, &["{}", "n"]).await;
        assert!(answer.unwrap().is_none());
    }
    let log = fs::read_to_string(script.dir.path().join("driver.log")).unwrap();
    assert_eq!(log, "attach\n");
    assert!(!driver.grows().await);
}

#[tokio::test]
async fn a_late_driver_is_killed_with_its_children() {
    let script = Script::new(r#"sleep 600 & echo $! >"$0.child"; wait"#);
    let driver = script.driver(Duration::from_secs(2)).await;
    let began = Instant::now();
    let told = driver.call(Operation::Unmount, &["/x"]).await.unwrap_err().to_string();
    assert!(told.contains("no answer within 2s"), "{told}");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    let child = fs::read_to_string(script.dir.path().join("driver.child")).unwrap();
    let stat = PathBuf::from(format!("/proc/{}/stat", child.trim()));
    // Killed; whoever inherits it may not have looked yet.
    let gone = || fs::read_to_string(&stat).map_or(true, |text| text.contains(") Z "));
    let until = Instant::now() + Duration::from_secs(10);
    while !gone() {
        assert!(Instant::now() < until, "the child lives");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_daemon_that_is_left_behind_delays_nothing_and_lives() {
    let script = Script::new(r#"sleep 600 & echo $! >"$0.child"; echo '{"status":"Success"}'"#);
    let began = Instant::now();
    script.mount().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    let child = fs::read_to_string(script.dir.path().join("driver.child")).unwrap();
    let child = nix::unistd::Pid::from_raw(child.trim().parse().unwrap());
    nix::sys::signal::kill(child, nix::sys::signal::Signal::SIGKILL).unwrap();
}

#[rstest]
#[case::no_rights("#!/bin/sh\n", 0o644, "chmod +x")]
#[case::no_interpreter("#!/no/such/shell\n", 0o755, "first line")]
#[tokio::test]
async fn a_file_that_cannot_be_run_says_why(
    #[case] text: &str,
    #[case] mode: u32,
    #[case] words: &str,
) {
    let script = Script::new("");
    script.write(text);
    fs::set_permissions(script.path(), fs::Permissions::from_mode(mode)).unwrap();
    let told =
        Driver::init(&script.path(), BTreeMap::new(), DEADLINE).await.unwrap_err().to_string();
    assert!(told.contains(words), "{told}");
}

#[tokio::test]
async fn a_missing_driver_says_so() {
    let told = Driver::init("/no/such/driver".as_ref(), BTreeMap::new(), DEADLINE)
        .await
        .unwrap_err()
        .to_string();
    assert!(told.contains("there is no /no/such/driver"), "{told}");
}

#[rstest]
#[case::silent(r#"{"status":"Success"}"#, true, true, false)]
#[case::all(
    r#"{"status":"Success","capabilities":{"attach":false,"requiresFSResize":false,"createDelete":true,"x":1}}"#,
    false,
    false,
    true
)]
#[tokio::test]
async fn capabilities_have_the_orchestrators_defaults(
    #[case] answer: &str,
    #[case] attach: bool,
    #[case] requires_fs_resize: bool,
    #[case] create_delete: bool,
) {
    let script = Script::new("");
    script.write(&format!("#!/bin/sh\necho '{answer}'\n"));
    let capabilities = script.driver(DEADLINE).await.capabilities();
    assert_eq!(capabilities, Capabilities { attach, requires_fs_resize, create_delete });
}

#[test]
fn options_have_the_users_own_last() {
    let user = [("kubernetes.io/fsType".to_owned(), "zfs".to_owned())].into();
    let options = Options { volume: "v", fs_type: "ext4", user: Some(&user), ..Options::default() };
    let json: serde_json::Value = serde_json::from_str(&options.json()).unwrap();
    assert_eq!(json["kubernetes.io/fsType"], "zfs");
    assert_eq!(json["kubernetes.io/readwrite"], "rw");
    assert_eq!(json["kubernetes.io/pvOrVolumeName"], "v");
    assert!(json.get("csi.limitBytes").is_none());
}
