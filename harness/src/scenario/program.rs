//! A scenario under chosen matrix values and sizes: what the script generator works through.
//! Plain data; still symbolic (handles and path roles), so that it is the same on every target.

mod field;

use std::collections::BTreeMap;

use csi_stretch_oracle::{
    action::{
        Access, AccessMode, Capability, CapacityRange, Close, Database, Guise, PathRef, Place, Rpc,
        Source, Until,
    },
    history::{Code, Expect},
};

pub(crate) use field::{Change, Field, Omit};

use super::{
    error::At,
    lexeme::{ClaimState, Keep, PartWord},
};

/// Volumes and steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    pub(crate) volumes: Vec<Volume>,
    pub(crate) commands: Vec<Command>,
    /// Whose components make the calls; `None`: the steps do.
    pub(crate) orchestrator: Option<Orchestrator>,
    /// The largest size that a target is to reach, bytes.
    pub(crate) largest: i64,
    /// A size depends on the largest that the target states.
    pub(crate) needs_maximum: bool,
    /// Length of the paths of the volume `vol`, bytes.
    pub(crate) path_bytes: Option<u16>,
}

impl Program {
    /// What each step waits for by itself, milliseconds; `None`: as long as it takes.
    pub fn pauses(&self) -> impl Iterator<Item = Option<u64>> {
        self.commands.iter().map(|command| match command.what {
            What::Wait { ms } => Some(ms),
            _ => None,
        })
    }

    /// It disturbs every other scenario on the same target, so it has to run alone.
    pub fn is_exclusive(&self) -> bool {
        self.commands.iter().any(|command| command.what == What::RestartDriver)
    }
}

/// Which orchestrator drives a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Orchestrator {
    /// The name of its profile.
    pub profile: String,
    /// How many times as fast its clock goes while it waits.
    pub pace: u32,
}

/// What a step waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// The objects show this.
    State(ClaimState),
    /// The driver has answered this call, and nobody has heard of it yet.
    Answered(Rpc),
}

/// A volume, created or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Volume {
    pub handle: String,
    /// `ext4`, `xfs`, `btrfs`, `block`, or empty: the driver chooses.
    pub kind: String,
    pub access: Access,
    pub mode: AccessMode,
    /// Base size, bytes.
    pub bytes: i64,
    pub parameters: BTreeMap<String, String>,
    /// What it is filled from, for restores and clones.
    pub source: Option<Source>,
    /// Created in the set-up.
    pub set_up: bool,
}

/// One step of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    /// From 1.
    pub number: u16,
    /// As written: `grow`, `call controller_expand`.
    pub verb: String,
    pub what: What,
    /// What the file says must come back from the step's main call.
    pub expect: Wanted,
    pub clause: Option<String>,
    pub at: At,
}

/// What a file says of the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Nothing is said: OK.
    #[default]
    Default,
    /// Any answer will do.
    Any,
    /// These codes.
    Codes { pass: Vec<Code>, warn: Vec<Code> },
}

/// What a step does. Volumes and snapshots are handles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// `source`: handle of the snapshot or volume that it is filled from.
    Create {
        volume: String,
        range: CapacityRange,
        source: Option<String>,
    },
    Stage {
        volume: String,
        path: Option<PathRef>,
    },
    Publish {
        volume: String,
        target: u8,
        readonly: bool,
        path: Option<PathRef>,
    },
    Unpublish {
        volume: String,
        keep: Option<Keep>,
    },
    RestartPod {
        volume: String,
        target: u8,
        readonly: bool,
        path: Option<PathRef>,
    },
    /// One growth after another.
    Grow {
        volume: String,
        ranges: Vec<CapacityRange>,
        path: Option<PathRef>,
    },
    NodeExpand {
        volume: String,
        range: Option<CapacityRange>,
        path: Option<PathRef>,
        omit: Vec<Omit>,
    },
    Delete {
        volume: String,
    },
    Snapshot {
        of: String,
        handle: String,
    },
    Write {
        volume: String,
        bytes: u64,
        place: Place,
        like: Option<Guise>,
    },
    Verify {
        volume: String,
    },
    StartWriter {
        volume: String,
    },
    StopWriter {
        volume: String,
    },
    StartDatabase {
        volume: String,
        database: Database,
    },
    Await {
        volume: String,
        until: Until,
        within_ms: u64,
    },
    CloseDatabase {
        volume: String,
        how: Close,
    },
    Probe {
        volume: String,
        path: Option<PathRef>,
    },
    Wait {
        ms: u64,
    },
    RestartDriver,
    /// A pod that uses the claim.
    StartPod {
        volume: String,
        target: u8,
        readonly: bool,
    },
    DeletePod {
        volume: String,
        target: u8,
    },
    /// The claim is edited.
    Request {
        volume: String,
        bytes: i64,
    },
    Until {
        volume: String,
        target: u8,
        goal: Goal,
        within_ms: u64,
    },
    /// A component's process ends.
    Restart {
        part: PartWord,
    },
    /// A raw call about a volume (none: the scenario has no volume).
    Call {
        rpc: Rpc,
        volume: Option<String>,
        set: Vec<Field>,
        omit: Vec<Omit>,
    },
    /// The last such request that succeeded, with at most one change.
    Again {
        rpc: Rpc,
        change: Option<Change>,
    },
    /// Raw calls that are under way together.
    Parallel {
        calls: Vec<Parallel>,
    },
}

