//! `node_expansion_required` is true only where the node can do something, and false only where
//! it has nothing to do.
//!
//! A false that follows a true for the same size is `idempotent`'s. For a block volume either
//! value is right. A node step that was done although none was asked for ends the matter (12).

use std::collections::HashMap;

use super::{
    Check,
    seen::{Seen, Watch, ok, range},
};
use crate::{
    action::Rpc,
    evidence::{Evidence, Op},
    model,
    report::{Class, Finding},
    words,
};

/// See the module.
pub const CHECK: Check = Check {
    name: "node-flag",
    about: "node_expansion_required says truly whether the node has something to do",
    clauses: &[
        "controller-expand.node-flag-needs-capability",
        "controller-expand.node-flag-truthful",
    ],
    run,
};

#[derive(Default)]
struct Track<'a> {
    /// Range for which a node step is still due.
    demand: Option<(i64, i64)>,
    watch: Option<Watch<'a>>,
    last: Option<Seen<'a>>,
}

fn run(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut tracks: HashMap<&str, Track<'_>> = HashMap::new();
    let mut findings: Vec<Finding> = needless(evidence).into_iter().collect();
    model::walk(evidence.subject, |model, op| {
        let Some(handle) = op.volume() else { return };
        let track = tracks.entry(handle).or_default();
        findings.extend(track.called(op));
        if let Some((_, seen)) = Seen::of(model, op) {
            if let Some(watch) = &mut track.watch {
                watch.see(seen);
            }
            track.last = Some(seen);
        }
    });
    let mut rest: Vec<Finding> = tracks.into_values().filter_map(|mut t| t.conclude()).collect();
    rest.sort_by(|a, b| a.events.cmp(&b.events));
    findings.extend(rest);
    findings
}

/// The first demand for a step that the node does not offer.
fn needless(evidence: &Evidence<'_>) -> Option<Finding> {
    if evidence.run.target.offers.has("node.expand") {
        return None;
    }
    let demands = |op: &&Op<'_>| {
        ok(op, Rpc::ControllerExpand).is_some_and(|r| r.node_expansion_required == Some(true))
    };
    let op = evidence.subject.iter().find(demands)?;
    let what = format!(
        "{} asks for a node step, but the node does not offer EXPAND_VOLUME",
        words::action(&op.invoke.action)
    );
    let clause = "controller-expand.node-flag-needs-capability";
    Some(CHECK.breach(Class::Code, clause, op, what).versus("false", "true"))
}

impl<'a> Track<'a> {
    fn called(&mut self, op: &Op<'a>) -> Option<Finding> {
        if ok(op, Rpc::NodeExpand).is_some() {
            (self.demand, self.watch) = (None, None);
            return None;
        }
        if ok(op, Rpc::DeleteVolume).is_some() {
            return self.conclude();
        }
        let reply = ok(op, Rpc::ControllerExpand)?;
        let asked = range(op)?;
        if reply.node_expansion_required == Some(true) {
            self.demand = Some(asked);
            self.watch = None;
            return None;
        }
        if self.demand == Some(asked) {
            return None;
        }
        if self.watch.as_ref().is_some_and(|watch| range(&watch.claim) == Some(asked)) {
            return None; // The same claim again.
        }
        let finding = self.conclude();
        self.watch = Some(Watch::new(*op, self.last));
        finding
    }

    fn conclude(&mut self) -> Option<Finding> {
        let watch = self.watch.take()?;
        let seen = watch.small()?;
        let what = format!(
            "{} asks for no node step, but the file system stays small: {}",
            words::action(&watch.claim.invoke.action),
            seen.words()
        );
        let clause = "controller-expand.node-flag-truthful";
        let finding = CHECK.breach(Class::Lie, clause, &watch.claim, what).proved_by(&seen.op);
        Some(finding.versus("file system fills the device without a node step", seen.words()))
    }
}
