//! What is served on a connection: CSI's services, the control service, and for people with
//! grpcurl and the like health and reflection (v1 and v1alpha).

use csi_stretch_proto::{
    DESCRIPTORS,
    control::v1::control_server::ControlServer,
    csi::{v0, v1},
};
use tonic::{
    server::NamedService,
    transport::{Server, ServerTlsConfig, server::Router},
};
use tonic_health::{ServingStatus, pb as health};
use tonic_reflection::server::Builder as Reflection;

use crate::{
    rpc::{MESSAGE_MAX, Services, V0},
    server::{Dialect, ServeError},
};

/// Contents of simulated volumes come in messages of 1 MiB; HTTP/2's defaults, 16 and 64 KiB, would
/// cut each into dozens of reads and waits.
const FRAME_BYTES: u32 = 1 << 20;
const WINDOW_BYTES: u32 = 4 << 20;

type IdentityV0 = v0::identity_server::IdentityServer<V0>;
type ControllerV0 = v0::controller_server::ControllerServer<V0>;
type NodeV0 = v0::node_server::NodeServer<V0>;
type IdentityV1 = v1::identity_server::IdentityServer<Services>;
type ControllerV1 = v1::controller_server::ControllerServer<Services>;
type NodeV1 = v1::node_server::NodeServer<Services>;

/// Everything over one driver.
pub async fn router(
    services: &Services,
    dialect: Dialect,
    tls: Option<ServerTlsConfig>,
) -> Result<Router, ServeError> {
    macro_rules! sized {
        ($server:ty, $services:expr) => {
            <$server>::new($services)
                .max_decoding_message_size(MESSAGE_MAX)
                .max_encoding_message_size(MESSAGE_MAX)
        };
    }
    let mut server = Server::builder()
        .max_frame_size(FRAME_BYTES)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES);
    if let Some(tls) = tls {
        server = server.tls_config(tls)?;
    }
    let names = names(services, dialect);
    let (reporter, health) = tonic_health::server::health_reporter();
    for name in &names {
        reporter.set_service_status(*name, ServingStatus::Serving).await;
    }
    let (old, new) = (dialect == Dialect::V0, dialect == Dialect::V1);
    let node = services.has_node();
    let one = || services.clone();
    let older = || V0(services.clone());
    Ok(server
        .add_optional_service(new.then(|| sized!(IdentityV1, one())))
        .add_optional_service(new.then(|| sized!(ControllerV1, one())))
        .add_optional_service((new && node).then(|| sized!(NodeV1, one())))
        .add_optional_service(old.then(|| sized!(IdentityV0, older())))
        .add_optional_service(old.then(|| sized!(ControllerV0, older())))
        .add_optional_service((old && node).then(|| sized!(NodeV0, older())))
        .add_service(sized!(ControlServer<Services>, one()))
        .add_service(health)
        .add_service(reflection(&names).build_v1()?)
        .add_service(reflection(&names).build_v1alpha()?))
}

/// The services that say anything else than UNIMPLEMENTED.
fn names(services: &Services, dialect: Dialect) -> Vec<&'static str> {
    let [identity, controller, node] = match dialect {
        Dialect::V0 => [IdentityV0::NAME, ControllerV0::NAME, NodeV0::NAME],
        Dialect::V1 => [IdentityV1::NAME, ControllerV1::NAME, NodeV1::NAME],
    };
    let mut names = vec![identity, controller, ControlServer::<Services>::NAME];
    names.extend(services.has_node().then_some(node));
    names
}

fn reflection<'a>(names: &[&str]) -> Reflection<'a> {
    let builder = Reflection::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(health::FILE_DESCRIPTOR_SET)
        .with_service_name("grpc.health.v1.Health");
    names.iter().fold(builder, |builder, name| builder.with_service_name(*name))
}
