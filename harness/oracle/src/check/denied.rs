//! NOT_FOUND says that a volume does not exist. A volume that was made and is there gets another
//! code, or an orchestrator takes the size for impossible and starts the pod without it.
//!
//! Only for calls of the orchestrator: elsewhere the scenario says which answers are right.

use super::{Check, answered::Silence, table};
use crate::{
    action::Action,
    evidence::Evidence,
    history::{Code, Completion},
    model,
    report::{Class, Finding},
    words,
};

/// See the module.
pub const CHECK: Check = Check {
    name: "denied",
    about: "a volume that is there is not answered NOT_FOUND",
    clauses: &["controller-expand.err-not-found", "node-expand.err-not-found"],
    run,
};

fn run(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if evidence.instance.orchestrator.is_none() {
        return findings;
    }
    let silence = Silence::new(evidence.subject);
    // What a killed driver forgets is told where its calls are repeated.
    let mut killed = false;
    model::walk(evidence.subject, |model, op| {
        killed |= matches!(op.invoke.action, Action::Fault(_));
        let Some(call) = op.call().filter(|call| table::expands(call.rpc)) else { return };
        let denied = matches!(op.completion(), Some(Completion::Fail(_)))
            && op.code() == Some(Code::NotFound)
            && op.invoke.expect.is_none();
        let volume = op.volume().and_then(|handle| model.volume(handle));
        let there = volume.is_some_and(|volume| {
            let here = call.path.as_ref().is_none_or(|path| volume.is_at(path));
            here && !silence.is_parallel(op)
        });
        if denied && there && !killed {
            let what = format!(
                "{} was answered NOT_FOUND, but the volume is there",
                words::action(&op.invoke.action)
            );
            let clause = format!("{}.err-not-found", table::prefix(call.rpc));
            let finding = CHECK.breach(Class::Code, &clause, op, what);
            findings.push(finding.versus("a code that says what is missing", "NOT_FOUND"));
        }
    });
    findings
}
