//! ValidateVolumeCapabilities.

use csi_stretch_proto::csi::v1::{
    ValidateVolumeCapabilitiesRequest, ValidateVolumeCapabilitiesResponse,
    validate_volume_capabilities_response::Confirmed,
};

use crate::{
    driver::{
        Driver, Reply, ask,
        capability::{parse_all, sorted},
    },
    state::{Capability, VolumeRecord},
};

impl Driver {
    /// ValidateVolumeCapabilities.
    pub fn validate(
        &self,
        request: ValidateVolumeCapabilitiesRequest,
    ) -> Reply<ValidateVolumeCapabilitiesResponse> {
        self.must_have_controller()?;
        let id = ask::required(&request.volume_id, "volume_id")?;
        let wanted = parse_all(&request.volume_capabilities)?;
        let record = self.volume(id)?;
        if let Some(message) = self.why_not_confirmed(&record, &wanted, &request) {
            return Ok(ValidateVolumeCapabilitiesResponse { confirmed: None, message });
        }
        let confirmed = Confirmed {
            volume_context: request.volume_context,
            volume_capabilities: wanted.iter().map(Capability::wire).collect(),
            parameters: request.parameters,
            mutable_parameters: request.mutable_parameters,
        };
        Ok(ValidateVolumeCapabilitiesResponse {
            confirmed: Some(confirmed),
            message: String::new(),
        })
    }

    fn why_not_confirmed(
        &self,
        record: &VolumeRecord,
        wanted: &[Capability],
        request: &ValidateVolumeCapabilitiesRequest,
    ) -> Option<String> {
        let supported = |one| self.why_not_supported(&record.capabilities, one);
        if let Some(why) = wanted.iter().find_map(supported) {
            return Some(why);
        }
        // A field left empty asks nothing.
        let given = |map: &std::collections::HashMap<String, String>| {
            (!map.is_empty()).then(|| sorted(map.clone()))
        };
        if given(&request.volume_context).is_some() {
            return Some("volumes of this driver have no context".into());
        }
        if given(&request.parameters).is_some_and(|p| p != record.parameters) {
            return Some("the volume was created with other parameters".into());
        }
        if given(&request.mutable_parameters).is_some_and(|p| p != record.mutable) {
            return Some("the volume has other mutable parameters".into());
        }
        None
    }
}
