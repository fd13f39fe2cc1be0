//! From an action's call to a CSI v1 request, field by field. A field that the call leaves out is
//! not sent, so that requests can lack anything on purpose.

use std::collections::{BTreeMap, HashMap};

use csi_stretch_oracle::{
    action::{Access, AccessMode, Call, Capability, PathRef, Ref, Rpc, Source},
    history::{Code, Failure},
};
use csi_stretch_proto::csi::v1 as csi;
use prost::Message;

use crate::client::secrets::Secrets;

/// Where on the wire a procedure is found.
pub fn path(rpc: Rpc) -> &'static str {
    match rpc {
        Rpc::GetPluginInfo => "/csi.v1.Identity/GetPluginInfo",
        Rpc::GetPluginCapabilities => "/csi.v1.Identity/GetPluginCapabilities",
        Rpc::Probe => "/csi.v1.Identity/Probe",
        Rpc::CreateVolume => "/csi.v1.Controller/CreateVolume",
        Rpc::DeleteVolume => "/csi.v1.Controller/DeleteVolume",
        Rpc::ControllerPublish => "/csi.v1.Controller/ControllerPublishVolume",
        Rpc::ControllerUnpublish => "/csi.v1.Controller/ControllerUnpublishVolume",
        Rpc::ValidateCapabilities => "/csi.v1.Controller/ValidateVolumeCapabilities",
        Rpc::ListVolumes => "/csi.v1.Controller/ListVolumes",
        Rpc::GetCapacity => "/csi.v1.Controller/GetCapacity",
        Rpc::ControllerGetCapabilities => "/csi.v1.Controller/ControllerGetCapabilities",
        Rpc::CreateSnapshot => "/csi.v1.Controller/CreateSnapshot",
        Rpc::DeleteSnapshot => "/csi.v1.Controller/DeleteSnapshot",
        Rpc::ListSnapshots => "/csi.v1.Controller/ListSnapshots",
        Rpc::ControllerExpand => "/csi.v1.Controller/ControllerExpandVolume",
        Rpc::ControllerGetVolume => "/csi.v1.Controller/ControllerGetVolume",
        Rpc::ControllerModify => "/csi.v1.Controller/ControllerModifyVolume",
        Rpc::NodeStage => "/csi.v1.Node/NodeStageVolume",
        Rpc::NodeUnstage => "/csi.v1.Node/NodeUnstageVolume",
        Rpc::NodePublish => "/csi.v1.Node/NodePublishVolume",
        Rpc::NodeUnpublish => "/csi.v1.Node/NodeUnpublishVolume",
        Rpc::NodeGetStats => "/csi.v1.Node/NodeGetVolumeStats",
        Rpc::NodeExpand => "/csi.v1.Node/NodeExpandVolume",
        Rpc::NodeGetCapabilities => "/csi.v1.Node/NodeGetCapabilities",
        Rpc::NodeGetInfo => "/csi.v1.Node/NodeGetInfo",
    }
}

/// Whether the Controller service answers it.
pub fn is_controller(rpc: Rpc) -> bool {
    path(rpc).starts_with("/csi.v1.Controller/")
}

/// The request as bytes; fails if the call still holds a handle or a role.
pub fn encode(call: &Call, secrets: &Secrets) -> Result<Vec<u8>, Failure> {
    match call.rpc {
        Rpc::GetPluginInfo
        | Rpc::GetPluginCapabilities
        | Rpc::Probe
        | Rpc::ControllerGetCapabilities
        | Rpc::NodeGetCapabilities
        | Rpc::NodeGetInfo => Ok(Vec::new()),
        Rpc::ListVolumes => Ok(csi::ListVolumesRequest {
            max_entries: call.max_entries.unwrap_or_default(),
            starting_token: text(call.starting_token.as_ref()),
        }
        .encode_to_vec()),
        Rpc::GetCapacity => Ok(csi::GetCapacityRequest {
            volume_capabilities: capability(call).into_iter().collect(),
            parameters: map(call.parameters.as_ref()),
            accessible_topology: None,
        }
        .encode_to_vec()),
        Rpc::CreateSnapshot | Rpc::DeleteSnapshot | Rpc::ListSnapshots => {
            snapshots(call, secrets.of(call.rpc))
        }
        rpc if is_controller(rpc) => controller(call, secrets.of(rpc)),
        rpc => node(call, secrets.of(rpc)),
    }
}

