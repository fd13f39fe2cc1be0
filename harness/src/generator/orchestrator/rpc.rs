//! The calls that Kubernetes makes to a driver, and what comes back. Symbolic: whoever performs
//! them knows what a name stands for, where the paths are and what the secrets say.

use csi_stretch_oracle::history::Code;

use super::{
    names::{Name, Names},
    objects::{Claim, Modes, Pairs, Pod},
    store::Id,
    time::Span,
};

/// Which procedure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the specification's own names")]
pub enum Method {
    Probe,
    GetPluginInfo,
    GetPluginCapabilities,
    ControllerGetCapabilities,
    CreateVolume,
    DeleteVolume,
    ControllerPublishVolume,
    ControllerUnpublishVolume,
    ControllerExpandVolume,
    NodeGetInfo,
    NodeGetCapabilities,
    NodeStageVolume,
    NodeUnstageVolume,
    NodePublishVolume,
    NodeUnpublishVolume,
    NodeExpandVolume,
}

impl Method {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 16] = [
        Self::Probe,
        Self::GetPluginInfo,
        Self::GetPluginCapabilities,
        Self::ControllerGetCapabilities,
        Self::CreateVolume,
        Self::DeleteVolume,
        Self::ControllerPublishVolume,
        Self::ControllerUnpublishVolume,
        Self::ControllerExpandVolume,
        Self::NodeGetInfo,
        Self::NodeGetCapabilities,
        Self::NodeStageVolume,
        Self::NodeUnstageVolume,
        Self::NodePublishVolume,
        Self::NodeUnpublishVolume,
        Self::NodeExpandVolume,
    ];

    /// The specification's spelling.
    pub fn name(self) -> &'static str {
        match self {
            Self::Probe => "Probe",
            Self::GetPluginInfo => "GetPluginInfo",
            Self::GetPluginCapabilities => "GetPluginCapabilities",
            Self::ControllerGetCapabilities => "ControllerGetCapabilities",
            Self::CreateVolume => "CreateVolume",
            Self::DeleteVolume => "DeleteVolume",
            Self::ControllerPublishVolume => "ControllerPublishVolume",
            Self::ControllerUnpublishVolume => "ControllerUnpublishVolume",
            Self::ControllerExpandVolume => "ControllerExpandVolume",
            Self::NodeGetInfo => "NodeGetInfo",
            Self::NodeGetCapabilities => "NodeGetCapabilities",
            Self::NodeStageVolume => "NodeStageVolume",
            Self::NodeUnstageVolume => "NodeUnstageVolume",
            Self::NodePublishVolume => "NodePublishVolume",
            Self::NodeUnpublishVolume => "NodeUnpublishVolume",
            Self::NodeExpandVolume => "NodeExpandVolume",
        }
    }
}

/// The access mode of a capability, as CSI numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the specification's own names")]
pub enum AccessMode {
    SingleNodeWriter = 1,
    SingleNodeReaderOnly = 2,
    MultiNodeReaderOnly = 3,
    MultiNodeSingleWriter = 4,
    MultiNodeMultiWriter = 5,
    SingleNodeSingleWriter = 6,
    SingleNodeMultiWriter = 7,
}

impl AccessMode {
    /// How Kubernetes maps the access modes of a volume; `several`: the driver has
    /// SINGLE_NODE_MULTI_WRITER. `None`: it refuses to.
    pub fn of(modes: Modes, several: bool) -> Option<Self> {
        if modes.has(Modes::RWX) {
            return Some(Self::MultiNodeMultiWriter);
        }
        if modes.has(Modes::RWOP) {
            let alone = modes == Modes::RWOP;
            let mode = if several { Self::SingleNodeSingleWriter } else { Self::SingleNodeWriter };
            return alone.then_some(mode);
        }
        match (modes.has(Modes::ROX), modes.has(Modes::RWO)) {
            (true, false) => Some(Self::MultiNodeReaderOnly),
            (false, true) if several => Some(Self::SingleNodeMultiWriter),
            (false, true) => Some(Self::SingleNodeWriter),
            _ => None,
        }
    }
}

/// What kind of volume a call speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Raw block instead of a mounted file system.
    pub block: bool,
    /// Who may use it at once.
    pub mode: AccessMode,
}

/// A path on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Where the volume is staged on this node.
    Staging,
    /// Where this pod has it.
    Target(Id<Pod>),
}