/// One of the calls of a parallel step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parallel {
    /// `Call` or `Again`.
    pub what: What,
    /// How often it is sent.
    pub times: u8,
    pub expect: Wanted,
    pub clause: Option<String>,
}

impl Wanted {
    /// OK is among the right or legal answers.
    pub fn allows_ok(&self) -> bool {
        match self {
            Self::Default | Self::Any => true,
            Self::Codes { pass, warn } => pass.contains(&Code::Ok) || warn.contains(&Code::Ok),
        }
    }

    /// OK is the only right answer, or one of them.
    pub fn prefers_ok(&self) -> bool {
        match self {
            Self::Default => true,
            Self::Any => false,
            Self::Codes { pass, .. } => pass.contains(&Code::Ok),
        }
    }

    /// What the file demands; `otherwise` if it says nothing.
    pub fn or(&self, clause: Option<&String>, otherwise: Expect) -> Option<Expect> {
        match self {
            Self::Any => None,
            Self::Default => {
                Some(Expect { clause: clause.cloned().or(otherwise.clause), ..otherwise })
            }
            Self::Codes { pass, warn } => {
                Some(Expect { pass: pass.clone(), warn: warn.clone(), clause: clause.cloned() })
            }
        }
    }
}

impl Volume {
    /// How it is used, as sent.
    pub fn capability(&self) -> Capability {
        Capability { access: self.access.clone(), mode: self.mode }
    }

    pub fn is_block(&self) -> bool {
        self.access == Access::Block
    }
}

impl Program {
    pub(crate) fn volume(&self, handle: &str) -> Option<&Volume> {
        self.volumes.iter().find(|volume| volume.handle == handle)
    }
}

impl What {
    /// Handles that the step cannot do without. Raw calls may be sent without an id on purpose.
    pub fn handles(&self) -> Vec<&str> {
        match self {
            Self::Stage { volume, .. }
            | Self::Publish { volume, .. }
            | Self::Unpublish { volume, .. }
            | Self::RestartPod { volume, .. }
            | Self::Grow { volume, .. }
            | Self::NodeExpand { volume, .. }
            | Self::Delete { volume }
            | Self::Write { volume, .. }
            | Self::Verify { volume }
            | Self::StartWriter { volume }
            | Self::StopWriter { volume }
            | Self::StartDatabase { volume, .. }
            | Self::Await { volume, .. }
            | Self::CloseDatabase { volume, .. }
            | Self::Probe { volume, .. }
            | Self::StartPod { volume, .. }
            | Self::DeletePod { volume, .. }
            | Self::Request { volume, .. }
            | Self::Until { volume, .. } => vec![volume],
            Self::Snapshot { of, .. } => vec![of],
            Self::Create { source, .. } => source.iter().map(String::as_str).collect(),
            Self::Wait { .. }
            | Self::RestartDriver
            | Self::Restart { .. }
            | Self::Call { .. }
            | Self::Again { .. }
            | Self::Parallel { .. } => Vec::new(),
        }
    }

    /// Requests as the file gives them; everything goes on whatever comes back.
    pub fn is_raw(&self) -> bool {
        matches!(self, Self::Call { .. } | Self::Again { .. } | Self::Parallel { .. })
    }

    /// The handle that the step gives an id.
    pub fn makes(&self) -> Option<&str> {
        match self {
            Self::Create { volume, .. } => Some(volume),
            Self::Snapshot { handle, .. } => Some(handle),
            _ => None,
        }
    }
}
