//! From a CSI v1 reply to the one shape that histories know. What a driver says is kept as it is;
//! enum values nobody knows stay visible as `UNKNOWN(n)`.

use std::collections::{BTreeMap, HashMap};

use csi_stretch_oracle::{
    action::Rpc,
    history::{Entry, Reply, SnapshotInfo, Stated, Usage, VolumeInfo},
};
use csi_stretch_proto::csi::v1 as csi;
use prost::{DecodeError, Message, bytes::Bytes};

use crate::{client::secrets::Secrets, words::clean};

/// Reads the reply of a procedure.
pub fn decode(rpc: Rpc, bytes: Bytes, secrets: &Secrets) -> Result<Reply, DecodeError> {
    Ok(match rpc {
        Rpc::GetPluginInfo => {
            let said = csi::GetPluginInfoResponse::decode(bytes)?;
            let vendor_version = Some(said.vendor_version);
            Reply { text: Some(said.name), vendor_version, ..Reply::default() }
        }
        Rpc::Probe => {
            let said = csi::ProbeResponse::decode(bytes)?;
            Reply { ready: Some(said.ready.unwrap_or(true)), ..Reply::default() }
        }
        Rpc::GetPluginCapabilities | Rpc::ControllerGetCapabilities | Rpc::NodeGetCapabilities => {
            Reply { capabilities: Some(capabilities(rpc, bytes)?), ..Reply::default() }
        }
        Rpc::NodeGetInfo => {
            let said = csi::NodeGetInfoResponse::decode(bytes)?;
            Reply {
                text: Some(said.node_id),
                max_volumes: Some(said.max_volumes_per_node),
                topology: Some(said.accessible_topology.is_some()),
                ..Reply::default()
            }
        }
        Rpc::NodeGetStats => {
            let said = csi::NodeGetVolumeStatsResponse::decode(bytes)?;
            let condition = Some(condition(said.volume_condition.as_ref()));
            let usage = said.usage.iter().map(usage).collect();
            Reply { usage, condition, ..Reply::default() }
        }
        Rpc::NodeExpand => {
            let said = csi::NodeExpandVolumeResponse::decode(bytes)?;
            Reply { capacity_bytes: Some(said.capacity_bytes), ..Reply::default() }
        }
        Rpc::NodeStage => done(csi::NodeStageVolumeResponse::decode(bytes)?),
        Rpc::NodeUnstage => done(csi::NodeUnstageVolumeResponse::decode(bytes)?),
        Rpc::NodePublish => done(csi::NodePublishVolumeResponse::decode(bytes)?),
        Rpc::NodeUnpublish => done(csi::NodeUnpublishVolumeResponse::decode(bytes)?),
        Rpc::CreateSnapshot | Rpc::DeleteSnapshot | Rpc::ListSnapshots => snapshots(rpc, bytes)?,
        _ => controller(rpc, bytes, secrets)?,
    })
}

