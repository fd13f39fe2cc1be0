//! OK means grown, at once: the first measurement after the last step that the driver asked for
//! shows a device of the size that was promised, and a file system that fills it.
//!
//! Due after CreateVolume (the device; after the publication of a copy larger than its source
//! the file system, too), after a ControllerExpand that asks for no node step, and after
//! NodeExpand. What a file system does after an answer that no node step is needed belongs to
//! `node-flag`; a reply outside the range asked for to `capacity-contract`.

use std::collections::HashMap;

use super::{Check, seen::Seen};
use crate::{
    action::{Action, PathRef, Rpc},
    evidence::{Evidence, Op},
    model,
    report::Finding,
};

mod due;
mod track;

use track::Track;

/// See the module.
pub const CHECK: Check = Check {
    name: "grown",
    about: "after an OK the device has the size and the file system fills it, at once",
    clauses: &[
        "controller-expand.purpose",
        "controller-expand.result-at-most-limit",
        "controller-expand.capacity-bytes-actual",
        "node-expand.purpose",
        "node-expand.result-at-most-limit",
        "node-expand.all-targets",
        "create-volume.capacity-range-honored",
        "create-volume.larger-than-source-fs",
    ],
    run,
};

fn run(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut tracks: HashMap<&str, Track<'_>> = HashMap::new();
    let mut findings = Vec::new();
    model::walk(evidence.subject, |model, op| {
        let Some(handle) = op.volume() else { return };
        let track = tracks.entry(handle).or_default();
        if let Action::Call(call) = &op.invoke.action {
            let volume = model.volume(handle);
            match call.rpc {
                Rpc::CreateVolume => track.created(op, volume),
                Rpc::DeleteVolume if op.reply().is_some() => *track = Track::default(),
                Rpc::NodePublish if op.reply().is_some() => {
                    track.published(op, volume.and_then(|volume| volume.source_size));
                }
                Rpc::ControllerExpand => track.controller(op, volume),
                Rpc::NodeExpand => track.node(op, volume),
                _ => (),
            }
        }
        if let Some((_, seen)) = Seen::of(model, op) {
            findings.extend(track.measured(&seen));
        }
    });
    findings
}

/// A path that a node step at `asked` has to have grown itself; the others share its mount.
fn is_own(asked: Option<&PathRef>, seen: &PathRef) -> bool {
    match (asked, seen) {
        (Some(PathRef::Target(asked)), PathRef::Target(seen)) => asked == seen,
        (Some(PathRef::Staging), PathRef::Target(seen)) => *seen == 0,
        _ => true,
    }
}

fn required(op: &Op<'_>) -> i64 {
    super::seen::range(op).map_or(0, |(required, _)| required)
}