fn controller(call: &Call, secrets: HashMap<String, String>) -> Result<Vec<u8>, Failure> {
    if call.rpc == Rpc::CreateVolume {
        return create_volume(call, secrets);
    }
    let volume_id = id(call.volume.as_ref())?;
    Ok(match call.rpc {
        Rpc::DeleteVolume => csi::DeleteVolumeRequest { volume_id, secrets }.encode_to_vec(),
        Rpc::ControllerPublish => csi::ControllerPublishVolumeRequest {
            volume_id,
            node_id: id(call.node.as_ref())?,
            volume_capability: capability(call),
            readonly: call.readonly,
            secrets,
            volume_context: map(call.volume_context.as_ref()),
        }
        .encode_to_vec(),
        Rpc::ControllerUnpublish => csi::ControllerUnpublishVolumeRequest {
            volume_id,
            node_id: id(call.node.as_ref())?,
            secrets,
        }
        .encode_to_vec(),
        Rpc::ValidateCapabilities => csi::ValidateVolumeCapabilitiesRequest {
            volume_id,
            volume_context: map(call.volume_context.as_ref()),
            volume_capabilities: capability(call).into_iter().collect(),
            parameters: map(call.parameters.as_ref()),
            secrets,
            mutable_parameters: map(call.mutable_parameters.as_ref()),
        }
        .encode_to_vec(),
        Rpc::ControllerExpand => csi::ControllerExpandVolumeRequest {
            volume_id,
            capacity_range: capacity_range(call),
            secrets,
            volume_capability: capability(call),
        }
        .encode_to_vec(),
        Rpc::ControllerGetVolume => csi::ControllerGetVolumeRequest { volume_id }.encode_to_vec(),
        Rpc::ControllerModify => csi::ControllerModifyVolumeRequest {
            volume_id,
            secrets,
            mutable_parameters: map(call.mutable_parameters.as_ref()),
        }
        .encode_to_vec(),
        rpc => return Err(not_here(rpc)),
    })
}

