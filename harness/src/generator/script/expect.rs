//! Which answers a call may bring when the file does not say, and whose clause is broken otherwise.

use csi_stretch_oracle::{
    action::{Call, PathRef, Rpc},
    history::{Code, Expect},
};

use super::{
    request::Abilities,
    state::{State, is_growth},
};
use crate::scenario::Wanted;

/// The expectation of a call. `verb`: the orchestrator's own, so that a failure is blamed on the
/// procedure and not on what the scenario is about.
pub(super) fn expectation(
    call: &Call,
    wanted: &Wanted,
    clause: Option<&String>,
    verb: bool,
    state: &State,
    able: Abilities,
) -> Option<Expect> {
    let mut otherwise =
        Expect { pass: vec![Code::Ok], warn: Vec::new(), clause: verb.then(|| home(call.rpc)) };
    let published = matches!(call.path, Some(PathRef::Target(_)));
    if verb && call.rpc == Rpc::NodeExpand && published {
        // Serving a published path is a MAY for the plugin, though the CO has to call it.
        otherwise.warn.push(Code::FailedPrecondition);
    }
    let mut expect = wanted.or(clause, otherwise)?;
    let undefined = is_growth(call.rpc) && state.in_use() && able.expansion_undeclared;
    if undefined && expect.pass.contains(&Code::Ok) {
        expect.warn.retain(|code| *code != Code::FailedPrecondition);
        if !expect.pass.contains(&Code::FailedPrecondition) {
            expect.pass.push(Code::FailedPrecondition);
        }
    }
    Some(expect)
}

/// The clause that a refused, legal call breaks.
pub(super) fn home(rpc: Rpc) -> String {
    match rpc {
        Rpc::GetPluginInfo => "get-plugin-info.implemented",
        Rpc::GetPluginCapabilities => "get-plugin-capabilities.implemented",
        Rpc::Probe => "probe.implemented",
        Rpc::CreateVolume => "create-volume.implemented",
        Rpc::DeleteVolume => "delete-volume.implemented",
        Rpc::ControllerPublish => "controller-publish.implemented",
        Rpc::ControllerUnpublish => "controller-unpublish.implemented",
        Rpc::ValidateCapabilities => "validate-capabilities.implemented",
        Rpc::ListVolumes => "list-volumes.implemented",
        Rpc::GetCapacity => "get-capacity.implemented",
        Rpc::ControllerGetCapabilities => "controller-get-capabilities.implemented",
        Rpc::CreateSnapshot => "create-snapshot.implemented",
        Rpc::DeleteSnapshot => "delete-snapshot.implemented",
        Rpc::ListSnapshots => "list-snapshots.implemented",
        Rpc::ControllerExpand => "controller-expand.implemented",
        Rpc::ControllerGetVolume => "controller-get-volume.implemented",
        Rpc::ControllerModify => "controller-modify.implemented",
        Rpc::NodeStage => "node-stage.implemented",
        Rpc::NodeUnstage => "node-unstage.implemented",
        Rpc::NodePublish => "node-publish.implemented",
        Rpc::NodeUnpublish => "node-unpublish.implemented",
        Rpc::NodeGetStats => "node-get-volume-stats.implemented",
        Rpc::NodeExpand => "node-expand.implemented",
        Rpc::NodeGetCapabilities => "node-get-capabilities.implemented",
        Rpc::NodeGetInfo => "node-get-info.implemented",
    }
    .to_owned()
}

/// The clause that a failed write or read breaks.
pub(super) const USABLE: &str = "node-publish.capability-usable";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::is_clause;

    #[test]
    fn home_clauses_are_in_the_catalogue() {
        for (rpc, ..) in Rpc::ALL {
            assert!(is_clause(&home(*rpc)), "{}", home(*rpc));
        }
        assert!(is_clause(USABLE));
    }
}
