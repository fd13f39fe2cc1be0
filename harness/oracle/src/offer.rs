//! What a target can do on this host, by name. A scenario `requires` offers; a gap is a skip that
//! names the missing one.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Every offer there is: name, and what it means. A name that is not here is a typing error.
pub const KNOWN: &[(&str, &str)] = &[
    ("controller", "plugin has the Controller service"),
    ("controller.create", "controller capability CREATE_DELETE_VOLUME"),
    ("controller.publish", "controller capability PUBLISH_UNPUBLISH_VOLUME"),
    ("controller.list", "controller capability LIST_VOLUMES"),
    ("controller.list-nodes", "controller capability LIST_VOLUMES_PUBLISHED_NODES"),
    ("controller.capacity", "controller capability GET_CAPACITY"),
    ("controller.snapshot", "controller capability CREATE_DELETE_SNAPSHOT"),
    ("controller.list-snapshots", "controller capability LIST_SNAPSHOTS"),
    ("controller.clone", "controller capability CLONE_VOLUME"),
    ("controller.expand", "controller capability EXPAND_VOLUME"),
    ("controller.get", "controller capability GET_VOLUME (alpha)"),
    ("controller.modify", "controller capability MODIFY_VOLUME"),
    ("controller.publish-readonly", "controller capability PUBLISH_READONLY"),
    ("node", "plugin has the Node service"),
    ("node.stage", "node capability STAGE_UNSTAGE_VOLUME"),
    ("node.stats", "node capability GET_VOLUME_STATS"),
    ("node.expand", "node capability EXPAND_VOLUME"),
    ("expand", "controller.expand or node.expand"),
    ("expand.online", "volumes may grow while published (VolumeExpansion ONLINE)"),
    ("expand.offline", "volumes may grow while not published (ONLINE or OFFLINE)"),
    ("expand.offline-only", "VolumeExpansion OFFLINE without ONLINE"),
    ("access.block", "raw block volumes (profile)"),
    ("access.mount", "mounted volumes (profile)"),
    ("fs.ext4", "ext4 volumes (profile), with what the host needs for them"),
    ("fs.xfs", "XFS volumes (profile), with what the host needs for them"),
    ("fs.btrfs", "btrfs volumes (profile), with what the host needs for them"),
    ("online.ext4", "a mounted ext4 can grow on this host (CAP_SYS_RESOURCE)"),
    ("online.xfs", "a mounted XFS can grow on this host"),
    ("online.btrfs", "a mounted btrfs can grow on this host"),
    ("offline.ext4", "an ext4 grown while unpublished is whole after the next stage"),
    ("offline.xfs", "an XFS grown while unpublished is whole after the next stage"),
    ("offline.btrfs", "a btrfs grown while unpublished is whole after the next stage"),
    ("observe", "sizes can be measured from outside the driver"),
    ("data", "data can be written to volumes and read back"),
    ("database.pages", "the embedded database can run on volumes: they are real"),
    ("database.mariadb", "a MariaDB server can run on volumes (mariadbd, and they are real)"),
    ("database.mariadb-block", "a MariaDB server can do without a file system (none can)"),
    ("fault.restart", "the harness started the driver and may restart it"),
    ("paths.128", "staging and target folders leave room for paths of just 128 bytes"),
    ("size.maximum", "the profile states the largest volume size"),
];

/// What a target can do, and why not the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Offers {
    /// Names out of [`KNOWN`].
    pub has: BTreeSet<String>,
    /// The rest of [`KNOWN`], each with a reason.
    pub lacks: BTreeMap<String, String>,
    /// Capabilities exactly as declared, by the call that declared them.
    pub declared: BTreeMap<String, Vec<String>>,
    /// Nobody said which kinds of volume the target makes: there is no profile.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub assumed: bool,
    /// Allocation unit of sizes in bytes; 1 if none is known.
    pub granularity: u64,
    /// Smallest volume in bytes; 0 if none is known.
    pub minimum: u64,
    /// Largest volume in bytes; 0 if none is known.
    pub maximum: u64,
}

impl Offers {
    /// Whether it is offered.
    pub fn has(&self, name: &str) -> bool {
        self.has.contains(name)
    }

    /// The first requirement that is not met, with the reason. `!x` must not be offered.
    pub fn gap<'a>(&self, requires: impl IntoIterator<Item = &'a str>) -> Option<String> {
        requires.into_iter().find_map(|requirement| match requirement.strip_prefix('!') {
            Some(name) => self.has(name).then(|| format!("only for targets without `{name}`")),
            None if self.has(requirement) => None,
            None => {
                let why = self.lacks.get(requirement).map_or("not offered", String::as_str);
                Some(format!("needs `{requirement}`: {why}"))
            }
        })
    }
}

/// Whether a name is in [`KNOWN`].
pub fn is_known(name: &str) -> bool {
    KNOWN.iter().any(|(known, _)| *known == name)
}
