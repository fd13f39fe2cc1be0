//! What happened to the workload or the driver, from readings and faults.

use crate::{
    action::Action,
    evidence::Op,
    history::{Reading, State},
    report::{Mark, MarkKind},
    words,
};

/// Spans of the same kind that are nearer to each other are one mark, microseconds.
const APART_US: u64 = 1_000_000;

/// In order of their beginning.
pub fn marks(readings: &[Reading], ops: &[&Op<'_>], from_us: u64, to_us: u64) -> Vec<Mark> {
    let mut marks = Vec::new();
    for kind in [MarkKind::NoSpace, MarkKind::Recovering, MarkKind::Ended] {
        marks.extend(spans(readings, kind));
    }
    let within = |at_us: u64| at_us >= from_us && at_us <= to_us;
    let faults = ops.iter().filter(|op| matches!(op.invoke.action, Action::Fault(_)));
    marks.extend(faults.filter(|op| within(op.event.at_us)).map(|op| Mark {
        kind: MarkKind::Fault,
        from_us: op.event.at_us,
        to_us: op.completed.map_or(to_us, |event| event.at_us),
        what: words::action(&op.invoke.action),
    }));
    marks.sort_by_key(|mark| mark.from_us);
    marks
}

fn spans(readings: &[Reading], kind: MarkKind) -> Vec<Mark> {
    let mut marks: Vec<(Mark, u64)> = Vec::new();
    for (reading, part_us) in readings.iter().filter_map(|one| Some((one, part(one, kind)?))) {
        match marks.last_mut() {
            Some((mark, sum)) if reading.from_us() <= mark.to_us.saturating_add(APART_US) => {
                mark.to_us = reading.at_us;
                *sum = sum.saturating_add(part_us);
            }
            _ => {
                let (from_us, to_us) = (reading.from_us(), reading.at_us);
                marks.push((Mark { kind, from_us, to_us, what: String::new() }, part_us));
            }
        }
    }
    let named = |(mark, sum): (Mark, u64)| Mark { what: told(kind, sum), ..mark };
    marks.into_iter().map(named).collect()
}

/// How much of the span it was so, microseconds; `None`: it was not.
fn part(reading: &Reading, kind: MarkKind) -> Option<u64> {
    let state = match kind {
        MarkKind::NoSpace => State::Blocked,
        MarkKind::Recovering => State::Recovering,
        MarkKind::Ended => State::Ended,
        MarkKind::Fault => return None,
    };
    let blocked = kind == MarkKind::NoSpace && reading.blocked_us > 0;
    match (blocked, reading.state == state) {
        (true, _) => Some(reading.blocked_us),
        (false, true) => Some(reading.span_us),
        (false, false) => None,
    }
}

fn told(kind: MarkKind, us: u64) -> String {
    let (seconds, tenths) = (us / 1_000_000, us % 1_000_000 / 100_000);
    let what = match kind {
        MarkKind::NoSpace => "no space: a writer waited",
        MarkKind::Recovering => "the engine recovered for",
        MarkKind::Ended => "the engine did not run for",
        MarkKind::Fault => "fault of",
    };
    format!("{what} {seconds}.{tenths} s")
}
