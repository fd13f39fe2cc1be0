//! The Controller service, one file per group of RPCs.

mod create;
mod delete;
mod expand;
mod list;
mod modify;
mod publish;
mod snapshot;
mod validate;

use std::collections::HashMap;

use csi_stretch_proto::csi::v1::{
    ControllerGetCapabilitiesResponse, ControllerServiceCapability, Volume, VolumeCondition,
    VolumeContentSource,
    controller_service_capability::{Rpc, Type},
    volume_content_source::{SnapshotSource, Type as SourceType, VolumeSource},
};
use tonic::Status;

use super::{Driver, Reply};
use crate::state::{SourceRecord, VolumeRecord};

impl Driver {
    /// ControllerGetCapabilities.
    pub fn controller_capabilities(&self) -> Reply<ControllerGetCapabilitiesResponse> {
        self.must_have_controller()?;
        let types = self.profile.controller.iter().map(|c| c.wire().into());
        let rpc = |r#type| ControllerServiceCapability { r#type: Some(Type::Rpc(Rpc { r#type })) };
        Ok(ControllerGetCapabilitiesResponse { capabilities: types.map(rpc).collect() })
    }

    fn must_have_controller(&self) -> Reply<()> {
        if self.profile.controller_service {
            return Ok(());
        }
        Err(Status::unimplemented("this driver does not declare CONTROLLER_SERVICE"))
    }

    /// What a volume's condition is, as seen without a node.
    fn condition(&self, record: &VolumeRecord) -> VolumeCondition {
        match self.backing.device_bytes(&record.id) {
            Ok(bytes) if bytes >= record.bytes => {
                VolumeCondition { abnormal: false, message: "in order".into() }
            }
            Ok(bytes) => VolumeCondition {
                abnormal: true,
                message: format!("{bytes} bytes are there of {} promised", record.bytes),
            },
            Err(error) => VolumeCondition { abnormal: true, message: shortened(error.to_string()) },
        }
    }
}

/// A volume as responses show it.
fn shown(record: &VolumeRecord) -> Volume {
    Volume {
        capacity_bytes: i64::try_from(record.bytes).unwrap_or(i64::MAX),
        volume_id: record.id.clone(),
        volume_context: HashMap::new(),
        content_source: record.source.as_ref().map(shown_source),
        accessible_topology: Vec::new(),
    }
}

fn shown_source(source: &SourceRecord) -> VolumeContentSource {
    let r#type = match source {
        SourceRecord::Snapshot(id) => {
            SourceType::Snapshot(SnapshotSource { snapshot_id: id.clone() })
        }
        SourceRecord::Volume(id) => SourceType::Volume(VolumeSource { volume_id: id.clone() }),
    };
    VolumeContentSource { r#type: Some(r#type) }
}

/// Cuts a text to the 128 bytes that CSI allows a string to have.
fn shortened(mut text: String) -> String {
    while text.len() > 128 {
        text.pop();
    }
    text
}
