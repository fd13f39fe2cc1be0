//! A driver that repeats the secrets it is sent, in ids, contexts, tokens and error messages: no
//! artefact and no line of output may hold one.

use std::{
    collections::{BTreeSet, HashMap},
    convert::Infallible,
    future::{Ready, ready},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use csi_stretch_proto::csi::v1 as csi;
use prost::Message;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::{
    Status,
    body::Body,
    codegen::{BoxFuture, Service, http},
    server::{Grpc, NamedService, UnaryService},
};

use crate::{
    raw::Raw,
    rig::{Rig, stderr, stdout},
};

/// csi-sanity's keys, each with a value of its own.
const KEYS: &[&str] = &[
    "CreateVolumeSecret",
    "DeleteVolumeSecret",
    "ControllerPublishVolumeSecret",
    "ControllerUnpublishVolumeSecret",
    "ControllerValidateVolumeCapabilitiesSecret",
    "ControllerExpandVolumeSecret",
    "ControllerModifyVolumeSecret",
    "NodeStageVolumeSecret",
    "NodePublishVolumeSecret",
    "NodeExpandVolumeSecret",
    "CreateSnapshotSecret",
    "DeleteSnapshotSecret",
    "ListSnapshotsSecret",
];

#[test]
fn a_canary_is_sent_with_every_call_and_comes_back_nowhere() {
    let rig = Rig::new();
    let line = |(n, key): (usize, &&str)| format!("{key}: {{ key: canary-{n:02}-x7 }}\n");
    let file = rig.path("secrets.yaml");
    std::fs::write(&file, KEYS.iter().enumerate().map(line).collect::<String>()).unwrap();
    let socket = rig.path("echo.sock");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let echo = Echo::default();
    runtime.block_on(async { serve(&socket, echo.clone()) });
    let endpoint = format!("unix://{}", socket.display());
    let args = ["--endpoint", endpoint.as_str(), "--reference", "off", "--deadline", "2s"];
    let output = rig.run(&args).arg("--secrets").arg(&file).output().unwrap();
    let text = stdout(&output) + &stderr(&output);
    assert!(text.contains("[redacted]"), "nothing was repeated: {text}");
    assert!(!text.contains("canary"), "{text}");

    let sent = echo.sent.lock().unwrap().clone();
    assert!(sent.len() >= 9, "too few kinds of calls were made: {sent:?}");
    let mut files = 0;
    for run in crate::rig::entries(&rig.path("out")) {
        for artefact in crate::rig::entries(&run) {
            let text = String::from_utf8_lossy(&std::fs::read(&artefact).unwrap()).into_owned();
            assert!(!text.contains("canary"), "{} holds a secret", artefact.display());
            files += 1;
        }
    }
    assert!(files >= 5, "{files} artefacts");
    let history = rig.read_latest("history.ndjson");
    for place in ["\"id\":\"vol-[redacted]", "\"context\":{\"[redacted]", "password=[redacted]"] {
        assert!(history.contains(place), "{place} is not in the history");
    }
}

#[test]
fn a_drivers_log_and_last_words_hold_no_secret() {
    let rig = Rig::new();
    let file = rig.path("secrets.yaml");
    std::fs::write(&file, "NodeStageVolumeSecret: { key: canary-00-x7 }\n").unwrap();
    let args = ["--endpoint", "exec:sh -c 'echo key is canary-00-x7; exit 7'"];
    let output = rig.run(&args).arg("--secrets").arg(&file).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let text = stderr(&output);
    assert!(text.contains("key is [redacted]") && !text.contains("canary"), "{text}");
}

/// Remembers which calls brought a secret.
#[derive(Clone, Default)]
struct Echo {
    sent: Arc<Mutex<BTreeSet<String>>>,
    count: Arc<AtomicUsize>,
}

fn serve(path: &Path, echo: Echo) {
    let listener = tokio::net::UnixListener::bind(path).unwrap();
    let router = tonic::transport::Server::builder()
        .add_service(Identity(echo.clone()))
        .add_service(Controller(echo.clone()))
        .add_service(Node(echo));
    tokio::spawn(router.serve_with_incoming(UnixListenerStream::new(listener)));
}

macro_rules! service {
    ($name:ident, $full:literal) => {
        #[derive(Clone)]
        struct $name(Echo);
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
                let call = Call { echo: self.0.clone(), path };
                Box::pin(async move { Ok(Grpc::new(Raw).unary(call, request).await) })
            }
        }
    };
}
service!(Identity, "csi.v1.Identity");
service!(Controller, "csi.v1.Controller");
service!(Node, "csi.v1.Node");

struct Call {
    echo: Echo,
    path: String,
}

