//! What a scenario made can be removed again. Of calls that are repeated until they succeed only
//! the last one counts, and of refusals of one volume only the first: what comes after it on the
//! way down cannot be done while the volume is still in use.

use std::collections::{BTreeMap, BTreeSet};

use super::{Check, table};
use crate::{
    action::{Call, PathRef, Ref, Rpc},
    evidence::{Evidence, Op},
    history::{Because, Code, Leak},
    report::{Class, Finding},
    verdict::Verdict,
    words,
};

/// See the module.
pub const CHECK: Check = Check {
    name: "teardown",
    about: "volumes, publications and snapshots can be removed, and nothing stays behind",
    clauses: &[
        "delete-volume.implemented",
        "delete-snapshot.implemented",
        "controller-unpublish.implemented",
        "node-unpublish.undoes",
        "node-unpublish.deletes-target",
        "node-unstage.undoes",
        "general.error.non-ok-on-failure",
    ],
    run,
};

/// What a call of the teardown removes.
type Thing<'a> = (Rpc, Option<&'a Ref>, Option<&'a PathRef>);

fn run(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut last: BTreeMap<Thing<'_>, &Op<'_>> = BTreeMap::new();
    for op in evidence.subject.iter().filter(|op| op.is_teardown()) {
        if let Some(call) = op.call().filter(|_| op.completed.is_some()) {
            last.insert(thing(call), op);
        }
    }
    let mut left: Vec<&Op<'_>> = last.into_values().collect();
    left.sort_by_key(|op| op.begin());
    let mut blocked: BTreeSet<&Ref> = BTreeSet::new();
    let mut findings = Vec::new();
    for op in left {
        let finding = refused(op);
        let thing = op.call().and_then(thing_of);
        if finding.is_some() && thing.is_none_or(|thing| blocked.insert(thing)) {
            findings.extend(finding);
        }
    }
    // A leak that a refusal or a dead driver explains needs no second finding.
    if findings.is_empty() && !driver_ended(evidence) {
        let leaks = evidence.ended.map_or(&[][..], |ended| &ended.leaks);
        findings.extend(leaks.iter().map(leaked));
    }
    findings
}

/// Nobody was left to undo anything; the scenario that it ended in says so.
fn driver_ended(evidence: &Evidence<'_>) -> bool {
    let stopped = evidence.ended.and_then(|ended| ended.stopped.as_ref());
    stopped.is_some_and(|stopped| stopped.because == Because::DriverEnded)
}

fn thing(call: &Call) -> Thing<'_> {
    (call.rpc, thing_of(call), call.path.as_ref().or(call.staging_path.as_ref()))
}

/// The snapshot, or else the volume.
fn thing_of(call: &Call) -> Option<&Ref> {
    call.snapshot.as_ref().or(call.volume.as_ref())
}

fn refused(op: &Op<'_>) -> Option<Finding> {
    let (call, completion) = (op.call()?, op.completion()?);
    if completion.code() == Code::Ok || completion.code().is_ours() {
        return None;
    }
    // Asked again only to learn the id of what may have been made; nothing is there to undo.
    if matches!(call.rpc, Rpc::CreateVolume | Rpc::CreateSnapshot) {
        return None;
    }
    let clause = match call.rpc {
        Rpc::NodeUnpublish => "node-unpublish.undoes".to_owned(),
        Rpc::NodeUnstage => "node-unstage.undoes".to_owned(),
        rpc => table::implemented(rpc),
    };
    let what = format!(
        "{} was answered {} when the scenario was undone",
        words::action(&op.invoke.action),
        completion.code()
    );
    let finding = CHECK.breach(Class::Stuck, &clause, op, what);
    Some(finding.versus("OK", words::completion(completion)))
}

/// Something was left behind. A process is the harness's own to end; the rest is the driver's.
pub fn leaked(leak: &Leak) -> Finding {
    let (class, verdict, clause) = match leak.kind.as_str() {
        "process" => (Class::Lab, Verdict::Error, "general.error.non-ok-on-failure"),
        "mount" => (Class::Lie, Verdict::Fail, "node-unpublish.undoes"),
        "file" => (Class::Lie, Verdict::Fail, "node-unpublish.deletes-target"),
        _ => (Class::Lie, Verdict::Fail, "general.error.non-ok-on-failure"),
    };
    Finding {
        check: CHECK.name.to_owned(),
        clause: clause.to_owned(),
        class,
        verdict,
        advisory: false,
        excused: None,
        step: None,
        what: format!("{} {} is left behind: {}", leak.kind, leak.what, leak.why),
        expected: Some("nothing left behind".to_owned()),
        observed: Some(format!("{} {}", leak.kind, leak.what)),
        events: Vec::new(),
    }
}
