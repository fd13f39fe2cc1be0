//! Every operation of the subject as a row of the report.

use crate::{
    evidence::Op,
    report::{Comparison, StepResult},
    words,
};

/// One row for each operation, with the comparison of the same position.
pub fn steps(ops: &[Op<'_>], comparisons: &[Option<Comparison>]) -> Vec<StepResult> {
    let beside = comparisons.iter().cloned().chain(std::iter::repeat(None));
    ops.iter().zip(beside).map(|(op, comparison)| step(op, comparison)).collect()
}

fn step(op: &Op<'_>, comparison: Option<Comparison>) -> StepResult {
    let start_us = op.event.at_us;
    let completion = op.completion();
    let expect = op.invoke.expect.iter().flat_map(|expect| expect.pass.iter().chain(&expect.warn));
    StepResult {
        step: op.invoke.step.clone(),
        events: op.events(),
        kind: words::kind(&op.invoke.action).to_owned(),
        action: words::action(&op.invoke.action),
        expect: expect.map(|code| code.name().to_owned()).collect(),
        code: completion.map_or_else(|| "UNFINISHED".to_owned(), |c| c.code().to_string()),
        outcome: completion.map_or_else(|| "the history ends here".to_owned(), words::outcome),
        start_us,
        elapsed_us: op.completed.map_or(0, |event| event.at_us.saturating_sub(start_us)),
        request: json(&op.invoke.action),
        response: completion.map_or_else(String::new, json),
        comparison,
    }
}

/// As recorded. Plain data cannot fail to serialize; if it ever does, the row stays empty.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
