//! Every call ends in an answer. A deadline that passed, or a dead connection, is the driver's
//! fault unless the harness itself broke something at that time, asked for a deadline that short,
//! or the scenario accepts it. An answer that is no gRPC status is a wrong code.

use std::collections::{HashMap, HashSet};

use super::Check;
use crate::{
    action::Action,
    evidence::{Evidence, Op},
    history::{Code, Completion},
    report::{Class, Finding},
    words,
};

/// See the module.
pub const CHECK: Check = Check {
    name: "answered",
    about: "every call ends in a gRPC status, within the deadline",
    clauses: &["general.error.grpc-status", "general.concurrency.graceful"],
    run,
};

fn run(evidence: &Evidence<'_>) -> Vec<Finding> {
    let silence = Silence::new(evidence.subject);
    let mut findings = silent(evidence, &silence);
    findings.extend(evidence.subject.iter().filter(|op| !op.is_teardown()).filter_map(garbled));
    findings
}

/// A driver that has died is silent for good: one finding, with the number of calls.
fn silent(evidence: &Evidence<'_>, silence: &Silence<'_>) -> Vec<Finding> {
    let unanswered = evidence.subject.iter().filter(|op| silence.is_unexplained(op));
    let (parallel, alone): (Vec<&Op<'_>>, Vec<&Op<'_>>) =
        unanswered.partition(|op| silence.is_parallel(op));
    let one = |ops: &[&Op<'_>], clause: &str| {
        let first = ops.first()?;
        let answer = first.completion().map(words::completion).unwrap_or_default();
        let action = words::action(&first.invoke.action);
        let what = match ops.len() - 1 {
            0 => format!("{action} got no answer"),
            n => format!("{action} got no answer, nor did {n} later calls"),
        };
        Some(CHECK.breach(Class::Stuck, clause, first, what).versus("a gRPC status", answer))
    };
    let graceful = one(&parallel, "general.concurrency.graceful").map(Finding::remark);
    one(&alone, "general.error.grpc-status").into_iter().chain(graceful).collect()
}

fn garbled(op: &Op<'_>) -> Option<Finding> {
    let Completion::Info(failure) = op.completion()? else { return None };
    let own = failure.code.is_ours();
    if op.call().is_none() || failure.code.is_indefinite() || own || accepts(op, failure.code) {
        return None;
    }
    let what = format!("the answer to {} cannot be understood", words::action(&op.invoke.action));
    let clause = "general.error.grpc-status";
    let observed = format!("{}: {}", failure.code, failure.message);
    Some(CHECK.breach(Class::Code, clause, op, what).versus("a gRPC status", observed))
}

fn accepts(op: &Op<'_>, code: Code) -> bool {
    let expect = op.invoke.expect.as_ref();
    expect.is_some_and(|expect| expect.pass.contains(&code) || expect.warn.contains(&code))
}

/// Which silences the harness's own doings explain.
pub struct Silence<'a> {
    /// First event of each fault, and the event at which calls have to be answered again.
    faults: Vec<(u32, u32)>,
    /// Calls, by volume and first event, that were under way together with another.
    parallel: HashSet<(&'a str, u32)>,
}

impl<'a> Silence<'a> {
    /// Collects the faults, and which calls for one volume were under way together.
    pub fn new(ops: &[Op<'a>]) -> Self {
        Self { faults: faults(ops), parallel: parallel(ops) }
    }

    /// No answer came, and nothing that the harness did explains that.
    pub fn is_unexplained(&self, op: &Op<'_>) -> bool {
        is_silence(op) && !self.is_explained(op)
    }

    /// No answer came, and that is the harness's doing or accepted by the scenario.
    pub fn is_explained(&self, op: &Op<'_>) -> bool {
        let Some(code) = op.code().filter(|_| is_silence(op)) else { return false };
        let broken = self.faults.partition_point(|(_, healed)| *healed < op.begin());
        let by_fault = self.faults.get(broken).is_some_and(|(begin, _)| *begin < op.end());
        let asked = op.call().is_some_and(|call| call.deadline_ms.is_some());
        by_fault || asked && code == Code::DeadlineExceeded || accepts(op, code)
    }

    /// Another call for the volume was under way.
    pub fn is_parallel(&self, op: &Op<'_>) -> bool {
        let key = op.volume().map(|volume| (volume, op.begin()));
        key.is_some_and(|key| self.parallel.contains(&key))
    }
}

fn is_silence(op: &Op<'_>) -> bool {
    let Some(Completion::Info(failure)) = op.completion() else { return false };
    let code = matches!(failure.code, Code::DeadlineExceeded | Code::Unavailable);
    op.call().is_some() && code && !op.is_teardown()
}

/// A connection may take until the first answer after a fault to recover.
fn faults(ops: &[Op<'_>]) -> Vec<(u32, u32)> {
    let mut faults: Vec<(u32, u32)> = Vec::new();
    let mut recovering = false;
    for op in Op::by_completion(ops) {
        if let Action::Fault(_) = op.invoke.action {
            faults.push((op.begin(), op.end()));
            recovering = true;
        } else if op.call().is_some()
            && let Some((_, healed)) = faults.last_mut().filter(|_| recovering)
            && op.begin() > *healed
        {
            // One call may be lost to a stale connection. A driver that stays away is to blame.
            *healed = op.end();
            recovering = false;
        }
    }
    faults
}

fn parallel<'a>(ops: &[Op<'a>]) -> HashSet<(&'a str, u32)> {
    let mut longest: HashMap<&str, (u32, u32)> = HashMap::new();
    let mut found = HashSet::new();
    for op in ops.iter().filter(|op| op.call().is_some()) {
        let Some(volume) = op.volume() else { continue };
        let (begin, end) = longest.entry(volume).or_insert((op.begin(), op.end()));
        if op.begin() > *begin && op.begin() < *end {
            found.extend([(volume, *begin), (volume, op.begin())]);
        }
        if op.end() > *end {
            (*begin, *end) = (op.begin(), op.end());
        }
    }
    found
}
