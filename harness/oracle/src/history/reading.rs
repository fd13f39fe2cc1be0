//! What a workload and the volume under it looked like, again and again: a record of its own,
//! because ten a second as events would drown everything else.
//!
//! A chunk is one line and holds about a second. Names on the line are short, counters of a load
//! are an array, and what is unknown or nothing is left out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Observation;

/// One look. Counters are of the span that ends here; sizes are of this moment, bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Reading {
    /// `t`: microseconds since the run began, monotonic; the end of the span.
    #[serde(rename = "t")]
    pub at_us: u64,
    /// `d`: length of the span, microseconds.
    #[serde(rename = "d")]
    pub span_us: u64,
    /// `b`: the load that eats space.
    #[serde(rename = "b", skip_serializing_if = "Ops::is_nothing")]
    pub bulk: Ops,
    /// `q`: reads and updates by key.
    #[serde(rename = "q", skip_serializing_if = "Ops::is_nothing")]
    pub query: Ops,
    /// `s`: what the engine was doing at the end of the span.
    #[serde(rename = "s", skip_serializing_if = "State::is_running")]
    pub state: State,
    /// `x`: part of the span in which a writer waited for room, microseconds.
    #[serde(rename = "x", skip_serializing_if = "is_zero")]
    pub blocked_us: u64,
    /// `w`: acknowledged data in the engine.
    #[serde(rename = "w", skip_serializing_if = "Option::is_none")]
    pub data_bytes: Option<u64>,
    /// `v`: of these, read back at some time and right.
    #[serde(rename = "v", skip_serializing_if = "Option::is_none")]
    pub verified_bytes: Option<u64>,
    /// `dev`: the block device.
    #[serde(rename = "dev", skip_serializing_if = "Option::is_none")]
    pub device_bytes: Option<u64>,
    /// `fs`: the file system, from its superblock.
    #[serde(rename = "fs", skip_serializing_if = "Option::is_none")]
    pub fs_bytes: Option<u64>,
    /// `st`: statfs total; only to be compared with its own earlier value.
    #[serde(rename = "st", skip_serializing_if = "Option::is_none")]
    pub statfs_total: Option<u64>,
    /// `sa`: statfs available to a user who is not root.
    #[serde(rename = "sa", skip_serializing_if = "Option::is_none")]
    pub statfs_available: Option<u64>,
}

/// What one load did in a span: `[done, errors, p50, p99, max]`, latencies in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "[u64; 5]", into = "[u64; 5]")]
#[schemars(with = "[u64; 5]")]
pub struct Ops {
    /// Operations that were acknowledged.
    pub done: u64,
    /// Operations that failed.
    pub errors: u64,
    /// Median latency.
    pub p50_us: u64,
    /// Latency that one of a hundred exceeds.
    pub p99_us: u64,
    /// Longest latency.
    pub max_us: u64,
}

/// What an engine is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Its loads go on.
    #[default]
    Running,
    /// A writer waits for room (ENOSPC); queries may go on.
    Blocked,
    /// It was stopped or killed, or ended by itself.
    Ended,
}

impl Reading {
    /// When the span began.
    pub fn from_us(&self) -> u64 {
        self.at_us.saturating_sub(self.span_us)
    }

    /// Adds the sizes of a measurement.
    #[must_use]
    pub fn with_sizes(mut self, seen: &Observation) -> Self {
        self.device_bytes = seen.device_bytes;
        self.fs_bytes = seen.fs.as_ref().map(|fs| fs.bytes);
        self.statfs_total = seen.statfs.as_ref().map(|fs| fs.total_bytes);
        self.statfs_available = seen.statfs.as_ref().map(|fs| fs.available_bytes);
        self
    }
}

impl Ops {
    /// It did nothing, or there is no such load.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl State {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
    fn is_running(&self) -> bool {
        *self == Self::Running
    }
}

impl From<[u64; 5]> for Ops {
    fn from([done, errors, p50_us, p99_us, max_us]: [u64; 5]) -> Self {
        Self { done, errors, p50_us, p99_us, max_us }
    }
}

impl From<Ops> for [u64; 5] {
    fn from(ops: Ops) -> Self {
        [ops.done, ops.errors, ops.p50_us, ops.p99_us, ops.max_us]
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_short_and_comes_back_whole() {
        let bulk = Ops { done: 412, errors: 0, p50_us: 180, p99_us: 950, max_us: 4_100 };
        let reading = Reading {
            at_us: 61_500_000,
            span_us: 100_000,
            bulk,
            data_bytes: Some(7 << 20),
            statfs_total: Some(300 << 20),
            ..Reading::default()
        };
        let text = serde_json::to_string(&reading).unwrap();
        let want =
            r#"{"t":61500000,"d":100000,"b":[412,0,180,950,4100],"w":7340032,"st":314572800}"#;
        assert_eq!(text, want);
        assert_eq!(serde_json::from_str::<Reading>(&text).unwrap(), reading);
    }
}
