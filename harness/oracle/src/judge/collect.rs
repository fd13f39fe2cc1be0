//! Sorts the records of a history by scenario and side. Nothing in a file can make this panic:
//! what does not fit is counted and reported.

use std::collections::{BTreeMap, HashMap};

use super::placeholder;
use crate::history::{End, Ended, Event, Instance, Leak, ObjectChange, Reading, Record, Run, Side};

/// A history, sorted.
#[derive(Debug)]
pub struct History {
    /// Facts of the run; a placeholder if the history has none.
    pub run: Run,
    /// In order of the plan.
    pub cases: Vec<Case>,
    /// `None`: the history is cut.
    pub end: Option<End>,
    /// Latest time of any record, microseconds since the run began.
    pub last_us: u64,
    /// How the history contradicts itself.
    pub faults: Vec<String>,
}

/// The records of one scenario instance.
#[derive(Debug)]
pub struct Case {
    /// What was planned.
    pub instance: Instance,
    /// Subject's.
    pub subject: Half,
    /// Reference's.
    pub reference: Half,
}

/// One side of a scenario instance.
#[derive(Debug, Default)]
pub struct Half {
    /// In order of their index.
    pub events: Vec<Event>,
    /// By volume, in order of time.
    pub readings: BTreeMap<String, Vec<Reading>>,
    /// What became of the orchestrator's objects, in order of time.
    pub objects: Vec<ObjectChange>,
    /// How it ended; `None`: the history is cut.
    pub ended: Option<Ended>,
}

impl History {
    /// Takes in all records.
    pub fn collect(records: impl IntoIterator<Item = Record>) -> Self {
        let mut sorter = Sorter::default();
        for record in records {
            sorter.take(record);
        }
        sorter.finish()
    }

    /// Everything that was left behind, in order of the plan, the run's own last.
    pub fn leaks(&self) -> Vec<Leak> {
        let halves = self.cases.iter().flat_map(|case| [&case.subject, &case.reference]);
        let of_cases = halves.filter_map(|half| half.ended.as_ref()).flat_map(|e| &e.leaks);
        of_cases.chain(self.end.iter().flat_map(|end| &end.leaks)).cloned().collect()
    }
}

#[derive(Default)]
struct Sorter {
    run: Option<Run>,
    cases: HashMap<u32, Case>,
    end: Option<End>,
    last_us: u64,
    /// Records of scenarios that no record had announced.
    strays: u32,
    /// Records that may come only once and came again.
    repeats: u32,
}

impl Sorter {
    fn take(&mut self, record: Record) {
        match record {
            Record::Run(run) => self.repeats += u32::from(!set(&mut self.run, *run)),
            Record::Scenario(instance) => self.announce(*instance),
            Record::Event { scenario, side, event } => {
                self.at(event.at_us);
                match self.half(scenario, side) {
                    Some(half) => half.events.push(event),
                    None => self.strays += 1,
                }
            }
            Record::Readings { scenario, side, volume, readings } => {
                self.at(readings.iter().map(|reading| reading.at_us).max().unwrap_or(0));
                match self.half(scenario, side) {
                    Some(half) => half.readings.entry(volume).or_default().extend(readings),
                    None => self.strays += 1,
                }
            }
            Record::Objects { scenario, side, changes } => {
                self.at(changes.iter().map(|change| change.at_us).max().unwrap_or(0));
                match self.half(scenario, side) {
                    Some(half) => half.objects.extend(changes),
                    None => self.strays += 1,
                }
            }
            Record::Ended { scenario, side, ended } => {
                self.at(ended.at_us);
                match self.half(scenario, side) {
                    Some(half) => {
                        let repeated = !set(&mut half.ended, ended);
                        self.repeats += u32::from(repeated);
                    }
                    None => self.strays += 1,
                }
            }
            Record::End(end) => {
                self.at(end.at_us);
                self.repeats += u32::from(!set(&mut self.end, end));
            }
        }
    }

    fn announce(&mut self, instance: Instance) {
        let number = instance.number;
        if self.cases.contains_key(&number) {
            self.repeats += 1;
            return;
        }
        let case = Case { instance, subject: Half::default(), reference: Half::default() };
        self.cases.insert(number, case);
    }

    fn half(&mut self, scenario: u32, side: Side) -> Option<&mut Half> {
        let case = self.cases.get_mut(&scenario)?;
        Some(match side {
            Side::Subject => &mut case.subject,
            Side::Reference => &mut case.reference,
        })
    }

    fn at(&mut self, at_us: u64) {
        self.last_us = self.last_us.max(at_us);
    }

    fn finish(self) -> History {
        let mut faults = Vec::new();
        if self.run.is_none() {
            faults.push("the history does not say which run it is of".to_owned());
        }
        if self.strays > 0 {
            faults.push(format!(
                "{} records are of scenarios that were never announced",
                self.strays
            ));
        }
        if self.repeats > 0 {
            faults.push(format!("{} records came again that may come only once", self.repeats));
        }
        let mut cases: Vec<Case> = self.cases.into_values().collect();
        cases.sort_by_key(|case| case.instance.number);
        for half in cases.iter_mut().flat_map(|case| [&mut case.subject, &mut case.reference]) {
            half.events.sort_by_key(|event| event.index);
            half.readings.values_mut().for_each(|all| all.sort_by_key(|reading| reading.at_us));
        }
        History {
            run: self.run.unwrap_or_else(placeholder::run),
            cases,
            end: self.end,
            last_us: self.last_us,
            faults,
        }
    }
}

/// Fills what is empty; whether it was.
fn set<T>(place: &mut Option<T>, value: T) -> bool {
    let empty = place.is_none();
    if empty {
        *place = Some(value);
    }
    empty
}
