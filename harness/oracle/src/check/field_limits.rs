//! General size limits: 128 bytes for a string, 4 KiB for a map, in every reply. Fields with a
//! limit of their own (a plugin's name, a node's id) are `identity`'s. Text for people is left
//! alone: nobody has to store it.

use std::collections::{BTreeMap, BTreeSet};

use super::Check;
use crate::{
    action::Rpc,
    evidence::{Evidence, Op},
    history::Reply,
    report::{Class, Finding},
};

/// See the module.
pub const CHECK: Check = Check {
    name: "field-limits",
    about: "strings of replies have at most 128 bytes, maps at most 4 KiB",
    clauses: &["general.size.string-128-sp", "general.size.map-4kib-sp"],
    run,
};

const STRING_MAX: usize = 128;
const MAP_MAX: usize = 4096;

/// One finding for each field of a procedure: the first reply.
fn run(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut told = BTreeSet::new();
    let mut findings = Vec::new();
    for op in evidence.subject {
        let (Some(call), Some(reply)) = (op.call(), op.reply()) else { continue };
        let long = strings(reply).into_iter().find(|(_, text)| text.len() > STRING_MAX);
        let string = long.map(|(field, text)| (field, text.len(), STRING_MAX));
        let large = maps(reply).into_iter().find(|(_, size)| *size > MAP_MAX);
        let map = large.map(|(field, size)| (field, size, MAP_MAX));
        for (field, size, most) in string.into_iter().chain(map) {
            if told.insert((call.rpc, field)) {
                findings.push(over(call.rpc, field, size, most, op));
            }
        }
    }
    findings
}

fn over(rpc: Rpc, field: &str, size: usize, most: usize, op: &Op<'_>) -> Finding {
    let clause =
        if most == MAP_MAX { "general.size.map-4kib-sp" } else { "general.size.string-128-sp" };
    let what = format!("{rpc} replied {field} of {size} bytes");
    let (expected, observed) = (format!("<= {most} bytes"), format!("{size} bytes"));
    CHECK.breach(Class::Code, clause, op, what).versus(expected, observed)
}

fn strings(reply: &Reply) -> Vec<(&'static str, &str)> {
    let volume = reply.volume.as_ref().map(|volume| ("volume_id", volume.id.as_str()));
    let snapshot = reply.snapshot.as_ref();
    let snapshot_id = snapshot.map(|snapshot| ("snapshot_id", snapshot.id.as_str()));
    let source = snapshot.map(|snapshot| ("source_volume_id", snapshot.source_volume_id.as_str()));
    let token = reply.next_token.as_deref().map(|token| ("next_token", token));
    let version = reply.vendor_version.as_deref().map(|version| ("vendor_version", version));
    let entries = reply.entries.iter().flatten().map(|entry| ("an entry's id", entry.id.as_str()));
    let one = [volume, snapshot_id, source, token, version].into_iter().flatten();
    one.chain(entries).collect()
}

fn maps(reply: &Reply) -> Vec<(&'static str, usize)> {
    let size = |map: &BTreeMap<String, String>| map.iter().map(|(k, v)| k.len() + v.len()).sum();
    let volume = reply.volume.as_ref().map(|volume| ("volume_context", size(&volume.context)));
    let publish = reply.publish_context.as_ref().map(|map| ("publish_context", size(map)));
    volume.into_iter().chain(publish).collect()
}
