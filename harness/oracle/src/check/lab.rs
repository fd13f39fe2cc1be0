//! The harness or the lab broke. This is never the driver's fault, and nothing that the scenario
//! shows beside it can be trusted.

use super::Check;
use crate::{
    evidence::Evidence,
    history::Code,
    report::{Class, Finding},
    words,
};

/// See the module.
pub const CHECK: Check =
    Check { name: "lab", about: "neither the harness nor the lab broke", clauses: &[], run };

fn run(evidence: &Evidence<'_>) -> Vec<Finding> {
    let broken = evidence.ended.and_then(|ended| ended.broken.as_ref());
    let mut findings: Vec<Finding> = broken
        .map(|why| CHECK.no_blame(Class::Lab, evidence, None, why.clone()))
        .into_iter()
        .collect();
    let own = evidence.subject.iter().find(|op| op.code() == Some(Code::Harness));
    if let (Some(op), None) = (own, broken) {
        let outcome = op.completion().map(words::outcome).unwrap_or_default();
        let what = format!("{} could not be done: {outcome}", words::action(&op.invoke.action));
        findings.push(CHECK.no_blame(Class::Lab, evidence, Some(op), what));
    }
    findings
}
