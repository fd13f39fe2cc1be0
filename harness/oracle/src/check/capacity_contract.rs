//! A size in a reply lies within the range that was asked for, in every reply.
//!
//! Legal variety: a volume that is larger than the limit already (notes, 2), also when an
//! unanswered call may have made it so (28); a node that answers with its file system's size, or
//! whose limit lies below what the controller has rounded up to (16); a repeated CreateVolume
//! after growth (31). Whether the number is true is `grown`'s business.

use std::collections::HashMap;

use super::{
    Check,
    seen::{Seen, range},
};
use crate::{
    action::Rpc,
    evidence::{Evidence, Op},
    history::{Code, Reply},
    model::{self, Volume},
    report::{Class, Finding},
    words::{self, bytes},
};

mod negative;

/// See the module.
pub const CHECK: Check = Check {
    name: "capacity-contract",
    about: "every replied size lies within the range asked for, and none is negative",
    clauses: &[
        "create-volume.capacity-range-honored",
        "create-volume.response-volume",
        "controller-expand.result-at-least-required",
        "controller-expand.result-at-most-limit",
        "controller-expand.capacity-bytes-required",
        "node-expand.result-at-least-required",
        "node-expand.result-at-most-limit",
        "general.capacity-range.negative-rejected",
        "general.capacity-range.inverted-rejected",
        "general.volume.capacity-non-negative",
        "get-capacity.available-non-negative",
        "get-capacity.limits-non-negative",
        "node-get-volume-stats.non-negative",
        "create-snapshot.size-non-negative",
    ],
    run,
};

/// A node's reply below the minimum, unless it turns out to be the file system's size.
type Doubtful = (u64, Finding);

fn run(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut devices: HashMap<&str, u64> = HashMap::new();
    let mut doubtful: HashMap<&str, Doubtful> = HashMap::new();
    let mut findings = Vec::new();
    model::walk(evidence.subject, |model, op| {
        if let (Some(call), Some(reply)) = (op.call(), op.reply()) {
            findings.extend(negative::find(call.rpc, reply, op));
            let handle = op.volume().unwrap_or_default();
            let present = Present::of(model.volume(handle), devices.get(handle).copied());
            match contract(op, call.rpc, reply, &present) {
                Some(finding) if finding.clause == "node-expand.result-at-least-required" => {
                    let told = reply.capacity_bytes.unwrap_or(0).unsigned_abs();
                    let old = doubtful.insert(handle, (told, finding));
                    findings.extend(old.map(|(_, finding)| finding));
                }
                finding => findings.extend(finding),
            }
        }
        if let Some((handle, seen)) = Seen::of(model, op) {
            devices.extend(seen.device.map(|size| (handle, size)));
            if let Some((told, finding)) = doubtful.remove(handle)
                && !is_measured(told, &seen)
            {
                findings.push(finding);
            }
        }
    });
    let mut open: Vec<Finding> = doubtful.into_values().map(|(_, finding)| finding).collect();
    open.sort_by(|a, b| a.events.cmp(&b.events));
    findings.extend(open);
    findings
}

/// How large the volume may be already, bytes.
struct Present {
    size: i64,
    /// The controller has grown it, and this node step completes that.
    node_step: bool,
    known: Option<String>,
}

impl Present {
    fn of(volume: Option<&Volume>, device: Option<u64>) -> Self {
        let device = i64::try_from(device.unwrap_or(0)).unwrap_or(i64::MAX);
        Self {
            size: volume.map_or(0, |volume| volume.size().max(volume.doubt)).max(device),
            node_step: volume.is_some_and(|volume| volume.node_step),
            known: volume.map(|volume| volume.id.clone()),
        }
    }
}

fn contract(op: &Op<'_>, rpc: Rpc, reply: &Reply, present: &Present) -> Option<Finding> {
    let told = match rpc {
        Rpc::CreateVolume => match &reply.volume {
            None => {
                let what = "CreateVolume was OK, but the reply has no volume";
                return Some(CHECK.breach(Class::Code, "create-volume.response-volume", op, what));
            }
            Some(volume) => volume.capacity_bytes,
        },
        Rpc::ControllerExpand | Rpc::NodeExpand => reply.capacity_bytes.unwrap_or(0),
        _ => return None,
    };
    let (required, limit) = range(op).unwrap_or((0, 0));
    if required < 0 || limit < 0 || limit > 0 && required > limit {
        return impossible(op, required < 0 || limit < 0);
    }
    let (at_least, at_most) = clauses(rpc);
    match told {
        0 if rpc == Rpc::ControllerExpand => {
            let what = format!("{} replied no size", words::action(&op.invoke.action));
            let clause = "controller-expand.capacity-bytes-required";
            Some(CHECK.breach(Class::Code, clause, op, what).versus("capacity_bytes > 0", "0"))
        }
        told if told <= 0 => None, // Unknown, or reported as negative already.
        told if told < required => Some(outside(op, at_least, told, ">=", required)),
        told if limit > 0 && told > limit => {
            let repeated = rpc == Rpc::CreateVolume
                && present.known.as_ref() == reply.volume.as_ref().map(|v| &v.id);
            // The limit came too late: the volume was, or may have been, larger already.
            let late = present.size > limit && (told <= present.size || repeated);
            let finding = outside(op, at_most, told, "<=", limit);
            match (late, rpc) {
                (false, _) => Some(finding),
                (true, Rpc::CreateVolume) => Some(finding.remark()),
                (true, Rpc::NodeExpand) if present.node_step => Some(finding.remark()),
                (true, _) => None,
            }
        }
        _ => None,
    }
}

fn clauses(rpc: Rpc) -> (&'static str, &'static str) {
    match rpc {
        Rpc::ControllerExpand => {
            ("controller-expand.result-at-least-required", "controller-expand.result-at-most-limit")
        }
        Rpc::NodeExpand => {
            ("node-expand.result-at-least-required", "node-expand.result-at-most-limit")
        }
        _ => ("create-volume.capacity-range-honored", "create-volume.capacity-range-honored"),
    }
}

/// A range that no size satisfies was answered with OK. If the scenario says which answers are
/// right, `code-expected` has judged that.
fn impossible(op: &Op<'_>, negative: bool) -> Option<Finding> {
    let judged = op.invoke.expect.as_ref().is_some_and(|expect| !expect.pass.contains(&Code::Ok));
    if judged {
        return None;
    }
    let (clause, kind) = if negative {
        ("general.capacity-range.negative-rejected", "negative")
    } else {
        ("general.capacity-range.inverted-rejected", "inverted")
    };
    let what = format!("{} was OK with an {kind} range", words::action(&op.invoke.action));
    let what = what.replace("an negative", "a negative");
    Some(CHECK.breach(Class::Code, clause, op, what).versus("an error", "OK"))
}

fn outside(op: &Op<'_>, clause: &str, told: i64, sign: &str, bound: i64) -> Finding {
    let what = format!("{} replied {}", words::action(&op.invoke.action), bytes(told));
    CHECK
        .breach(Class::Code, clause, op, what)
        .versus(format!("{sign} {}", bytes(bound)), bytes(told))
}

/// The number is that of the device or of its file system, so it is true.
fn is_measured(told: u64, seen: &Seen<'_>) -> bool {
    let fs = seen.fs.map(|fs| fs.bytes);
    [seen.device, fs, seen.statfs].into_iter().flatten().any(|size| size == told)
}
