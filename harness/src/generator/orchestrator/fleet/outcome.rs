//! What came out of a simulated fleet.

use std::collections::BTreeMap;

use serde::Serialize;

use super::invariant::Breach;
use crate::generator::orchestrator::time::Span;

/// Numbers about a simulation. Everything but the plan follows from the seed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// Which seed.
    pub seed: u64,
    /// Which profile.
    pub profile: &'static str,
    /// How many claims were to grow.
    pub claims: usize,
    /// How many have grown, or wait for nothing but a pod that they do not have.
    pub settled: usize,
    /// How long the growths took, from the user's request.
    pub converged: Spread,
    /// Growths that had ended after that many microseconds, in twenty steps of the same length.
    pub curve: Vec<(u64, usize)>,
    /// Calls of each procedure, and of all.
    pub calls: BTreeMap<&'static str, u64>,
    /// All calls.
    pub calls_total: u64,
    /// Calls that expand, against one for the controller and one for the node of each growth.
    pub amplification: f64,
    /// Writes that the API server refused, conflicts among them.
    pub refused: u64,
    /// When it ended, microseconds.
    pub ended_at: u64,
    /// Claims that did not settle, by reason.
    pub stuck: Vec<Stuck>,
    /// Broken invariants: how many, and the first ones.
    pub breaches_total: usize,
    /// The first ones.
    pub breaches: Vec<Breach>,
}

/// Claims that did not settle for the same reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stuck {
    /// What they wait for, and what the driver said last.
    pub why: String,
    /// How many.
    pub claims: usize,
    /// One of them.
    pub example: String,
}

/// A distribution of times, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "percentiles")]
pub struct Spread {
    pub count: usize,
    pub p50: u64,
    pub p90: u64,
    pub p99: u64,
    pub max: u64,
}

impl Spread {
    /// Of these.
    pub fn of(mut spans: Vec<Span>) -> Self {
        spans.sort_unstable();
        let at = |share: usize| {
            let index = (spans.len() * share).div_ceil(100).saturating_sub(1);
            spans.get(index).copied().unwrap_or(0)
        };
        let max = spans.last().copied().unwrap_or(0);
        Self { count: spans.len(), p50: at(50), p90: at(90), p99: at(99), max }
    }
}

/// How many growths took at most how long.
pub(super) fn curve(spans: &[Span]) -> Vec<(u64, usize)> {
    let longest = spans.iter().copied().max().unwrap_or(0);
    let upto = |step: u64| {
        let limit = longest * step / 20;
        (limit, spans.iter().filter(|span| **span <= limit).count())
    };
    (1..=20).filter(|_| longest > 0).map(upto).collect()
}
