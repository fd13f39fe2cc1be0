//! Endpoints, state folders, and the end of a driver.

mod support;

use std::{os::unix::net::UnixListener, path::Path, time::Duration};

use csi_stretch_mock::{BackingKind, Dialect, Options, Profile, ServeError, serve};
use csi_stretch_proto::csi::v1::{ProbeRequest, identity_client::IdentityClient};
use rstest::rstest;
use support::*;
use tonic::Code;

fn options(folder: &Path, listen: &str) -> Options {
    Options {
        listen: listen.replace("DIR", folder.to_str().unwrap()),
        tls: None,
        state_dir: folder.join("other-state"),
        backing: BackingKind::Memory,
        dialect: Dialect::V1,
        profile: Profile::default(),
        remove_on_exit: false,
        defect: None,
    }
}

/// Starts and ends at once.
async fn try_to_serve(options: Options) -> Result<(), ServeError> {
    serve(options, async {}).await
}

#[rstest]
#[case::three_slashes("unix://DIR/a.sock", None)]
#[case::one_colon("unix:DIR/a.sock", None)]
#[case::tcp("tcp://127.0.0.1:0", None)]
#[case::a_name("unix-abstract:csi-stretch-serving-DIR", None)]
#[case::a_name_in_short("unix:@csi-stretch-serving-DIR", None)]
#[case::no_name("unix:@", Some("unix-abstract:NAME"))]
#[case::no_scheme("DIR/a.sock", Some("unix:///path"))]
#[case::no_path("unix://", Some("unix:///path"))]
#[case::other_scheme("http://localhost:1", Some("unix:///path"))]
#[case::no_folder("unix://DIR/none/a.sock", Some("cannot listen"))]
#[case::a_file("unix://DIR/file", Some("is no socket"))]
#[case::bad_port("tcp://127.0.0.1:99999", Some("cannot listen"))]
#[tokio::test]
async fn endpoints(#[case] listen: &str, #[case] error: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "precious").unwrap();
    let result = try_to_serve(options(folder.path(), listen)).await;
    match (result, error) {
        (Ok(()), None) => {}
        (Err(e), Some(part)) => assert!(e.to_string().contains(part), "{e}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(std::fs::read(folder.path().join("file")).unwrap(), b"precious");
    assert!(!folder.path().join("a.sock").exists(), "the socket's file is left");
}

#[tokio::test]
async fn a_dead_socket_is_replaced_and_a_live_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    drop(UnixListener::bind(folder.path().join("a.sock")).unwrap());
    assert!(folder.path().join("a.sock").exists());
    try_to_serve(options(folder.path(), "unix://DIR/a.sock")).await.unwrap();

    let rig = Rig::start("").await;
    let mut second = options(folder.path(), "");
    second.listen = endpoint(rig.folder.path());
    let error = try_to_serve(second).await.unwrap_err();
    assert!(error.to_string().contains("already listens"), "{error}");
    rig.c.clone().identity.probe(ProbeRequest {}).await.unwrap();
}

#[tokio::test]
async fn a_state_folder_has_one_driver() {
    let rig = Rig::start("").await;
    let mut second = options(rig.folder.path(), "unix://DIR/second.sock");
    second.state_dir = rig.folder.path().join("state");
    let error = try_to_serve(second).await.unwrap_err();
    assert!(matches!(error, ServeError::StateInUse(_)), "{error}");
}

#[tokio::test]
async fn a_garbled_record_is_named_and_nothing_is_thrown_away() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path(), "unix://DIR/a.sock");
    let record = options.state_dir.join("records/volumes.ndjson");
    std::fs::create_dir_all(record.parent().unwrap()).unwrap();
    std::fs::write(&record, "{}\n").unwrap();
    let error = try_to_serve(options).await.unwrap_err();
    assert!(error.to_string().contains("volumes.ndjson:1"), "{error}");
    assert_eq!(std::fs::read(record).unwrap(), b"{}\n");
}

#[tokio::test]
async fn at_the_end_all_can_be_removed_but_not_what_others_put_there() {
    let rig = Rig::start("").await;
    let id = rig.c.make(create("v", mount("ext4"), 8 * MIB)).await;
    rig.c.bring_up(&rig.c.way(&id, mount("ext4"))).await;
    rig.c.send(Call::Snap(snap("s", &id))).await.unwrap();
    rig.clear().await;

    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path(), "unix://DIR/a.sock");
    options.remove_on_exit = true;
    let foreign = options.state_dir.join("notes.txt");
    std::fs::create_dir_all(&options.state_dir).unwrap();
    std::fs::write(&foreign, "mine").unwrap();
    try_to_serve(options).await.unwrap();
    assert_eq!(std::fs::read(foreign).unwrap(), b"mine");
}

#[tokio::test]
async fn tcp_serves_too() {
    let folder = tempfile::tempdir().unwrap();
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let options = options(folder.path(), &format!("tcp://127.0.0.1:{port}"));
    let task = tokio::spawn(serve(options, std::future::pending()));
    let mut tries = 0;
    let mut client = loop {
        match IdentityClient::connect(format!("http://127.0.0.1:{port}")).await {
            Ok(client) => break client,
            Err(e) if tries == 200 => panic!("{e}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(25)).await,
        }
        tries += 1;
    };
    assert_eq!(client.probe(ProbeRequest {}).await.unwrap().into_inner().ready, Some(true));
    task.abort();
}

#[tokio::test]
async fn a_message_beyond_the_limit_is_refused_and_the_driver_lives() {
    let rig = Rig::start("").await;
    let id = rig.c.make(create("v", block(), 64 * MIB)).await;
    let way = rig.c.way(&id, block());
    rig.c.bring_up(&way).await;
    let huge = vec![1; 17 << 20];
    assert_ne!(rig.c.write(&way.target, "", 0, &huge).await, Code::Ok);
    assert_eq!(rig.c.write(&way.target, "", 0, &huge[..8 << 20]).await, Code::Ok);
    assert_eq!(rig.c.read(&way.target, "", (8 << 20) - 1, 2).await, [1, 0]);
}
