//! A scenario in which nothing succeeded, or in which a growth was never measured although it was
//! looked at, proves nothing. It must not read as good.

use super::Check;
use crate::{
    action::Action,
    check::table,
    evidence::{Evidence, Op},
    report::{Class, Finding},
};

/// See the module.
pub const CHECK: Check = Check {
    name: "vacuous",
    about: "something succeeded, and a growth that was looked at could be measured",
    clauses: &[],
    run,
};

fn run(evidence: &Evidence<'_>) -> Vec<Finding> {
    nothing_succeeded(evidence).or_else(|| nothing_measured(evidence)).into_iter().collect()
}

fn nothing_succeeded(evidence: &Evidence<'_>) -> Option<Finding> {
    let calls = || evidence.subject.iter().filter(|op| op.call().is_some() && !op.is_teardown());
    if calls().any(|op| op.reply().is_some()) {
        return None;
    }
    let what = match calls().count() {
        0 => "no call was made".to_owned(),
        1 => "the only call did not succeed".to_owned(),
        n => format!("none of {n} calls succeeded"),
    };
    Some(CHECK.no_blame(Class::Vacuous, evidence, calls().next_back(), what))
}

fn nothing_measured(evidence: &Evidence<'_>) -> Option<Finding> {
    let grown = |op: &&Op<'_>| {
        op.reply().is_some() && op.call().is_some_and(|call| table::expands(call.rpc))
    };
    evidence.subject.iter().find(grown)?;
    let probes =
        || evidence.subject.iter().filter(|op| matches!(op.invoke.action, Action::Probe(_)));
    let last = probes().rfind(|op| op.completed.is_some())?;
    if probes().any(measured) {
        return None;
    }
    let what =
        format!("a growth was asked for, but none of {} probes measured it", probes().count());
    Some(CHECK.no_blame(Class::Vacuous, evidence, Some(last), what))
}

fn measured(op: &Op<'_>) -> bool {
    let seen = op.completion().and_then(|completion| completion.observation());
    seen.is_some_and(|s| s.device_bytes.is_some() || s.fs.is_some() || s.statfs.is_some())
}
