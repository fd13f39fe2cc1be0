//! What happened to the workload or the driver, from readings and faults.

use crate::{
    action::{Action, Close, Load},
    evidence::Op,
    history::{Completion, Outcome, Reading, State},
    report::{Mark, MarkKind},
    words,
};

/// Spans of the same kind that are nearer to each other are one mark, microseconds.
const APART_US: u64 = 1_000_000;

/// In order of their beginning. `own`: those of `ops` that are about the volume.
pub fn marks(
    readings: &[Reading],
    ops: &[&Op<'_>],
    own: &[&Op<'_>],
    (from_us, to_us): (u64, u64),
) -> Vec<Mark> {
    let mut marks = down(readings, own);
    let ended = spans(readings, MarkKind::Ended).into_iter();
    let known = |mark: &Mark| marks.iter().any(|down| down.from_us == mark.to_us);
    let alone: Vec<Mark> = ended.filter(|mark| !known(mark)).collect();
    marks.extend(alone);
    marks.extend(spans(readings, MarkKind::NoSpace));
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

/// The hole in the readings between the end of an engine and its next start, and what that took.
fn down(readings: &[Reading], own: &[&Op<'_>]) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut since: Option<(u64, &str)> = None;
    for op in own {
        let at_us = op.event.at_us;
        match &op.invoke.action {
            Action::Load(Load::Close { how: Close::Stop, .. }) => {
                since = Some((at_us, "was stopped"));
            }
            Action::Load(Load::Close { how: Close::Kill, .. }) => {
                since = Some((at_us, "was killed"));
            }
            Action::Load(Load::Open { .. }) => {
                let last = readings.iter().rev().find(|one| one.at_us <= at_us);
                let by_itself = last.filter(|one| one.state == State::Ended);
                let by_itself = by_itself.map(|one| (one.at_us, "ended by itself"));
                if let Some((from_us, how)) = since.take().or(by_itself) {
                    let long = seconds(at_us.saturating_sub(from_us));
                    let what = format!("the engine {how}, and did not run for {long}");
                    let kind = MarkKind::Ended;
                    marks.push(Mark { kind, from_us, to_us: at_us, what });
                }
                marks.extend(opened(op));
            }
            _ => {}
        }
    }
    marks
}

/// A database that ran before was opened again.
fn opened(op: &Op<'_>) -> Option<Mark> {
    let Completion::Ok(Outcome::Loaded(report)) = op.completion()? else { return None };
    let (from_us, to_us) = (op.event.at_us, op.completed?.at_us);
    let recovered = words::recovered(report.recovered.as_deref()?);
    let took = seconds(to_us.saturating_sub(from_us));
    let what = format!("the engine opened its data again in {took}; {recovered}");
    Some(Mark { kind: MarkKind::Recovering, from_us, to_us, what })
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
        MarkKind::Ended => State::Ended,
        MarkKind::Recovering | MarkKind::Fault => return None,
    };
    let blocked = kind == MarkKind::NoSpace && reading.blocked_us > 0;
    match (blocked, reading.state == state) {
        (true, _) => Some(reading.blocked_us),
        (false, true) => Some(reading.span_us),
        (false, false) => None,
    }
}

fn told(kind: MarkKind, us: u64) -> String {
    let what = match kind {
        MarkKind::NoSpace => "no space: a writer waited",
        _ => "the engine did not run for",
    };
    format!("{what} {}", seconds(us))
}

fn seconds(us: u64) -> String {
    format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000)
}
