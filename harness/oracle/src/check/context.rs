//! The contexts that an orchestrator hands on from call to call may be kept by it, so they do not
//! change: a volume's for as long as it lives, a publication's until it is undone.

use std::collections::{BTreeMap, HashMap};

use super::{Check, seen::ok};
use crate::{
    action::{Call, Rpc},
    evidence::{Evidence, Op},
    report::{Class, Finding},
    words,
};

/// See the module.
pub const CHECK: Check = Check {
    name: "context",
    about: "volume_context and publish_context of the same thing do not change",
    clauses: &[
        "general.volume.context-immutable",
        "general.volume.context-stable",
        "controller-publish.publish-context-immutable",
    ],
    run,
};

type Map = BTreeMap<String, String>;

fn run(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut volumes: HashMap<&str, (&Op<'_>, &Map)> = HashMap::new();
    let mut published: HashMap<&str, (&Op<'_>, &Call, &Map)> = HashMap::new();
    let mut findings = Vec::new();
    for op in Op::by_completion(evidence.subject) {
        let (Some(call), Some(handle)) = (op.call(), op.volume()) else { continue };
        match call.rpc {
            // A refused or lost detachment may have done its work.
            Rpc::DeleteVolume => {
                volumes.remove(handle);
            }
            Rpc::ControllerUnpublish => {
                published.remove(handle);
            }
            _ => (),
        }
        if let Some(volume) = op.reply().and_then(|reply| reply.volume.as_ref()) {
            let (first, then) = volumes.entry(handle).or_insert((op, &volume.context));
            if *then != &volume.context {
                // Told by the same procedure, it has changed; by another, it is not one.
                let same = first.call_of(call.rpc).is_some();
                let clause = if same { "immutable" } else { "stable" };
                let clause = format!("general.volume.context-{clause}");
                findings.push(changed(&clause, "volume_context", first, op, then, &volume.context));
            }
        }
        let reply = ok(op, Rpc::ControllerPublish);
        if let Some(context) = reply.and_then(|reply| reply.publish_context.as_ref()) {
            let (first, asked, then) = published.entry(handle).or_insert((op, call, context));
            if is_same(asked, call) && *then != context {
                let clause = "controller-publish.publish-context-immutable";
                findings.push(changed(clause, "publish_context", first, op, then, context));
            }
        }
    }
    findings
}

fn is_same(a: &Call, b: &Call) -> bool {
    (&a.node, &a.capability, a.readonly) == (&b.node, &b.capability, b.readonly)
}

fn changed(
    clause: &str,
    field: &str,
    first: &Op<'_>,
    op: &Op<'_>,
    then: &Map,
    now: &Map,
) -> Finding {
    let names = |map: &Map| {
        let pairs: Vec<String> = map.iter().map(|(key, value)| format!("{key}={value}")).collect();
        if pairs.is_empty() { "nothing".to_owned() } else { pairs.join(", ") }
    };
    let words = words::action(&op.invoke.action);
    let what = format!("{words} replied another {field} than before");
    let finding = CHECK.breach(Class::Lie, clause, op, what).proved_by(first);
    finding.versus(names(then), names(now))
}
