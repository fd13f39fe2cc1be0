//! The shortest way to see a finding by hand: the calls that lead to it on the volumes it is
//! about, without measurements and without what was done to other volumes.

use std::collections::BTreeSet;

use crate::{
    action::{Action, Load, Source},
    evidence::Op,
    history::Code,
    report::{Class, Finding},
    words,
};

/// One sequence for each finding, in their order: the first of a check on a clause has one, for
/// the others say the same again.
pub fn sequences(ops: &[Op<'_>], findings: &[Finding]) -> Vec<Vec<String>> {
    let mut told = BTreeSet::new();
    let of = |finding: &Finding| {
        let first = told.insert((finding.check.clone(), finding.clause.clone()));
        if first { sequence(ops, finding) } else { Vec::new() }
    };
    findings.iter().map(of).collect()
}

/// The steps in words, the one that proves the finding last. Empty if no operation proves it.
fn sequence(ops: &[Op<'_>], finding: &Finding) -> Vec<String> {
    let proves = |op: &Op<'_>| op.events().iter().any(|event| finding.events.contains(event));
    let Some(last) = ops.iter().rposition(proves) else { return Vec::new() };
    let ops = &ops[..=last];
    let volumes = volumes(ops, &proves);
    let about_data = finding.class == Class::DataLoss;
    let leads = |op: &&Op<'_>| proves(op) || leads_there(op, &volumes, about_data);
    ops.iter().filter(leads).map(told).collect()
}

/// Handles that the finding is about, and those that their content came from.
fn volumes<'a>(ops: &[Op<'a>], proves: &impl Fn(&Op<'_>) -> bool) -> BTreeSet<&'a str> {
    let mut volumes: BTreeSet<&str> =
        ops.iter().filter(|op| proves(op)).flat_map(handles).collect();
    for op in ops.iter().rev() {
        let copies = op.call().is_some_and(|call| call.source.is_some() || call.snapshot.is_some());
        let own = handles(op);
        if copies && own.iter().any(|handle| volumes.contains(handle)) {
            volumes.extend(own);
        }
    }
    volumes
}

/// Volumes and snapshots that the operation names.
fn handles<'a>(op: &Op<'a>) -> Vec<&'a str> {
    let mut handles: Vec<&str> = op.volume().into_iter().collect();
    if let Some(call) = op.call() {
        handles.extend(call.snapshot.as_ref().and_then(|snapshot| snapshot.handle()));
        handles.extend(match &call.source {
            Some(Source::Snapshot(id) | Source::Volume(id)) => id.handle(),
            None => None,
        });
    }
    handles
}

/// What changed a volume of the finding, or the driver under it.
fn leads_there(op: &Op<'_>, volumes: &BTreeSet<&str>, about_data: bool) -> bool {
    let ours = || handles(op).iter().any(|handle| volumes.contains(handle));
    match &op.invoke.action {
        Action::Call(call) => op.code() == Some(Code::Ok) && !call.rpc.only_asks() && ours(),
        Action::Load(Load::Open { .. } | Load::Await { .. } | Load::Close { .. }) => ours(),
        Action::Load(Load::Write { .. } | Load::Start { .. }) => about_data && ours(),
        Action::Fault(_) => true,
        _ => false,
    }
}

/// `ControllerExpandVolume vol to 128 MiB: INTERNAL`; an OK is not worth a word.
fn told(op: &Op<'_>) -> String {
    let action = words::action(&op.invoke.action);
    match op.code() {
        Some(Code::Ok) => action,
        Some(code) => format!("{action}: {code}"),
        None => format!("{action}: never came back"),
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::H;

    #[test]
    fn leaves_out_measurements_and_ends_with_the_proof() {
        let h = H::xfs().create(64).publish().see(64, 64).expand(128).reply(128, true);
        let report = h.node_expand(128).size(128).see(128, 64).verify(0).report();
        let sequence = &report.findings[0].sequence;
        let names: Vec<&str> = sequence.iter().map(|one| one.split(' ').next().unwrap()).collect();
        assert_eq!(names.first(), Some(&"CreateVolume"), "{sequence:?}");
        assert_eq!(names.last(), Some(&"measure"), "the lie shows only in the measurement");
        assert_eq!(names.iter().filter(|name| **name == "measure").count(), 1, "{sequence:?}");
        assert!(names.contains(&"ControllerExpandVolume"));
    }
}
