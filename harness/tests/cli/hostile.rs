//! Peers that are no drivers, or hostile ones: a clear verdict, no panic, nothing left, and an end
//! in time. (Certificates that are wrong are in `transport`.)

use std::{
    convert::Infallible,
    future::{Ready, ready},
    io::{Read as _, Write as _},
    os::unix::net::UnixListener,
    path::Path,
    process::Output,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use csi_stretch_proto::csi::v1 as csi;
use prost::Message;
use tonic::{
    Status,
    body::Body,
    codegen::{BoxFuture, Service, http},
    server::{Grpc, NamedService, UnaryService},
};

use crate::{
    raw::Raw,
    rig::{Rig, entries, stderr, stdout},
};

/// HTTP/2: empty SETTINGS; headers 200 of stream 1; the beginning of a message of 100 bytes.
const HALF_A_MESSAGE: &[u8] = &[
    0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 19, 1, 4, 0, 0, 0, 1, 0x88, 0x5f, 0x10, b'a', b'p', b'p',
    b'l', b'i', b'c', b'a', b't', b'i', b'o', b'n', b'/', b'g', b'r', b'p', b'c', 0, 0, 8, 0, 0, 0,
    0, 0, 1, 0, 0, 0, 0, 100, 1, 2, 3,
];

/// What such a peer does with each connection.
#[derive(Clone, Copy)]
enum Act {
    Close,
    Silence,
    Say(&'static [u8]),
}

/// A peer that speaks no gRPC, for as long as the test lives.
fn raw(path: &Path, act: Act) {
    let listener = UnixListener::bind(path).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut words = [0; 4096];
                match act {
                    Act::Close => {}
                    Act::Silence => while stream.read(&mut words).is_ok_and(|n| n > 0) {},
                    Act::Say(answer) => {
                        let _ = stream.read(&mut words);
                        let _ = stream.write_all(answer);
                    }
                }
            });
        }
    });
}

/// Both commands against a peer, each within its time and without a panic.
fn meet(rig: &Rig, socket: &Path, deadline: &str) -> (Output, Output) {
    let endpoint = format!("unix://{}", socket.display());
    let began = Instant::now();
    let ask = ["rpc", "GetPluginInfo", "-e", &endpoint, "--timeout", "2s"];
    let asked = rig.command(&ask).output().unwrap();
    let limits = ["--connect-timeout", "2s", "--deadline", deadline, "--reference", "off"];
    let chosen = ["--focus", "lifecycle/create-delete", "--endpoint", &endpoint];
    let ran = rig.run(&limits).args(chosen).output().unwrap();
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    for output in [&asked, &ran] {
        let text = stdout(output) + &stderr(output);
        assert!(!text.contains("panicked"), "{text}");
        assert!(!matches!(output.status.code(), None | Some(6 | 101)), "{text}");
    }
    assert!(entries(&rig.work()).is_empty(), "left: {:?}", entries(&rig.work()));
    (asked, ran)
}

#[rstest::rstest]
#[case::closes_at_once(Act::Close, "cannot connect|connection failed")]
#[case::never_answers(Act::Silence, "no answer within 2s")]
#[case::smtp(Act::Say(b"220 mail.example ESMTP ready\r\n"), "connection failed")]
#[case::http_1(
    Act::Say(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
    "connection failed"
)]
#[case::zeros(Act::Say(&[0; 4096]), "connection failed")]
#[case::closes_mid_message(Act::Say(HALF_A_MESSAGE), "connection failed")]
fn a_peer_that_is_no_driver_is_exit_3(#[case] act: Act, #[case] words: &str) {
    let rig = Rig::new();
    let socket = rig.path("peer.sock");
    raw(&socket, act);
    let (asked, ran) = meet(&rig, &socket, "2s");
    for output in [&asked, &ran] {
        assert_eq!(output.status.code(), Some(3), "{}", stderr(output));
        let said = stderr(output);
        assert!(words.split('|').any(|words| said.contains(words)), "{said}");
    }
    assert_eq!(stderr(&ran).trim().lines().count(), 1, "{}", stderr(&ran));
}

/// Bytes that say `volume { volume_id: <not UTF-8> }`, and of the first field of most messages.
const NOT_UTF8: &[u8] = &[0x0a, 4, 0x12, 2, 0xff, 0xfe];

