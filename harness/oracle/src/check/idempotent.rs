//! A call that was OK is OK again when it is repeated, and says the same.
//!
//! A repeat is the same request, with nothing in between that changes the volume but further
//! expansions up to that size, and with nothing else under way. If the scenario says which answers
//! are right, `code-expected` judges the code; a size that goes down is `never-shrinks`'s. The
//! demand for a node step may only be dropped once the file system has its size (notes, 11).

use std::collections::{BTreeMap, HashMap};

use super::{
    Check,
    answered::Silence,
    seen::{Seen, Watch, range},
    table,
};
use crate::{
    action::{Action, Call, Rpc},
    evidence::{Evidence, Op},
    history::{Code, Completion, Reply},
    model,
    report::{Class, Finding},
    words,
};

/// See the module.
pub const CHECK: Check = Check {
    name: "idempotent",
    about: "a repeated call is answered with OK again, and says the same",
    clauses: &[
        "create-volume.idempotent",
        "delete-volume.idempotent",
        "controller-publish.idempotent",
        "controller-unpublish.idempotent",
        "create-snapshot.idempotent",
        "delete-snapshot.idempotent",
        "controller-expand.idempotent",
        "controller-expand.idempotent-after-restart",
        "controller-expand.idempotent-node-flag",
        "controller-modify.idempotent",
        "node-stage.idempotent",
        "node-unstage.idempotent",
        "node-publish.idempotent",
        "node-unpublish.idempotent",
        "node-expand.idempotent",
    ],
    run,
};

#[derive(Default)]
struct Track<'a> {
    /// Expansions that were OK and still hold, by minimum.
    expands: BTreeMap<i64, Vec<Op<'a>>>,
    /// Other calls that were OK and still hold, all of one procedure.
    others: Vec<Op<'a>>,
    /// The demand for a node step, as first stated.
    demand: Option<Op<'a>>,
    dropped: Option<(Op<'a>, Watch<'a>)>,
    last: Option<Seen<'a>>,
    /// The last time that the driver was killed, by its event.
    killed: Option<u32>,
}

fn run(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut tracks: HashMap<&str, Track<'_>> = HashMap::new();
    let mut findings = Vec::new();
    let silence = Silence::new(evidence.subject);
    let mut killed = None;
    model::walk(evidence.subject, |model, op| {
        if matches!(op.invoke.action, Action::Fault(_)) {
            killed = Some(op.begin());
        }
        let handle = op.call().and_then(key).or_else(|| op.volume());
        let Some(handle) = handle else { return };
        let track = tracks.entry(handle).or_default();
        track.killed = killed;
        if let Some(call) = op.call().filter(|call| table::idempotent(call.rpc).is_some()) {
            findings.extend(track.repeated(call, op).filter(|_| !silence.is_parallel(op)));
            findings.extend(track.flag(call, op));
            track.remember(call, op);
            // A snapshot of a volume may forbid what was allowed before (notes, 30).
            if let Some(volume) = op.volume().filter(|volume| *volume != handle) {
                tracks.entry(volume).or_default().forget();
            }
        }
        if let Some((handle, seen)) = Seen::of(model, op) {
            let track = tracks.entry(handle).or_default();
            if let Some((_, watch)) = &mut track.dropped {
                watch.see(seen);
            }
            track.last = Some(seen);
        }
    });
    let mut rest: Vec<Finding> = tracks.into_values().filter_map(|mut t| t.conclude()).collect();
    rest.sort_by(|a, b| a.events.cmp(&b.events));
    findings.extend(rest);
    findings
}

/// What the call acts on: a snapshot for the snapshot procedures, else a volume.
fn key(call: &Call) -> Option<&str> {
    match call.rpc {
        Rpc::CreateSnapshot | Rpc::DeleteSnapshot => call.snapshot.as_ref()?.handle(),
        _ => call.volume.as_ref()?.handle(),
    }
}

impl<'a> Track<'a> {
    fn repeated(&self, call: &Call, op: &Op<'a>) -> Option<Finding> {
        let first = self.first(call, op)?;
        let restarted = self.killed.is_some_and(|killed| first.end() < killed);
        let clause = match call.rpc {
            Rpc::ControllerExpand if restarted => "controller-expand.idempotent-after-restart",
            rpc => table::idempotent(rpc)?,
        };
        let words = words::action(&op.invoke.action);
        let (now, then) = match (op.completion()?, first.reply()?) {
            (Completion::Fail(failure), then) => {
                let ours = failure.code.is_ours() || failure.code == Code::Aborted;
                if ours || op.invoke.expect.is_some() || op.is_teardown() {
                    return None;
                }
                (failure.code.to_string(), words_of(then))
            }
            (completion, then) => {
                let now = completion.reply().filter(|now| differs(call.rpc, then, now))?;
                (words_of(now), words_of(then))
            }
        };
        let what = format!("{words} was OK, but its repeat says {now}");
        let expected = format!("OK {then}").trim_end().to_owned();
        Some(CHECK.breach(Class::Code, clause, op, what).versus(expected, now).proved_by(first))
    }

