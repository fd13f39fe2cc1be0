//! A volume is published as what it was asked for: a block volume as a device, a mounted one with
//! the file system of the request. Where neither could be measured, nothing follows.

use std::collections::BTreeSet;

use super::Check;
use crate::{
    action::{Access, PathRef},
    evidence::Evidence,
    history::probed,
    model,
    report::{Class, Finding},
};

/// See the module.
pub const CHECK: Check = Check {
    name: "access-type",
    about: "a block volume is published as a device, a mounted one with its file system",
    clauses: &["node-publish.block-device-at-target", "general.volume-capability.fs-type-honored"],
    run,
};

/// File systems that are told apart by their superblocks.
const KNOWN: [&str; 3] = ["ext4", "xfs", "btrfs"];

/// One finding for each volume.
fn run(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut told = BTreeSet::new();
    let mut findings = Vec::new();
    model::walk(evidence.subject, |model, op| {
        let Some((handle, path)) = probed(&op.invoke.action) else { return };
        let seen = op.completion().and_then(|completion| completion.observation());
        let volume = model.volume(handle).filter(|volume| volume.is_at(path));
        let (Some(seen), Some(volume)) = (seen, volume) else { return };
        let found = match &volume.access {
            Some(Access::Block) if matches!(path, PathRef::Target(_)) && seen.shared => {
                let what = format!("{handle} is published as block, and there is no device");
                let clause = "node-publish.block-device-at-target";
                Some((clause, what, "a block device", "no device".to_owned()))
            }
            Some(Access::Mount { fs, .. }) if KNOWN.contains(&fs.as_str()) && !seen.shared => {
                let kind = seen.fs.as_ref().map(|fs| fs.kind.as_str());
                kind.filter(|kind| *kind != fs && KNOWN.contains(kind)).map(|kind| {
                    let what = format!("{handle} was asked for with {fs}, and has {kind}");
                    let clause = "general.volume-capability.fs-type-honored";
                    (clause, what, fs.as_str(), kind.to_owned())
                })
            }
            _ => None,
        };
        if let Some((clause, what, expected, observed)) = found.filter(|_| told.insert(handle)) {
            let finding = CHECK.breach(Class::Lie, clause, op, what);
            findings.push(finding.versus(expected, observed));
        }
    });
    findings
}
