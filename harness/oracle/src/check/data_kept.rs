//! Acknowledged data is still there, and a published volume can be written and read.
//!
//! The specification never says so in words; these are derived clauses, and they always fail
//! (notes, 32). A full volume is no fault of the driver's. What a writer meets while the harness
//! breaks something is a remark.

use std::collections::HashMap;

use super::{Check, table};
use crate::{
    action::{Action, Load, PathRef, Rpc},
    evidence::{Evidence, Op},
    history::{Code, Completion, Failure, LoadReport, Outcome},
    model::{self, Model, Volume},
    report::{Class, Finding},
};

/// See the module.
pub const CHECK: Check = Check {
    name: "data-kept",
    about: "every acknowledged block is read back as it was written",
    clauses: &[
        "controller-expand.data-kept",
        "node-expand.data-kept",
        "node-expand.block-content-untouched",
        "create-volume.larger-than-source",
        "node-publish.capability-usable",
        "controller-expand.online-no-downtime",
    ],
    run,
};

fn run(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut expanded: HashMap<&str, Op<'_>> = HashMap::new();
    let mut writers: HashMap<&str, (u32, &PathRef)> = HashMap::new();
    let mut faults: Vec<Op<'_>> = Vec::new();
    let mut findings = Vec::new();
    let mut damaged: Vec<(&str, u64, Finding)> = Vec::new();
    model::walk(evidence.subject, |model, op| match &op.invoke.action {
        Action::Fault(_) => faults.push(*op),
        Action::Call(call) if table::expands(call.rpc) => {
            expanded.extend(op.volume().map(|volume| (volume, *op)));
        }
        Action::Load(load) => {
            let Some(volume) = op.volume() else { return };
            if let Load::Start { path, .. } | Load::Open { path, .. } = load {
                writers.insert(volume, (op.begin(), path));
            }
            let writer = writers.get(volume).copied();
            let scene = Scene {
                model,
                volume,
                expand: expanded.get(volume).copied(),
                since: writer
                    .filter(|_| matches!(load, Load::Stop { .. } | Load::Close { .. }))
                    .map_or(op.begin(), |w| w.0),
                path: load.path().or(writer.map(|(_, path)| path)),
                faults: &faults,
            };
            match op.completion() {
                Some(Completion::Ok(Outcome::Loaded(report))) if total(report) > 0 => {
                    damaged.push((volume, total(report), scene.damage(op, report)));
                }
                Some(completion) => findings.extend(scene.judge(op, completion)),
                None => (),
            }
        }
        _ => (),
    });
    whole(damaged).chain(findings).collect()
}

/// What a load met in passing is a part of what a comparison finds: of each volume's damage, by
/// clause, the account that tells most.
fn whole(damaged: Vec<(&str, u64, Finding)>) -> impl Iterator<Item = Finding> {
    let mut whole: Vec<(&str, u64, Finding)> = Vec::new();
    for (volume, total, finding) in damaged {
        let same =
            |(v, _, f): &&mut (&str, u64, Finding)| *v == volume && f.clause == finding.clause;
        match whole.iter_mut().find(same) {
            Some(known) if known.1 >= total => {}
            Some(known) => *known = (volume, total, finding),
            None => whole.push((volume, total, finding)),
        }
    }
    whole.into_iter().map(|(_, _, finding)| finding)
}

fn total(report: &LoadReport) -> u64 {
    report.mismatches_total.max(report.mismatches.len() as u64)
}

/// A load and its surroundings.
struct Scene<'a, 'm> {
    model: &'m Model,
    volume: &'a str,
    /// The last expansion that was asked for.
    expand: Option<Op<'a>>,
    /// First event of the load.
    since: u32,
    path: Option<&'a PathRef>,
    faults: &'m [Op<'a>],
}

impl Scene<'_, '_> {
    fn judge(&self, op: &Op<'_>, completion: &Completion) -> Option<Finding> {
        match completion {
            Completion::Ok(Outcome::Loaded(report)) => self.errors(op, &report.errors),
            Completion::Fail(failure) | Completion::Info(failure)
                if failure.code == Code::Io && op.invoke.expect.is_none() =>
            {
                self.errors(op, std::slice::from_ref(failure))
            }
            _ => None,
        }
    }

    fn damage(&self, op: &Op<'_>, report: &LoadReport) -> Finding {
        let total = total(report);
        let first = report.mismatches.first().map_or(String::new(), |first| {
            let place = first.place().map(|place| format!(" at {place}")).unwrap_or_default();
            format!(", the first{place}: {}", first.what)
        });
        let kind = kind(report, total);
        let are = if total == 1 { " is" } else { "s are" };
        let what =
            format!("{total} {kind}{are} not what was acknowledged on {}{first}", self.volume);
        let finding = CHECK.breach(Class::DataLoss, self.clause(), op, what);
        let finding =
            finding.versus(format!("every {kind} as written"), format!("{total} damaged"));
        self.expand.map_or(finding.clone(), |expand| finding.proved_by(&expand))
    }

    fn errors(&self, op: &Op<'_>, errors: &[Failure]) -> Option<Finding> {
        let grave = |failure: &&Failure| {
            !matches!(failure.code, Code::NoSpace | Code::Unobservable) && !failure.code.is_ours()
        };
        let error = errors.iter().find(grave)?;
        // Without a writable publication there an error is the scenario's own doing.
        let path = self.path?;
        if self.model.volume(self.volume).is_some_and(|v| !v.is_at(path) || v.is_readonly_at(path))
        {
            return None;
        }
        let what = format!(
            "{} published at {path} cannot be used: {}: {}",
            self.volume, error.code, error.message
        );
        let by_fault = self.faults.iter().rev().any(|fault| fault.end() > self.since);
        let clause = if by_fault {
            "controller-expand.online-no-downtime"
        } else {
            "node-publish.capability-usable"
        };
        let finding = CHECK.breach(Class::Stuck, clause, op, what);
        let finding = finding.versus("no error but a full volume", error.code.to_string());
        Some(if by_fault { finding.remark() } else { finding })
    }

    /// What was done to the volume last is what damaged it.
    fn clause(&self) -> &'static str {
        let volume = self.model.volume(self.volume);
        match self.expand.and_then(|op| op.call()).map(|call| call.rpc) {
            Some(Rpc::ControllerExpand) => "controller-expand.data-kept",
            Some(_) if volume.is_some_and(Volume::is_block) => {
                "node-expand.block-content-untouched"
            }
            Some(_) => "node-expand.data-kept",
            None if volume.is_some_and(|v| v.source_size.is_some()) => {
                "create-volume.larger-than-source"
            }
            None => "node-publish.capability-usable",
        }
    }
}

/// What was damaged: rows of a database, blocks beside it, or the database as a whole.
fn kind(report: &LoadReport, total: u64) -> &'static str {
    let has_place = report.mismatches.first().is_some_and(|first| first.place().is_some());
    match report.rows.as_deref() {
        Some(rows) if rows.lost == 0 && has_place => "block",
        Some(rows) if rows.lost == 0 => "database",
        Some(rows) if rows.lost < total => "row or block",
        None if report.engine.is_none() => "block",
        _ => "row",
    }
}
