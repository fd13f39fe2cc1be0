//! What a driver declares and how it behaves: the YAML file behind `--profile`.
//!
//! Every key is optional; without a file the driver offers all it can do. A declaration that CSI
//! forbids (offline growth by the node alone, say) is refused here, so the rest of the driver
//! never meets one.

mod capability;
mod check;
mod unit;

pub use capability::{CapacityReply, ControllerCapability, Expansion, GrowFsAt, NodeCapability};
pub use check::ProfileError;
pub use unit::{Size, Span};

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use serde::Deserialize;

use crate::backing::FsType;

/// The declarations and habits of one driver. See [`Profile::default`] for the defaults.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// The driver's name; CSI wants a domain name of at most 63 characters.
    pub name: String,
    /// The vendor version.
    pub version: String,
    /// The id of the one node this driver runs on, at most 256 bytes.
    pub node_id: String,
    /// Whether the Controller service is declared.
    pub controller_service: bool,
    /// Whether there is a Node service; the controller plugin of a split deployment has none.
    pub node_service: bool,
    /// Modes in which volumes grow; declared when not empty.
    pub expansion: BTreeSet<Expansion>,
    /// Controller capabilities; an RPC without its capability answers UNIMPLEMENTED.
    pub controller: BTreeSet<ControllerCapability>,
    /// Node capabilities; an RPC without its capability answers UNIMPLEMENTED.
    pub node: BTreeSet<NodeCapability>,
    /// Sizes are rounded up to a multiple of this.
    pub granularity: Size,
    /// The smallest volume; a smaller request gets this size.
    pub minimum: Size,
    /// The largest volume; a larger request is OUT_OF_RANGE.
    pub maximum: Size,
    /// Total of all volumes; 0 is without limit.
    pub pool: Size,
    /// File systems on offer, the default first; empty offers block volumes only.
    pub fs_types: Vec<FsType>,
    /// Whether raw block volumes are on offer.
    pub block: bool,
    /// What an expansion's answer gives as the volume's size.
    pub capacity_reply: CapacityReply,
    /// The calls in which a file system smaller than its device is grown. Left out: at stage, and
    /// in NodeExpandVolume or, without that, in ControllerExpandVolume.
    pub grow_fs_at: Option<BTreeSet<GrowFsAt>>,
    /// Names that ControllerModifyVolume and CreateVolume take as mutable parameters.
    pub mutable_parameters: BTreeSet<String>,
    /// Time an RPC takes before it acts, by its name in lower snake case.
    pub latency: BTreeMap<String, Span>,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            name: "mock.csi-stretch.example".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            node_id: "node-1".into(),
            controller_service: true,
            node_service: true,
            expansion: BTreeSet::from([Expansion::Online]),
            controller: ControllerCapability::ALL.into_iter().collect(),
            node: NodeCapability::ALL.into_iter().collect(),
            granularity: Size(1 << 20),
            minimum: Size(1 << 20),
            maximum: Size(16 << 40),
            pool: Size(0),
            fs_types: FsType::ALL.to_vec(),
            block: true,
            capacity_reply: CapacityReply::Actual,
            grow_fs_at: None,
            mutable_parameters: BTreeSet::new(),
            latency: BTreeMap::new(),
        }
    }
}

impl Profile {
    /// Reads and checks a profile file.
    pub fn load(path: &Path) -> Result<Self, ProfileError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ProfileError::Read { path: path.into(), source })?;
        Self::parse(&text)
    }

    /// Reads and checks a profile's text.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        // An empty file is a profile of defaults.
        let blank = text.lines().all(|line| line.trim().is_empty() || line.starts_with('#'));
        let mut profile: Self = if blank {
            Self::default()
        } else {
            serde_saphyr::from_str(text).map_err(|e| ProfileError::Yaml(e.to_string()))?
        };
        profile.check()?;
        profile.spell_out_latency();
        Ok(profile)
    }

    /// Whether a controller RPC's capability is declared.
    pub fn has(&self, capability: ControllerCapability) -> bool {
        self.controller_service && self.controller.contains(&capability)
    }

    /// Whether a node RPC's capability is declared.
    pub fn node_has(&self, capability: NodeCapability) -> bool {
        self.node_service && self.node.contains(&capability)
    }

    /// Whether volumes grow only while no node has them.
    pub fn offline_only(&self) -> bool {
        self.expansion.contains(&Expansion::Offline) && !self.expansion.contains(&Expansion::Online)
    }

    /// Whether a file system smaller than its device is grown in that call.
    pub fn grows_fs_at(&self, at: GrowFsAt) -> bool {
        if let Some(listed) = &self.grow_fs_at {
            return listed.contains(&at);
        }
        let on_node = self.node_has(NodeCapability::ExpandVolume);
        match at {
            GrowFsAt::Stage => true,
            GrowFsAt::Publish => false,
            GrowFsAt::NodeExpand => on_node,
            GrowFsAt::Controller => !on_node,
        }
    }

    /// Whether bringing a volume up on a node grows its file system: needed to restore or clone
    /// to a larger size, which no NodeExpandVolume may have to help with.
    pub fn grows_fs_on_the_way_up(&self) -> bool {
        self.grows_fs_at(GrowFsAt::Stage) || self.grows_fs_at(GrowFsAt::Publish)
    }

    /// How long an RPC pretends to work.
    pub fn latency(&self, rpc: &str) -> Duration {
        self.latency.get(rpc).map_or(Duration::ZERO, |span| span.0)
    }
}
