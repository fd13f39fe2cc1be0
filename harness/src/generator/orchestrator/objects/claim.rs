//! PersistentVolumeClaim: what somebody asks for, and what they have.

use super::{Conditions, Meta, Modes, Name};

/// A claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// Name, version, annotations.
    pub meta: Meta,
    /// `spec.storageClassName`
    pub class: Name,
    /// `spec.accessModes`
    pub modes: Modes,
    /// `spec.volumeMode` is `Block`.
    pub block: bool,
    /// `spec.resources.requests.storage`
    pub request: u64,
    /// `spec.volumeName`
    pub volume: Name,
    /// `spec.dataSource`: another claim or a snapshot, by name.
    pub source: Name,
    /// `status.phase`
    pub phase: ClaimPhase,
    /// `status.capacity.storage`; 0 is none.
    pub capacity: u64,
    /// `status.allocatedResources.storage`
    pub allocated: Option<u64>,
    /// `status.allocatedResourceStatuses.storage`
    pub resize: Option<Resize>,
    /// `status.conditions`, as far as they are about resizing.
    pub conditions: Conditions,
}

impl Claim {
    /// What a quota counts for it.
    pub fn charged(&self) -> u64 {
        self.request.max(self.allocated.unwrap_or(0))
    }
}

/// `status.phase` of a claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the API's own names")]
pub enum ClaimPhase {
    #[default]
    Pending,
    Bound,
    Lost,
}

impl ClaimPhase {
    /// As the API spells it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Bound => "Bound",
            Self::Lost => "Lost",
        }
    }

    /// From the API's spelling.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Bound, Self::Lost].into_iter().find(|phase| phase.text() == text)
    }
}

/// How far an expansion got: `status.allocatedResourceStatuses.storage`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resize {
    /// `ControllerResizeInProgress`
    ControllerInProgress,
    /// `ControllerResizeInfeasible`
    ControllerInfeasible,
    /// `NodeResizePending`
    NodePending,
    /// `NodeResizeInProgress`
    NodeInProgress,
    /// `NodeResizeInfeasible`
    NodeInfeasible,
}

impl Resize {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::ControllerInProgress,
        Self::ControllerInfeasible,
        Self::NodePending,
        Self::NodeInProgress,
        Self::NodeInfeasible,
    ];

    /// As the API spells it.
    pub fn text(self) -> &'static str {
        match self {
            Self::ControllerInProgress => "ControllerResizeInProgress",
            Self::ControllerInfeasible => "ControllerResizeInfeasible",
            Self::NodePending => "NodeResizePending",
            Self::NodeInProgress => "NodeResizeInProgress",
            Self::NodeInfeasible => "NodeResizeInfeasible",
        }
    }

    /// From the API's spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resize| resize.text() == text)
    }
}
