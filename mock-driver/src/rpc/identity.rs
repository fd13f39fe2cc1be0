//! csi.v1.Identity.

use csi_stretch_proto::csi::v1::{
    GetPluginCapabilitiesRequest, GetPluginCapabilitiesResponse, GetPluginInfoRequest,
    GetPluginInfoResponse, ProbeRequest, ProbeResponse, identity_server::Identity,
};
use tonic::{Request, Response, Status, async_trait};

use super::Services;
use crate::defect::Flaw;

#[async_trait]
impl Identity for Services {
    async fn get_plugin_info(
        &self,
        request: Request<GetPluginInfoRequest>,
    ) -> Result<Response<GetPluginInfoResponse>, Status> {
        self.run("get_plugin_info", request, |_| "", Flaw::get_plugin_info).await
    }

    async fn get_plugin_capabilities(
        &self,
        request: Request<GetPluginCapabilitiesRequest>,
    ) -> Result<Response<GetPluginCapabilitiesResponse>, Status> {
        self.run("get_plugin_capabilities", request, |_| "", Flaw::get_plugin_capabilities).await
    }

    async fn probe(
        &self,
        request: Request<ProbeRequest>,
    ) -> Result<Response<ProbeResponse>, Status> {
        self.run("probe", request, |_| "", Flaw::probe).await
    }
}
