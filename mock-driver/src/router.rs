//! What is served on a connection: CSI's services, the control service, and for people with
//! grpcurl and the like health and reflection (v1 and v1alpha).

use csi_stretch_proto::{
    DESCRIPTORS,
    control::v1::control_server::ControlServer,
    csi::v1::{
        controller_server::ControllerServer, identity_server::IdentityServer,
        node_server::NodeServer,
    },
};
use tonic::{
    server::NamedService,
    transport::{Server, ServerTlsConfig, server::Router},
};
use tonic_health::{ServingStatus, pb as health};
use tonic_reflection::server::Builder as Reflection;

use crate::{
    rpc::{MESSAGE_MAX, Services},
    server::ServeError,
};

/// Contents of simulated volumes come in messages of 1 MiB; HTTP/2's defaults, 16 and 64 KiB, would
/// cut each into dozens of reads and waits.
const FRAME_BYTES: u32 = 1 << 20;
const WINDOW_BYTES: u32 = 4 << 20;

/// Everything over one driver.
pub async fn router(
    services: &Services,
    tls: Option<ServerTlsConfig>,
) -> Result<Router, ServeError> {
    macro_rules! sized {
        ($server:ident) => {
            $server::new(services.clone())
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
    let names = names(services);
    let (reporter, health) = tonic_health::server::health_reporter();
    for name in &names {
        reporter.set_service_status(*name, ServingStatus::Serving).await;
    }
    let node = services.has_node().then(|| sized!(NodeServer));
    Ok(server
        .add_service(sized!(IdentityServer))
        .add_service(sized!(ControllerServer))
        .add_optional_service(node)
        .add_service(sized!(ControlServer))
        .add_service(health)
        .add_service(reflection(&names).build_v1()?)
        .add_service(reflection(&names).build_v1alpha()?))
}

/// The services that say anything else than UNIMPLEMENTED.
fn names(services: &Services) -> Vec<&'static str> {
    type Node = NodeServer<Services>;
    let mut names = vec![
        <IdentityServer<Services> as NamedService>::NAME,
        <ControllerServer<Services> as NamedService>::NAME,
        <ControlServer<Services> as NamedService>::NAME,
    ];
    names.extend(services.has_node().then_some(<Node as NamedService>::NAME));
    names
}

fn reflection<'a>(names: &[&str]) -> Reflection<'a> {
    let builder = Reflection::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(health::FILE_DESCRIPTOR_SET)
        .with_service_name("grpc.health.v1.Health");
    names.iter().fold(builder, |builder, name| builder.with_service_name(*name))
}
