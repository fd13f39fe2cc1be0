//! A volume never gets smaller, neither by the driver's own account nor by measurement.
//!
//! A replied size that goes down while the device is measured as large as before is a careless
//! echo of the request (notes, 1 and 4): a remark. A node's reply may be an echo or the file
//! system's size, as it likes (16), so it says nothing here. A reply below its own minimum is
//! `capacity-contract`'s.

use std::collections::HashMap;

use super::{
    Check,
    answered::Silence,
    seen::{Seen, ok, range},
};
use crate::{
    action::{Action, PathRef, Rpc},
    evidence::{Evidence, Op},
    model,
    report::{Class, Finding},
    words::{bytes, bytes_u64},
};

/// See the module.
pub const CHECK: Check = Check {
    name: "never-shrinks",
    about: "no size of a volume, replied or measured, ever goes down",
    clauses: &[
        "controller-expand.never-shrinks",
        "node-expand.never-shrinks",
        "node-unstage.stays-grown",
        "controller-expand.capacity-bytes-actual",
    ],
    run,
};

#[derive(Default)]
struct Track<'a> {
    /// By CreateVolume or ControllerExpand.
    replied: Option<(i64, Op<'a>)>,
    /// By number of the target path. Other targets of a volume may lag behind (notes, 22).
    device: HashMap<u8, (u64, Op<'a>)>,
    fs: HashMap<u8, (u64, Op<'a>)>,
    last_expand: Option<Op<'a>>,
    /// A replied size went down, and no measurement has confirmed or refuted it yet.
    claim: Option<(i64, Finding)>,
}

fn run(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut tracks: HashMap<&str, Track<'_>> = HashMap::new();
    let mut findings = Vec::new();
    let silence = Silence::new(evidence.subject);
    model::walk(evidence.subject, |model, op| {
        let Some(handle) = op.volume() else { return };
        let track = tracks.entry(handle).or_default();
        if let Action::Call(call) = &op.invoke.action {
            let fresh = model.volume(handle).is_none();
            match call.rpc {
                Rpc::DeleteVolume if op.reply().is_some() => findings.extend(track.reset()),
                Rpc::CreateVolume if fresh => {
                    findings.extend(track.reset());
                    track.created(op);
                }
                Rpc::ControllerExpand | Rpc::NodeExpand => {
                    findings.extend(track.replied(op, silence.is_parallel(op)));
                }
                _ => (),
            }
        }
        if let Some((_, seen)) = Seen::of(model, op) {
            findings.extend(track.measured(&seen));
        }
    });
    let mut open: Vec<Finding> = tracks.into_values().filter_map(|t| Some(t.claim?.1)).collect();
    open.sort_by(|a, b| a.events.cmp(&b.events));
    findings.extend(open);
    findings
}

impl<'a> Track<'a> {
    fn reset(&mut self) -> Option<Finding> {
        std::mem::take(self).claim.map(|(_, finding)| finding)
    }

    fn created(&mut self, op: &Op<'a>) {
        let size = op.reply().and_then(|reply| reply.volume.as_ref()).map(|v| v.capacity_bytes);
        self.replied = size.filter(|size| *size > 0).map(|size| (size, *op));
    }

    /// Replies of calls that were under way together may come in any order.
    fn replied(&mut self, op: &Op<'a>, parallel: bool) -> Option<Finding> {
        self.last_expand = Some(*op);
        let reply = ok(op, Rpc::ControllerExpand)?;
        // Less than was asked for is `capacity-contract`'s.
        let least = range(op).map_or(0, |(required, _)| required).max(1);
        let size = reply.capacity_bytes.filter(|size| *size >= least)?;
        let Some((old, by)) = self.replied.filter(|(old, _)| size < *old) else {
            self.replied = Some((size, *op));
            return None;
        };
        if parallel {
            return None;
        }
        let what =
            format!("ControllerExpandVolume replied {}, after {} before", bytes(size), bytes(old));
        let finding = CHECK
            .breach(Class::Lie, "controller-expand.never-shrinks", op, what)
            .versus(format!(">= {}", bytes(old)), bytes(size))
            .proved_by(&by);
        self.claim.replace((old, finding)).map(|(_, finding)| finding)
    }

    fn measured(&mut self, seen: &Seen<'a>) -> Vec<Finding> {
        let place = if let PathRef::Target(n) = seen.path { *n } else { 0 };
        let mut findings = Vec::new();
        if let Some(device) = seen.device {
            let shrunk = self.smaller(self.device.get(&place), device, "device", seen);
            if shrunk.is_none() {
                findings.extend(self.settle_claim(device, seen));
            }
            findings.extend(shrunk);
            self.device.insert(place, (device, seen.op));
        }
        if let Some(fs) = seen.fs {
            // A shrunk device says it all.
            if findings.iter().all(|finding| finding.advisory) {
                findings.extend(self.smaller(self.fs.get(&place), fs.bytes, &fs.kind, seen));
            }
            self.fs.insert(place, (fs.bytes, seen.op));
        }
        findings
    }

    /// The device is what it was: the reply was wrong, the volume is whole.
    fn settle_claim(&mut self, device: u64, seen: &Seen<'a>) -> Option<Finding> {
        let (old, mut finding) = self.claim.take()?;
        if device < old.unsigned_abs() {
            return Some(finding.proved_by(&seen.op));
        }
        "controller-expand.capacity-bytes-actual".clone_into(&mut finding.clause);
        finding.class = Class::Code;
        finding.what = format!("{}; the device still has {}", finding.what, bytes_u64(device));
        Some(finding.proved_by(&seen.op).remark())
    }

    fn smaller(
        &self,
        known: Option<&(u64, Op<'a>)>,
        now: u64,
        name: &str,
        seen: &Seen<'a>,
    ) -> Option<Finding> {
        let (old, by) = *known.filter(|(old, _)| now < *old)?;
        let blamed = self.last_expand.filter(|expand| expand.end() > by.begin());
        let clause = match blamed.and_then(|op| op.call()).map(|call| call.rpc) {
            Some(Rpc::ControllerExpand) => "controller-expand.never-shrinks",
            Some(_) => "node-expand.never-shrinks",
            None => "node-unstage.stays-grown",
        };
        let what = format!("the {name} went from {} to {}", bytes_u64(old), bytes_u64(now));
        let finding = CHECK
            .breach(Class::Lie, clause, &seen.op, what)
            .versus(format!(">= {}", bytes_u64(old)), bytes_u64(now))
            .proved_by(&by);
        Some(blamed.map_or(finding.clone(), |op| finding.proved_by(&op)))
    }
}
