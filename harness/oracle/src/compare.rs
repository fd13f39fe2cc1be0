//! The subject beside the reference, step by step. A difference is never by itself a failure: it
//! is shown, and where a clause allows it, the clause is named.
//!
//! Steps align by step, verb, part and kind of action, so that one side may need more calls than
//! the other. Compared is a projection (`project`); what may differ is one table (`allow`).

use std::collections::{BTreeMap, VecDeque};

use crate::{
    action::{Action, Load, Rpc},
    evidence::{Evidence, Op},
    history::StepId,
    report::{Comparison, Relation},
    words,
};

mod allow;
mod project;

#[cfg(test)]
pub use allow::clauses;
use project::{Projection, Projections};

/// An instance's comparison.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// For each operation of the subject, in order; `None`: not compared.
    pub subject: Vec<Option<Comparison>>,
    /// Operations that only the reference has.
    pub only_reference: u32,
}

/// Lays both sides beside each other; empty if the reference was not run.
pub fn beside(evidence: &Evidence<'_>) -> Beside {
    let Some(reference) = evidence.reference else { return Beside::default() };
    let offers = |target: &crate::history::Target| target.offers.granularity;
    let ours = Projections::of(evidence.subject, offers(&evidence.run.target));
    let unit = evidence.run.reference.as_ref().map_or(1, offers);
    let theirs = Projections::of(reference, unit);
    let mut waiting: BTreeMap<Key<'_>, VecDeque<&Op<'_>>> = BTreeMap::new();
    for op in reference {
        if let Some(key) = key(op) {
            waiting.entry(key).or_default().push_back(op);
        }
    }
    let mut beside = Beside::default();
    for op in evidence.subject {
        let mine = key(op).zip(ours.get(op));
        beside.subject.push(mine.map(|(key, mine)| {
            let partner = waiting.get_mut(&key).and_then(VecDeque::pop_front);
            match partner.and_then(|partner| Some((partner, theirs.get(partner)?))) {
                Some((partner, theirs)) => relate(op, mine, partner, theirs),
                None => unmatched(),
            }
        }));
    }
    beside.only_reference = waiting.values().map(VecDeque::len).sum::<usize>() as u32;
    beside
}

fn unmatched() -> Comparison {
    Comparison {
        relation: Relation::Unmatched,
        reference: String::new(),
        differences: vec!["the reference has no such operation".to_owned()],
        allowed_by: None,
    }
}

/// What aligns: the step, and the kind of action (for a call the procedure).
type Key<'a> = (&'a StepId, &'static str, Option<Rpc>);

fn key<'a>(op: &Op<'a>) -> Option<Key<'a>> {
    if op.is_teardown() {
        return None;
    }
    let (kind, rpc) = match &op.invoke.action {
        Action::Call(call) => ("call", Some(call.rpc)),
        Action::Probe(_) => ("probe", None),
        Action::Load(Load::Write { .. }) => ("write", None),
        Action::Load(Load::Verify { .. }) => ("verify", None),
        Action::Load(Load::Start { .. }) => ("start", None),
        Action::Load(Load::Stop { .. }) => ("stop", None),
        Action::Load(Load::Open { .. }) => ("open", None),
        Action::Load(Load::Await { .. }) => ("await", None),
        Action::Load(Load::Close { .. }) => ("close", None),
        Action::Fault(_) => ("fault", None),
        Action::Wait(_) => return None,
    };
    Some((&op.invoke.step, kind, rpc))
}

fn relate(op: &Op<'_>, ours: &Projection, partner: &Op<'_>, theirs: &Projection) -> Comparison {
    let differences = ours.differences(theirs);
    let rpc = op.call().map(|call| call.rpc);
    let clauses: Vec<Option<&str>> = differences
        .iter()
        .map(|(mine, other)| allow::clause(rpc, mine.value, other.value, &ours.scenes))
        .collect();
    let relation = if differences.is_empty() {
        Relation::Same
    } else if clauses.iter().all(Option::is_some) {
        Relation::Allowed
    } else {
        Relation::Divergent
    };
    let first = clauses.into_iter().flatten().next().filter(|_| relation == Relation::Allowed);
    Comparison {
        relation,
        reference: partner.completion().map(words::completion).unwrap_or_default(),
        differences: differences
            .iter()
            .map(|(mine, other)| format!("{}, reference {}", mine.with_name(), other.shown))
            .collect(),
        allowed_by: first.map(ToOwned::to_owned),
    }
}

#[cfg(test)]
mod tests;
