//! The secrets file: csi-sanity's keys, so that a CI job can keep the one it has. Its values go to
//! the client and nowhere else.

use std::{collections::BTreeMap, path::Path};

use csi_stretch_oracle::action::Rpc;
use serde::Deserialize;

use super::profile::ProfileError;
use crate::client::secrets::Secrets;

type Map = BTreeMap<String, String>;

#[derive(Default, Deserialize)]
#[expect(clippy::struct_field_names, reason = "csi-sanity's own names")]
#[serde(deny_unknown_fields, default, rename_all = "PascalCase")]
struct File {
    create_volume_secret: Map,
    delete_volume_secret: Map,
    controller_publish_volume_secret: Map,
    controller_unpublish_volume_secret: Map,
    controller_validate_volume_capabilities_secret: Map,
    controller_expand_volume_secret: Map,
    controller_modify_volume_secret: Map,
    node_stage_volume_secret: Map,
    node_publish_volume_secret: Map,
    node_expand_volume_secret: Map,
    create_snapshot_secret: Map,
    delete_snapshot_secret: Map,
    list_snapshots_secret: Map,
}

/// Reads a secrets file.
pub fn load(path: &Path) -> Result<Secrets, ProfileError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ProfileError::Read { path: path.into(), source })?;
    // The parser's message quotes the line, and the line may hold a secret: only the place is told.
    let file: File = serde_saphyr::from_str(&text).map_err(|error| ProfileError::Secrets {
        path: path.into(),
        message: format!(
            "{}expected csi-sanity's keys, such as `CreateVolumeSecret: {{ key: value }}`",
            error.location().map_or_else(String::new, |at| format!(
                "line {}, column {}: ",
                at.line(),
                at.column()
            ))
        ),
    })?;
    Ok(Secrets::new(BTreeMap::from([
        (Rpc::CreateVolume, file.create_volume_secret),
        (Rpc::DeleteVolume, file.delete_volume_secret),
        (Rpc::ControllerPublish, file.controller_publish_volume_secret),
        (Rpc::ControllerUnpublish, file.controller_unpublish_volume_secret),
        (Rpc::ValidateCapabilities, file.controller_validate_volume_capabilities_secret),
        (Rpc::ControllerExpand, file.controller_expand_volume_secret),
        (Rpc::ControllerModify, file.controller_modify_volume_secret),
        (Rpc::NodeStage, file.node_stage_volume_secret),
        (Rpc::NodePublish, file.node_publish_volume_secret),
        (Rpc::NodeExpand, file.node_expand_volume_secret),
        (Rpc::CreateSnapshot, file.create_snapshot_secret),
        (Rpc::DeleteSnapshot, file.delete_snapshot_secret),
        (Rpc::ListSnapshots, file.list_snapshots_secret),
    ])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn csi_sanitys_keys_are_read() {
        let file = written("CreateVolumeSecret:\n  key: hunter2\n");
        assert!(load(file.path()).is_ok());
    }

    #[test]
    fn an_error_never_quotes_a_secret() {
        let file = written("CreateVolumeSecret:\n  key: hunter2\nCreatVolumeSecret: hunter3\n");
        let text = load(file.path()).unwrap_err().to_string();
        assert!(!text.contains("hunter"), "{text}");
        assert!(text.contains("line 3"), "{text}");
    }
}
