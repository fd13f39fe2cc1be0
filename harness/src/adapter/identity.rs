//! csi.v1.Identity: nothing of it asks the driver.

use csi_stretch_proto::csi::v1::{
    GetPluginCapabilitiesRequest, GetPluginCapabilitiesResponse, GetPluginInfoRequest,
    GetPluginInfoResponse, PluginCapability, ProbeRequest, ProbeResponse,
    identity_server::Identity,
    plugin_capability::{Service, Type, VolumeExpansion, service, volume_expansion},
};
use tonic::{Request, Response, Status, async_trait};

use super::Adapter;

#[async_trait]
impl Identity for Adapter {
    async fn get_plugin_info(
        &self,
        _: Request<GetPluginInfoRequest>,
    ) -> Result<Response<GetPluginInfoResponse>, Status> {
        Ok(Response::new(GetPluginInfoResponse {
            name: self.0.name.clone(),
            vendor_version: env!("CARGO_PKG_VERSION").into(),
            ..GetPluginInfoResponse::default()
        }))
    }

    async fn get_plugin_capabilities(
        &self,
        _: Request<GetPluginCapabilitiesRequest>,
    ) -> Result<Response<GetPluginCapabilitiesResponse>, Status> {
        let mut types =
            vec![Type::Service(Service { r#type: service::Type::ControllerService.into() })];
        if self.0.grows {
            let online = volume_expansion::Type::Online.into();
            types.push(Type::VolumeExpansion(VolumeExpansion { r#type: online }));
        }
        let capability = |one| PluginCapability { r#type: Some(one) };
        let capabilities = types.into_iter().map(capability).collect();
        Ok(Response::new(GetPluginCapabilitiesResponse { capabilities }))
    }

    /// The driver was initialized before the first call could be made.
    async fn probe(&self, _: Request<ProbeRequest>) -> Result<Response<ProbeResponse>, Status> {
        Ok(Response::new(ProbeResponse { ready: Some(true) }))
    }
}