fn controller(rpc: Rpc, bytes: Bytes, secrets: &Secrets) -> Result<Reply, DecodeError> {
    Ok(match rpc {
        Rpc::CreateVolume => {
            let said = csi::CreateVolumeResponse::decode(bytes)?;
            let topology = Some(has_topology(said.volume.iter()));
            Reply { volume: said.volume.map(volume), topology, ..Reply::default() }
        }
        Rpc::ControllerGetVolume => {
            let said = csi::ControllerGetVolumeResponse::decode(bytes)?;
            let status = said.status.as_ref();
            Reply {
                topology: Some(has_topology(said.volume.iter())),
                status: Some(status.is_some()),
                condition: Some(condition(status.and_then(|s| s.volume_condition.as_ref()))),
                volume: said.volume.map(volume),
                ..Reply::default()
            }
        }
        Rpc::ControllerExpand => {
            let said = csi::ControllerExpandVolumeResponse::decode(bytes)?;
            Reply {
                capacity_bytes: Some(said.capacity_bytes),
                node_expansion_required: Some(said.node_expansion_required),
                ..Reply::default()
            }
        }
        Rpc::ControllerPublish => {
            let said = csi::ControllerPublishVolumeResponse::decode(bytes)?;
            Reply { publish_context: Some(sorted(said.publish_context)), ..Reply::default() }
        }
        Rpc::ValidateCapabilities => {
            let said = csi::ValidateVolumeCapabilitiesResponse::decode(bytes)?;
            let text = clean(&secrets.scrub(&said.message));
            let confirmed = Some(said.confirmed.is_some());
            Reply { confirmed, text: Some(text), ..Reply::default() }
        }
        Rpc::ListVolumes => list_volumes(csi::ListVolumesResponse::decode(bytes)?),
        Rpc::GetCapacity => {
            let said = csi::GetCapacityResponse::decode(bytes)?;
            Reply {
                available_capacity: Some(said.available_capacity),
                maximum_volume_size: said.maximum_volume_size,
                minimum_volume_size: said.minimum_volume_size,
                ..Reply::default()
            }
        }
        Rpc::ControllerModify => done(csi::ControllerModifyVolumeResponse::decode(bytes)?),
        Rpc::ControllerUnpublish => done(csi::ControllerUnpublishVolumeResponse::decode(bytes)?),
        _ => done(csi::DeleteVolumeResponse::decode(bytes)?),
    })
}

fn list_volumes(said: csi::ListVolumesResponse) -> Reply {
    let of = |entry: &csi::list_volumes_response::Entry| {
        condition(entry.status.as_ref().and_then(|status| status.volume_condition.as_ref()))
    };
    Reply {
        topology: Some(has_topology(said.entries.iter().filter_map(|e| e.volume.as_ref()))),
        status: Some(said.entries.iter().all(|entry| entry.status.is_some())),
        condition: said.entries.iter().map(of).min(),
        entries: Some(said.entries.into_iter().map(volume_entry).collect()),
        next_token: Some(said.next_token),
        ..Reply::default()
    }
}

fn has_topology<'a>(mut volumes: impl Iterator<Item = &'a csi::Volume>) -> bool {
    volumes.any(|volume| !volume.accessible_topology.is_empty())
}

fn condition(said: Option<&csi::VolumeCondition>) -> Stated {
    match said {
        None => Stated::Missing,
        Some(said) if said.message.is_empty() => Stated::Partly,
        Some(_) => Stated::Fully,
    }
}

fn snapshots(rpc: Rpc, bytes: Bytes) -> Result<Reply, DecodeError> {
    Ok(match rpc {
        Rpc::CreateSnapshot => {
            let said = csi::CreateSnapshotResponse::decode(bytes)?;
            let creation_time = said.snapshot.as_ref().map(|s| s.creation_time.is_some());
            Reply { snapshot: said.snapshot.map(snapshot), creation_time, ..Reply::default() }
        }
        Rpc::ListSnapshots => {
            let said = csi::ListSnapshotsResponse::decode(bytes)?;
            let dated = |entry: &csi::list_snapshots_response::Entry| {
                entry.snapshot.as_ref().is_some_and(|s| s.creation_time.is_some())
            };
            Reply {
                creation_time: Some(said.entries.iter().all(dated)),
                entries: Some(said.entries.into_iter().map(snapshot_entry).collect()),
                next_token: Some(said.next_token),
                ..Reply::default()
            }
        }
        _ => done(csi::DeleteSnapshotResponse::decode(bytes)?),
    })
}

/// A reply without fields that matter; decoding it has shown that it is one.
fn done<T>(_said: T) -> Reply {
    Reply::default()
}