/// What a driver that introduces itself well says to everything else.
#[derive(Clone, Copy)]
enum Say {
    Bytes(&'static [u8]),
    /// As many zero bytes, which are no message.
    Zeros(usize),
    Status(i32, &'static str),
    Nothing,
    /// To introductions, too.
    FromTheStart(&'static [u8]),
}

#[rstest::rstest]
#[case::not_utf8(Say::Bytes(NOT_UTF8), 1)]
#[case::no_message(Say::Bytes(&[0xff; 32]), 1)]
#[case::a_hundred_megabytes(Say::Zeros(100 << 20), 3)]
#[case::never(Say::Nothing, 1)]
#[case::a_code_of_its_own(Say::Status(99, "odd"), 1)]
#[case::a_terminals_orders(Say::Status(13, "\u{1b}[2J"), 1)]
#[case::unknown_fields(Say::Bytes(&[0xfa, 0x3f, 3, b'a', b'b', b'c', 0xc0, 0x3e, 1]), 1)]
#[case::not_utf8_from_the_start(Say::FromTheStart(&[0x0a, 2, 0xff, 0xfe]), 3)]
fn a_hostile_driver_gets_a_verdict(#[case] say: Say, #[case] exit: i32) {
    let rig = Rig::new();
    let socket = rig.path("peer.sock");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async { serve(&socket, say) });
    // A busy machine needs its time for a hundred megabytes.
    let deadline = if matches!(say, Say::Nothing) { "1s" } else { "20s" };
    let (_, ran) = meet(&rig, &socket, deadline);
    let text = stdout(&ran) + &stderr(&ran);
    assert_eq!(ran.status.code(), Some(exit), "{text}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

/// What is unknown to this version stays visible and does no harm.
#[test]
fn unknown_values_and_fields_are_told() {
    let rig = Rig::new();
    let socket = rig.path("peer.sock");
    // One capability of type 99, one with a field nobody knows.
    let reply: &[u8] = &[0x0a, 4, 0x0a, 2, 8, 99, 0x0a, 3, 0x98, 6, 1];
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async { serve(&socket, Say::FromTheStart(reply)) });
    let endpoint = format!("unix://{}", socket.display());
    let ask = |args: &[&str]| {
        let output = rig.command(args).args(["-e", &endpoint]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        output
    };
    let output = ask(&["rpc", "NodeGetCapabilities"]);
    assert!(stdout(&output).contains("99"), "{}", stdout(&output));
    assert!(stderr(&output).contains("1 fields"), "{}", stderr(&output));
    let output = ask(&["node", "get-capabilities"]);
    assert_eq!(stdout(&output), "&{type:99 }\n<nil>\n");
}

fn serve(path: &Path, say: Say) {
    let listener = tokio::net::UnixListener::bind(path).unwrap();
    let router = tonic::transport::Server::builder()
        .add_service(Identity(say))
        .add_service(Controller(say))
        .add_service(Node(say));
    let incoming = tokio_stream::wrappers::UnixListenerStream::new(listener);
    tokio::spawn(router.serve_with_incoming(incoming));
}

macro_rules! service {
    ($name:ident, $full:literal) => {
        #[derive(Clone)]
        struct $name(Say);
        impl NamedService for $name {
            const NAME: &'static str = $full;
        }
        impl Service<http::Request<Body>> for $name {
            type Response = http::Response<Body>;
            type Error = Infallible;
            type Future = BoxFuture<http::Response<Body>, Infallible>;
            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }
            fn call(&mut self, request: http::Request<Body>) -> Self::Future {
                let path = request.uri().path().rsplit('/').next().unwrap().to_owned();
                let say = self.0;
                Box::pin(async move {
                    match (introduction(&path), say) {
                        (None, Say::Nothing) => std::future::pending().await,
                        (None, Say::Status(code, message)) => Ok(http::Response::builder()
                            .header("content-type", "application/grpc")
                            .header("grpc-status", code)
                            .header("grpc-message", message.replace('\u{1b}', "%1b"))
                            .body(Body::empty())
                            .unwrap()),
                        (known, say) => Ok(Grpc::new(Raw).unary(Answer(known, say), request).await),
                    }
                })
            }
        }
    };
}
service!(Identity, "csi.v1.Identity");
service!(Controller, "csi.v1.Controller");
service!(Node, "csi.v1.Node");

/// Who it is, and that it can make volumes.
fn introduction(method: &str) -> Option<Vec<u8>> {
    use csi::controller_service_capability::{Rpc, Type, rpc::Type as Kind};
    Some(match method {
        "GetPluginInfo" => csi::GetPluginInfoResponse {
            name: "hostile.csi.example".into(),
            vendor_version: "1".into(),
            ..csi::GetPluginInfoResponse::default()
        }
        .encode_to_vec(),
        "GetPluginCapabilities" | "Probe" => Vec::new(),
        "ControllerGetCapabilities" => {
            let kind = Kind::CreateDeleteVolume.into();
            let capability =
                csi::ControllerServiceCapability { r#type: Some(Type::Rpc(Rpc { r#type: kind })) };
            csi::ControllerGetCapabilitiesResponse { capabilities: vec![capability] }
                .encode_to_vec()
        }
        _ => return None,
    })
}

struct Answer(Option<Vec<u8>>, Say);

impl UnaryService<Vec<u8>> for Answer {
    type Response = Vec<u8>;
    type Future = Ready<Result<tonic::Response<Vec<u8>>, Status>>;
    fn call(&mut self, _: tonic::Request<Vec<u8>>) -> Self::Future {
        let bytes = match (self.0.take(), self.1) {
            (_, Say::FromTheStart(bytes)) | (None, Say::Bytes(bytes)) => bytes.to_vec(),
            (Some(known), _) => known,
            (None, Say::Zeros(count)) => vec![0; count],
            (None, Say::Status(..) | Say::Nothing) => Vec::new(),
        };
        ready(Ok(tonic::Response::new(bytes)))
    }
}
