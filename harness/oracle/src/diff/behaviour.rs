//! Answers and measurements that differ between two reports. Ids, times, messages and what
//! depends on the moment (usage, listings) are left out.

use std::collections::HashMap;

use super::BehaviourChange;
use crate::{
    action::Rpc,
    report::{Report, ScenarioResult, StepResult},
};

/// Where a step is, so that two runs of one scenario align: its place, and how often it came.
type Place<'a> = (u16, &'a str, &'a str, usize);

/// Each change once, with every scenario that shows it.
pub fn changes(old: &Report, new: &Report) -> Vec<BehaviourChange> {
    let before: HashMap<&str, &ScenarioResult> =
        old.scenarios.iter().map(|one| (one.id.as_str(), one)).collect();
    let mut changes: Vec<BehaviourChange> = Vec::new();
    for scenario in &new.scenarios {
        let Some(before) = before.get(scenario.id.as_str()) else { continue };
        for (action, old, new) in of_scenario(before, scenario) {
            let same =
                |c: &&mut BehaviourChange| c.action == action && c.old == old && c.new == new;
            match changes.iter_mut().find(same) {
                Some(change) if change.scenarios.last() == Some(&scenario.id) => (),
                Some(change) => change.scenarios.push(scenario.id.clone()),
                None => {
                    let scenarios = vec![scenario.id.clone()];
                    changes.push(BehaviourChange {
                        action: action.to_owned(),
                        old,
                        new,
                        scenarios,
                    });
                }
            }
        }
    }
    changes
}

fn of_scenario<'a>(
    old: &'a ScenarioResult,
    new: &'a ScenarioResult,
) -> impl Iterator<Item = (&'a str, String, String)> {
    let before: HashMap<Place<'_>, &StepResult> = places(&old.steps).collect();
    places(&new.steps).filter_map(move |(place, new)| {
        let (old, new) = (outcome(before.get(&place)?)?, outcome(new)?);
        (old != new).then_some((place.2, old, new))
    })
}

fn places(steps: &[StepResult]) -> impl Iterator<Item = (Place<'_>, &StepResult)> {
    let mut times: HashMap<(u16, &str, &str), usize> = HashMap::new();
    steps.iter().map(move |step| {
        let (number, verb, action) = (step.step.step, step.step.verb.as_str(), verb_of(step));
        let time = times.entry((number, verb, action)).or_default();
        *time += 1;
        ((number, verb, action, *time), step)
    })
}

/// First word of the action: the RPC's name, `measure`, `verify`.
fn verb_of(step: &StepResult) -> &str {
    step.action.split(' ').next().unwrap_or_default()
}

/// What can be compared of an outcome; `None`: nothing.
fn outcome(step: &StepResult) -> Option<String> {
    let sized = [Rpc::CreateVolume, Rpc::ControllerExpand, Rpc::NodeExpand, Rpc::CreateSnapshot];
    let text = match step.kind.as_str() {
        "call" if step.code != "OK" => String::new(),
        "call" if sized.iter().any(|rpc| rpc.full_name() == verb_of(step)) => {
            without_quoted(&step.outcome)
        }
        "call" => String::new(),
        // What `statfs` says depends on the kernel, and where there is a size it comes first.
        "probe" => step.outcome.split(", statfs").next().unwrap_or_default().to_owned(),
        _ => return None,
    };
    let code = &step.code;
    Some(if text.is_empty() { code.clone() } else { format!("{code}, {text}") })
}

/// Ids are quoted, and no two drivers give the same.
fn without_quoted(text: &str) -> String {
    let plain = text.split('"').step_by(2).collect::<Vec<_>>().join("…");
    plain.trim().to_owned()
}
