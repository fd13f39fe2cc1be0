//! ControllerPublishVolume and ControllerUnpublishVolume.
//!
//! The one node shares this process, but the device is made at stage or publish on the node, as
//! a controller elsewhere would have to leave it; here only the permission is kept.

use std::collections::HashMap;

use csi_stretch_proto::csi::v1::{
    ControllerPublishVolumeRequest, ControllerPublishVolumeResponse,
    ControllerUnpublishVolumeRequest, ControllerUnpublishVolumeResponse,
};
use tonic::Status;

use crate::{
    driver::{Driver, Reply, ask, capability::parse, lock},
    profile::ControllerCapability as C,
    state::{Capability, Publication, VolumeRecord},
};

impl Driver {
    /// ControllerPublishVolume.
    pub fn controller_publish(
        &self,
        request: &ControllerPublishVolumeRequest,
    ) -> Reply<ControllerPublishVolumeResponse> {
        self.needs(C::PublishUnpublishVolume)?;
        let id = ask::required(&request.volume_id, "volume_id")?;
        let node = ask::required(&request.node_id, "node_id")?;
        let capability = parse(request.volume_capability.as_ref())?;
        if request.readonly && !self.profile.has(C::PublishReadonly) {
            let text = "readonly needs PUBLISH_READONLY, which this driver does not declare";
            return Err(Status::invalid_argument(text));
        }
        let _held = self.locks.hold([lock::volume(id)])?;
        let mut record = self.volume(id)?;
        if node != self.profile.node_id {
            return Err(Status::not_found(format!("no node has the id `{node}`")));
        }
        if let Some(why) = self.why_not_supported(&record.capabilities, &capability) {
            return Err(Status::invalid_argument(why));
        }
        Self::must_be_on_no_other_node(&record, node, &capability)?;
        let wanted = Publication { capability, readonly: request.readonly };
        match record.published.get(node) {
            Some(existing) if *existing == wanted => {}
            Some(_) => {
                let text = format!("volume `{id}` is published to `{node}` in another way");
                return Err(Status::already_exists(text));
            }
            None => {
                record.published.insert(node.to_owned(), wanted);
                self.save(&record)?;
            }
        }
        let publish_context = HashMap::from([("volume".to_owned(), id.to_owned())]);
        Ok(ControllerPublishVolumeResponse { publish_context })
    }

    /// A single-node volume is on one node at a time; a record can name another node than the
    /// driver's when it was started anew with another id.
    fn must_be_on_no_other_node(
        record: &VolumeRecord,
        node: &str,
        wanted: &Capability,
    ) -> Reply<()> {
        let mut others = record.published.iter().filter(|(other, _)| *other != node);
        let clash = others.find(|(_, p)| !(p.capability.is_multi_node() && wanted.is_multi_node()));
        clash.map_or(Ok(()), |(other, _)| {
            let text = format!("volume `{}` is published to node `{other}`", record.id);
            Err(Status::failed_precondition(text))
        })
    }

    /// ControllerUnpublishVolume; without a node id, from all nodes.
    pub fn controller_unpublish(
        &self,
        request: &ControllerUnpublishVolumeRequest,
    ) -> Reply<ControllerUnpublishVolumeResponse> {
        self.needs(C::PublishUnpublishVolume)?;
        let id = ask::required(&request.volume_id, "volume_id")?;
        let _held = self.locks.hold([lock::volume(id)])?;
        let Some(mut record) = self.store.volume(id).filter(VolumeRecord::is_visible) else {
            // A volume that does not exist is on no node.
            return Ok(ControllerUnpublishVolumeResponse {});
        };
        let leaves = |node: &str| request.node_id.is_empty() || request.node_id == node;
        if record.is_on_node() && leaves(&self.profile.node_id) {
            let text = format!("volume `{id}` is still staged or published on its node");
            return Err(Status::failed_precondition(text));
        }
        let before = record.published.len();
        record.published.retain(|node, _| !leaves(node));
        if record.published.len() != before {
            self.save(&record)?;
        }
        Ok(ControllerUnpublishVolumeResponse {})
    }
}
