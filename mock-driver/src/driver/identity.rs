//! Identity: who the driver is and which services it has.

use std::collections::HashMap;

use csi_stretch_proto::csi::v1::{
    GetPluginCapabilitiesResponse, GetPluginInfoResponse, PluginCapability, ProbeResponse,
    plugin_capability::{Service, Type, VolumeExpansion, service},
};

use super::Driver;

impl Driver {
    /// GetPluginInfo.
    pub fn plugin_info(&self) -> GetPluginInfoResponse {
        GetPluginInfoResponse {
            name: self.profile.name.clone(),
            vendor_version: self.profile.version.clone(),
            manifest: HashMap::new(),
        }
    }

    /// GetPluginCapabilities.
    pub fn plugin_capabilities(&self) -> GetPluginCapabilitiesResponse {
        let controller = self
            .profile
            .controller_service
            .then(|| Type::Service(Service { r#type: service::Type::ControllerService.into() }));
        let expansion = self
            .profile
            .expansion
            .iter()
            .map(|mode| Type::VolumeExpansion(VolumeExpansion { r#type: mode.wire().into() }));
        let capabilities = controller.into_iter().chain(expansion);
        GetPluginCapabilitiesResponse {
            capabilities: capabilities.map(|t| PluginCapability { r#type: Some(t) }).collect(),
        }
    }

    /// Probe: requests are answered only after the start is complete, so always ready.
    pub fn probe() -> ProbeResponse {
        ProbeResponse { ready: Some(true) }
    }
}
