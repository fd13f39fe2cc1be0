//! What can be done to a target, its node or its volumes: plain data in one vocabulary for all
//! dialects.
//!
//! Actions are symbolic. A volume is named by the scenario's handle, a path by its role; the
//! runner binds both to real ids and paths. So the same plan gives the same actions on every
//! target, and a subject's history can be laid beside the reference's.

use std::{collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod database;

pub use database::{Close, Database, Engine, Until};

/// One thing to do; which worker does it follows from the variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A call to the driver (worker: client).
    Call(Box<Call>),
    /// A look at what really is there (worker: host).
    Probe(Probe),
    /// Data written or verified on a volume (worker: workload).
    Load(Load),
    /// Something broken on purpose, always healed (worker: nemesis).
    Fault(Fault),
    /// A pause.
    Wait(Wait),
}

/// The remote procedures of a driver, under dialect-neutral names.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are CSI's own; see `Rpc::full_name`")]
pub enum Rpc {
    GetPluginInfo,
    GetPluginCapabilities,
    Probe,
    CreateVolume,
    DeleteVolume,
    ControllerPublish,
    ControllerUnpublish,
    ValidateCapabilities,
    ListVolumes,
    GetCapacity,
    ControllerGetCapabilities,
    CreateSnapshot,
    DeleteSnapshot,
    ListSnapshots,
    ControllerExpand,
    ControllerGetVolume,
    ControllerModify,
    NodeStage,
    NodeUnstage,
    NodePublish,
    NodeUnpublish,
    NodeGetStats,
    NodeExpand,
    NodeGetCapabilities,
    NodeGetInfo,
}

/// One call. A field that is `None` is not sent, so a request can lack any field on purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Call {
    /// Which procedure.
    pub rpc: Rpc,
    /// The volume; for `create_volume` the handle that the new id is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<Ref>,
    /// The snapshot; for `create_snapshot` the handle that the new id is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<Ref>,
    /// Idempotency name for the two create calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Wanted size in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity_range: Option<CapacityRange>,
    /// How the volume is to be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capability: Option<Capability>,
    /// What a new volume is filled from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The node; the handle `node` is the target's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Ref>,
    /// `target_path` or `volume_path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathRef>,
    /// `staging_target_path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staging_path: Option<PathRef>,
    /// Publish read-only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub readonly: bool,
    /// Opaque parameters of creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<BTreeMap<String, String>>,
    /// Opaque parameters that may change later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mutable_parameters: Option<BTreeMap<String, String>>,
    /// `None`: what the driver returned at creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_context: Option<BTreeMap<String, String>>,
    /// `None`: what the driver returned at controller publication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish_context: Option<BTreeMap<String, String>>,
    /// Page size of a listing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_entries: Option<i32>,
    /// Where a listing goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starting_token: Option<String>,
    /// Longest wait for the reply in milliseconds; `None`: the run's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
}

/// An id: by handle, or literally (an id that no driver ever gave out).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Ref {
    /// A name of the scenario's, bound to a real id when the driver gives one.
    Handle(String),
    /// Sent as it is.
    Literal {
        /// The text to send.
        literal: String,
    },
}

/// A path by role, or literally.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PathRef {
    /// Where the volume is staged on the node.
    Staging,
    /// Where the volume is published for workload number n, from 0.
    Target(u8),
    /// Where another volume, by handle, is published for its first workload.
    Of(String),
    /// Sent as it is.
    Literal(String),
}

/// Wanted size in bytes; 0 is unset. Signed, as on the wire: negative values are sent on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CapacityRange {
    /// At least this many bytes.
    pub required: i64,
    /// At most this many bytes.
    #[serde(default)]
    pub limit: i64,
}

/// How a volume is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Capability {
    /// Raw device or mounted file system.
    pub access: Access,
    /// How many nodes and writers.
    #[serde(default)]
    pub mode: AccessMode,
}

/// Raw device or mounted file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// A raw block device.
    Block,
    /// A mounted file system.
    Mount {
        /// `ext4`, `xfs`, `btrfs`; empty lets the driver choose.
        fs: String,
        /// Mount options.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        flags: Vec<String>,
    },
}