impl UnaryService<Vec<u8>> for Call {
    type Response = Vec<u8>;
    type Future = Ready<Result<tonic::Response<Vec<u8>>, Status>>;
    fn call(&mut self, request: tonic::Request<Vec<u8>>) -> Self::Future {
        ready(self.answer(&request.into_inner()).map(tonic::Response::new))
    }
}

impl Call {
    fn answer(&self, request: &[u8]) -> Result<Vec<u8>, Status> {
        let text = String::from_utf8_lossy(request).into_owned();
        let secret = text.find("canary-").map(|at| text[at..at + "canary-00-x7".len()].to_owned());
        let count = self.echo.count.fetch_add(1, Ordering::SeqCst);
        let Some(secret) = secret else { return Ok(self.plain()) };
        self.echo.sent.lock().unwrap().insert(self.path.clone());
        // Creations succeed, so that every kind of call is made; of the rest some.
        if !self.path.starts_with("Create") && count.is_multiple_of(3) {
            return Err(Status::internal(format!("mount failed: password={secret}, {secret}")));
        }
        Ok(self.repeat(request, &secret, count))
    }

    /// The reply has the secret wherever a string fits.
    fn repeat(&self, request: &[u8], secret: &str, count: usize) -> Vec<u8> {
        let context = HashMap::from([(secret.to_owned(), format!("with {secret}"))]);
        match self.path.as_str() {
            "CreateVolume" => {
                let asked = csi::CreateVolumeRequest::decode(request).unwrap();
                let volume = csi::Volume {
                    capacity_bytes: asked.capacity_range.map_or(1 << 30, |r| r.required_bytes),
                    volume_id: format!("vol-{secret}-{count}"),
                    volume_context: context,
                    ..csi::Volume::default()
                };
                csi::CreateVolumeResponse { volume: Some(volume) }.encode_to_vec()
            }
            "CreateSnapshot" => {
                let snapshot = csi::Snapshot {
                    snapshot_id: format!("snap-{secret}-{count}"),
                    source_volume_id: secret.to_owned(),
                    ready_to_use: true,
                    ..csi::Snapshot::default()
                };
                csi::CreateSnapshotResponse { snapshot: Some(snapshot) }.encode_to_vec()
            }
            "ControllerPublishVolume" => {
                csi::ControllerPublishVolumeResponse { publish_context: context }.encode_to_vec()
            }
            "ValidateVolumeCapabilities" => csi::ValidateVolumeCapabilitiesResponse {
                message: format!("no: {secret}"),
                confirmed: None,
            }
            .encode_to_vec(),
            "ListSnapshots" => {
                csi::ListSnapshotsResponse { entries: Vec::new(), next_token: secret.to_owned() }
                    .encode_to_vec()
            }
            "ControllerExpandVolume" => {
                let asked = csi::ControllerExpandVolumeRequest::decode(request).unwrap();
                csi::ControllerExpandVolumeResponse {
                    capacity_bytes: asked.capacity_range.map_or(0, |range| range.required_bytes),
                    node_expansion_required: true,
                }
                .encode_to_vec()
            }
            _ => Vec::new(),
        }
    }

    fn plain(&self) -> Vec<u8> {
        match self.path.as_str() {
            "GetPluginInfo" => csi::GetPluginInfoResponse {
                name: "echo.csi.example".into(),
                vendor_version: "1".into(),
                ..csi::GetPluginInfoResponse::default()
            }
            .encode_to_vec(),
            "ControllerGetCapabilities" => {
                use csi::controller_service_capability::{Rpc, Type, rpc::Type as Kind};
                let capabilities = [
                    Kind::CreateDeleteVolume,
                    Kind::PublishUnpublishVolume,
                    Kind::CreateDeleteSnapshot,
                    Kind::ListSnapshots,
                    Kind::ExpandVolume,
                    Kind::ModifyVolume,
                ];
                let capabilities = capabilities.map(|kind| csi::ControllerServiceCapability {
                    r#type: Some(Type::Rpc(Rpc { r#type: kind.into() })),
                });
                csi::ControllerGetCapabilitiesResponse { capabilities: capabilities.to_vec() }
                    .encode_to_vec()
            }
            "NodeGetCapabilities" => {
                use csi::node_service_capability::{Rpc, Type, rpc::Type as Kind};
                let capabilities = [Kind::StageUnstageVolume, Kind::ExpandVolume];
                let capabilities = capabilities.map(|kind| csi::NodeServiceCapability {
                    r#type: Some(Type::Rpc(Rpc { r#type: kind.into() })),
                });
                csi::NodeGetCapabilitiesResponse { capabilities: capabilities.to_vec() }
                    .encode_to_vec()
            }
            "NodeGetInfo" => {
                csi::NodeGetInfoResponse { node_id: "node".into(), ..Default::default() }
                    .encode_to_vec()
            }
            _ => Vec::new(),
        }
    }
}
