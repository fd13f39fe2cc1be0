//! What comes back from drivers that behave, and from those that do not.

use std::{path::PathBuf, time::Instant};

use csi_stretch_oracle::{
    action::{CapacityRange, Ref, Rpc},
    history::{Code, Failure, Reply},
};
use rstest::rstest;
use tempfile::TempDir;

use super::*;
use crate::client::channel::{self, ConnectError, Connection, Options};

mod servers;

use servers::{Act, grpc, raw};

const DEADLINE: Duration = Duration::from_secs(1);
const SECRET: &str = "correct-horse";

/// A socket name in a folder that goes away with the test.
fn socket() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("csi.sock");
    (dir, path)
}

async fn connect(endpoint: &str) -> Result<Connection, ConnectError> {
    channel::connect(endpoint, &Options::default(), DEADLINE).await
}

async fn client(path: &std::path::Path) -> CsiV1 {
    let channel = connect(&path.display().to_string()).await.unwrap();
    let secret = [("password".to_owned(), SECRET.to_owned())].into();
    CsiV1::new(channel, Secrets::same_for_all(&secret))
}

fn expand() -> Call {
    Call {
        volume: Some(Ref::Literal { literal: "v-1".into() }),
        capacity_range: Some(CapacityRange { required: 1 << 30, limit: 0 }),
        ..Call::new(Rpc::ControllerExpand)
    }
}

/// Calls within the deadline, plus what a loaded machine may add.
async fn timed(client: &CsiV1, call: &Call) -> Completion {
    let start = Instant::now();
    let completion = client.call(call, DEADLINE).await;
    assert!(start.elapsed() < DEADLINE + Duration::from_secs(2), "took {:?}", start.elapsed());
    completion
}

#[track_caller]
fn info(completion: Completion) -> Failure {
    match completion {
        Completion::Info(failure) => failure,
        other => panic!("not info: {other:?}"),
    }
}

#[track_caller]
fn reply(completion: &Completion) -> Reply {
    completion.reply().unwrap_or_else(|| panic!("no reply: {completion:?}")).clone()
}

// HTTP/2: empty SETTINGS; headers 200 of stream 1; the beginning of a message of 100 bytes.
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
const HALF_A_MESSAGE: &[u8] = &[
    0, 0, 0, 4, 0, 0, 0, 0, 0, // SETTINGS
    0, 0, 19, 1, 4, 0, 0, 0, 1, // HEADERS, 19 bytes, END_HEADERS: status 200, content-type
    0x88, 0x5f, 0x10, b'a', b'p', b'p', b'l', b'i', b'c', b'a', b't', b'i', b'o', b'n', b'/', b'g',
    b'r', b'p', b'c', //
    0, 0, 8, 0, 0, 0, 0, 0, 1, // DATA, 8 bytes
    0, 0, 0, 0, 100, 1, 2, 3,
];

#[rstest]
#[case::banner(
    Act::Say(b"220 mail.example ESMTP ready\r\n"),
    Code::Unavailable,
    "connection failed"
)]
#[case::http1(
    Act::Say(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
    Code::Unavailable,
    "connection failed"
)]
#[case::zeros(Act::Say(&[0; 4096]), Code::Unavailable, "connection failed")]
#[case::closes_at_once(Act::Close, Code::Unavailable, "connection failed")]
#[case::settings_then_close(Act::SayAndClose(SETTINGS), Code::Unavailable, "connection failed")]
#[case::half_a_message(Act::SayAndClose(HALF_A_MESSAGE), Code::Unavailable, "connection failed")]
#[case::never_answers(Act::Say(b""), Code::DeadlineExceeded, "no answer within 1s")]
#[case::settings_then_silence(Act::Say(SETTINGS), Code::DeadlineExceeded, "no answer within 1s")]
#[tokio::test]
async fn a_socket_that_speaks_no_grpc(#[case] act: Act, #[case] code: Code, #[case] says: &str) {
    let (_dir, path) = socket();
    let accepted = raw(&path, act);
    let client = client(&path).await;
    let failure = info(timed(&client, &expand()).await);
    assert_eq!(failure.code, code, "{}", failure.message);
    assert!(failure.message.contains(says), "{}", failure.message);
    let connections = accepted.load(std::sync::atomic::Ordering::SeqCst);
    assert!(connections <= 3, "{connections} connections for one call");
}

