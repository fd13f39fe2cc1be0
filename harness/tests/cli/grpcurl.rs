//! Reflection and health of the mock: as a plain client sees them, and as grpcurl does.

use std::{path::Path, process::Command};

use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_reflection::pb::{v1, v1alpha};

use crate::rig::{Rig, expect_exit, free_tcp, stdout};

/// The names that reflection lists, by both versions of its protocol.
macro_rules! listed {
    ($version:ident, $channel:expr) => {{
        use $version::{
            ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
            server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
        };
        let request = ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::ListServices(String::new())),
        };
        let mut client = ServerReflectionClient::new($channel);
        let replies = client.server_reflection_info(tokio_stream::once(request)).await.unwrap();
        let reply = replies.into_inner().message().await.unwrap().unwrap();
        let Some(MessageResponse::ListServicesResponse(list)) = reply.message_response else {
            panic!("no list: {reply:?}");
        };
        list.service.into_iter().map(|service| service.name).collect::<Vec<_>>()
    }};
}

#[test]
fn a_plain_client_sees_the_services_and_their_health() {
    let rig = Rig::new();
    let mock = rig.mock_at(&free_tcp(), &[]);
    let address = mock.endpoint().replace("tcp:", "http:");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let channel = tonic::transport::Endpoint::new(address).unwrap().connect().await.unwrap();
        let names = listed!(v1, channel.clone());
        assert_eq!(names, listed!(v1alpha, channel.clone()));
        for name in ["csi.v1.Identity", "csi.v1.Controller", "csi.v1.Node", "grpc.health.v1.Health"]
        {
            assert!(names.iter().any(|known| known == name), "{name} is not in {names:?}");
        }
        assert!(!names.iter().any(|name| name == "csi.v1.GroupController"), "{names:?}");
        for service in ["", "csi.v1.Node"] {
            let request = HealthCheckRequest { service: service.to_owned() };
            let reply = HealthClient::new(channel.clone()).check(request).await.unwrap();
            assert_eq!(reply.into_inner().status, 1, "{service} is SERVING");
        }
        let request = HealthCheckRequest { service: "csi.v1.GroupController".to_owned() };
        let error = HealthClient::new(channel).check(request).await.unwrap_err();
        assert_eq!(error.code(), tonic::Code::NotFound);
    });
}

#[test]
fn grpcurl_finds_its_way() {
    let file = "../target/drivers/grpcurl";
    let grpcurl = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if !grpcurl.exists() {
        println!("skipped: grpcurl on the mock (needs {file}: ci/drivers/build grpcurl)");
        return;
    }
    let rig = Rig::new();
    let mock = rig.mock_at(&free_tcp(), &[]);
    let address = mock.endpoint().replace("tcp://", "");
    let ask = |args: &[&str]| {
        let mut command = Command::new(&grpcurl);
        command.args(["-plaintext", &address]).args(args);
        stdout(&expect_exit(&mut command, 0))
    };
    assert!(ask(&["list"]).contains("csi.v1.Controller"));
    assert!(ask(&["describe", "csi.v1.CapacityRange"]).contains("int64 required_bytes = 1"));
    assert!(ask(&["csi.v1.Identity/GetPluginInfo"]).contains("mock.csi-stretch.example"));
    assert!(ask(&["grpc.health.v1.Health/Check"]).contains("SERVING"));
}
