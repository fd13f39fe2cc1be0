//! Listings: no more entries than asked for, a token if there are more, and every volume and
//! snapshot that the driver said it has made. Other volumes may come and go meanwhile; those of
//! the scenario do not, so only they are looked for.

use std::collections::BTreeMap;

use super::Check;
use crate::{
    action::{Call, Ref, Rpc},
    evidence::{Evidence, Op},
    history::{Entry, Reply},
    report::{Class, Finding},
};

/// See the module.
pub const CHECK: Check = Check {
    name: "listing",
    about: "listings have every volume and snapshot, page by page, and none that is deleted",
    clauses: &[
        "list-volumes.all",
        "list-volumes.max-entries",
        "list-volumes.next-token",
        "list-snapshots.all",
        "list-snapshots.max-entries",
        "list-snapshots.next-token",
    ],
    run,
};

/// Volumes or snapshots of the scenario by handle: the id, and whether it is there.
type Things<'a> = BTreeMap<&'a str, (&'a str, bool)>;

fn run(evidence: &Evidence<'_>) -> Vec<Finding> {
    let (mut volumes, mut snapshots) = (Things::new(), Things::new());
    let mut findings = Vec::new();
    for op in Op::by_completion(evidence.subject) {
        let Some(call) = op.call() else { continue };
        match call.rpc {
            Rpc::ListVolumes => findings.extend(judge(op, call, &volumes)),
            Rpc::ListSnapshots if call.volume.is_none() && call.snapshot.is_none() => {
                findings.extend(judge(op, call, &snapshots));
            }
            Rpc::CreateVolume => {
                let id = op.reply().and_then(|r| r.volume.as_ref()).map(|v| v.id.as_str());
                track(&mut volumes, call.volume.as_ref(), id, op);
            }
            Rpc::CreateSnapshot => {
                let id = op.reply().and_then(|r| r.snapshot.as_ref()).map(|s| s.id.as_str());
                track(&mut snapshots, call.snapshot.as_ref(), id, op);
            }
            Rpc::DeleteVolume => gone(&mut volumes, call.volume.as_ref(), op),
            Rpc::DeleteSnapshot => gone(&mut snapshots, call.snapshot.as_ref(), op),
            _ => (),
        }
    }
    findings
}

fn track<'a>(things: &mut Things<'a>, id: Option<&'a Ref>, real: Option<&'a str>, op: &Op<'_>) {
    let Some(handle) = id.and_then(Ref::handle) else { return };
    match real.filter(|id| !id.is_empty()) {
        Some(real) => {
            things.insert(handle, (real, true));
        }
        // A refusal leaves what was there; anything else leaves it open.
        None if op.completion().is_some_and(is_refusal) => (),
        None => {
            things.remove(handle);
        }
    }
}

/// Deleted for certain, or of a fate that nobody knows.
fn gone<'a>(things: &mut Things<'a>, id: Option<&'a Ref>, op: &Op<'_>) {
    let Some(handle) = id.and_then(Ref::handle) else { return };
    if op.reply().is_none() {
        things.remove(handle);
    } else if let Some((_, there)) = things.get_mut(handle) {
        *there = false;
    }
}

fn is_refusal(completion: &crate::history::Completion) -> bool {
    matches!(completion, crate::history::Completion::Fail(_))
}

fn judge(op: &Op<'_>, call: &Call, things: &Things<'_>) -> Option<Finding> {
    let reply = op.reply()?;
    let entries = reply.entries.as_deref()?;
    let list = if call.rpc == Rpc::ListVolumes { "list-volumes" } else { "list-snapshots" };
    let breach = |rule: &str, what: String| {
        Some(CHECK.breach(Class::Lie, &format!("{list}.{rule}"), op, what))
    };
    let most = usize::try_from(call.max_entries.unwrap_or(0)).unwrap_or(0);
    if most > 0 && entries.len() > most {
        let what = format!("{} replied more entries than max_entries", call.rpc);
        let finding = breach("max-entries", what)?;
        return Some(finding.versus(format!("<= {most}"), entries.len().to_string()));
    }
    let first = call.starting_token.as_deref().unwrap_or_default().is_empty();
    if !first || has_more(reply) {
        return None;
    }
    let there = things.values().filter(|(_, there)| *there).count();
    if most > 0 && there > most {
        let what = format!("{there} are there, {most} were asked for, and there is no next_token");
        return breach("next-token", what);
    }
    let listed = |id: &str| entries.iter().any(|entry: &Entry| entry.id == id);
    let wrong = things.iter().find(|(_, (id, there))| listed(id) != *there);
    let (handle, (id, there)) = wrong?;
    // Two handles of one idempotency name stand for one thing.
    if !there && things.values().any(|(other, there)| other == id && *there) {
        return None;
    }
    let what = match there {
        true => format!("{handle} was made, and {} does not list it", call.rpc),
        false => format!("{handle} was deleted, and {} still lists it", call.rpc),
    };
    breach("all", what)
}

fn has_more(reply: &Reply) -> bool {
    reply.next_token.as_ref().is_some_and(|token| !token.is_empty())
}