/// One call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rpc {
    /// Which procedure.
    pub method: Method,
    /// The volume's id with the driver.
    pub handle: Name,
    /// The PersistentVolume's name; for `CreateVolume` the name it is to have.
    pub volume: Name,
    /// On which node, or for which.
    pub node: Name,
    /// For `CreateVolume`: the claim.
    pub claim: Option<Id<Claim>>,
    /// `capacity_range.required_bytes`; 0 is none.
    pub bytes: u64,
    /// `volume_capability`, where the call has one and the profile sends it.
    pub capability: Option<Capability>,
    /// `target_path` or `volume_path`.
    pub path: Option<Place>,
    /// `staging_target_path` is sent.
    pub staging: bool,
    /// `readonly`
    pub read_only: bool,
    /// Secrets are sent if the volume names some for this call.
    pub secrets: bool,
    /// How long the caller waits.
    pub deadline: Span,
}

impl Rpc {
    /// A call without a volume.
    pub fn new(method: Method, deadline: Span) -> Self {
        Self {
            method,
            handle: Name::NONE,
            volume: Name::NONE,
            node: Name::NONE,
            claim: None,
            bytes: 0,
            capability: None,
            path: None,
            staging: false,
            read_only: false,
            secrets: false,
            deadline,
        }
    }
}

/// What a driver declares, as far as Kubernetes looks at it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caps(u16);

impl Caps {
    /// CONTROLLER_SERVICE of the plugin.
    pub const CONTROLLER_SERVICE: Self = Self(1);
    /// CREATE_DELETE_VOLUME
    pub const CREATE_DELETE: Self = Self(1 << 1);
    /// PUBLISH_UNPUBLISH_VOLUME
    pub const PUBLISH: Self = Self(1 << 2);
    /// EXPAND_VOLUME of the controller
    pub const CONTROLLER_EXPAND: Self = Self(1 << 3);
    /// STAGE_UNSTAGE_VOLUME
    pub const STAGE: Self = Self(1 << 4);
    /// EXPAND_VOLUME of the node
    pub const NODE_EXPAND: Self = Self(1 << 5);
    /// SINGLE_NODE_MULTI_WRITER of controller and node
    pub const SEVERAL_WRITERS: Self = Self(1 << 6);
    /// PUBLISH_READONLY
    pub const PUBLISH_READONLY: Self = Self(1 << 7);
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::CONTROLLER_SERVICE,
        Self::CREATE_DELETE,
        Self::PUBLISH,
        Self::CONTROLLER_EXPAND,
        Self::STAGE,
        Self::NODE_EXPAND,
        Self::SEVERAL_WRITERS,
        Self::PUBLISH_READONLY,
    ];

    /// These and those.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These without those.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// All of those are among these.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What a driver answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// `capacity_bytes`
    pub bytes: u64,
    /// `node_expansion_required`
    pub node_expansion: bool,
    /// To the questions for capabilities.
    pub caps: Caps,
    /// `volume_id` of a new volume.
    pub handle: Name,
    /// `volume_context` or `publish_context`.
    pub context: Option<Box<Pairs>>,
}

/// Why a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// gRPC's code; `None`: it failed before it was made.
    pub code: Option<Code>,
    /// The status message.
    pub message: Name,
}

/// Either.
pub type Answer = Result<Reply, Failure>;

impl Failure {
    /// The call may still have an effect, or nobody knows.
    pub fn is_uncertain(self) -> bool {
        use Code::{Aborted, Cancelled, DeadlineExceeded, ResourceExhausted, Unavailable};
        matches!(
            self.code,
            None | Some(Cancelled | DeadlineExceeded | Unavailable | ResourceExhausted | Aborted)
        )
    }

    /// Trying again as it is cannot work.
    pub fn is_infeasible(self) -> bool {
        use Code::{InvalidArgument, NotFound, OutOfRange};
        matches!(self.code, Some(InvalidArgument | OutOfRange | NotFound))
    }

    /// The volume is in use and can only be grown when it is not.
    pub fn is_in_use(self) -> bool {
        self.code == Some(Code::FailedPrecondition)
    }

    /// As a Go program prints it.
    pub fn text(self, names: &Names) -> String {
        let message = names.text(self.message);
        match self.code {
            None => message.to_owned(),
            Some(code) => format!("rpc error: code = {} desc = {message}", go_name(code)),
        }
    }
}

fn go_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "Canceled",
        Code::InvalidArgument => "InvalidArgument",
        Code::DeadlineExceeded => "DeadlineExceeded",
        Code::NotFound => "NotFound",
        Code::AlreadyExists => "AlreadyExists",
        Code::PermissionDenied => "PermissionDenied",
        Code::ResourceExhausted => "ResourceExhausted",
        Code::FailedPrecondition => "FailedPrecondition",
        Code::Aborted => "Aborted",
        Code::OutOfRange => "OutOfRange",
        Code::Unimplemented => "Unimplemented",
        Code::Internal => "Internal",
        Code::Unavailable => "Unavailable",
        Code::DataLoss => "DataLoss",
        Code::Unauthenticated => "Unauthenticated",
        _ => "Unknown",
    }
}
