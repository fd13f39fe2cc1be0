//! An error says in words what is wrong. Errors that the harness or its gRPC library made up are
//! none of the driver's.

use std::collections::BTreeSet;

use super::Check;
use crate::{
    evidence::Evidence,
    history::{Code, Completion},
    report::{Class, Finding},
    words,
};

/// See the module.
pub const CHECK: Check = Check {
    name: "error-text",
    about: "every error has a message that a person can read",
    clauses: &["general.error.message-non-empty"],
    run,
};

/// One finding for each procedure and code: the first answer.
fn run(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut told = BTreeSet::new();
    let mut findings = Vec::new();
    for op in evidence.subject {
        let (Some(call), Some(Completion::Fail(failure))) = (op.call(), op.completion()) else {
            continue;
        };
        // gRPC's own server answers UNIMPLEMENTED for what it does not know.
        let driver = !failure.code.is_ours() && failure.code != Code::Unimplemented;
        if driver && failure.message.trim().is_empty() && told.insert((call.rpc, failure.code)) {
            let words = words::action(&op.invoke.action);
            let what = format!("{words} was answered {} without a message", failure.code);
            let clause = "general.error.message-non-empty";
            findings.push(CHECK.breach(Class::Code, clause, op, what));
        }
    }
    findings
}
