//! A refusal leaves nothing behind: after a size that cannot be, one that can be is not answered
//! ABORTED for ever, as if an operation were pending.
//!
//! Whether something is pending only the driver knows, and it may take its time. So this holds only
//! where every call before had a definite answer, where the same volume has grown before in a
//! fraction of that time, and only to the end of the scenario.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Check,
    answered::Silence,
    seen::{ok, range},
};
use crate::{
    action::Rpc,
    evidence::{Evidence, Op},
    history::{Code, Completion},
    report::{Class, Finding},
    words,
};

/// See the module.
pub const CHECK: Check = Check {
    name: "locked",
    about: "after a refusal nothing is pending for ever",
    clauses: &["controller-expand.err-out-of-range-no-effect"],
    run,
};

/// So often in a row at least.
const TIMES: usize = 5;
/// For so long at least, microseconds, and so many times as long as a growth before took.
const LONG_US: u64 = 2_000_000;
const SLOWER: u64 = 10;

/// The growths of one volume.
#[derive(Default)]
struct Track<'a> {
    refused: Option<Op<'a>>,
    aborted: Vec<Op<'a>>,
    /// When a size was asked for first.
    asked: BTreeMap<(i64, i64), u64>,
    /// The longest time that a growth took.
    took_us: Option<u64>,
}

fn run(evidence: &Evidence<'_>) -> Vec<Finding> {
    if evidence.instance.orchestrator.is_none() {
        return Vec::new();
    }
    let silence = Silence::new(evidence.subject);
    let mut tracks: BTreeMap<&str, Track<'_>> = BTreeMap::new();
    let mut open: BTreeSet<&str> = BTreeSet::new();
    for op in Op::by_completion(evidence.subject) {
        let Some(handle) = op.volume().filter(|_| op.call().is_some() && !op.is_teardown()) else {
            continue;
        };
        if !matches!(op.completion(), Some(Completion::Ok(_) | Completion::Fail(_))) {
            open.insert(handle);
        }
        if op.call_of(Rpc::ControllerExpand).is_some() {
            tracks.entry(handle).or_default().take(op, silence.is_parallel(op));
        }
    }
    let closed = tracks.into_iter().filter(|(handle, _)| !open.contains(handle));
    closed.filter_map(|(_, track)| track.conclude()).collect()
}

impl<'a> Track<'a> {
    fn take(&mut self, op: &Op<'a>, parallel: bool) {
        let size = range(op).unwrap_or_default();
        let first = *self.asked.entry(size).or_insert(op.event.at_us);
        let now = op.completed.map_or(op.event.at_us, |event| event.at_us);
        if ok(op, Rpc::ControllerExpand).is_some() {
            let took = now.saturating_sub(first);
            self.took_us = Some(self.took_us.map_or(took, |longest| longest.max(took)));
        }
        match op.code() {
            Some(Code::Aborted) if !parallel => self.aborted.push(*op),
            Some(Code::OutOfRange) => (self.refused, self.aborted) = (Some(*op), Vec::new()),
            _ => self.aborted.clear(),
        }
    }

    fn conclude(self) -> Option<Finding> {
        let (refused, took) = (self.refused?, self.took_us?);
        let (first, last) = (self.aborted.first()?, self.aborted.last()?);
        let long = last.event.at_us.saturating_sub(first.event.at_us);
        if self.aborted.len() < TIMES || long < LONG_US.max(took.saturating_mul(SLOWER)) {
            return None;
        }
        let what = format!(
            "{} was answered ABORTED {} times, to the end, though nothing is pending: every call \
             before had an answer, and the last was the refusal of another size",
            words::action(&last.invoke.action),
            self.aborted.len()
        );
        let clause = "controller-expand.err-out-of-range-no-effect";
        let finding = CHECK.breach(Class::Stuck, clause, last, what);
        Some(finding.versus("a growth, or its own refusal", "ABORTED").proved_by(&refused))
    }
}
