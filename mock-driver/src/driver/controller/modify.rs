//! ControllerModifyVolume.

use csi_stretch_proto::csi::v1::{ControllerModifyVolumeRequest, ControllerModifyVolumeResponse};
use tonic::Status;

use crate::{
    driver::{Driver, Reply, ask, lock},
    profile::ControllerCapability as C,
};

impl Driver {
    /// ControllerModifyVolume: sets the given keys, all or none, and leaves the others.
    pub fn modify_volume(
        &self,
        request: ControllerModifyVolumeRequest,
    ) -> Reply<ControllerModifyVolumeResponse> {
        self.needs(C::ModifyVolume)?;
        let id = ask::required(&request.volume_id, "volume_id")?;
        if request.mutable_parameters.is_empty() {
            return Err(Status::invalid_argument("mutable_parameters is empty"));
        }
        let _held = self.locks.hold([lock::volume(id)])?;
        let mut record = self.volume(id)?;
        self.must_know_parameters(request.mutable_parameters.keys())?;
        record.mutable.extend(request.mutable_parameters);
        self.save(&record)?;
        Ok(ControllerModifyVolumeResponse {})
    }
}