fn create_volume(call: &Call, secrets: HashMap<String, String>) -> Result<Vec<u8>, Failure> {
    use csi::volume_content_source::{SnapshotSource, Type, VolumeSource};
    let source = match &call.source {
        None => None,
        Some(Source::Snapshot(r)) => {
            Some(Type::Snapshot(SnapshotSource { snapshot_id: id(Some(r))? }))
        }
        Some(Source::Volume(r)) => Some(Type::Volume(VolumeSource { volume_id: id(Some(r))? })),
    };
    Ok(csi::CreateVolumeRequest {
        name: text(call.name.as_ref()),
        capacity_range: capacity_range(call),
        volume_capabilities: capability(call).into_iter().collect(),
        parameters: map(call.parameters.as_ref()),
        secrets,
        volume_content_source: source.map(|s| csi::VolumeContentSource { r#type: Some(s) }),
        accessibility_requirements: None,
        mutable_parameters: map(call.mutable_parameters.as_ref()),
    }
    .encode_to_vec())
}

fn snapshots(call: &Call, secrets: HashMap<String, String>) -> Result<Vec<u8>, Failure> {
    Ok(match call.rpc {
        Rpc::CreateSnapshot => csi::CreateSnapshotRequest {
            source_volume_id: id(call.volume.as_ref())?,
            name: text(call.name.as_ref()),
            secrets,
            parameters: map(call.parameters.as_ref()),
        }
        .encode_to_vec(),
        Rpc::DeleteSnapshot => {
            let snapshot_id = id(call.snapshot.as_ref())?;
            csi::DeleteSnapshotRequest { snapshot_id, secrets }.encode_to_vec()
        }
        _ => csi::ListSnapshotsRequest {
            max_entries: call.max_entries.unwrap_or_default(),
            starting_token: text(call.starting_token.as_ref()),
            source_volume_id: id(call.volume.as_ref())?,
            snapshot_id: id(call.snapshot.as_ref())?,
            secrets,
        }
        .encode_to_vec(),
    })
}

fn node(call: &Call, secrets: HashMap<String, String>) -> Result<Vec<u8>, Failure> {
    let volume_id = id(call.volume.as_ref())?;
    let path_text = path_of(call.path.as_ref())?;
    let staging_target_path = path_of(call.staging_path.as_ref())?;
    let publish_context = map(call.publish_context.as_ref());
    let volume_context = map(call.volume_context.as_ref());
    Ok(match call.rpc {
        Rpc::NodeStage => csi::NodeStageVolumeRequest {
            volume_id,
            publish_context,
            staging_target_path,
            volume_capability: capability(call),
            secrets,
            volume_context,
        }
        .encode_to_vec(),
        Rpc::NodeUnstage => {
            csi::NodeUnstageVolumeRequest { volume_id, staging_target_path }.encode_to_vec()
        }
        Rpc::NodePublish => csi::NodePublishVolumeRequest {
            volume_id,
            publish_context,
            staging_target_path,
            target_path: path_text,
            volume_capability: capability(call),
            readonly: call.readonly,
            secrets,
            volume_context,
        }
        .encode_to_vec(),
        Rpc::NodeUnpublish => {
            csi::NodeUnpublishVolumeRequest { volume_id, target_path: path_text }.encode_to_vec()
        }
        Rpc::NodeGetStats => {
            let volume_path = path_text;
            csi::NodeGetVolumeStatsRequest { volume_id, volume_path, staging_target_path }
                .encode_to_vec()
        }
        Rpc::NodeExpand => csi::NodeExpandVolumeRequest {
            volume_id,
            volume_path: path_text,
            capacity_range: capacity_range(call),
            staging_target_path,
            volume_capability: capability(call),
            secrets,
        }
        .encode_to_vec(),
        rpc => return Err(not_here(rpc)),
    })
}

fn capacity_range(call: &Call) -> Option<csi::CapacityRange> {
    let range = call.capacity_range?;
    Some(csi::CapacityRange { required_bytes: range.required, limit_bytes: range.limit })
}

/// How the volume is used, if the call says so.
pub fn capability(call: &Call) -> Option<csi::VolumeCapability> {
    use csi::volume_capability::{AccessMode as Mode, AccessType, BlockVolume, MountVolume};
    let Capability { access, mode } = call.capability.as_ref()?;
    let access = match access {
        Access::Block => AccessType::Block(BlockVolume {}),
        Access::Mount { fs, flags } => AccessType::Mount(MountVolume {
            fs_type: fs.clone(),
            mount_flags: flags.clone(),
            volume_mount_group: String::new(),
        }),
    };
    Some(csi::VolumeCapability {
        access_mode: Some(Mode { mode: mode_number(*mode).into() }),
        access_type: Some(access),
    })
}

fn mode_number(mode: AccessMode) -> csi::volume_capability::access_mode::Mode {
    use csi::volume_capability::access_mode::Mode;
    match mode {
        AccessMode::SingleNodeWriter => Mode::SingleNodeWriter,
        AccessMode::SingleNodeReaderOnly => Mode::SingleNodeReaderOnly,
        AccessMode::MultiNodeReaderOnly => Mode::MultiNodeReaderOnly,
        AccessMode::MultiNodeSingleWriter => Mode::MultiNodeSingleWriter,
        AccessMode::MultiNodeMultiWriter => Mode::MultiNodeMultiWriter,
        AccessMode::SingleNodeSingleWriter => Mode::SingleNodeSingleWriter,
        AccessMode::SingleNodeMultiWriter => Mode::SingleNodeMultiWriter,
    }
}

/// The id that is sent.
pub fn id(reference: Option<&Ref>) -> Result<String, Failure> {
    match reference {
        None => Ok(String::new()),
        Some(Ref::Literal { literal }) => Ok(literal.clone()),
        Some(Ref::Handle(handle)) => Err(unbound(&format!("handle `{handle}`"))),
    }
}

fn path_of(path: Option<&PathRef>) -> Result<String, Failure> {
    match path {
        None => Ok(String::new()),
        Some(PathRef::Literal(path)) => Ok(path.clone()),
        Some(role) => Err(unbound(&format!("path `{role}`"))),
    }
}

fn text(value: Option<&String>) -> String {
    value.cloned().unwrap_or_default()
}

/// The entries, or none.
pub fn map(value: Option<&BTreeMap<String, String>>) -> HashMap<String, String> {
    value.map(|map| map.iter().map(|(k, v)| (k.clone(), v.clone())).collect()).unwrap_or_default()
}

fn unbound(what: &str) -> Failure {
    Failure { code: Code::Unbound, message: format!("not sent: {what} stands for nothing yet") }
}

/// The dialect has no such call; offers keep scenarios from asking for it.
pub fn not_here(rpc: Rpc) -> Failure {
    Failure { code: Code::Harness, message: format!("{rpc} has no request in this dialect") }
}
