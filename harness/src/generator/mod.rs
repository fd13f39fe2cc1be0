//! Generators decide the next action from the events so far. They must not know who performs it,
//! nor what time it is.

pub mod orchestrator;
mod script;

use csi_stretch_oracle::{
    action::Action,
    history::{Event, Expect, StepId, Stopped},
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
    /// Nothing more; with a reason if the script could not go on.
    Done(Option<Stopped>),
}

/// Decides what to do next.
pub trait Generator: Send {
    /// The next action. Must not answer `Pending` when nothing is under way.
    fn next(&mut self) -> Next;
    /// Told of every event, invokes included, in order.
    fn observe(&mut self, event: &Event);
}
