//! The scenario says which answers are right. Calls that undo a scenario are `teardown`'s, a call
//! that got no answer at all is `answered`'s, a declared one that is missing `implemented`'s, and a
//! step that had no id to send shows elsewhere.

use super::{Check, answered::Silence, implemented, table};
use crate::{
    action::{Action, Load},
    evidence::{Evidence, Op},
    history::{Code, Completion, Expect},
    report::{Class, Finding},
    words,
};

mod excuse;

/// See the module.
pub const CHECK: Check = Check {
    name: "code-expected",
    about: "every answer is one that the scenario accepts",
    clauses: &["general.error.table-codes"],
    run,
};

fn run(evidence: &Evidence<'_>) -> Vec<Finding> {
    let silence = Silence::new(evidence.subject);
    evidence.subject.iter().filter_map(|op| judge(evidence, &silence, op)).collect()
}

fn judge(evidence: &Evidence<'_>, silence: &Silence<'_>, op: &Op<'_>) -> Option<Finding> {
    let (expect, completion) = (op.invoke.expect.as_ref()?, op.completion()?);
    let code = completion.code();
    if expect.pass.contains(&code) || op.is_teardown() {
        return None;
    }
    let clause = clause(evidence, op, expect);
    let words = words::action(&op.invoke.action);
    if expect.warn.contains(&code) {
        let what =
            format!("{words} was answered {code}, which is legal, but not what is preferred");
        let finding = CHECK.breach(Class::Code, &clause, op, what).remark();
        return Some(finding.versus(names(&expect.pass), words::completion(completion)));
    }
    match code {
        // An earlier step's failure, an interruption, `judge` or `lab` tells.
        _ if code.is_ours() => None,
        Code::Unobservable => {
            let what = format!("{words}: nothing can be measured, so nothing is proved");
            Some(CHECK.no_blame(Class::Vacuous, evidence, Some(op), what))
        }
        _ if implemented::is_missing(evidence, op) || silence.is_unexplained(op) => None,
        _ if silence.is_explained(op) => {
            let what = format!("{words} was lost to the fault, and nothing is known of it");
            Some(CHECK.no_blame(Class::Vacuous, evidence, Some(op), what))
        }
        // A slow machine is no fault of the driver's, unless a clause says what had to come.
        Code::DeadlineExceeded if waits_in_general(op, expect) => {
            let what = format!("{words}: it did not come about in time, so nothing is proved");
            Some(CHECK.no_blame(Class::Vacuous, evidence, Some(op), what))
        }
        _ if excuse::satisfied(op) || excuse::not_grown(evidence, op) => None,
        _ if excuse::device_not_grown(evidence, op) => None,
        _ => excuse::excuse(&CHECK, evidence, op, expect).or_else(|| {
            let class = if matches!(completion, Completion::Info(_)) && code.is_indefinite() {
                Class::Stuck
            } else {
                Class::Code
            };
            let what = format!("{words} was answered {code}, expected {}", names(&expect.pass));
            let finding = CHECK.breach(class, &clause, op, what);
            Some(finding.versus(names(&expect.pass), words::completion(completion)))
        }),
    }
}

/// A wait of a database's, with the clause that every load has.
fn waits_in_general(op: &Op<'_>, expect: &Expect) -> bool {
    let waits = matches!(op.invoke.action, Action::Load(Load::Await { .. }));
    waits && expect.clause.as_deref() == Some("node-publish.capability-usable")
}

/// The step's own clause; for the set-up that a procedure works at all; else the scenario's first.
fn clause(evidence: &Evidence<'_>, op: &Op<'_>, expect: &Expect) -> String {
    let setup = op.call().filter(|_| op.invoke.step.step == 0);
    expect
        .clause
        .clone()
        .or_else(|| setup.map(|call| table::implemented(call.rpc)))
        .or_else(|| evidence.instance.clauses.first().cloned())
        .unwrap_or_else(|| "general.error.table-codes".to_owned())
}

fn names(codes: &[Code]) -> String {
    let names: Vec<&str> = codes.iter().map(|code| code.name()).collect();
    names.join(" or ")
}
