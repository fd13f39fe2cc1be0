//! What the checks and the clause matrix have to know of the catalogue's ids: which belong to
//! which procedure.

use crate::action::Rpc;

/// The first part of a procedure's clause ids, `controller-expand`.
pub fn prefix(rpc: Rpc) -> &'static str {
    match rpc {
        Rpc::GetPluginInfo => "get-plugin-info",
        Rpc::GetPluginCapabilities => "get-plugin-capabilities",
        Rpc::Probe => "probe",
        Rpc::CreateVolume => "create-volume",
        Rpc::DeleteVolume => "delete-volume",
        Rpc::ControllerPublish => "controller-publish",
        Rpc::ControllerUnpublish => "controller-unpublish",
        Rpc::ValidateCapabilities => "validate-capabilities",
        Rpc::ListVolumes => "list-volumes",
        Rpc::GetCapacity => "get-capacity",
        Rpc::ControllerGetCapabilities => "controller-get-capabilities",
        Rpc::CreateSnapshot => "create-snapshot",
        Rpc::DeleteSnapshot => "delete-snapshot",
        Rpc::ListSnapshots => "list-snapshots",
        Rpc::ControllerExpand => "controller-expand",
        Rpc::ControllerGetVolume => "controller-get-volume",
        Rpc::ControllerModify => "controller-modify",
        Rpc::NodeStage => "node-stage",
        Rpc::NodeUnstage => "node-unstage",
        Rpc::NodePublish => "node-publish",
        Rpc::NodeUnpublish => "node-unpublish",
        Rpc::NodeGetStats => "node-get-volume-stats",
        Rpc::NodeExpand => "node-expand",
        Rpc::NodeGetCapabilities => "node-get-capabilities",
        Rpc::NodeGetInfo => "node-get-info",
    }
}

/// The clause that a procedure which is offered and legal has to work at all.
pub fn implemented(rpc: Rpc) -> String {
    format!("{}.implemented", prefix(rpc))
}

/// The clause that a repeated call has no further effect, for procedures that have one.
pub fn idempotent(rpc: Rpc) -> Option<&'static str> {
    Some(match rpc {
        Rpc::CreateVolume => "create-volume.idempotent",
        Rpc::DeleteVolume => "delete-volume.idempotent",
        Rpc::ControllerPublish => "controller-publish.idempotent",
        Rpc::ControllerUnpublish => "controller-unpublish.idempotent",
        Rpc::CreateSnapshot => "create-snapshot.idempotent",
        Rpc::DeleteSnapshot => "delete-snapshot.idempotent",
        Rpc::ControllerExpand => "controller-expand.idempotent",
        Rpc::ControllerModify => "controller-modify.idempotent",
        Rpc::NodeStage => "node-stage.idempotent",
        Rpc::NodeUnstage => "node-unstage.idempotent",
        Rpc::NodePublish => "node-publish.idempotent",
        Rpc::NodeUnpublish => "node-unpublish.idempotent",
        Rpc::NodeExpand => "node-expand.idempotent",
        _ => return None,
    })
}

/// One of the two expansion procedures.
pub fn expands(rpc: Rpc) -> bool {
    matches!(rpc, Rpc::ControllerExpand | Rpc::NodeExpand)
}
