//! What is attached, staged or published is so again when it is asked for again, whatever came
//! between: a kubelet that was restarted asks for all of it once more.
//!
//! Two equal calls with nothing between them are `idempotent`'s. Only for calls of the
//! orchestrator: elsewhere the scenario says which answers are right.

use std::collections::BTreeMap;

use super::{Check, answered::Silence, table};
use crate::{
    action::{Action, Call, PathRef, Rpc},
    evidence::{Evidence, Op},
    history::{Code, Completion},
    report::{Class, Finding},
    words,
};

/// See the module.
pub const CHECK: Check = Check {
    name: "stands",
    about: "what stands is answered with OK when it is asked for again, also after a growth",
    clauses: &["controller-publish.idempotent", "node-stage.idempotent", "node-publish.idempotent"],
    run,
};

/// What a volume has, by procedure and path, and whether another call has succeeded since.
type Held<'a> = BTreeMap<(Rpc, Option<PathRef>), (Op<'a>, bool)>;

fn run(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if evidence.instance.orchestrator.is_none() {
        return findings;
    }
    let silence = Silence::new(evidence.subject);
    let mut volumes: BTreeMap<&str, Held<'_>> = BTreeMap::new();
    for op in Op::by_completion(evidence.subject) {
        if matches!(op.invoke.action, Action::Fault(_)) {
            // What a killed driver has lost is another scenario's question.
            volumes.clear();
        }
        let (Some(call), Some(handle)) = (op.call(), op.volume()) else { continue };
        let held = volumes.entry(handle).or_default();
        if !silence.is_parallel(op) && op.invoke.expect.is_none() {
            findings.extend(again(held, call, op));
        }
        remember(held, call, op);
    }
    findings
}

fn again(held: &Held<'_>, call: &Call, op: &Op<'_>) -> Option<Finding> {
    let (first, between) = held.get(&(call.rpc, call.path.clone()))?;
    let Some(Completion::Fail(failure)) = op.completion() else { return None };
    let same = first.call().is_some_and(|first| first == call);
    let open = matches!(failure.code, Code::Aborted | Code::Unavailable) || failure.code.is_ours();
    if !same || !between || open {
        return None;
    }
    let what = format!(
        "{} was OK and nothing has undone it, but asked for again it says {}",
        words::action(&op.invoke.action),
        failure.code
    );
    let finding = CHECK.breach(Class::Code, table::idempotent(call.rpc)?, op, what);
    Some(finding.versus("OK", failure.code.to_string()).proved_by(first))
}

fn remember<'a>(held: &mut Held<'a>, call: &Call, op: &Op<'a>) {
    let ok = op.reply().is_some();
    match call.rpc {
        // An undoing that failed may have gone half the way.
        Rpc::NodeUnpublish => held.retain(|(_, path), _| *path != call.path),
        Rpc::NodeUnstage => held.retain(|(rpc, _), _| *rpc == Rpc::ControllerPublish),
        Rpc::ControllerUnpublish | Rpc::DeleteVolume => held.clear(),
        Rpc::ControllerPublish | Rpc::NodeStage | Rpc::NodePublish if ok => {
            held.iter_mut()
                .filter(|((rpc, path), _)| (*rpc, path) != (call.rpc, &call.path))
                .for_each(|(_, (_, between))| *between = true);
            held.entry((call.rpc, call.path.clone())).or_insert((*op, false));
        }
        _ if ok && !call.rpc.only_asks() => {
            for (_, between) in held.values_mut() {
                *between = true;
            }
        }
        _ => {}
    }
}