    fn flag(&mut self, call: &Call, op: &Op<'a>) -> Option<Finding> {
        match call.rpc {
            Rpc::ControllerExpand => {
                let demanded = op.reply()?.node_expansion_required == Some(true);
                let same = self.demand.filter(|demand| range(demand) == range(op));
                match same {
                    Some(first) if !demanded && self.dropped.is_none() => {
                        self.dropped = Some((first, Watch::new(*op, self.last)));
                        None
                    }
                    Some(_) => None,
                    None => {
                        let finding = self.conclude();
                        self.demand = demanded.then_some(*op);
                        finding
                    }
                }
            }
            // The node step was done after all.
            Rpc::NodeExpand if op.reply().is_some() => {
                (self.demand, self.dropped) = (None, None);
                None
            }
            Rpc::DeleteVolume if op.reply().is_some() => {
                self.demand = None;
                self.conclude()
            }
            _ => None,
        }
    }

    fn conclude(&mut self) -> Option<Finding> {
        let (first, watch) = self.dropped.take()?;
        let seen = watch.small()?;
        let what = format!(
            "the repeat of {} asks for no node step any more, none was done, and there is {}",
            words::action(&first.invoke.action),
            seen.words()
        );
        let clause = "controller-expand.idempotent-node-flag";
        let finding = CHECK.breach(Class::Lie, clause, &watch.claim, what);
        let expected = "node_expansion_required until the node has grown it";
        Some(finding.versus(expected, seen.words()).proved_by(&first).proved_by(&seen.op))
    }

    /// The same call, when it was OK and nothing has changed since.
    fn first(&self, call: &Call, op: &Op<'a>) -> Option<&Op<'a>> {
        let expands = table::expands(call.rpc);
        let known = if expands { self.expands.get(&minimum(op))? } else { &self.others };
        known.iter().find(|first| first.call().is_some_and(|first| is_same(first, call)))
    }

    fn remember(&mut self, call: &Call, op: &Op<'a>) {
        match op.completion() {
            Some(Completion::Fail(_)) => return,
            Some(Completion::Ok(_)) => (),
            // Whether it took effect is open, so nothing before it holds for certain.
            Some(Completion::Info(_)) | None => return self.forget(),
        }
        // The first of equal calls is enough; the bound keeps odd histories linear.
        let fresh = self.first(call, op).is_none();
        if table::expands(call.rpc) {
            let size = minimum(op);
            while self.expands.first_key_value().is_some_and(|(known, _)| *known < size) {
                self.expands.pop_first();
            }
            self.others.clear();
            let known = self.expands.entry(size).or_default();
            known.extend((fresh && known.len() < 16).then_some(*op));
        } else {
            self.expands.clear();
            self.others.retain(|known| known.call().is_some_and(|known| known.rpc == call.rpc));
            let room = self.others.len() < 16;
            self.others.extend((fresh && room).then_some(*op));
        }
    }

    fn forget(&mut self) {
        self.expands.clear();
        self.others.clear();
    }
}

fn minimum(op: &Op<'_>) -> i64 {
    range(op).map_or(0, |(required, _)| required)
}

/// The same request; how long the harness waits for the answer is no part of it.
fn is_same(a: &Call, b: &Call) -> bool {
    let no_deadline = |call: &Call| Call { deadline_ms: None, ..call.clone() };
    no_deadline(a) == no_deadline(b)
}

fn differs(rpc: Rpc, then: &Reply, now: &Reply) -> bool {
    let size = |reply: &Reply| reply.capacity_bytes.filter(|size| *size > 0);
    match rpc {
        Rpc::CreateVolume => {
            let told = |reply: &Reply| {
                reply.volume.as_ref().map(|volume| (volume.id.clone(), volume.capacity_bytes))
            };
            told(then) != told(now)
        }
        Rpc::CreateSnapshot => {
            let id = |reply: &Reply| reply.snapshot.as_ref().map(|snapshot| snapshot.id.clone());
            id(then) != id(now)
        }
        // Going down is another check's, and a node need not tell a size at all (notes, 16).
        Rpc::ControllerExpand => size(then).zip(size(now)).is_some_and(|(then, now)| now > then),
        _ => false,
    }
}

fn words_of(reply: &Reply) -> String {
    use crate::history::Outcome;
    words::outcome(&Completion::Ok(Outcome::Reply(Box::new(reply.clone()))))
}
