//! A procedure whose capability is declared exists. `code-expected` leaves UNIMPLEMENTED in answer
//! to such a call to this check, and `teardown` tells of those that undo a scenario.
//!
//! Judged only where OK is an answer that the scenario accepts: a request with something wrong in
//! it may be refused in any way.

use std::collections::BTreeSet;

use super::{Check, table};
use crate::{
    evidence::{Evidence, Op},
    history::Code,
    report::{Class, Finding},
    words,
};

/// See the module.
pub const CHECK: Check = Check {
    name: "implemented",
    about: "a procedure whose capability is declared is not answered UNIMPLEMENTED",
    clauses: &[
        "get-plugin-info.implemented",
        "get-plugin-capabilities.implemented",
        "probe.implemented",
        "create-volume.implemented",
        "delete-volume.implemented",
        "controller-publish.implemented",
        "controller-unpublish.implemented",
        "validate-capabilities.implemented",
        "list-volumes.implemented",
        "get-capacity.implemented",
        "controller-get-capabilities.implemented",
        "create-snapshot.implemented",
        "delete-snapshot.implemented",
        "list-snapshots.implemented",
        "controller-expand.implemented",
        "controller-get-volume.implemented",
        "controller-modify.implemented",
        "node-stage.implemented",
        "node-unstage.implemented",
        "node-publish.implemented",
        "node-unpublish.implemented",
        "node-get-volume-stats.implemented",
        "node-expand.implemented",
        "node-get-capabilities.implemented",
        "node-get-info.implemented",
    ],
    run,
};

/// One finding for each procedure: the first call.
fn run(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut told = BTreeSet::new();
    let missing = evidence.subject.iter().filter(|op| is_missing(evidence, op));
    missing
        .filter_map(|op| {
            let rpc = op.call()?.rpc;
            told.insert(rpc).then_some(())?;
            let clause = table::implemented(rpc);
            let words = words::action(&op.invoke.action);
            let what = format!("{words} was answered UNIMPLEMENTED, although it is declared");
            Some(CHECK.breach(Class::Code, &clause, op, what).versus("OK", "UNIMPLEMENTED"))
        })
        .collect()
}

/// A call that is offered and right was answered UNIMPLEMENTED.
pub fn is_missing(evidence: &Evidence<'_>, op: &Op<'_>) -> bool {
    let offers = &evidence.run.target.offers;
    let accepts_ok = op.invoke.expect.as_ref().is_some_and(|e| e.pass.contains(&Code::Ok));
    let tolerated =
        op.invoke.expect.as_ref().is_some_and(|e| e.warn.contains(&Code::Unimplemented));
    op.code() == Some(Code::Unimplemented)
        && accepts_ok
        && !tolerated
        && !op.is_teardown()
        && op.call().is_some_and(|call| call.rpc.needs().iter().all(|offer| offers.has(offer)))
}
