//! What a check may look at: one scenario instance, its operations on both sides, and the facts of
//! the run. Pairing invokes with completions happens here, once.

use std::collections::HashMap;

use crate::{
    action::{Action, Call, Rpc},
    clause::Catalogue,
    history::{Code, Completion, Ended, Event, EventKind, Instance, Invoke, Reply, Run, StepId},
};

/// Everything known about one scenario instance.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// Facts of the run.
    pub run: &'a Run,
    /// What was planned.
    pub instance: &'a Instance,
    /// The target's operations, in order of invocation.
    pub subject: &'a [Op<'a>],
    /// The reference's, if it was run.
    pub reference: Option<&'a [Op<'a>]>,
    /// How the subject's side ended; `None`: the history is cut.
    pub ended: Option<&'a Ended>,
    /// The rules.
    pub catalogue: &'a Catalogue,
}

/// An invoke and its completion.
#[derive(Clone, Copy, Debug)]
pub struct Op<'a> {
    /// The invoke's event.
    pub event: &'a Event,
    /// What was asked.
    pub invoke: &'a Invoke,
    /// The completion's event; `None`: the history is cut.
    pub completed: Option<&'a Event>,
}

impl<'a> Op<'a> {
    /// Pairs the events of one instance and side.
    pub fn pair(events: &'a [Event]) -> Vec<Self> {
        let completions: HashMap<u32, &Event> = events
            .iter()
            .filter(|event| matches!(event.kind, EventKind::Complete(_)))
            .map(|event| (event.op, event))
            .collect();
        events
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::Invoke(invoke) => {
                    Some(Self { event, invoke, completed: completions.get(&event.op).copied() })
                }
                EventKind::Complete(_) => None,
            })
            .collect()
    }

    /// What came back.
    pub fn completion(&self) -> Option<&'a Completion> {
        match &self.completed?.kind {
            EventKind::Complete(completion) => Some(completion),
            EventKind::Invoke(_) => None,
        }
    }

    /// In order of completion; what never came back is last, in order of invocation.
    pub fn by_completion<'b>(ops: &'b [Self]) -> Vec<&'b Self> {
        let mut settled: Vec<&'b Self> = ops.iter().collect();
        settled.sort_by_key(|op| op.end());
        settled
    }

    /// Number of its first event.
    pub fn begin(&self) -> u32 {
        self.event.index
    }

    /// Number of its last event; `u32::MAX` if it never came back.
    pub fn end(&self) -> u32 {
        self.completed.map_or(u32::MAX, |event| event.index)
    }

    /// Both were under way at the same time.
    pub fn overlaps(&self, other: &Op<'_>) -> bool {
        self.begin() < other.end() && other.begin() < self.end()
    }

    /// Part of what undoes a scenario.
    pub fn is_teardown(&self) -> bool {
        self.invoke.step.step == StepId::TEARDOWN
    }

    /// `Ok`, or the code of the failure; `None`: it never came back.
    pub fn code(&self) -> Option<Code> {
        self.completion().map(Completion::code)
    }

    /// The call, if it is one.
    pub fn call(&self) -> Option<&'a Call> {
        match &self.invoke.action {
            Action::Call(call) => Some(call),
            _ => None,
        }
    }

    /// The call, if it is one of that procedure.
    pub fn call_of(&self, rpc: Rpc) -> Option<&'a Call> {
        self.call().filter(|call| call.rpc == rpc)
    }

    /// The driver's answer, if the call succeeded.
    pub fn reply(&self) -> Option<&'a Reply> {
        self.completion()?.reply()
    }

    /// Handle of the volume that the action is about.
    pub fn volume(&self) -> Option<&'a str> {
        match &self.invoke.action {
            Action::Call(call) => call.volume.as_ref()?.handle(),
            Action::Probe(probe) => Some(&probe.volume),
            Action::Load(load) => Some(load.volume()),
            Action::Fault(_) | Action::Wait(_) => None,
        }
    }

    /// Numbers of the events that make up this operation.
    pub fn events(&self) -> Vec<u32> {
        std::iter::once(self.event.index).chain(self.completed.map(|event| event.index)).collect()
    }
}
