//! What a reply has to hold, in every reply: ids, units, the source of a copy, the time of a
//! snapshot, and what a declared capability promises to state. A volume without an id is
//! `volume-id`'s, a missing size `capacity-contract`'s.

use std::collections::HashMap;

use super::Check;
use crate::{
    action::{Call, Ref, Rpc, Source},
    evidence::{Evidence, Op},
    history::{Reply, Stated},
    report::{Class, Finding},
};

/// See the module.
pub const CHECK: Check = Check {
    name: "reply-fields",
    about: "required fields of replies are set, and say what was asked for",
    clauses: &[
        "create-volume.response-content-source",
        "general.volume.topology-needs-capability",
        "node-get-info.topology-capability",
        "controller-get-volume.fields",
        "controller-get-volume.condition",
        "list-volumes.entry-volume",
        "list-volumes.entry-status",
        "list-volumes.condition",
        "node-get-volume-stats.total-and-unit",
        "node-get-volume-stats.condition",
        "node-get-volume-stats.condition-fields",
        "create-snapshot.response-fields",
    ],
    run,
};

/// Ids that the driver gave out, by handle.
#[derive(Default)]
struct Ids<'a> {
    volumes: HashMap<&'a str, &'a str>,
    snapshots: HashMap<&'a str, &'a str>,
}

fn run(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut ids = Ids::default();
    let mut findings = Vec::new();
    for op in Op::by_completion(evidence.subject) {
        let (Some(call), Some(reply)) = (op.call(), op.reply()) else { continue };
        let breach = |(clause, what): (&str, String)| CHECK.breach(Class::Code, clause, op, what);
        findings.extend(sourceless(call, reply).map(breach).map(Finding::remark));
        findings.extend(wordless(call.rpc, reply).map(breach).map(Finding::remark));
        let found = match call.rpc {
            Rpc::CreateVolume => source(&ids, call, reply),
            Rpc::ControllerGetVolume => get_volume(reply),
            Rpc::ListVolumes => list(reply),
            Rpc::NodeGetStats => usage(reply),
            Rpc::CreateSnapshot => snapshot(&ids, call, reply),
            _ => None,
        };
        let found = found.or_else(|| promised(evidence, call.rpc, reply));
        findings.extend(found.map(breach));
        ids.learn(call, reply);
    }
    findings
}

