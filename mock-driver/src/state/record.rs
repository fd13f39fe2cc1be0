//! What is written down about a volume and a snapshot.
//!
//! Every effect has a mark that is on disk before the effect begins ([`VolumeState`], and `done`
//! on mounts), so that a start after SIGKILL knows what may be half-made.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};

use crate::backing::FsType;

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeRecord {
    /// What clients call it.
    pub id: String,
    /// Place in the order of creation.
    pub sequence: u64,
    /// The name it was created under.
    pub name: String,
    /// The size last promised, bytes.
    pub bytes: u64,
    /// What is under way.
    pub state: VolumeState,
    /// What it was created to be used as; never empty.
    pub capabilities: Vec<Capability>,
    /// The creation's parameters.
    pub parameters: BTreeMap<String, String>,
    /// The creation's mutable parameters, to recognise a repeat.
    pub mutable_at_creation: BTreeMap<String, String>,
    /// The mutable parameters now.
    pub mutable: BTreeMap<String, String>,
    /// Where its first content came from.
    pub source: Option<SourceRecord>,
    /// Controller publications, by node id.
    pub published: BTreeMap<String, Publication>,
    /// Where the node has staged it.
    pub staged: Option<Staged>,
    /// Where the node has published it.
    pub targets: BTreeMap<PathBuf, Target>,
}

/// What is under way with a volume as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VolumeState {
    /// Being made; nobody was told of it yet.
    Creating,
    /// There.
    Ready,
    /// Growing to so many bytes.
    Growing(u64),
    /// Being removed.
    Deleting,
}

/// A use of a volume, as a `VolumeCapability` gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capability {
    /// Block or mount.
    pub kind: Kind,
    /// `AccessMode.Mode` by its number on the wire.
    pub mode: i32,
}

/// Block or mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A raw block device.
    Block,
    /// A file system; an empty `fs_type` leaves the choice to the driver.
    Mount {
        /// The file system asked for, as written in the request.
        fs_type: String,
        /// Mount options; they can be sensitive.
        flags: Vec<String>,
    },
}

/// Where a volume's content came from, by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceRecord {
    /// From a snapshot.
    Snapshot(String),
    /// From another volume.
    Volume(String),
}

/// A publication by the controller to one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// As what.
    pub capability: Capability,
    /// Without write access.
    pub readonly: bool,
}

/// A staging on the node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staged {
    /// Where.
    pub path: PathBuf,
    /// As what.
    pub capability: Capability,
    /// False while it is being made or undone.
    pub done: bool,
}

/// A publication on the node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// As what.
    pub capability: Capability,
    /// Without write access, as the request said.
    pub readonly: bool,
    /// The staging path given, if any.
    pub staged: Option<PathBuf>,
    /// False while it is being made or undone.
    pub done: bool,
}

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotRecord {
    /// What clients call it.
    pub id: String,
    /// Place in the order of creation.
    pub sequence: u64,
    /// The name it was created under.
    pub name: String,
    /// The volume it was cut from, which may be gone.
    pub source_volume: String,
    /// The source's size when it was cut, bytes.
    pub bytes: u64,
    /// When it was cut.
    pub created: SystemTime,
    /// False while it is being cut or removed.
    pub done: bool,
    /// What the source was created to be used as.
    pub capabilities: Vec<Capability>,
    /// What the source held when it was cut.
    pub fs_type: Option<FsType>,
}

impl VolumeRecord {
    /// The bytes that the volume takes from the pool, also while it is growing.
    pub fn reserved_bytes(&self) -> u64 {
        match self.state {
            VolumeState::Growing(bytes) => bytes.max(self.bytes),
            _ => self.bytes,
        }
    }

    /// Whether clients may know of it.
    pub fn is_visible(&self) -> bool {
        matches!(self.state, VolumeState::Ready | VolumeState::Growing(_))
    }

    /// Whether a node has it in any way.
    pub fn is_on_node(&self) -> bool {
        self.staged.is_some() || !self.targets.is_empty()
    }

    /// Whether it is staged or published on the node at exactly this path.
    pub fn is_at(&self, path: &Path) -> bool {
        self.targets.contains_key(path) || self.staged.as_ref().is_some_and(|s| s.path == path)
    }

    /// Whether it was created for use as a file system.
    pub fn can_mount(&self) -> bool {
        self.capabilities.iter().any(|c| matches!(c.kind, Kind::Mount { .. }))
    }
}

/// A new id: never one that was used before, as far as 64 random bits can promise it, so that the
/// id of a deleted volume stays unknown.
pub fn fresh_id(prefix: &str, name: &str) -> String {
    // The standard library seeds each `RandomState` from the system's randomness.
    let random = RandomState::new().hash_one((name, SystemTime::now(), std::process::id()));
    format!("{prefix}-{random:016x}")
}
