//! A refusal changes nothing: the next measurement shows what the last one before it showed.
//!
//! Judged for codes that say "this is not allowed". INTERNAL, UNKNOWN, ABORTED and codes that
//! leave the outcome open promise nothing about work already done. Sizes that go down are
//! `never-shrinks`'s. While an earlier growth may still be completed (a node step is due, a
//! stage or publication came in between), a larger file system proves nothing (notes, 13).

use std::collections::HashMap;

use super::{Check, seen::Seen, table};
use crate::{
    action::{Action, Rpc},
    evidence::{Evidence, Op},
    history::{Code, Completion},
    model,
    report::{Class, Finding},
    words::{self, bytes_u64},
};

/// See the module.
pub const CHECK: Check = Check {
    name: "refused-without-effect",
    about: "an expansion that was refused leaves the volume as it was",
    clauses: &[
        "controller-expand.err-in-use-no-effect",
        "controller-expand.err-out-of-range-no-effect",
        "node-expand.err-in-use",
        "node-expand.err-out-of-range",
        "general.error.invalid-field",
        "general.error.unimplemented",
    ],
    run,
};

#[derive(Default)]
struct Track<'a> {
    /// The state of things, as long as nothing may have changed it.
    last: Option<Seen<'a>>,
    refused: Option<(Op<'a>, Seen<'a>)>,
}

fn run(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut tracks: HashMap<&str, Track<'_>> = HashMap::new();
    let mut findings = Vec::new();
    model::walk(evidence.subject, |model, op| {
        let Some(handle) = op.volume() else { return };
        let track = tracks.entry(handle).or_default();
        if let Action::Call(call) = &op.invoke.action {
            track.called(call.rpc, op);
        }
        if let Some((handle, seen)) = Seen::of(model, op) {
            findings.extend(track.judge(&seen));
            let growing = model.volume(handle).is_some_and(|volume| volume.node_step);
            track.last = Some(seen).filter(|_| !growing);
        }
    });
    findings
}

impl<'a> Track<'a> {
    fn called(&mut self, rpc: Rpc, op: &Op<'a>) {
        match (rpc, op.completion()) {
            (rpc, Some(Completion::Fail(failure))) if table::expands(rpc) => {
                if clause(rpc, failure.code).is_some() {
                    self.refused = self.refused.or(self.last.map(|last| (*op, last)));
                } else {
                    *self = Self::default();
                }
            }
            (rpc, _) if table::expands(rpc) || rpc == Rpc::DeleteVolume => *self = Self::default(),
            (Rpc::NodeStage | Rpc::NodePublish, _) => {
                for seen in
                    self.last.iter_mut().chain(self.refused.iter_mut().map(|(_, seen)| seen))
                {
                    seen.fs = None;
                }
            }
            _ => (),
        }
    }

    fn judge(&mut self, seen: &Seen<'a>) -> Option<Finding> {
        let (op, before) = self.refused.take()?;
        if seen.op.begin() < op.end() {
            return None;
        }
        let device = before.device.zip(seen.device).filter(|(old, new)| new > old);
        let fs = before.fs.zip(seen.fs).map(|(old, new)| (old.bytes, new.bytes));
        let fs = fs.filter(|(old, new)| new > old);
        let (name, (old, new)) =
            device.map(|sizes| ("device", sizes)).or(fs.map(|sizes| ("file system", sizes)))?;
        let code = op.code()?;
        let what = format!(
            "{} was refused with {code}, yet the {name} went from {} to {}",
            words::action(&op.invoke.action),
            bytes_u64(old),
            bytes_u64(new)
        );
        let finding = CHECK.breach(Class::Lie, clause(op.call()?.rpc, code)?, &op, what);
        let finding = finding.versus(bytes_u64(old), bytes_u64(new));
        Some(finding.proved_by(&before.op).proved_by(&seen.op))
    }
}

/// The clause that a refusal with this code breaks if it changed something.
fn clause(rpc: Rpc, code: Code) -> Option<&'static str> {
    Some(match (rpc, code) {
        (Rpc::ControllerExpand, Code::OutOfRange) => "controller-expand.err-out-of-range-no-effect",
        (Rpc::ControllerExpand, Code::FailedPrecondition) => {
            "controller-expand.err-in-use-no-effect"
        }
        (Rpc::NodeExpand, Code::OutOfRange) => "node-expand.err-out-of-range",
        (Rpc::NodeExpand, Code::FailedPrecondition) => "node-expand.err-in-use",
        (_, Code::InvalidArgument) => "general.error.invalid-field",
        (_, Code::Unimplemented) => "general.error.unimplemented",
        _ => return None,
    })
}
