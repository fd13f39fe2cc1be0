//! Generators decide the next action from the events so far. They must not know who performs it,
//! nor what time it is.

pub mod orchestrator;
mod script;

use csi_stretch_oracle::{
    action::Action,
    history::{Event, Expect, ObjectChange, StepId, Stopped},
};

pub use script::Script;

/// An action, where it comes from and which answers are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where it comes from.
    pub id: StepId,
    /// What to do.
    pub action: Action,
    /// Which answers are accepted; `None`: any.
    pub expect: Option<Expect>,
}

/// A generator's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Perform this now.
    Step(Box<Step>),
    /// Wait for a completion, then ask again.
    Pending,
    /// Wait for a completion, or so many microseconds, then ask again.
    Nap(u64),
    /// Nothing more; with a reason if the script could not go on.
    Done(Option<Stopped>),
}

/// Decides what to do next.
pub trait Generator: Send {
    /// How late it is, in microseconds since the run began; told before it is asked.
    fn tick(&mut self, _now_us: u64) {}
    /// The next action. Must not answer `Pending` when nothing is under way.
    fn next(&mut self) -> Next;
    /// Told of every event, invokes included, in order.
    fn observe(&mut self, event: &Event);
    /// What became of the orchestrator's objects since this was asked last.
    fn objects(&mut self) -> Vec<ObjectChange> {
        Vec::new()
    }
}
