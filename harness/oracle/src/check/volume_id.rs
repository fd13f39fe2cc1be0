//! A volume has an identifier, and no other volume has the same.

use std::collections::BTreeMap;

use super::Check;
use crate::{
    action::Rpc,
    evidence::{Evidence, Op},
    report::{Class, Finding},
    words,
};

/// See the module.
pub const CHECK: Check = Check {
    name: "volume-id",
    about: "every volume has an identifier, and no two of a scenario share one",
    clauses: &["general.volume.id-required", "general.volume.id-unique"],
    run,
};

fn run(evidence: &Evidence<'_>) -> Vec<Finding> {
    // Volumes that are there, by id; the handle of each.
    let mut there: BTreeMap<&str, &str> = BTreeMap::new();
    let mut findings = Vec::new();
    for op in evidence.subject.iter().filter(|op| op.reply().is_some()) {
        let Some(handle) = op.volume() else { continue };
        if op.call_of(Rpc::DeleteVolume).is_some() {
            there.retain(|_, known| *known != handle);
        }
        findings.extend(created(op, handle, &mut there));
    }
    findings
}

fn created<'a>(
    op: &Op<'a>,
    handle: &'a str,
    there: &mut BTreeMap<&'a str, &'a str>,
) -> Option<Finding> {
    let call = op.call_of(Rpc::CreateVolume)?;
    let id = op.reply()?.volume.as_ref()?.id.as_str();
    let words = words::action(&op.invoke.action);
    if id.is_empty() {
        let what = format!("{words} was OK, and the volume has no id");
        return Some(CHECK.breach(Class::Code, "general.volume.id-required", op, what));
    }
    let other = there.insert(id, handle).filter(|known| *known != handle)?;
    // An idempotency name that is asked for under two handles is one volume, rightly.
    call.name.as_ref().filter(|name| name.as_str() != other)?;
    let what = format!("{words} got the id of another volume, {other}");
    Some(CHECK.breach(Class::DataLoss, "general.volume.id-unique", op, what))
}
