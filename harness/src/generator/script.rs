//! The script generator: works through a scenario's program, step by step, and decides what each
//! verb takes from the answers so far. The same program and the same answers give the same steps.

mod expect;
mod live;
mod perform;
mod request;
mod state;
mod task;
#[cfg(test)]
mod tests;
mod verbs;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use csi_stretch_oracle::{
    action::{Action, Call, CapacityRange, Fault, Load, PathRef, Probe, Rpc, Wait},
    history::{Because, Code, Completion, Event, EventKind, ObjectChange, StepId, Stopped},
    offer::Offers,
};

use self::{
    live::Driven,
    request::Abilities,
    state::{World, changes_sight, is_growth},
    task::{Current, Flight, Shot, Task, everything_depends_on, kind, reason},
    verbs::main_calls,
};
use super::{Generator, Next, Step};
use crate::scenario::{Planned, Program, Volume};

/// Parts of a step that only some targets need (a node expansion, and the looks after it) are
/// counted from here, so that the others keep their numbers.
const OPTIONAL: u16 = 1000;

/// Drives one planned instance.
pub struct Script {
    program: Program,
    able: Abilities,
    world: World,
    /// Index of the next command; the set-up comes before the first.
    next: Option<usize>,
    current: Current,
    tasks: VecDeque<Task>,
    /// Calls of a parallel step that are still to be sent, before any of them is waited for.
    volley: VecDeque<Shot>,
    /// Handles that a legal refusal left without an id; what needs them is passed over.
    missing: BTreeSet<String>,
    /// What was asked and is not answered; more than one in a parallel step only.
    flights: Vec<Flight>,
    stopped: Option<Stopped>,
    /// The orchestrator, if it makes the calls.
    driven: Option<Driven>,
}

impl Script {
    /// A script for one instance on a target with these offers.
    pub fn new(planned: &Planned, offers: &Offers) -> Self {
        Self {
            program: planned.script.clone(),
            able: Abilities::new(offers),
            world: World::new(&planned.script),
            next: None,
            current: Current { verb: "create".to_owned(), ..Current::default() },
            tasks: VecDeque::new(),
            volley: VecDeque::new(),
            missing: BTreeSet::new(),
            flights: Vec::new(),
            stopped: None,
            driven: Driven::of(planned),
        }
    }

    /// Takes up the set-up, then command after command; false at the end.
    fn advance(&mut self) -> bool {
        let Some(index) = self.next else {
            self.next = Some(0);
            self.set_up();
            return true;
        };
        let Some(command) = self.program.commands.get(index).cloned() else { return false };
        self.next = Some(index + 1);
        self.forget_answers();
        let handles = command.what.handles();
        if handles.iter().any(|handle| self.missing.contains(*handle)) {
            self.missing.extend(command.what.makes().map(str::to_owned));
            return true;
        }
        self.current = Current {
            step: command.number,
            verb: command.verb.clone(),
            wanted: command.expect.clone(),
            clause: command.clause.clone(),
            raw: command.what.is_raw(),
            main: main_calls(&command.what),
            parts: BTreeMap::new(),
        };
        self.begin(&command.what);
        true
    }

    /// The next of the script's own; `None`: it waits for the orchestrator.
    fn go_on(&mut self) -> Option<Next> {
        while !self.works() {
            if self.stopped.is_some() {
                return Some(self.over());
            }
            match self.tasks.pop_front() {
                Some(task) if self.has_to_wait(&task) => {
                    self.tasks.push_front(task);
                    return None;
                }
                Some(task) => {
                    if let Some(step) = self.perform(task) {
                        return Some(step);
                    }
                }
                None if self.advance() => {}
                None => return Some(self.over()),
            }
        }
        None
    }

    /// The end, once the orchestrator's last calls have come back.
    fn over(&self) -> Next {
        if self.flights.is_empty() { Next::Done(self.stopped.clone()) } else { Next::Pending }
    }

    /// It is not its turn yet.
    fn has_to_wait(&mut self, task: &Task) -> bool {
        match task {
            Task::Until(wish) => !self.is_fulfilled(&wish.clone()),
            Task::Look { volume, .. } | Task::Sight { volume, .. } => self.is_busy(volume),
            _ => false,
        }
    }

    fn volume(&self, handle: &str) -> Option<Volume> {
        self.program.volume(handle).cloned()
    }

