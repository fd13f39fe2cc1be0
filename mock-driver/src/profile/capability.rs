//! The capability words of a profile: CSI's enum names in lower snake case, each one implemented.

use csi_stretch_proto::csi::v1::{
    controller_service_capability::rpc::Type as ControllerType,
    node_service_capability::rpc::Type as NodeType,
    plugin_capability::volume_expansion::Type as ExpansionType,
};
use serde::Deserialize;

/// A mode of `PluginCapability.VolumeExpansion`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expansion {
    /// Volumes grow at any time.
    Online,
    /// Volumes grow only while no node has them.
    Offline,
}

impl Expansion {
    /// The value on the wire.
    pub const fn wire(self) -> ExpansionType {
        match self {
            Self::Online => ExpansionType::Online,
            Self::Offline => ExpansionType::Offline,
        }
    }
}

/// What an expansion's answer gives as the volume's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapacityReply {
    /// The size it really has.
    Actual,
    /// What was asked for, as many drivers echo it; the volume may be larger by rounding. On the
    /// node, where the field is optional, nothing if nothing was asked for.
    Asked,
}

/// A call that can grow a file system to its device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrowFsAt {
    /// NodeStageVolume; without staging, the NodePublishVolume that mounts the device.
    Stage,
    /// NodePublishVolume.
    Publish,
    /// NodeExpandVolume.
    NodeExpand,
    /// ControllerExpandVolume.
    Controller,
}

/// Makes an enum of capability words with a list of all and the value on the wire.
macro_rules! capabilities {
    ($(#[$doc:meta])* $name:ident, $wire:ident, [$($word:ident),* $(,)?]) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[allow(missing_docs, reason = "the words are CSI's own")]
        pub enum $name { $($word),* }

        impl $name {
            /// Everything this driver implements.
            pub const ALL: [Self; [$(stringify!($word)),*].len()] = [$(Self::$word),*];

            /// The value on the wire.
            pub const fn wire(self) -> $wire {
                match self { $(Self::$word => $wire::$word),* }
            }
        }
    };
}

capabilities!(
    /// A value of `ControllerServiceCapability.RPC.Type`.
    ControllerCapability,
    ControllerType,
    [
        CreateDeleteVolume,
        PublishUnpublishVolume,
        ListVolumes,
        GetCapacity,
        CreateDeleteSnapshot,
        ListSnapshots,
        CloneVolume,
        PublishReadonly,
        ExpandVolume,
        ListVolumesPublishedNodes,
        VolumeCondition,
        GetVolume,
        SingleNodeMultiWriter,
        ModifyVolume,
        GetSnapshot,
    ]
);

capabilities!(
    /// A value of `NodeServiceCapability.RPC.Type`. VOLUME_MOUNT_GROUP is not among them: no file
    /// system here takes a group as a mount option.
    NodeCapability,
    NodeType,
    [StageUnstageVolume, GetVolumeStats, ExpandVolume, VolumeCondition, SingleNodeMultiWriter]
);
