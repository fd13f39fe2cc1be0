//! What a driver answered, as recorded: one shape for all procedures and dialects. What a driver
//! leaves out stays left out, so that a check can tell.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A driver's answer, in one shape for all procedures; only the fields of the procedure are set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Reply {
    /// CreateVolume, ControllerGetVolume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<VolumeInfo>,
    /// ControllerExpandVolume and NodeExpandVolume: bytes as replied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity_bytes: Option<i64>,
    /// ControllerExpandVolume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_expansion_required: Option<bool>,
    /// ControllerPublishVolume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish_context: Option<BTreeMap<String, String>>,
    /// NodeGetVolumeStats.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub usage: Vec<Usage>,
    /// ValidateVolumeCapabilities: whether `confirmed` was set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<bool>,
    /// ListVolumes, ListSnapshots: ids in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<Vec<Entry>>,
    /// ListVolumes, ListSnapshots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    /// GetCapacity, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available_capacity: Option<i64>,
    /// GetCapacity, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_volume_size: Option<i64>,
    /// GetCapacity, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_volume_size: Option<i64>,
    /// CreateSnapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<SnapshotInfo>,
    /// GetPluginInfo: name; NodeGetInfo: node id; ValidateVolumeCapabilities: message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// GetPluginInfo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor_version: Option<String>,
    /// The three capability calls: CSI's enum names; unknown values as `UNKNOWN(n)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Vec<String>>,
    /// Probe: unset counts as true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<bool>,
    /// NodeGetInfo: `max_volumes_per_node`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_volumes: Option<i64>,
    /// Replies with volumes, NodeGetInfo: whether any accessible topology was stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topology: Option<bool>,
    /// CreateSnapshot, ListSnapshots: whether every snapshot has the time of its creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creation_time: Option<bool>,
    /// ListVolumes, ControllerGetVolume: whether every volume has a status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<bool>,
    /// ListVolumes, ControllerGetVolume, NodeGetVolumeStats: whether every volume has a condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<Stated>,
}

/// Whether a message that may be left out is there, and says what it has to.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Stated {
    /// Not there.
    Missing,
    /// There, but a required field of it is empty.
    Partly,
    /// There, with its required fields.
    Fully,
}

/// A volume in a reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VolumeInfo {
    /// The driver's id.
    pub id: String,
    /// Bytes as replied; 0 is unknown.
    pub capacity_bytes: i64,
    /// Returned to the driver unchanged.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub context: BTreeMap<String, String>,
    /// Whether a content source was stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_source: Option<String>,
}

/// A snapshot in a reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SnapshotInfo {
    /// The driver's id.
    pub id: String,
    /// Id of the volume it was taken of.
    pub source_volume_id: String,
    /// Bytes; 0 is unknown.
    pub size_bytes: i64,
    /// It can be restored now.
    pub ready_to_use: bool,
}

/// One entry of a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// Volume or snapshot id.
    pub id: String,
    /// Bytes as replied.
    pub bytes: i64,
    /// ListVolumes: nodes it is published on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<String>,
}

/// One entry of NodeGetVolumeStats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// `BYTES`, `INODES` or `UNKNOWN`.
    pub unit: String,
    /// In that unit.
    pub total: i64,
    /// In that unit.
    pub used: i64,
    /// In that unit.
    pub available: i64,
}
