//! From an action's call to a csi.v0 request. Requests with the numbers of csi.v1's are those; the
//! names of their fields are no matter on the wire.

use csi_stretch_oracle::{
    action::{Call, Rpc},
    history::Failure,
};
use csi_stretch_proto::csi::v0;
use prost::Message as _;

use crate::client::{csi_v1::request as v1, secrets::Secrets};

/// Begins the path of what the Controller service answers.
pub const CONTROLLER: &str = "/csi.v0.Controller/";
pub const REQUIRES_FS_RESIZE: &str = "/csi.v0.Controller/RequiresFSResize";
pub const CONTROLLER_RESIZE: &str = "/csi.v0.Controller/ControllerResizeVolume";
pub const NODE_RESIZE: &str = "/csi.v0.Node/NodeResizeVolume";
pub const NODE_GET_ID: &str = "/csi.v0.Node/NodeGetId";

/// Path and bytes; fails if the call still holds a handle or a role, or the dialect has no such call.
pub fn encode(call: &Call, secrets: &Secrets) -> Result<(&'static str, Vec<u8>), Failure> {
    let path = path(call.rpc).ok_or_else(|| v1::not_here(call.rpc))?;
    let message = match call.rpc {
        Rpc::ValidateCapabilities => v0::ValidateVolumeCapabilitiesRequest {
            volume_id: v1::id(call.volume.as_ref())?,
            volume_capabilities: v1::capability(call).into_iter().collect(),
            volume_attributes: v1::map(call.volume_context.as_ref()),
            accessible_topology: Vec::new(),
        }
        .encode_to_vec(),
        _ => v1::encode(call, secrets)?,
    };
    Ok((path, message))
}

/// The question before a growth.
pub fn requires_fs_resize(call: &Call) -> Result<Vec<u8>, Failure> {
    let request = v0::RequiresFsResizeRequest {
        volume_id: v1::id(call.volume.as_ref())?,
        volume_capability: v1::capability(call),
        volume_attributes: v1::map(call.volume_context.as_ref()),
    };
    Ok(request.encode_to_vec())
}

/// `None`: csi.v0 has no such call.
fn path(rpc: Rpc) -> Option<&'static str> {
    Some(match rpc {
        Rpc::GetPluginInfo => "/csi.v0.Identity/GetPluginInfo",
        Rpc::GetPluginCapabilities => "/csi.v0.Identity/GetPluginCapabilities",
        Rpc::Probe => "/csi.v0.Identity/Probe",
        Rpc::CreateVolume => "/csi.v0.Controller/CreateVolume",
        Rpc::DeleteVolume => "/csi.v0.Controller/DeleteVolume",
        Rpc::ControllerPublish => "/csi.v0.Controller/ControllerPublishVolume",
        Rpc::ControllerUnpublish => "/csi.v0.Controller/ControllerUnpublishVolume",
        Rpc::ValidateCapabilities => "/csi.v0.Controller/ValidateVolumeCapabilities",
        Rpc::ListVolumes => "/csi.v0.Controller/ListVolumes",
        Rpc::GetCapacity => "/csi.v0.Controller/GetCapacity",
        Rpc::ControllerGetCapabilities => "/csi.v0.Controller/ControllerGetCapabilities",
        Rpc::CreateSnapshot => "/csi.v0.Controller/CreateSnapshot",
        Rpc::DeleteSnapshot => "/csi.v0.Controller/DeleteSnapshot",
        Rpc::ListSnapshots => "/csi.v0.Controller/ListSnapshots",
        Rpc::ControllerExpand => CONTROLLER_RESIZE,
        Rpc::NodeStage => "/csi.v0.Node/NodeStageVolume",
        Rpc::NodeUnstage => "/csi.v0.Node/NodeUnstageVolume",
        Rpc::NodePublish => "/csi.v0.Node/NodePublishVolume",
        Rpc::NodeUnpublish => "/csi.v0.Node/NodeUnpublishVolume",
        Rpc::NodeExpand => NODE_RESIZE,
        Rpc::NodeGetCapabilities => "/csi.v0.Node/NodeGetCapabilities",
        Rpc::NodeGetInfo => "/csi.v0.Node/NodeGetInfo",
        Rpc::ControllerGetVolume | Rpc::ControllerModify | Rpc::NodeGetStats => return None,
    })
}