fn capabilities(rpc: Rpc, bytes: Bytes) -> Result<Vec<String>, DecodeError> {
    Ok(match rpc {
        Rpc::GetPluginCapabilities => {
            let said = csi::GetPluginCapabilitiesResponse::decode(bytes)?;
            said.capabilities.into_iter().map(plugin_capability).collect()
        }
        Rpc::ControllerGetCapabilities => {
            use csi::controller_service_capability::{Type, rpc};
            let said = csi::ControllerGetCapabilitiesResponse::decode(bytes)?;
            let name = |c: &csi::ControllerServiceCapability| match &c.r#type {
                Some(Type::Rpc(r)) => {
                    named(rpc::Type::try_from(r.r#type).map(|t| t.as_str_name()), r.r#type)
                }
                None => unset(),
            };
            said.capabilities.iter().map(name).collect()
        }
        _ => {
            use csi::node_service_capability::{Type, rpc};
            let said = csi::NodeGetCapabilitiesResponse::decode(bytes)?;
            let name = |c: &csi::NodeServiceCapability| match &c.r#type {
                Some(Type::Rpc(r)) => {
                    named(rpc::Type::try_from(r.r#type).map(|t| t.as_str_name()), r.r#type)
                }
                None => unset(),
            };
            said.capabilities.iter().map(name).collect()
        }
    })
}

fn plugin_capability(capability: csi::PluginCapability) -> String {
    use csi::plugin_capability::{Type, service, volume_expansion};
    match capability.r#type {
        Some(Type::Service(s)) => {
            named(service::Type::try_from(s.r#type).map(|t| t.as_str_name()), s.r#type)
        }
        Some(Type::VolumeExpansion(v)) => match volume_expansion::Type::try_from(v.r#type) {
            Ok(volume_expansion::Type::Unknown) => "EXPANSION_UNKNOWN".to_owned(),
            Ok(known) => known.as_str_name().to_owned(),
            Err(_) => format!("EXPANSION_UNKNOWN({})", v.r#type),
        },
        None => unset(),
    }
}

/// The enum's name of a value.
pub fn named<E>(name: Result<&'static str, E>, number: i32) -> String {
    name.map_or_else(|_| format!("UNKNOWN({number})"), str::to_owned)
}

/// A capability that says nothing, or of a kind younger than this dialect.
pub fn unset() -> String {
    "UNSET".to_owned()
}

fn volume(volume: csi::Volume) -> VolumeInfo {
    use csi::volume_content_source::Type;
    let source = volume.content_source.map(|source| match source.r#type {
        Some(Type::Snapshot(s)) => format!("snapshot {}", s.snapshot_id),
        Some(Type::Volume(v)) => format!("volume {}", v.volume_id),
        None => unset(),
    });
    VolumeInfo {
        id: volume.volume_id,
        capacity_bytes: volume.capacity_bytes,
        context: sorted(volume.volume_context),
        content_source: source,
    }
}

fn snapshot(snapshot: csi::Snapshot) -> SnapshotInfo {
    SnapshotInfo {
        id: snapshot.snapshot_id,
        source_volume_id: snapshot.source_volume_id,
        size_bytes: snapshot.size_bytes,
        ready_to_use: snapshot.ready_to_use,
    }
}

fn volume_entry(entry: csi::list_volumes_response::Entry) -> Entry {
    let volume = entry.volume.unwrap_or_default();
    let nodes = entry.status.map(|status| status.published_node_ids).unwrap_or_default();
    Entry { id: volume.volume_id, bytes: volume.capacity_bytes, nodes }
}

fn snapshot_entry(entry: csi::list_snapshots_response::Entry) -> Entry {
    let snapshot = entry.snapshot.unwrap_or_default();
    Entry { id: snapshot.snapshot_id, bytes: snapshot.size_bytes, nodes: Vec::new() }
}

fn usage(usage: &csi::VolumeUsage) -> Usage {
    let unit = csi::volume_usage::Unit::try_from(usage.unit).map(|unit| unit.as_str_name());
    Usage {
        unit: named(unit, usage.unit),
        total: usage.total,
        used: usage.used,
        available: usage.available,
    }
}

fn sorted(map: HashMap<String, String>) -> BTreeMap<String, String> {
    map.into_iter().collect()
}
