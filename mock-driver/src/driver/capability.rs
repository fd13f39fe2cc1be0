//! Volume capabilities: well-formed, offered by this driver, and supported by a given volume.

use std::collections::BTreeMap;

use csi_stretch_proto::csi::v1::{
    VolumeCapability,
    volume_capability::{AccessMode, AccessType, BlockVolume, MountVolume, access_mode::Mode},
};
use tonic::Status;

use super::{Driver, Reply};
use crate::{
    backing::FsType,
    profile::{ControllerCapability, NodeCapability},
    state::{Capability, Kind},
};

/// Reads a capability that has to be there: an access type and a known access mode.
pub fn parse(given: Option<&VolumeCapability>) -> Reply<Capability> {
    let wrong = |why: &str| Err(Status::invalid_argument(format!("volume_capability {why}")));
    let Some(given) = given else { return wrong("is missing") };
    let kind = match &given.access_type {
        None => return wrong("names neither block nor mount"),
        Some(AccessType::Block(_)) => Kind::Block,
        Some(AccessType::Mount(mount)) if !mount.volume_mount_group.is_empty() => {
            return wrong("has a volume_mount_group, which this driver does not declare");
        }
        Some(AccessType::Mount(mount)) => {
            let (fs_type, flags) = (mount.fs_type.clone(), mount.mount_flags.clone());
            Kind::Mount { fs_type, flags }
        }
    };
    let mode = given.access_mode.map_or(0, |m| m.mode);
    match Mode::try_from(mode) {
        Ok(Mode::Unknown) => wrong("has no access mode"),
        Err(_) => wrong("has an access mode that CSI 1.12 does not know"),
        Ok(_) => Ok(Capability { kind, mode }),
    }
}

/// Reads a list that must not be empty.
pub fn parse_all(given: &[VolumeCapability]) -> Reply<Vec<Capability>> {
    if given.is_empty() {
        return Err(Status::invalid_argument("volume_capabilities is empty"));
    }
    given.iter().map(|one| parse(Some(one))).collect()
}

impl Capability {
    /// The file system asked for and the mount options, for a mount.
    pub fn mount(&self) -> Option<(&str, &[String])> {
        match &self.kind {
            Kind::Block => None,
            Kind::Mount { fs_type, flags } => Some((fs_type, flags)),
        }
    }

    /// The access mode.
    pub fn mode(&self) -> Mode {
        Mode::try_from(self.mode).unwrap_or(Mode::Unknown)
    }

    /// Whether the mode gives no write access.
    pub fn is_reader(&self) -> bool {
        matches!(self.mode(), Mode::SingleNodeReaderOnly | Mode::MultiNodeReaderOnly)
    }

    /// Whether several nodes may have the volume at once.
    pub fn is_multi_node(&self) -> bool {
        use Mode as M;
        matches!(
            self.mode(),
            M::MultiNodeReaderOnly | M::MultiNodeSingleWriter | M::MultiNodeMultiWriter
        )
    }

    /// Whether a second path on the node is allowed by the mode.
    pub fn allows_second_path(&self) -> bool {
        self.is_multi_node() || self.mode() == Mode::SingleNodeMultiWriter
    }

    /// Back to the wire.
    pub fn wire(&self) -> VolumeCapability {
        let access_type = match &self.kind {
            Kind::Block => AccessType::Block(BlockVolume {}),
            Kind::Mount { fs_type, flags } => AccessType::Mount(MountVolume {
                fs_type: fs_type.clone(),
                mount_flags: flags.clone(),
                volume_mount_group: String::new(),
            }),
        };
        let access_mode = Some(AccessMode { mode: self.mode });
        VolumeCapability { access_type: Some(access_type), access_mode }
    }
}

impl Driver {
    /// The file system of that name, if it is on offer.
    pub(super) fn offered_fs(&self, name: &str) -> Option<FsType> {
        self.profile.fs_types.iter().copied().find(|fs| fs.name() == name)
    }

    /// Why this driver cannot make a volume for such use, if it cannot.
    pub(super) fn why_not_offered(&self, wanted: &Capability) -> Option<String> {
        let new_modes = self.profile.has(ControllerCapability::SingleNodeMultiWriter)
            || self.profile.node_has(NodeCapability::SingleNodeMultiWriter);
        let mode = wanted.mode();
        if matches!(mode, Mode::SingleNodeSingleWriter | Mode::SingleNodeMultiWriter) && !new_modes
        {
            return Some(format!("{} needs SINGLE_NODE_MULTI_WRITER", mode.as_str_name()));
        }
        match wanted.mount() {
            None if self.profile.block => None,
            None => Some("this driver offers no block volumes".into()),
            Some(_) if self.profile.fs_types.is_empty() => {
                Some("this driver offers block volumes only".into())
            }
            Some((fs, _)) if fs.is_empty() || self.offered_fs(fs).is_some() => None,
            Some((fs, _)) => Some(format!("this driver offers no file system `{fs}`")),
        }
    }

