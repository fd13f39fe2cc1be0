//! What no profile may say, because CSI forbids the declaration or it could not be kept.

use std::{io, path::PathBuf};

use super::{ControllerCapability as C, Expansion, GrowFsAt, NodeCapability as N, Profile};

/// Every RPC a latency can be given for.
const RPCS: [&str; 24] = [
    "create_volume",
    "delete_volume",
    "controller_publish_volume",
    "controller_unpublish_volume",
    "validate_volume_capabilities",
    "list_volumes",
    "get_capacity",
    "controller_expand_volume",
    "controller_get_volume",
    "controller_modify_volume",
    "create_snapshot",
    "delete_snapshot",
    "list_snapshots",
    "get_snapshot",
    "node_stage_volume",
    "node_unstage_volume",
    "node_publish_volume",
    "node_unpublish_volume",
    "node_get_volume_stats",
    "node_expand_volume",
    "node_get_info",
    "probe",
    "get_plugin_info",
    "get_plugin_capabilities",
];

/// Short forms for the calls people slow down most.
const SHORT: [(&str, &str); 9] = [
    ("controller_publish", "controller_publish_volume"),
    ("controller_unpublish", "controller_unpublish_volume"),
    ("controller_expand", "controller_expand_volume"),
    ("controller_modify", "controller_modify_volume"),
    ("node_stage", "node_stage_volume"),
    ("node_unstage", "node_unstage_volume"),
    ("node_publish", "node_publish_volume"),
    ("node_unpublish", "node_unpublish_volume"),
    ("node_expand", "node_expand_volume"),
];

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// Not the YAML of a profile; the text names line, column and key.
    #[error("{0}")]
    Yaml(String),
    /// A value, or a combination, that makes no lawful driver.
    #[error("{key}: {why}")]
    Value {
        /// The key at fault.
        key: &'static str,
        /// What is wrong, and what would do.
        why: String,
    },
}

fn fault(key: &'static str, why: impl Into<String>) -> ProfileError {
    ProfileError::Value { key, why: why.into() }
}

impl Profile {
    /// Refuses what devices cannot do: they have whole sectors.
    pub fn check_for_devices(&self) -> Result<(), ProfileError> {
        if self.granularity.0.is_multiple_of(512) {
            return Ok(());
        }
        Err(fault("granularity", "must be a multiple of 512 bytes for the loop backing"))
    }

    /// Refuses what CSI forbids a driver to declare.
    pub fn check(&self) -> Result<(), ProfileError> {
        self.check_names()?;
        self.check_sizes()?;
        self.check_latency()?;
        self.check_capabilities()?;
        self.check_expansion()?;
        self.check_grow_fs_at()
    }

    fn check_names(&self) -> Result<(), ProfileError> {
        // Any other fault of a name is for a tester to find.
        if self.name.is_empty() || self.name.len() > 63 {
            return Err(fault("name", "must have 1 to 63 characters"));
        }
        if self.version.is_empty() || self.version.len() > 128 {
            return Err(fault("version", "must have 1 to 128 bytes"));
        }
        if self.node_id.is_empty() || self.node_id.len() > 256 {
            return Err(fault("node_id", "must have 1 to 256 bytes"));
        }
        if self.fs_types.is_empty() && !self.block {
            return Err(fault("fs_types", "give at least one, or set `block: true`"));
        }
        Ok(())
    }

    fn check_sizes(&self) -> Result<(), ProfileError> {
        if self.granularity.0 == 0 {
            return Err(fault("granularity", "must be above 0"));
        }
        if self.minimum.0 == 0 || self.minimum > self.maximum {
            return Err(fault("minimum", "must be above 0 and at most `maximum`"));
        }
        if self.round_up(self.minimum.0).is_none_or(|size| size > self.maximum.0) {
            let text = "leaves no multiple of `granularity` between `minimum` and itself";
            return Err(fault("maximum", text));
        }
        Ok(())
    }

    fn check_latency(&self) -> Result<(), ProfileError> {
        for rpc in self.latency.keys() {
            let known = |name: &str| RPCS.contains(&name) || SHORT.iter().any(|(s, _)| *s == name);
            if !known(rpc) {
                let why = format!("no RPC is called `{rpc}`: write, say, `controller_expand`");
                return Err(fault("latency", why));
            }
        }
        Ok(())
    }

    fn check_capabilities(&self) -> Result<(), ProfileError> {
        let needs = [
            (C::ListVolumesPublishedNodes, C::PublishUnpublishVolume),
            (C::PublishReadonly, C::PublishUnpublishVolume),
            (C::CloneVolume, C::CreateDeleteVolume),
            (C::CreateDeleteSnapshot, C::CreateDeleteVolume),
        ];
        if !self.controller_service {
            return Ok(());
        }
        for (has, lacks) in needs {
            if self.controller.contains(&has) && !self.controller.contains(&lacks) {
                return Err(fault("controller", format!("{has:?} goes with {lacks:?}")));
            }
        }
        Ok(())
    }

    fn check_expansion(&self) -> Result<(), ProfileError> {
        let (controller, node) = (self.has(C::ExpandVolume), self.node_has(N::ExpandVolume));
        if !self.expansion.is_empty() && !controller && !node {
            return Err(fault("expansion", "needs `expand_volume` in `controller` or `node`"));
        }
        if self.expansion.contains(&Expansion::Offline) && !controller {
            return Err(fault("expansion", "`offline` needs `expand_volume` in `controller`"));
        }
        Ok(())
    }

    fn check_grow_fs_at(&self) -> Result<(), ProfileError> {
        if self.fs_types.is_empty() {
            return Ok(());
        }
        let (controller, node) = (self.has(C::ExpandVolume), self.node_has(N::ExpandVolume));
        let at = |place| self.grows_fs_at(place);
        if node && !at(GrowFsAt::NodeExpand) && !at(GrowFsAt::Controller) {
            let why = "without `node_expand` or `controller` NodeExpandVolume would be a lie";
            return Err(fault("grow_fs_at", why));
        }
        // Without a node step a reply of the controller says that nothing is left to do, which
        // for a volume in use is true only if the controller has done it.
        let late_is_fine = self.offline_only() && self.grows_fs_on_the_way_up();
        if controller && !node && !at(GrowFsAt::Controller) && !late_is_fine {
            let why = "needs `controller`, for `node` lacks `expand_volume`";
            return Err(fault("grow_fs_at", why));
        }
        Ok(())
    }

    /// Spells every latency key as the RPC's full name.
    pub(super) fn spell_out_latency(&mut self) {
        for (short, full) in SHORT {
            if let Some(span) = self.latency.remove(short) {
                self.latency.entry(full.into()).or_insert(span);
            }
        }
    }

    /// The next multiple of the granularity; `None` past `i64::MAX`.
    pub fn round_up(&self, bytes: u64) -> Option<u64> {
        bytes.checked_next_multiple_of(self.granularity.0).filter(|b| i64::try_from(*b).is_ok())
    }
}