/// CSI's access modes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are CSI's own")]
pub enum AccessMode {
    #[default]
    SingleNodeWriter,
    SingleNodeReaderOnly,
    MultiNodeReaderOnly,
    MultiNodeSingleWriter,
    MultiNodeMultiWriter,
    SingleNodeSingleWriter,
    SingleNodeMultiWriter,
}

/// What a new volume is filled from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Restored from a snapshot.
    Snapshot(Ref),
    /// Cloned from a volume.
    Volume(Ref),
}

/// A look at the device, the file system and the mount behind a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Probe {
    /// Handle of the volume.
    pub volume: String,
    /// Where to look.
    pub path: PathRef,
}

/// Data on a volume. Every acknowledged block is kept in a ledger outside the volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Load {
    /// Writes pattern blocks and syncs them.
    Write {
        /// Handle of the volume.
        volume: String,
        /// Where it is mounted, or the device file.
        path: PathRef,
        /// How much, bytes.
        bytes: u64,
        /// Which part of the volume.
        #[serde(default)]
        place: Place,
        /// What the first block of a block device looks like.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        like: Option<Guise>,
    },
    /// Reads every block of the ledger back and compares.
    Verify {
        /// Handle of the volume.
        volume: String,
        /// Where it is mounted, or the device file.
        path: PathRef,
    },
    /// Starts a writer in the background: appends and syncs until stopped.
    Start {
        /// Handle of the volume.
        volume: String,
        /// Where it is mounted, or the device file.
        path: PathRef,
    },
    /// Stops the writer; the completion tells what it did.
    Stop {
        /// Handle of the volume.
        volume: String,
    },
    /// Opens a database and starts its loads. One that ran there before is opened again, and
    /// recovers.
    Open {
        /// Handle of the volume.
        volume: String,
        /// Where it is mounted, or the device file.
        path: PathRef,
        /// Which, and how hard it works.
        database: Database,
    },
    /// Waits for something of a running database.
    Await {
        /// Handle of the volume.
        volume: String,
        /// Where it is mounted, or the device file.
        path: PathRef,
        /// What for.
        until: Until,
        /// Longest wait, milliseconds.
        within_ms: u64,
    },
    /// Ends a database; the completion tells what it did and met.
    Close {
        /// Handle of the volume.
        volume: String,
        /// How.
        how: Close,
    },
}

impl Load {
    /// Handle of the volume.
    pub fn volume(&self) -> &str {
        match self {
            Self::Write { volume, .. }
            | Self::Verify { volume, .. }
            | Self::Start { volume, .. }
            | Self::Stop { volume }
            | Self::Open { volume, .. }
            | Self::Await { volume, .. }
            | Self::Close { volume, .. } => volume,
        }
    }

    /// Where it is mounted, or the device file; `None`: it works where it was started.
    pub fn path(&self) -> Option<&PathRef> {
        match self {
            Self::Write { path, .. }
            | Self::Verify { path, .. }
            | Self::Start { path, .. }
            | Self::Open { path, .. }
            | Self::Await { path, .. } => Some(path),
            Self::Stop { .. } | Self::Close { .. } => None,
        }
    }
}

/// Which part of a volume a write goes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// After what the ledger already holds.
    #[default]
    Append,
    /// The last bytes of a block device; for a file system the same as `append`.
    End,
}

/// What the beginning of a block device can look like to a driver that guesses from the bytes how
/// a volume is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Guise {
    /// A blank device.
    Zeros,
    /// A partition table.
    Gpt,
    /// An ext4 file system.
    Ext4,
    /// An XFS file system.
    Xfs,
}

/// Something broken on purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// SIGKILL to a driver that the harness started, then the same command again; done when it
    /// answers Probe.
    RestartDriver,
}

/// A pause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Wait {
    /// Milliseconds.
    pub ms: u64,
}

impl Call {
    /// A call with nothing set but its procedure.
    pub fn new(rpc: Rpc) -> Self {
        Self {
            rpc,
            volume: None,
            snapshot: None,
            name: None,
            capacity_range: None,
            capability: None,
            source: None,
            node: None,
            path: None,
            staging_path: None,
            readonly: false,
            parameters: None,
            mutable_parameters: None,
            volume_context: None,
            publish_context: None,
            max_entries: None,
            starting_token: None,
            deadline_ms: None,
        }
    }
}