#[rstest]
#[case::no_message(grpc::Say::Nothing, Code::Internal, "unreadable reply: ")]
#[case::not_protobuf(grpc::Say::Message(vec![0xff; 32]), Code::Internal, "unreadable reply: ")]
#[case::wrong_type(grpc::Say::Message(vec![0x0a, 1, b'x']), Code::Internal, "unreadable reply: ")]
#[case::too_large(grpc::Say::Message(vec![0; 17 << 20]), Code::ResourceExhausted, "larger than the harness reads: found 17825792 bytes, the limit is: 16777216")]
#[case::not_found_page(grpc::Say::Http(404), Code::Internal, "unreadable reply: ")]
#[case::no_status(grpc::Say::Http(200), Code::Internal, "unreadable reply: ")]
#[case::details_not_base64(grpc::Say::Headers(&[("grpc-status", "5"), ("grpc-status-details-bin", "!!!")]), Code::Internal, "unreadable reply: ")]
#[case::message_not_utf8(grpc::Say::Headers(&[("grpc-status", "5"), ("grpc-message", "%ff%fe")]), Code::Internal, "unreadable reply: ")]
#[case::odd_encoding(grpc::Say::Headers(&[("grpc-encoding", "brotli")]), Code::Internal, "unreadable reply: ")]
#[case::own_deadline(
    grpc::Say::Status(tonic::Code::DeadlineExceeded, "backend slow"),
    Code::DeadlineExceeded,
    "backend slow"
)]
#[case::unavailable(
    grpc::Say::Status(tonic::Code::Unavailable, "starting"),
    Code::Unavailable,
    "starting"
)]
#[tokio::test]
async fn nobody_can_know(#[case] say: grpc::Say, #[case] code: Code, #[case] says: &str) {
    let (_dir, path) = socket();
    grpc::serve(&path, say);
    let failure = info(timed(&client(&path).await, &expand()).await);
    assert_eq!(failure.code, code, "{}", failure.message);
    assert!(failure.message.contains(says), "{}", failure.message);
}

#[rstest]
#[case::not_found(
    grpc::Say::Status(tonic::Code::NotFound, "no volume"),
    Code::NotFound,
    "no volume"
)]
#[case::aborted(grpc::Say::Status(tonic::Code::Aborted, "busy"), Code::Aborted, "busy")]
#[case::range(grpc::Say::Status(tonic::Code::OutOfRange, "too big"), Code::OutOfRange, "too big")]
#[case::unknown_number(grpc::Say::Headers(&[("grpc-status", "99"), ("grpc-message", "odd")]), Code::Unknown, "odd")]
#[case::status_is_text(grpc::Say::Headers(&[("grpc-status", "fine")]), Code::Unknown, "")]
#[case::secret(
    grpc::Say::Status(tonic::Code::Internal, "login correct-horse failed"),
    Code::Internal,
    "login [redacted] failed"
)]
#[case::terminal(
    grpc::Say::Status(tonic::Code::Internal, "\u{1b}[2J"),
    Code::Internal,
    "\\u{1b}[2J"
)]
#[tokio::test]
async fn the_driver_refused(#[case] say: grpc::Say, #[case] code: Code, #[case] says: &str) {
    let (_dir, path) = socket();
    grpc::serve(&path, say);
    match timed(&client(&path).await, &expand()).await {
        Completion::Fail(failure) => {
            assert_eq!((failure.code, failure.message.as_str()), (code, says));
        }
        other => panic!("not a refusal: {other:?}"),
    }
}

#[tokio::test]
async fn a_hundred_megabytes_are_not_read() {
    let (_dir, path) = socket();
    grpc::serve(&path, grpc::Say::Message(vec![0; 100 << 20]));
    let failure = info(client(&path).await.call(&expand(), DEADLINE * 10).await);
    assert_eq!(failure.code, Code::ResourceExhausted, "{}", failure.message);
    assert!(failure.message.contains("found 104857600 bytes"), "{}", failure.message);
}