    /// Ends the script early.
    fn stop(&mut self, why: impl std::fmt::Display) {
        let Current { step, verb, .. } = &self.current;
        let why = format!("step {step} ({verb}): {why}");
        self.end(Because::StepFailed, why);
    }

    /// The rest has no meaning for this target.
    fn not_applicable(&mut self, why: impl std::fmt::Display) {
        self.end(Because::NotApplicable, why.to_string());
    }

    fn end(&mut self, because: Because, why: String) {
        self.stopped.get_or_insert(Stopped { because, why });
        self.tasks.clear();
    }

    /// Sends an action off.
    fn emit(&mut self, action: Action, about: Option<String>, optional: bool) -> Next {
        let kind = kind(&action);
        let part = self.current.parts.entry((kind, optional)).or_default();
        let number = if optional { OPTIONAL + *part } else { *part };
        *part += 1;
        let id = StepId { step: self.current.step, verb: self.current.verb.clone(), part: number };
        let expect = self.expect(&action, about.as_deref());
        self.flights.push(Flight {
            op: None,
            action: action.clone(),
            about,
            optional,
            accepted: expect.clone(),
            ticket: None,
        });
        Next::Step(Box::new(Step { id, action, expect }))
    }

    fn settle(&mut self, flight: &Flight, completion: &Completion) {
        let code = completion.code();
        match &flight.action {
            Action::Call(_) if flight.ticket.is_some() => self.heard(flight, completion),
            Action::Call(call) => self.answered(call, flight, completion),
            Action::Fault(_) if code != Code::Ok => {
                self.stop(format!("the driver did not come back: {}", reason(completion)));
            }
            Action::Fault(_) => {
                self.world.forget_sights();
                self.sidecars_end();
            }
            Action::Probe(_) | Action::Load(_) | Action::Wait(_) => {}
        }
    }

    fn answered(&mut self, call: &Call, flight: &Flight, completion: &Completion) {
        let code = completion.code();
        let about = flight.about.clone();
        if code == Code::Ok {
            self.world.succeeded(call, completion.reply());
        }
        if let Some(handle) = &about {
            self.world.touched(call.rpc, handle);
        }
        let accepted = flight
            .accepted
            .as_ref()
            .is_none_or(|e| e.pass.contains(&code) || e.warn.contains(&code));
        if code != Code::Ok && !self.current.raw {
            // A refused node step leaves a volume that can still be published and read.
            if call.rpc != Rpc::NodeExpand {
                self.tasks.clear();
            }
            if !accepted && everything_depends_on(call.rpc) {
                self.stop(format!("{} said {}", call.rpc, reason(completion)));
                return;
            }
            let made = match call.rpc {
                Rpc::CreateVolume => call.volume.as_ref(),
                Rpc::CreateSnapshot => call.snapshot.as_ref(),
                _ => None,
            };
            self.missing.extend(made.and_then(|id| id.handle()).map(str::to_owned));
        }
        let shows = if code == Code::Ok { changes_sight(call.rpc) } else { is_growth(call.rpc) };
        if let Some(volume) = about.filter(|_| shows) {
            let optional = flight.optional;
            self.tasks.push_front(Task::Look { volume, only: None, stale: true, optional });
        }
    }
}

impl Generator for Script {
    fn next(&mut self) -> Next {
        if let Some(Shot { call, about, wanted, clause }) = self.volley.pop_front() {
            (self.current.wanted, self.current.clause) = (wanted, clause);
            return self.emit(Action::Call(call), about, false);
        }
        if self.driven.is_none() && !self.flights.is_empty() {
            return Next::Pending;
        }
        loop {
            if let Some(next) = self.go_on().or_else(|| self.orchestrate()) {
                return next;
            }
        }
    }

    fn tick(&mut self, now_us: u64) {
        self.tick_live(now_us);
    }

    fn objects(&mut self) -> Vec<ObjectChange> {
        self.driven.as_mut().map(Driven::changes).unwrap_or_default()
    }

    fn observe(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Invoke(_) => {
                if let Some(flight) = self.flights.iter_mut().find(|flight| flight.op.is_none()) {
                    flight.op = Some(event.op);
                }
            }
            EventKind::Complete(completion) => {
                let op = Some(event.op);
                let at = self.flights.iter().position(|f| f.op.is_none() || f.op == op);
                if let Some(flight) = at.map(|at| self.flights.remove(at)) {
                    self.settle(&flight, completion);
                }
            }
        }
    }
}
