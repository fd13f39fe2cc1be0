//! From a csi.v0 reply to the one shape that histories know, where it is not on the wire as csi.v1's.

use csi_stretch_oracle::{
    action::Rpc,
    history::{Entry, Reply, SnapshotInfo},
};
use csi_stretch_proto::csi::v0;
use prost::{DecodeError, Message as _, bytes::Bytes};

use crate::{
    client::{
        csi_v1::reply::{self as v1, named, unset},
        secrets::Secrets,
    },
    words::clean,
};

/// The name by which every other dialect declares growth.
pub const EXPAND: &str = "EXPAND_VOLUME";

/// Names that csi.v1 has changed.
const RENAMED: &[(&str, &str)] =
    &[("RESIZE_VOLUME", EXPAND), ("ACCESSIBILITY_CONSTRAINTS", "VOLUME_ACCESSIBILITY_CONSTRAINTS")];

/// Reads the reply of a procedure.
pub fn decode(rpc: Rpc, bytes: Bytes, secrets: &Secrets) -> Result<Reply, DecodeError> {
    Ok(match rpc {
        Rpc::GetPluginCapabilities | Rpc::ControllerGetCapabilities | Rpc::NodeGetCapabilities => {
            let names = capabilities(rpc, bytes)?.into_iter().map(renamed).collect();
            Reply { capabilities: Some(names), ..Reply::default() }
        }
        Rpc::ValidateCapabilities => {
            let said = v0::ValidateVolumeCapabilitiesResponse::decode(bytes)?;
            let text = clean(&secrets.scrub(&said.message));
            Reply { confirmed: Some(said.supported), text: Some(text), ..Reply::default() }
        }
        Rpc::CreateSnapshot => {
            let said = v0::CreateSnapshotResponse::decode(bytes)?.snapshot;
            let creation_time = said.as_ref().map(|snapshot| snapshot.created_at > 0);
            Reply { snapshot: said.map(snapshot), creation_time, ..Reply::default() }
        }
        Rpc::ListSnapshots => {
            let said = v0::ListSnapshotsResponse::decode(bytes)?;
            let snapshots = || said.entries.iter().flat_map(|entry| &entry.snapshot);
            Reply {
                creation_time: Some(snapshots().all(|snapshot| snapshot.created_at > 0)),
                entries: Some(snapshots().cloned().map(entry).collect()),
                next_token: Some(said.next_token.clone()),
                ..Reply::default()
            }
        }
        _ => v1::decode(rpc, bytes, secrets)?,
    })
}

fn capabilities(rpc: Rpc, bytes: Bytes) -> Result<Vec<String>, DecodeError> {
    Ok(match rpc {
        Rpc::GetPluginCapabilities => {
            use v0::plugin_capability::{Type, service};
            let said = v0::GetPluginCapabilitiesResponse::decode(bytes)?;
            let name = |one: &v0::PluginCapability| match &one.r#type {
                Some(Type::Service(s)) => {
                    named(service::Type::try_from(s.r#type).map(|t| t.as_str_name()), s.r#type)
                }
                None => unset(),
            };
            said.capabilities.iter().map(name).collect()
        }
        Rpc::ControllerGetCapabilities => {
            use v0::controller_service_capability::{Type, rpc};
            let said = v0::ControllerGetCapabilitiesResponse::decode(bytes)?;
            let name = |one: &v0::ControllerServiceCapability| match &one.r#type {
                Some(Type::Rpc(r)) => {
                    named(rpc::Type::try_from(r.r#type).map(|t| t.as_str_name()), r.r#type)
                }
                None => unset(),
            };
            said.capabilities.iter().map(name).collect()
        }
        _ => {
            use v0::node_service_capability::{Type, rpc};
            let said = v0::NodeGetCapabilitiesResponse::decode(bytes)?;
            let name = |one: &v0::NodeServiceCapability| match &one.r#type {
                Some(Type::Rpc(r)) => {
                    named(rpc::Type::try_from(r.r#type).map(|t| t.as_str_name()), r.r#type)
                }
                None => unset(),
            };
            said.capabilities.iter().map(name).collect()
        }
    })
}

fn renamed(name: String) -> String {
    let known = RENAMED.iter().find(|(old, _)| *old == name);
    known.map_or(name, |(_, new)| (*new).to_owned())
}

fn snapshot(said: v0::Snapshot) -> SnapshotInfo {
    let ready = i32::from(v0::snapshot_status::Type::Ready);
    SnapshotInfo {
        ready_to_use: said.status.is_some_and(|status| status.r#type == ready),
        id: said.id,
        source_volume_id: said.source_volume_id,
        size_bytes: said.size_bytes,
    }
}

fn entry(said: v0::Snapshot) -> Entry {
    Entry { id: said.id, bytes: said.size_bytes, nodes: Vec::new() }
}
