//! The Node service, one file per group of RPCs.

mod expand;
mod publish;
mod stage;
mod stats;

use std::path::Path;

use csi_stretch_proto::csi::v1::{
    NodeGetCapabilitiesResponse, NodeGetInfoResponse, NodeServiceCapability,
    node_service_capability::{Rpc, Type},
};
use tonic::Status;

use super::{Driver, Reply};
use crate::{
    backing::Shown,
    profile::ControllerCapability,
    state::{Capability, VolumeRecord},
};

impl Driver {
    /// NodeGetCapabilities.
    pub fn node_capabilities(&self) -> NodeGetCapabilitiesResponse {
        let types = self.profile.node.iter().map(|c| c.wire().into());
        let rpc = |r#type| NodeServiceCapability { r#type: Some(Type::Rpc(Rpc { r#type })) };
        NodeGetCapabilitiesResponse { capabilities: types.map(rpc).collect() }
    }

    /// NodeGetInfo.
    pub fn node_info(&self) -> NodeGetInfoResponse {
        NodeGetInfoResponse {
            node_id: self.profile.node_id.clone(),
            max_volumes_per_node: 0,
            accessible_topology: None,
        }
    }

    /// Refuses to bring up a volume that the controller has not published to this node.
    fn must_be_published_here(&self, record: &VolumeRecord) -> Reply<()> {
        let needed = self.profile.has(ControllerCapability::PublishUnpublishVolume);
        if needed && !record.published.contains_key(&self.profile.node_id) {
            let text = "ControllerPublishVolume has not published the volume to this node";
            return Err(Status::failed_precondition(text));
        }
        Ok(())
    }

    /// Refuses a use that the volume was not created for.
    fn must_support(&self, record: &VolumeRecord, wanted: &Capability) -> Reply<()> {
        let why = self.why_not_supported(&record.capabilities, wanted);
        why.map_or(Ok(()), |why| Err(Status::failed_precondition(why)))
    }

    /// How the volume shows at a staging or target path, which may also lead there by a link.
    fn shown_at(&self, record: &VolumeRecord, path: &Path) -> Reply<Shown> {
        let kind = |c: &Capability| match c.mount() {
            Some(_) => Shown::FileSystem,
            None => Shown::Device,
        };
        if let Some(target) = record.targets.get(path).filter(|t| t.done) {
            return Ok(kind(&target.capability));
        }
        if let Some(staged) = record.staged.as_ref().filter(|s| s.done && s.path == path) {
            return Ok(kind(&staged.capability));
        }
        let elsewhere = || {
            let text = format!("volume `{}` is not at {}", record.id, path.display());
            Status::not_found(text)
        };
        let shown = if record.is_on_node() { self.backing.shows(&record.id, path)? } else { None };
        shown.ok_or_else(elsewhere)
    }
}
