//! The script's bookkeeping: the step at work, what is lined up, what is under way.

use std::collections::BTreeMap;

use csi_stretch_oracle::{
    action::{Action, Call, CapacityRange, Fault, Load, PathRef, Rpc},
    history::{Completion, Expect},
};

use super::{live::Wish, state::is_growth};
use crate::{generator::orchestrator::world::Ticket, scenario::Wanted};

/// The step at work.
#[derive(Debug, Default)]
pub(super) struct Current {
    pub step: u16,
    pub verb: String,
    pub wanted: Wanted,
    pub clause: Option<String>,
    /// It is a raw call, after which everything goes on whatever came back.
    pub raw: bool,
    /// The procedures that the step's expectation is about.
    pub main: &'static [Rpc],
    pub parts: BTreeMap<(String, bool), u16>,
}

/// Something to do, decided when its turn comes.
#[derive(Clone, Debug)]
pub(super) enum Task {
    Call {
        call: Box<Call>,
        about: Option<String>,
    },
    /// Look at a volume wherever it is; `stale`: only if it changed since the last look.
    Look {
        volume: String,
        only: Option<PathRef>,
        stale: bool,
        optional: bool,
    },
    /// Look at one path.
    Sight {
        volume: String,
        path: PathRef,
        optional: bool,
    },
    Load(Load),
    Fault(Fault),
    Wait(u64),
    /// Calls that are sent together.
    Volley(Vec<Shot>),
    Attach(String),
    Stage(String),
    Publish {
        volume: String,
        target: u8,
        readonly: bool,
    },
    /// The node step of a growth, if it is due and `path` is where this verb wants it.
    NodeStep {
        volume: String,
        path: Option<PathRef>,
    },
    /// Only the node can grow the volume: its step is due.
    Demand {
        volume: String,
        range: CapacityRange,
    },
    /// Waits for the orchestrator.
    Until(Wish),
    TakeDown {
        volume: String,
        keep_staged: bool,
        keep_attached: bool,
    },
}

/// One call of a parallel step.
#[derive(Clone, Debug)]
pub(super) struct Shot {
    pub call: Box<Call>,
    pub about: Option<String>,
    pub wanted: Wanted,
    pub clause: Option<String>,
}

/// What was asked and is not answered.
#[derive(Debug)]
pub(super) struct Flight {
    pub op: Option<u32>,
    pub action: Action,
    pub about: Option<String>,
    pub optional: bool,
    pub accepted: Option<Expect>,
    /// It is a call of the orchestrator's.
    pub ticket: Option<Ticket>,
}

/// Without this call nothing after it means anything.
pub(super) fn everything_depends_on(rpc: Rpc) -> bool {
    !is_growth(rpc) && rpc != Rpc::DeleteVolume
}

/// Kinds whose parts are counted apart: each procedure, looks, loads.
pub(super) fn kind(action: &Action) -> String {
    match action {
        Action::Call(call) => call.rpc.full_name().to_owned(),
        Action::Probe(_) => "probe".to_owned(),
        Action::Load(_) => "load".to_owned(),
        Action::Fault(_) => "fault".to_owned(),
        Action::Wait(_) => "wait".to_owned(),
    }
}

pub(super) fn reason(completion: &Completion) -> String {
    match completion {
        Completion::Ok(_) => "OK".to_owned(),
        Completion::Fail(failure) | Completion::Info(failure) => {
            format!("{} ({})", failure.code, failure.message)
        }
    }
}