    /// Refuses a capability that this driver offers for no volume.
    pub(super) fn must_offer(&self, wanted: &[Capability]) -> Reply<()> {
        let why = wanted.iter().find_map(|one| self.why_not_offered(one));
        why.map_or(Ok(()), |why| Err(Status::invalid_argument(why)))
    }

    /// Why a volume created for `created` cannot be used so, if it cannot.
    pub(super) fn why_not_supported(
        &self,
        created: &[Capability],
        wanted: &Capability,
    ) -> Option<String> {
        if let Some(why) = self.why_not_offered(wanted) {
            return Some(why);
        }
        if created.iter().any(|one| kind_fits(one, wanted) && mode_fits(one, wanted)) {
            return None;
        }
        Some(format!("the volume was not created for {}", describe(wanted)))
    }

    /// Like `why_not_supported`, whatever the access mode: growth does not depend on it.
    pub(super) fn must_fit_kind(&self, created: &[Capability], wanted: &Capability) -> Reply<()> {
        let why = self.why_not_offered(wanted).or_else(|| {
            let fits = created.iter().any(|one| kind_fits(one, wanted));
            (!fits).then(|| format!("the volume was not created for {}", describe(wanted)))
        });
        why.map_or(Ok(()), |why| Err(Status::invalid_argument(why)))
    }

    /// Refuses mutable parameters that the profile does not name.
    pub(super) fn must_know_parameters<'a>(
        &self,
        keys: impl IntoIterator<Item = &'a String>,
    ) -> Reply<()> {
        let declared = self.profile.has(ControllerCapability::ModifyVolume);
        for key in keys {
            if !declared || !self.profile.mutable_parameters.contains(key) {
                let text = format!("`{key}` is no mutable parameter of this driver");
                return Err(Status::invalid_argument(text));
            }
        }
        Ok(())
    }
}

/// A map in the order of its keys.
pub fn sorted(map: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, String> {
    map.into_iter().collect()
}

fn kind_fits(created: &Capability, wanted: &Capability) -> bool {
    match (created.mount(), wanted.mount()) {
        (None, None) => true,
        // An empty fs_type leaves the choice to the driver; what the volume really holds is
        // compared when it is mounted.
        (Some((a, _)), Some((b, _))) => a.is_empty() || b.is_empty() || a == b,
        _ => false,
    }
}

/// Whether a volume made for one mode can be used in another: with the same or fewer rights.
fn mode_fits(created: &Capability, wanted: &Capability) -> bool {
    use Mode as M;
    let fits: &[Mode] = match created.mode() {
        M::Unknown => &[],
        M::SingleNodeWriter => &[
            M::SingleNodeWriter,
            M::SingleNodeSingleWriter,
            M::SingleNodeMultiWriter,
            M::SingleNodeReaderOnly,
        ],
        M::SingleNodeReaderOnly => &[M::SingleNodeReaderOnly],
        M::SingleNodeSingleWriter => {
            &[M::SingleNodeSingleWriter, M::SingleNodeWriter, M::SingleNodeReaderOnly]
        }
        M::SingleNodeMultiWriter => &[
            M::SingleNodeMultiWriter,
            M::SingleNodeSingleWriter,
            M::SingleNodeWriter,
            M::SingleNodeReaderOnly,
        ],
        M::MultiNodeReaderOnly => &[M::MultiNodeReaderOnly, M::SingleNodeReaderOnly],
        M::MultiNodeSingleWriter => return wanted.mode() != M::MultiNodeMultiWriter,
        M::MultiNodeMultiWriter => return true,
    };
    fits.contains(&wanted.mode())
}

/// For messages; mount options are left out, for they can be sensitive.
fn describe(capability: &Capability) -> String {
    let mode = capability.mode().as_str_name();
    match capability.mount() {
        None => format!("block access in mode {mode}"),
        Some(("", _)) => format!("mount access in mode {mode}"),
        Some((fs, _)) => format!("mount access as {fs} in mode {mode}"),
    }
}