#[rstest]
#[case::controller(Rpc::ControllerGetCapabilities, &[0x0a, 4, 0x0a, 2, 8, 9, 0x0a, 4, 0x0a, 2, 8, 99], &["EXPAND_VOLUME", "UNKNOWN(99)"])]
#[case::node(Rpc::NodeGetCapabilities, &[0x0a, 4, 0x0a, 2, 8, 3, 0x0a, 0, 0x0a, 2, 0x0a, 0], &["EXPAND_VOLUME", "UNSET", "UNKNOWN"])]
#[case::plugin(Rpc::GetPluginCapabilities, &[0x0a, 4, 0x12, 2, 8, 1, 0x0a, 4, 0x0a, 2, 8, 77], &["ONLINE", "UNKNOWN(77)"])]
#[tokio::test]
async fn unknown_values_stay_visible(
    #[case] rpc: Rpc,
    #[case] bytes: &[u8],
    #[case] want: &[&str],
) {
    let (_dir, path) = socket();
    grpc::serve(&path, grpc::Say::Message(bytes.to_vec()));
    let reply = reply(&timed(&client(&path).await, &Call::new(rpc)).await);
    assert_eq!(reply.capabilities.unwrap(), want);
}

#[tokio::test]
async fn an_open_handle_is_not_sent() {
    let (_dir, path) = socket();
    grpc::serve(&path, grpc::Say::Nothing);
    let call = Call { volume: Some(Ref::Handle("v".into())), ..expand() };
    let completion = timed(&client(&path).await, &call).await;
    assert!(matches!(completion, Completion::Fail(_)), "{completion:?}");
    assert_eq!(completion.code(), Code::Unbound);
}

#[tokio::test]
async fn a_driver_that_comes_back_is_found_again() {
    let (_dir, path) = socket();
    let process = tokio::runtime::Runtime::new().unwrap();
    {
        let _inside = process.enter();
        grpc::serve(&path, grpc::Say::Message(vec![8, 1]));
    }
    let client = client(&path).await;
    assert_eq!(reply(&timed(&client, &expand()).await).capacity_bytes, Some(1));

    process.shutdown_background();
    std::fs::remove_file(&path).unwrap();
    let gone = info(timed(&client, &expand()).await);
    assert_eq!(gone.code, Code::Unavailable, "{}", gone.message);
    assert!(matches!(connect(&path.display().to_string()).await, Err(ConnectError::Missing(_))));

    grpc::serve(&path, grpc::Say::Message(vec![8, 2]));
    assert_eq!(reply(&timed(&client, &expand()).await).capacity_bytes, Some(2));
}

#[tokio::test]
async fn every_procedure_reaches_its_method_with_its_secrets() {
    let takes_secrets = [
        Rpc::CreateVolume,
        Rpc::DeleteVolume,
        Rpc::ControllerPublish,
        Rpc::ControllerUnpublish,
        Rpc::ValidateCapabilities,
        Rpc::CreateSnapshot,
        Rpc::DeleteSnapshot,
        Rpc::ListSnapshots,
        Rpc::ControllerExpand,
        Rpc::ControllerModify,
        Rpc::NodeStage,
        Rpc::NodePublish,
        Rpc::NodeExpand,
    ];
    let (_dir, path) = socket();
    let asked = grpc::record(&path);
    let client = client(&path).await;
    for (rpc, name, _) in Rpc::ALL {
        reply(&timed(&client, &Call::new(*rpc)).await);
        let (path, body, timeout) = asked.lock().unwrap().pop().unwrap();
        assert!(path.ends_with(&format!("/{name}")), "{rpc}: {path}");
        assert!(timeout.is_some_and(|t| t.ends_with('u') || t.ends_with('n') || t.ends_with('m')));
        let found = body.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
        assert_eq!(found, takes_secrets.contains(rpc), "{rpc}");
    }
}

/// Prints what each hostile answer becomes; `cargo test -- --nocapture` shows the sentences.
#[tokio::test]
async fn sentences_are_short_and_plain() {
    for act in [
        Act::Say(b"220 mail.example ESMTP ready\r\n"),
        Act::Close,
        Act::SayAndClose(HALF_A_MESSAGE),
    ] {
        let (_dir, path) = socket();
        raw(&path, act);
        let failure = info(timed(&client(&path).await, &expand()).await);
        println!("{act:?}: {}", failure.message);
        assert!(failure.message.len() < 200 && !failure.message.contains('\n'));
    }
}
