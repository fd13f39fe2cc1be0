//! What a component of Kubernetes is to its scheduler: a state machine that is told of changes,
//! answers and due times, and says which calls and writes follow. It reads no clock and performs
//! nothing.

use super::{
    names::Name,
    objects::{Claim, Kind},
    rpc::{Answer, Rpc},
    store::{Change, Id, Object, Refusal, Store, Write},
    time::At,
};

/// A component's own number for what it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Task(pub u32);

/// What a component wants done.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Make this call; `answered` follows.
    Call(Task, Rpc),
    /// Make this write; `wrote` follows.
    Write(Task, Write),
    /// Call `woke` with this key then.
    Wake(At, u32),
    /// An event about a claim, as `kubectl describe` shows them.
    Notice(Notice),
}

/// An event about a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Which claim.
    pub claim: Id<Claim>,
    /// `Warning` instead of `Normal`.
    pub warning: bool,
    /// `reason`
    pub reason: &'static str,
    /// `message`
    pub message: Name,
}

/// How a component reaches the world while it handles one event.
pub struct Api<'a> {
    /// When the event happens.
    pub now: At,
    store: &'a mut Store,
    effects: &'a mut Vec<Effect>,
}

impl<'a> Api<'a> {
    /// For one event.
    pub fn new(now: At, store: &'a mut Store, effects: &'a mut Vec<Effect>) -> Self {
        Self { now, store, effects }
    }

    /// What the API server has now: for what a component reads without a cache.
    pub fn store(&self) -> &Store {
        self.store
    }

    /// A name for a text.
    pub fn name(&mut self, text: &str) -> Name {
        self.store.names.of(text)
    }

    /// Makes a call.
    pub fn call(&mut self, task: Task, rpc: Rpc) {
        self.effects.push(Effect::Call(task, rpc));
    }

    /// Makes a write.
    pub fn write(&mut self, task: Task, write: Write) {
        self.effects.push(Effect::Write(task, write));
    }

    /// Wakes the component then.
    pub fn wake(&mut self, at: Option<At>, key: u32) {
        self.effects.extend(at.map(|at| Effect::Wake(at, key)));
    }

    /// Says something about a claim.
    pub fn notice(&mut self, claim: Id<Claim>, warning: bool, reason: &'static str, text: &str) {
        let message = self.store.names.of(text);
        self.effects.push(Effect::Notice(Notice { claim, warning, reason, message }));
    }
}

/// A component of Kubernetes. A restart is a new one, which knows nothing.
pub trait Component: Send {
    /// It watches objects of this kind.
    fn watches(&self, kind: Kind) -> bool;
    /// Its process begins, and lists what there is.
    fn start(&mut self, api: &mut Api<'_>);
    /// It sees a change.
    fn changed(&mut self, api: &mut Api<'_>, change: &Change);
    /// A call of its own has ended.
    fn answered(&mut self, api: &mut Api<'_>, task: Task, answer: Answer);
    /// A write of its own has ended.
    fn wrote(&mut self, api: &mut Api<'_>, task: Task, result: Result<Object, Refusal>);
    /// A time has come that it asked for.
    fn woke(&mut self, api: &mut Api<'_>, key: u32);
}
