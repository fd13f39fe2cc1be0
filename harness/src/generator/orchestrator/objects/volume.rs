//! PersistentVolume: what was made for a claim.

use super::{Meta, Modes, Name, Pairs};

/// A volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Name, version, annotations.
    pub meta: Meta,
    /// `spec.capacity.storage`
    pub capacity: u64,
    /// `spec.storageClassName`
    pub class: Name,
    /// `spec.accessModes`
    pub modes: Modes,
    /// `spec.volumeMode` is `Block`.
    pub block: bool,
    /// `spec.claimRef`
    pub claim: Option<ClaimRef>,
    /// `spec.persistentVolumeReclaimPolicy`
    pub reclaim: Reclaim,
    /// `spec.mountOptions`
    pub mount_options: Vec<Name>,
    /// `spec.csi`; none for a volume of another kind, which no CSI sidecar touches.
    pub csi: Option<Box<Csi>>,
    /// `status.phase`
    pub phase: VolumePhase,
}

/// Which claim a volume belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClaimRef {
    /// Its namespace.
    pub namespace: Name,
    /// Its name.
    pub name: Name,
    /// 0 if it is not known.
    pub uid: u64,
}

/// `spec.csi` of a volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Csi {
    /// Whose it is.
    pub driver: Name,
    /// `volumeHandle`
    pub handle: Name,
    /// `fsType`
    pub fs_type: Name,
    /// `readOnly`
    pub read_only: bool,
    /// `volumeAttributes`
    pub attributes: Pairs,
    /// `controllerExpandSecretRef`
    pub controller_expand_secret: Option<SecretRef>,
    /// `nodeExpandSecretRef`
    pub node_expand_secret: Option<SecretRef>,
    /// `controllerPublishSecretRef`
    pub controller_publish_secret: Option<SecretRef>,
    /// `nodeStageSecretRef`
    pub node_stage_secret: Option<SecretRef>,
    /// `nodePublishSecretRef`
    pub node_publish_secret: Option<SecretRef>,
}

/// Where a secret lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SecretRef {
    /// Its namespace.
    pub namespace: Name,
    /// Its name.
    pub name: Name,
}

/// What happens to a volume when its claim is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the API's own names")]
pub enum Reclaim {
    #[default]
    Delete,
    Retain,
}

impl Reclaim {
    /// As the API spells it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Delete => "Delete",
            Self::Retain => "Retain",
        }
    }

    /// From the API's spelling.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Delete, Self::Retain].into_iter().find(|reclaim| reclaim.text() == text)
    }
}

/// `status.phase` of a volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the API's own names")]
pub enum VolumePhase {
    #[default]
    Pending,
    Available,
    Bound,
    Released,
    Failed,
}

impl VolumePhase {
    const ALL: [Self; 5] =
        [Self::Pending, Self::Available, Self::Bound, Self::Released, Self::Failed];

    /// As the API spells it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Available => "Available",
            Self::Bound => "Bound",
            Self::Released => "Released",
            Self::Failed => "Failed",
        }
    }

    /// From the API's spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.text() == text)
    }
}
