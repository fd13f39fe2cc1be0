//! What raw calls change and need. A call that the scenario wants refused changes nothing.

use csi_stretch_oracle::action::{PathRef, Ref, Rpc};

use super::Walk;
use crate::scenario::{
    error::Problem,
    lexeme::name,
    program::{Change, Command, Field, What},
};

impl Walk<'_> {
    /// `call` and `again`.
    pub(super) fn raw(&mut self, command: &Command) -> Result<(), Problem> {
        match &command.what {
            What::Call { rpc, volume, set, .. } => {
                self.need_rpc(*rpc);
                let literal = |field: &Field| matches!(field, Field::Volume(Ref::Literal { .. }));
                if let Some(handle) = volume.as_ref().filter(|_| !set.iter().any(literal)) {
                    self.about(command, *rpc, handle, set)?;
                }
                if command.expect.allows_ok() {
                    self.sent.insert(*rpc);
                }
                Ok(())
            }
            What::Again { rpc, change } => {
                self.need_rpc(*rpc);
                if !self.sent.contains(rpc) {
                    let message =
                        format!("no step before this one sends a `{}` that succeeds", name(*rpc));
                    return Err(Problem::new(command.at, message));
                }
                self.grown_again(command, *rpc, change.as_ref());
                Ok(())
            }
            What::Parallel { calls } => calls.iter().try_for_each(|call| {
                let (what, expect) = (call.what.clone(), call.expect.clone());
                self.raw(&Command { what, expect, ..command.clone() })
            }),
            _ => Ok(()),
        }
    }

    /// A call about a volume of the scenario.
    fn about(
        &mut self,
        command: &Command,
        rpc: Rpc,
        handle: &str,
        set: &[Field],
    ) -> Result<(), Problem> {
        let born = self.volumes.get(handle).is_some_and(|state| state.born);
        if !born && names_a_volume(rpc) {
            let message = format!("the volume `{handle}` has no id here: `create` it first");
            return Err(Problem::new(command.at, message));
        }
        if !command.expect.prefers_ok() {
            return Ok(());
        }
        let path = set.iter().find_map(|field| match field {
            Field::Path(path) => Some(path.clone()),
            _ => None,
        });
        let target = match path {
            Some(PathRef::Target(n)) => n,
            _ => 0,
        };
        match rpc {
            Rpc::ControllerExpand => {
                let to = set.iter().find_map(|field| match field {
                    Field::To(bytes) => Some(*bytes),
                    _ => None,
                });
                return self.expand(command.at, handle, to.unwrap_or(0));
            }
            Rpc::NodeExpand => return self.node_expand(command.at, handle, path.as_ref()),
            Rpc::NodeStage => return self.stage(command.at, handle),
            Rpc::NodePublish => {
                let readonly = set.iter().any(|field| matches!(field, Field::Readonly(true)));
                return self.publish(command.at, handle, target, readonly);
            }
            _ => {}
        }
        let Some(state) = self.volumes.get_mut(handle) else { return Ok(()) };
        match rpc {
            Rpc::CreateVolume => (state.born, state.exists) = (true, true),
            Rpc::DeleteVolume => state.exists = false,
            Rpc::ControllerPublish => state.attached = true,
            Rpc::ControllerUnpublish => state.attached = false,
            Rpc::NodeUnstage => state.staged = false,
            Rpc::NodeUnpublish => {
                state.targets.remove(&target);
                state.readonly.remove(&target);
            }
            _ => {}
        }
        Ok(())
    }

    /// A growth sent again with another size.
    fn grown_again(&mut self, command: &Command, rpc: Rpc, change: Option<&Change>) {
        let Some(Change::With(Field::To(to))) = change else { return };
        if rpc != Rpc::ControllerExpand || !command.expect.prefers_ok() {
            return;
        }
        for state in self.volumes.values_mut().filter(|state| state.exists) {
            let larger = *to > state.bytes;
            state.bytes = state.bytes.max(*to);
            state.outgrown |= larger && !state.mounted();
        }
    }
}

/// The procedure takes the id of a volume that was created before.
pub(in crate::scenario) fn names_a_volume(rpc: Rpc) -> bool {
    !matches!(
        rpc,
        Rpc::CreateVolume
            | Rpc::GetPluginInfo
            | Rpc::GetPluginCapabilities
            | Rpc::Probe
            | Rpc::ListVolumes
            | Rpc::GetCapacity
            | Rpc::ControllerGetCapabilities
            | Rpc::DeleteSnapshot
            | Rpc::ListSnapshots
            | Rpc::NodeGetCapabilities
            | Rpc::NodeGetInfo
    )
}