/// The clause, and what is wrong.
type Found = Option<(&'static str, String)>;

impl<'a> Ids<'a> {
    fn learn(&mut self, call: &'a Call, reply: &'a Reply) {
        if let (Some(handle), Some(volume)) = (handle(call.volume.as_ref()), &reply.volume) {
            self.volumes.insert(handle, &volume.id);
        }
        if let (Some(handle), Some(snapshot)) = (handle(call.snapshot.as_ref()), &reply.snapshot) {
            self.snapshots.insert(handle, &snapshot.id);
        }
    }
}

fn handle(id: Option<&Ref>) -> Option<&str> {
    id.and_then(Ref::handle)
}

fn source(ids: &Ids<'_>, call: &Call, reply: &Reply) -> Found {
    let (kind, id) = match call.source.as_ref()? {
        Source::Snapshot(id) => ("snapshot", ids.snapshots.get(id.handle()?)),
        Source::Volume(id) => ("volume", ids.volumes.get(id.handle()?)),
    };
    let told = reply.volume.as_ref()?.content_source.as_deref();
    let told = told?;
    let right = match id {
        Some(id) => told == format!("{kind} {id}"),
        None => told.starts_with(kind),
    };
    let what = format!("a volume made from a {kind} states another content_source: {told}");
    (!right).then_some(("create-volume.response-content-source", what))
}

/// The field is optional, yet orchestrators want it: csi-provisioner deletes a copy without it.
fn sourceless(call: &Call, reply: &Reply) -> Found {
    let told = reply.volume.as_ref()?.content_source.as_ref();
    let missing = call.rpc == Rpc::CreateVolume && call.source.is_some() && told.is_none();
    let what = "a volume made from a source states no content_source".to_owned();
    missing.then_some(("create-volume.response-content-source", what))
}

fn get_volume(reply: &Reply) -> Found {
    let missing = match (&reply.volume, reply.status) {
        (None, _) => "volume",
        (_, Some(false)) => "status",
        _ => return None,
    };
    Some(("controller-get-volume.fields", format!("ControllerGetVolume replied no {missing}")))
}

fn list(reply: &Reply) -> Found {
    let nameless = reply.entries.iter().flatten().any(|entry| entry.id.is_empty());
    let what = "ListVolumes has an entry without a volume id".to_owned();
    nameless.then_some(("list-volumes.entry-volume", what))
}

fn usage(reply: &Reply) -> Found {
    let known = |unit: &str| unit == "BYTES" || unit == "INODES";
    let usage = reply.usage.iter().find(|usage| !known(&usage.unit))?;
    let what = format!("NodeGetVolumeStats replied the unit {}", usage.unit);
    Some(("node-get-volume-stats.total-and-unit", what))
}

fn snapshot(ids: &Ids<'_>, call: &Call, reply: &Reply) -> Found {
    let clause = "create-snapshot.response-fields";
    let Some(snapshot) = &reply.snapshot else {
        return Some((clause, "CreateSnapshot was OK, but the reply has no snapshot".to_owned()));
    };
    let volume = handle(call.volume.as_ref()).and_then(|handle| ids.volumes.get(handle));
    let of_another = volume.is_some_and(|id| *id != snapshot.source_volume_id);
    let what = match () {
        () if snapshot.id.is_empty() => "the snapshot has no id".to_owned(),
        () if snapshot.source_volume_id.is_empty() => {
            "the snapshot has no source_volume_id".to_owned()
        }
        () if of_another => {
            let told = &snapshot.source_volume_id;
            format!("the snapshot states another volume as its source: {told:?}")
        }
        () if reply.creation_time == Some(false) => "the snapshot has no creation_time".to_owned(),
        () => return None,
    };
    Some((clause, what))
}

/// What a capability makes required, or the lack of one forbids. Where the driver's lists are not
/// known, nothing follows.
fn promised(evidence: &Evidence<'_>, rpc: Rpc, reply: &Reply) -> Found {
    let declared = |service: &str, name: &str| {
        let list = evidence.run.target.offers.declared.get(service)?;
        Some(list.iter().any(|one| one == name))
    };
    let constrained = declared("plugin", "VOLUME_ACCESSIBILITY_CONSTRAINTS");
    if reply.topology == Some(true) && constrained == Some(false) {
        let clause = match rpc {
            Rpc::NodeGetInfo => "node-get-info.topology-capability",
            _ => "general.volume.topology-needs-capability",
        };
        let what = "an accessible topology is stated without VOLUME_ACCESSIBILITY_CONSTRAINTS";
        return Some((clause, format!("{rpc}: {what}")));
    }
    let nodes = declared("controller", "LIST_VOLUMES_PUBLISHED_NODES") == Some(true);
    if rpc == Rpc::ListVolumes && nodes && reply.status == Some(false) {
        let what = "an entry has no status, although LIST_VOLUMES_PUBLISHED_NODES is declared";
        return Some(("list-volumes.entry-status", what.to_owned()));
    }
    let service = if rpc == Rpc::NodeGetStats { "node" } else { "controller" };
    if declared(service, "VOLUME_CONDITION") != Some(true)
        || reply.condition != Some(Stated::Missing)
    {
        return None;
    }
    let clause = match rpc {
        Rpc::ListVolumes => "list-volumes.condition",
        Rpc::ControllerGetVolume => "controller-get-volume.condition",
        _ => "node-get-volume-stats.condition",
    };
    let what = "states no volume condition, although VOLUME_CONDITION is declared";
    Some((clause, format!("{rpc} {what}")))
}

/// The message is required, but an empty scalar cannot be told from one that is not set, and of a
/// volume in order there may be nothing to say. It is the same message wherever it stands, and its
/// fields are told where it is defined.
fn wordless(rpc: Rpc, reply: &Reply) -> Found {
    let what = format!("{rpc} states a volume condition without a message");
    let partly = reply.condition == Some(Stated::Partly);
    partly.then_some(("node-get-volume-stats.condition-fields", what))
}
