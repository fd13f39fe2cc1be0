//! Of which scenarios the page holds every request and answer. A run has thousands, most of them
//! of scenarios that nobody has to look into; `report.json` has them all.

use std::collections::BTreeSet;

use csi_stretch_oracle::report::{Report, ScenarioResult, StepResult};

use super::brief;

/// How large all scenarios may get together, bytes; about.
const BYTES_MAX: usize = 560 << 10;
/// What scenarios with a finding may take in any case.
const FOUND_BYTES_MIN: usize = 64 << 10;
/// Markup around a scenario, a step, and a line that tells a step in short.
const SCENARIO_BYTES: usize = 650;
const STEP_BYTES: usize = 450;
const LINE_BYTES: usize = 50;

/// What to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exchanges {
    /// Those of scenarios with a finding, worst first, as far as the page stays small.
    Found,
    /// All.
    All,
}

/// Positions of the scenarios that are shown in full.
pub fn full(report: &Report, exchanges: Exchanges) -> BTreeSet<usize> {
    let scenarios = &report.scenarios;
    let all: usize = scenarios.iter().map(whole_bytes).sum();
    if exchanges == Exchanges::All || all <= BYTES_MAX {
        return (0..scenarios.len()).collect();
    }
    let short: usize = scenarios.iter().map(short_bytes).sum();
    let mut left = BYTES_MAX.saturating_sub(short).max(FOUND_BYTES_MIN);
    let mut full = BTreeSet::new();
    for located in &report.findings {
        let Some(at) = scenarios.iter().position(|one| one.id == located.scenario) else {
            continue;
        };
        let more = whole_bytes(&scenarios[at]).saturating_sub(short_bytes(&scenarios[at]));
        if !full.contains(&at)
            && let Some(rest) = left.checked_sub(more)
        {
            left = rest;
            full.insert(at);
        }
    }
    full
}

fn whole_bytes(scenario: &ScenarioResult) -> usize {
    let of_step = |step: &StepResult| {
        let told = [&step.request, &step.response, &step.action, &step.outcome];
        told.into_iter().map(|text| escaped(text)).sum::<usize>() + STEP_BYTES
    };
    SCENARIO_BYTES + scenario.steps.iter().map(of_step).sum::<usize>()
}

/// A quote takes five bytes, and recorded exchanges are full of them.
fn escaped(text: &str) -> usize {
    text.len() + 4 * text.bytes().filter(|byte| *byte == b'"').count()
}

fn short_bytes(scenario: &ScenarioResult) -> usize {
    let lines = brief::lines(scenario);
    SCENARIO_BYTES + lines.iter().map(|line| line.what.len() + LINE_BYTES).sum::<usize>()
}
