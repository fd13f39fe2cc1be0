//! The steps of a scenario in short: one line for each step of its file, with the calls, their
//! codes and times, and what was measured last.

use csi_stretch_oracle::{
    history::StepId,
    report::{Relation, ScenarioResult, StepResult},
};

use crate::{
    text,
    view::{self},
};

/// Operations of one line that are told in words.
const PARTS_MAX: usize = 8;
/// Longest outcome of a call that was not OK.
const OUTCOME_MAX: usize = 160;

pub struct Line {
    pub name: String,
    pub what: String,
    pub time: String,
    /// A code that the scenario did not ask for, or a difference that no clause allows.
    pub look: bool,
}

pub fn lines(scenario: &ScenarioResult) -> Vec<Line> {
    let same = |a: &StepResult, b: &StepResult| a.step.step == b.step.step;
    scenario.steps.chunk_by(same).map(line).collect()
}

fn line(steps: &[StepResult]) -> Line {
    let elapsed = steps.iter().map(|step| step.elapsed_us).sum();
    let first = steps.first().map(|step| &step.step);
    // Growth is what it is all about; how a volume got to its place is not.
    let grows = steps.iter().any(|step| step.action.contains("ExpandVolume "));
    let plain = steps.iter().all(|step| step.code == "OK" && !differs(step));
    let mut look = false;
    let mut parts = Vec::new();
    if plain && !grows && steps.len() > 1 {
        parts.push(format!("{}, OK", text::counted(steps.len(), "operation", "operations")));
    } else {
        let mut told_before = Vec::new();
        let told =
            steps.iter().filter(|step| step.kind != "probe" || step.code != "OK" || differs(step));
        for step in told {
            look |= view::is_surprising(step) || differs(step);
            parts.push(operation(step, &mut told_before));
        }
        let more = parts.len().saturating_sub(PARTS_MAX);
        parts.truncate(PARTS_MAX);
        if more > 0 {
            parts.push(format!("and {more} more"));
        }
        let seen = steps.iter().rfind(|step| step.kind == "probe" && step.code == "OK");
        parts.extend(seen.map(|step| format!("measured {}", step.outcome)));
    }
    let name = match first {
        Some(step) if step.step == 0 => "set-up".to_owned(),
        Some(step) if step.step == StepId::TEARDOWN => "tear-down".to_owned(),
        step => step.map(view::step_name).unwrap_or_default(),
    };
    Line { name, what: parts.join("; "), time: text::ms(elapsed), look }
}

/// A difference that was told before is only named.
fn operation<'a>(step: &'a StepResult, before: &mut Vec<&'a [String]>) -> String {
    let mut told = step.action.clone();
    if step.code != "OK" {
        told = format!("{told}: {} {}", step.code, head(&step.outcome));
    }
    match step.comparison.as_ref().filter(|one| one.relation != Relation::Same) {
        Some(one) => {
            let relation = view::relation_name(one.relation);
            let differences = one.differences.as_slice();
            if before.contains(&differences) {
                return format!("{told} ({relation})");
            }
            before.push(differences);
            format!("{told} ({relation}: {})", differences.join(", "))
        }
        None => told,
    }
}

fn differs(step: &StepResult) -> bool {
    step.comparison.as_ref().is_some_and(|one| one.relation > Relation::Allowed)
}

fn head(outcome: &str) -> &str {
    let end = outcome.char_indices().map(|(at, _)| at).take_while(|at| *at <= OUTCOME_MAX).last();
    if outcome.len() <= OUTCOME_MAX {
        outcome
    } else {
        outcome.get(..end.unwrap_or(0)).unwrap_or("")
    }
}