impl Ref {
    /// The handle, if it is one.
    pub fn handle(&self) -> Option<&str> {
        match self {
            Self::Handle(name) => Some(name),
            Self::Literal { .. } => None,
        }
    }
}

impl Rpc {
    /// Every procedure with its CSI name and the offers it needs (`offer` names), in wire order.
    pub const ALL: &[(Self, &str, &[&str])] = &[
        (Self::GetPluginInfo, "GetPluginInfo", &[]),
        (Self::GetPluginCapabilities, "GetPluginCapabilities", &[]),
        (Self::Probe, "Probe", &[]),
        (Self::CreateVolume, "CreateVolume", &["controller.create"]),
        (Self::DeleteVolume, "DeleteVolume", &["controller.create"]),
        (Self::ControllerPublish, "ControllerPublishVolume", &["controller.publish"]),
        (Self::ControllerUnpublish, "ControllerUnpublishVolume", &["controller.publish"]),
        (Self::ValidateCapabilities, "ValidateVolumeCapabilities", &["controller"]),
        (Self::ListVolumes, "ListVolumes", &["controller.list"]),
        (Self::GetCapacity, "GetCapacity", &["controller.capacity"]),
        (Self::ControllerGetCapabilities, "ControllerGetCapabilities", &["controller"]),
        (Self::CreateSnapshot, "CreateSnapshot", &["controller.snapshot"]),
        (Self::DeleteSnapshot, "DeleteSnapshot", &["controller.snapshot"]),
        (Self::ListSnapshots, "ListSnapshots", &["controller.list-snapshots"]),
        (Self::ControllerExpand, "ControllerExpandVolume", &["controller.expand"]),
        (Self::ControllerGetVolume, "ControllerGetVolume", &["controller.get"]),
        (Self::ControllerModify, "ControllerModifyVolume", &["controller.modify"]),
        (Self::NodeStage, "NodeStageVolume", &["node.stage"]),
        (Self::NodeUnstage, "NodeUnstageVolume", &["node.stage"]),
        (Self::NodePublish, "NodePublishVolume", &["node"]),
        (Self::NodeUnpublish, "NodeUnpublishVolume", &["node"]),
        (Self::NodeGetStats, "NodeGetVolumeStats", &["node.stats"]),
        (Self::NodeExpand, "NodeExpandVolume", &["node.expand"]),
        (Self::NodeGetCapabilities, "NodeGetCapabilities", &["node"]),
        (Self::NodeGetInfo, "NodeGetInfo", &["node"]),
    ];

    /// The name in the specification, `ControllerExpandVolume`.
    pub fn full_name(self) -> &'static str {
        Self::ALL.iter().find(|(rpc, ..)| *rpc == self).map_or("?", |(_, name, _)| name)
    }

    /// It only asks, and changes nothing.
    pub fn only_asks(self) -> bool {
        use Rpc as R;
        !matches!(
            self,
            R::CreateVolume
                | R::DeleteVolume
                | R::ControllerPublish
                | R::ControllerUnpublish
                | R::CreateSnapshot
                | R::DeleteSnapshot
                | R::ControllerExpand
                | R::ControllerModify
                | R::NodeStage
                | R::NodeUnstage
                | R::NodePublish
                | R::NodeUnpublish
                | R::NodeExpand
        )
    }

    /// What a target has to offer before this procedure may be called.
    pub fn needs(self) -> &'static [&'static str] {
        Self::ALL.iter().find(|(rpc, ..)| *rpc == self).map_or(&[], |(.., needs)| needs)
    }
}

impl fmt::Display for Rpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.full_name())
    }
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handle(name) => f.write_str(name),
            Self::Literal { literal } => write!(f, "{literal:?}"),
        }
    }
}

impl fmt::Display for PathRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Staging => f.write_str("staging"),
            Self::Target(n) => write!(f, "target {n}"),
            Self::Of(volume) => write!(f, "{volume}'s target"),
            Self::Literal(path) => write!(f, "{path:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_procedure_is_in_the_table_once() {
        for (rpc, name, _) in Rpc::ALL {
            assert_eq!(rpc.full_name(), *name);
            assert_eq!(Rpc::ALL.iter().filter(|(r, ..)| r == rpc).count(), 1, "{name}");
        }
    }
}
