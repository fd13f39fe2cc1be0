//! DeleteVolume, and the removal that a failed or interrupted creation needs too.

use csi_stretch_proto::csi::v1::{DeleteVolumeRequest, DeleteVolumeResponse};
use tonic::Status;

use crate::{
    driver::{Driver, Reply, ask, lock, status::store_failed},
    profile::ControllerCapability as C,
    state::{VolumeRecord, VolumeState},
};

impl Driver {
    /// DeleteVolume. Snapshots and clones do not depend on the volume and stay.
    pub fn delete_volume(&self, request: &DeleteVolumeRequest) -> Reply<DeleteVolumeResponse> {
        self.needs(C::CreateDeleteVolume)?;
        let id = ask::required(&request.volume_id, "volume_id")?;
        let _held = self.locks.hold([lock::volume(id)])?;
        let Some(record) = self.store.volume(id) else { return Ok(DeleteVolumeResponse {}) };
        if record.state == VolumeState::Creating {
            // Nobody was told this id; its creation is still under way.
            return Ok(DeleteVolumeResponse {});
        }
        if let Some(node) = record.published.keys().next() {
            let text = format!("volume `{id}` is published to node `{node}`");
            return Err(Status::failed_precondition(text));
        }
        if record.is_on_node() {
            let text = format!("volume `{id}` is in use on node `{}`", self.profile.node_id);
            return Err(Status::failed_precondition(text));
        }
        self.erase(record)?;
        Ok(DeleteVolumeResponse {})
    }

    /// Removes a volume that no node uses, and then its record.
    pub(in crate::driver) fn erase(&self, mut record: VolumeRecord) -> Reply<()> {
        if record.state != VolumeState::Deleting {
            record.state = VolumeState::Deleting;
            self.save(&record)?;
        }
        self.backing.detach(&record.id)?;
        self.backing.delete(&record.id)?;
        self.store.remove_volume(&record.id).map_err(|e| store_failed(&e))
    }
}
