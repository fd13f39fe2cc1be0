//! What every history of a run has in common, however it ended: records come once and in order.
//! A file that does not was damaged or edited, and must not be judged as if it were evidence.

use std::collections::{BTreeMap, HashSet};

use csi_stretch_oracle::history::{Event, EventKind, Record, Side};

/// Number of the first line that does not fit, and what is wrong with it. One record is one line.
pub(super) fn first_fault(records: &[Record]) -> Option<(usize, String)> {
    let mut reader = Reader::default();
    let mut faults = records.iter().map(|record| reader.take(record)).zip(1..);
    faults.find_map(|(taken, line)| taken.err().map(|what| (line, what)))
}

#[derive(Default)]
struct Reader {
    begun: bool,
    over: bool,
    announced: HashSet<u32>,
    halves: BTreeMap<(u32, Side), Half>,
}

/// One side of one scenario.
#[derive(Default)]
struct Half {
    events: u32,
    open: HashSet<u32>,
    settled: HashSet<u32>,
    over: bool,
}

impl Reader {
    fn take(&mut self, record: &Record) -> Result<(), String> {
        if self.over {
            return Err("a record after the end".to_owned());
        }
        match record {
            Record::Run(_) => once(!std::mem::replace(&mut self.begun, true), || "run".to_owned()),
            Record::Scenario(instance) => {
                let number = instance.number;
                once(self.announced.insert(number), || format!("scenario {number}"))
            }
            Record::Event { scenario, side, event } => self.half(*scenario, *side)?.take(event),
            Record::Readings { scenario, side, .. } | Record::Objects { scenario, side, .. } => {
                self.half(*scenario, *side).map(drop)
            }
            Record::Ended { scenario, side, .. } => {
                self.half(*scenario, *side)?.over = true;
                Ok(())
            }
            Record::End(_) => {
                self.over = true;
                Ok(())
            }
        }
    }

    fn half(&mut self, scenario: u32, side: Side) -> Result<&mut Half, String> {
        if !self.announced.contains(&scenario) {
            return Err(format!("scenario {scenario} was never announced"));
        }
        let half = self.halves.entry((scenario, side)).or_default();
        if half.over { Err(format!("scenario {scenario} had ended before")) } else { Ok(half) }
    }
}

impl Half {
    fn take(&mut self, event: &Event) -> Result<(), String> {
        let Event { index, op, .. } = event;
        once(*index >= self.events, || format!("event index {index}"))?;
        if *index > self.events {
            return Err(format!("event index {} is missing before {index}", self.events));
        }
        self.events += 1;
        let fits = match event.kind {
            EventKind::Invoke(_) => !self.settled.contains(op) && self.open.insert(*op),
            EventKind::Complete(_) => self.open.remove(op) && self.settled.insert(*op),
        };
        once(fits, || format!("half of operation {op}"))
    }
}

fn once(first: bool, what: impl Fn() -> String) -> Result<(), String> {
    if first { Ok(()) } else { Err(format!("{} repeated", what())) }
}
