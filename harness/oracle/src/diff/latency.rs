//! How long calls took in two reports. One run is a small sample on a shared machine, so a call
//! is only said to be slower or faster when the middle halves of both samples do not overlap.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::Report;

/// Fewer calls than this say nothing about time.
const SAMPLES_MIN: usize = 8;
/// A difference below this is nobody's concern, microseconds.
const MATTERS_US: u64 = 200;

/// The time of one kind of call in both reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LatencyChange {
    /// `ControllerExpandVolume`.
    pub rpc: String,
    /// Old, new.
    pub sides: [Latency; 2],
    /// Whether the difference can be told from noise.
    pub pace: Pace,
}

/// A sample of calls answered with OK; microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// How many.
    pub calls: usize,
    /// A quarter was faster.
    pub p25_us: u64,
    /// Half were faster.
    pub p50_us: u64,
    /// Three quarters were faster.
    pub p75_us: u64,
    /// The slowest.
    pub max_us: u64,
}

/// Whether a difference in time can be told from noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// It cannot.
    Same,
    /// Slower than before.
    Slower,
    /// Faster than before.
    Faster,
}

/// Every kind of call that both reports have.
pub fn changes(old: &Report, new: &Report) -> Vec<LatencyChange> {
    let (mut before, now) = (samples(old), samples(new));
    now.into_iter()
        .filter_map(|(rpc, now)| {
            let sides = [Latency::of(before.remove(rpc)?)?, Latency::of(now)?];
            Some(LatencyChange { rpc: rpc.to_owned(), pace: pace(&sides), sides })
        })
        .collect()
}

fn samples(report: &Report) -> BTreeMap<&str, Vec<u64>> {
    let mut samples: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    let steps = report.scenarios.iter().flat_map(|scenario| &scenario.steps);
    for step in steps.filter(|step| step.kind == "call" && step.code == "OK") {
        let rpc = step.action.split(' ').next().unwrap_or_default();
        samples.entry(rpc).or_default().push(step.elapsed_us);
    }
    samples
}

impl Latency {
    fn of(mut sample: Vec<u64>) -> Option<Self> {
        sample.sort_unstable();
        let last = sample.len().checked_sub(1)?;
        let at = |quarter: usize| sample[last * quarter / 4];
        let (p25_us, p50_us, p75_us) = (at(1), at(2), at(3));
        Some(Self { calls: sample.len(), p25_us, p50_us, p75_us, max_us: sample[last] })
    }
}

fn pace([old, new]: &[Latency; 2]) -> Pace {
    let enough = old.calls.min(new.calls) >= SAMPLES_MIN;
    let matters = old.p50_us.abs_diff(new.p50_us) >= MATTERS_US;
    match () {
        () if !enough || !matters => Pace::Same,
        () if new.p25_us > old.p75_us => Pace::Slower,
        () if new.p75_us < old.p25_us => Pace::Faster,
        () => Pace::Same,
    }
}
