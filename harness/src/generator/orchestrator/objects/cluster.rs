//! Who uses volumes and where: Pod, Node, VolumeAttachment, StorageClass, CSIDriver.

use super::{Meta, Name, Pairs, Reclaim};

/// A pod, as far as its volumes go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    /// Name, version, annotations.
    pub meta: Meta,
    /// `spec.nodeName`; none until it is scheduled.
    pub node: Name,
    /// Its volumes that are claims.
    pub volumes: Vec<PodVolume>,
    /// `status.phase`
    pub phase: PodPhase,
    /// Its kubelet has taken it down, so that its object may go.
    pub stopped: bool,
}

impl Pod {
    /// A deleted pod stays until its kubelet has taken it down.
    pub(in super::super) fn lingers(&self) -> bool {
        !self.node.is_none() && !self.stopped && !self.phase.is_over()
    }
}

/// A claim in a pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PodVolume {
    /// `claimName`, in the pod's namespace.
    pub claim: Name,
    /// `readOnly`
    pub read_only: bool,
}

/// `status.phase` of a pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the API's own names")]
pub enum PodPhase {
    #[default]
    Pending,
    Running,
    Succeeded,
    Failed,
}

impl PodPhase {
    /// It will not run again.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }

    /// As the API spells it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
        }
    }

    /// From the API's spelling.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Pending, Self::Running, Self::Succeeded, Self::Failed];
        all.into_iter().find(|phase| phase.text() == text)
    }
}

/// A node, with what CSINode says of its drivers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Name, version, annotations.
    pub meta: Meta,
    /// Each registered driver, and what it calls this node.
    pub drivers: Pairs,
    /// `status.volumesInUse`, by name of the volume object.
    pub in_use: Vec<Name>,
    /// The kubelet reports.
    pub ready: bool,
}

/// VolumeAttachment: a volume is wanted on a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attachment {
    /// Name, version, annotations.
    pub meta: Meta,
    /// `spec.attacher`: the driver.
    pub attacher: Name,
    /// `spec.nodeName`
    pub node: Name,
    /// `spec.source.persistentVolumeName`
    pub volume: Name,
    /// `status.attached`
    pub attached: bool,
    /// `status.attachmentMetadata`: the publish context.
    pub metadata: Pairs,
    /// `status.attachError.message`; none if the last attempt did not fail.
    pub attach_error: Name,
    /// `status.detachError.message`
    pub detach_error: Name,
}

/// StorageClass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Class {
    /// Name, version, annotations.
    pub meta: Meta,
    /// Which driver makes its volumes.
    pub provisioner: Name,
    /// `parameters`, secrets' names and `csi.storage.k8s.io/fstype` among them.
    pub parameters: Pairs,
    /// `allowVolumeExpansion`
    pub allow_expansion: bool,
    /// `reclaimPolicy`
    pub reclaim: Reclaim,
    /// `mountOptions`
    pub mount_options: Vec<Name>,
    /// `volumeBindingMode` is `WaitForFirstConsumer`.
    pub wait_for_consumer: bool,
}

/// CSIDriver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Driver {
    /// Name, version, annotations.
    pub meta: Meta,
    /// `spec.attachRequired` is false.
    pub no_attach: bool,
}
