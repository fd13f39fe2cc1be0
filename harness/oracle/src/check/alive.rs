//! A driver that the run started is still there when the run no longer needs it. It is told once,
//! where it ended; scenarios that were cut short or passed over because of it accuse nobody. What
//! the harness kills on purpose (`restart_driver`) is not meant.

use super::Check;
use crate::{
    evidence::Evidence,
    report::{Class, Finding},
    words,
};

/// See the module.
pub const CHECK: Check = Check {
    name: "alive",
    about: "a driver that the run started does not end by itself",
    clauses: &["general.process.long-running"],
    run,
};

fn run(evidence: &Evidence<'_>) -> Vec<Finding> {
    let Some(how) = evidence.ended.and_then(|ended| ended.driver_ended.as_ref()) else {
        return Vec::new();
    };
    let last = evidence.subject.iter().rev().find(|op| op.call().is_some());
    let when = last.map_or_else(
        || "before the first call".to_owned(),
        |op| format!("during or after {}", words::action(&op.invoke.action)),
    );
    let what = format!("the driver's process ended {when}: {how}");
    let finding = Finding {
        check: CHECK.name.to_owned(),
        clause: CHECK.clauses[0].to_owned(),
        class: Class::Stuck,
        verdict: crate::verdict::Verdict::Fail,
        advisory: false,
        excused: None,
        step: last.map(|op| op.invoke.step.clone()),
        what,
        expected: None,
        observed: None,
        events: last.map_or(Vec::new(), crate::evidence::Op::events),
    };
    vec![finding.versus("a process that runs until it is stopped", "a process that ended")]
}
