//! What each verb of a scenario takes: commands into tasks.

use super::{
    Call, CapacityRange, Fault, Load, PathRef, Rpc, Script, Shot, Task, is_growth,
    request::{full, snapshot},
};
use crate::scenario::{Change, Keep, Omit, Parallel, Volume, What};

impl Script {
    /// Creates what the scenario works on.
    pub(super) fn set_up(&mut self) {
        let volumes: Vec<Volume> =
            self.program.volumes.iter().filter(|volume| volume.set_up).cloned().collect();
        for volume in volumes {
            if self.driven.is_some() {
                self.make_claim(&volume, volume.bytes);
                continue;
            }
            let call = self.full(Rpc::CreateVolume, &volume);
            self.push_call(call, Some(volume.handle));
        }
    }

    /// Lines up the tasks of a command.
    pub(super) fn begin(&mut self, what: &What) {
        if self.begin_objects(what) {
            return;
        }
        match what.clone() {
            What::Create { volume, range, .. } => {
                self.request(Rpc::CreateVolume, &volume, |call| call.capacity_range = Some(range));
            }
            What::Stage { volume, path } => self.bring_up(&volume, path, None),
            What::Publish { volume, target, readonly, path } => {
                self.bring_up(&volume, path, Some((target, readonly)));
            }
            What::Unpublish { volume, keep } => self.take_down(volume, keep),
            What::RestartPod { volume, target, readonly, path } => {
                self.take_down(volume.clone(), None);
                self.bring_up(&volume, path, Some((target, readonly)));
            }
            What::Grow { volume, ranges, path } => {
                for range in ranges {
                    self.grow(volume.clone(), range, path.clone());
                }
            }
            What::NodeExpand { volume, range, path, omit } => {
                self.node_expand(&volume, range, path, &omit);
            }
            What::Delete { volume } => self.request(Rpc::DeleteVolume, &volume, |_| ()),
            What::Snapshot { of, handle } => self.push_call(snapshot(&of, &handle), Some(of)),
            What::Write { volume, bytes, place, like } => {
                self.load(&volume, |volume, path| Load::Write { volume, path, bytes, place, like });
            }
            What::Verify { volume } => {
                self.load(&volume, |volume, path| Load::Verify { volume, path });
            }
            What::StartWriter { volume } => {
                self.load(&volume, |volume, path| Load::Start { volume, path });
            }
            What::StopWriter { volume } => self.tasks.push_back(Task::Load(Load::Stop { volume })),
            What::StartDatabase { volume, database } => {
                self.load(&volume, |volume, path| Load::Open { volume, path, database });
            }
            What::Await { volume, until, within_ms } => {
                self.load(&volume, |volume, path| Load::Await { volume, path, until, within_ms });
            }
            What::CloseDatabase { volume, how } => {
                self.tasks.push_back(Task::Load(Load::Close { volume, how }));
            }
            What::Probe { volume, path } => {
                let look = Task::Look { volume, only: path, stale: false, optional: false };
                self.tasks.push_back(look);
            }
            What::Wait { ms } => self.tasks.push_back(Task::Wait(ms)),
            What::RestartDriver => self.tasks.push_back(Task::Fault(Fault::RestartDriver)),
            What::Call { .. } | What::Again { .. } => {
                if let Some((call, about)) = self.sent(what) {
                    self.raw(call, about);
                }
            }
            What::Parallel { calls } => self.parallel(&calls),
            What::StartPod { .. }
            | What::DeletePod { .. }
            | What::Request { .. }
            | What::Until { .. }
            | What::Restart { .. } => {}
        }
    }

    /// The request of a raw step, and the volume that it is about.
    fn sent(&mut self, what: &What) -> Option<(Call, Option<String>)> {
        match what {
            What::Call { rpc, volume, set, omit } => {
                let known = volume.as_deref().and_then(|handle| self.volume(handle));
                let mut call =
                    known.map_or_else(|| Call::new(*rpc), |volume| self.full(*rpc, &volume));
                for field in set {
                    field.apply(&mut call);
                }
                for field in omit {
                    field.apply(&mut call);
                }
                Some((call, volume.clone()))
            }
            What::Again { rpc, change } => self.again(*rpc, change.as_ref()),
            _ => None,
        }
    }

    /// Sends calls together, after one look at what they may change.
    fn parallel(&mut self, calls: &[Parallel]) {
        let mut shots = Vec::new();
        for Parallel { what, times, expect, clause } in calls {
            let Some((call, about)) = self.sent(what) else { return };
            if let Some(volume) = about.as_ref().filter(|_| is_growth(call.rpc)) {
                self.look_if_stale(volume);
            }
            let (wanted, clause) = (expect.clone(), clause.clone());
            let shot = Shot { call: Box::new(call), about, wanted, clause };
            shots.extend(std::iter::repeat_n(shot, usize::from(*times)));
        }
        self.tasks.push_back(Task::Volley(shots));
    }

    /// Attach, stage and, with a target, publish; and the node step that is still due.
    fn bring_up(&mut self, handle: &str, path: Option<PathRef>, publish: Option<(u8, bool)>) {
        let block = self.program.volume(handle).is_some_and(Volume::is_block);
        let volume = handle.to_owned();
        let staging = self.able.stage && !block;
        let path = path.unwrap_or(match publish {
            Some((target, _)) if !staging => PathRef::Target(target),
            _ => PathRef::Staging,
        });
        let step = Task::NodeStep { volume: volume.clone(), path: Some(path.clone()) };
        self.tasks.extend([Task::Attach(volume.clone()), Task::Stage(volume.clone())]);
        // Once only: after a refusal nothing changes before the next state.
        let while_staged = path == PathRef::Staging && staging;
        if while_staged {
            self.tasks.push_back(step.clone());
        }
        if let Some((target, readonly)) = publish {
            self.tasks.push_back(Task::Publish { volume, target, readonly });
            self.tasks.extend((!while_staged).then_some(step));
        }
    }

    fn take_down(&mut self, volume: String, keep: Option<Keep>) {
        let keep_staged = keep == Some(Keep::Staged);
        self.tasks.push_back(Task::TakeDown { volume, keep_staged, keep_attached: keep.is_some() });
    }

    fn grow(&mut self, volume: String, range: CapacityRange, path: Option<PathRef>) {
        self.look_if_stale(&volume);
        if self.able.controller_expand {
            self.request(Rpc::ControllerExpand, &volume, |call| call.capacity_range = Some(range));
        } else {
            self.tasks.push_back(Task::Demand { volume: volume.clone(), range });
        }
        self.tasks.push_back(Task::NodeStep { volume, path });
    }

    /// The node step as the orchestrator would take it: only if it is due.
    fn node_expand(
        &mut self,
        handle: &str,
        range: Option<CapacityRange>,
        path: Option<PathRef>,
        omit: &[Omit],
    ) {
        let only_the_node = !self.able.controller_expand;
        if self.world.of(handle).due.is_none() && !only_the_node {
            // A step that is there for a clause of its own proves nothing when it is left out.
            if self.current.clause.is_some() {
                self.not_applicable("no NodeExpandVolume was due");
            }
            return;
        }
        self.look_if_stale(handle);
        self.request(Rpc::NodeExpand, handle, |call| {
            call.path = path.or(call.path.take());
            call.capacity_range = range.or(call.capacity_range);
            for field in omit {
                field.apply(call);
            }
        });
    }

    fn again(&mut self, rpc: Rpc, change: Option<&Change>) -> Option<(Call, Option<String>)> {
        let Some(mut call) = self.world.last(rpc).cloned() else {
            self.not_applicable(format!("no {rpc} was due that could be sent again"));
            return None;
        };
        let about = call.volume.as_ref().and_then(|volume| volume.handle()).map(str::to_owned);
        match change {
            Some(Change::With(field)) => field.apply(&mut call),
            Some(Change::Without(field)) => field.apply(&mut call),
            None => {}
        }
        Some((call, about))
    }

    fn raw(&mut self, call: Call, about: Option<String>) {
        if let Some(volume) = about.as_ref().filter(|_| is_growth(call.rpc)) {
            self.look_if_stale(volume);
        }
        self.push_call(call, about);
    }

    fn look_if_stale(&mut self, volume: &str) {
        let volume = volume.to_owned();
        self.tasks.push_back(Task::Look { volume, only: None, stale: true, optional: false });
    }

    fn load(&mut self, handle: &str, load: impl FnOnce(String, PathRef) -> Load) {
        let block = self.program.volume(handle).is_some_and(Volume::is_block);
        let state = self.world.of(handle);
        let staging = (state.staged && !block).then_some(PathRef::Staging);
        match state.published().or(staging) {
            Some(path) => self.tasks.push_back(Task::Load(load(handle.to_owned(), path))),
            None => self.stop(format!("`{handle}` is not published, so there is no path to it")),
        }
    }

    /// The full request, edited, about a volume.
    fn request(&mut self, rpc: Rpc, handle: &str, edit: impl FnOnce(&mut Call)) {
        if let Some(volume) = self.volume(handle) {
            let mut call = self.full(rpc, &volume);
            edit(&mut call);
            self.push_call(call, Some(handle.to_owned()));
        }
    }

    pub(super) fn full(&mut self, rpc: Rpc, volume: &Volume) -> Call {
        let able = self.able;
        full(rpc, volume, self.world.of(&volume.handle), able)
    }

    fn push_call(&mut self, call: Call, about: Option<String>) {
        self.tasks.push_back(Task::Call { call: Box::new(call), about });
    }
}

/// The procedures that an `expect` beside a verb is about.
pub(super) fn main_calls(what: &What) -> &'static [Rpc] {
    match what {
        What::Create { .. } => &[Rpc::CreateVolume],
        What::Stage { .. } => &[Rpc::NodeStage],
        What::Publish { .. } | What::RestartPod { .. } => &[Rpc::NodePublish],
        What::Unpublish { .. } => &[Rpc::NodeUnpublish, Rpc::NodeUnstage, Rpc::ControllerUnpublish],
        What::Grow { .. } => &[Rpc::ControllerExpand, Rpc::NodeExpand],
        What::NodeExpand { .. } => &[Rpc::NodeExpand],
        What::Delete { .. } => &[Rpc::DeleteVolume],
        What::Snapshot { .. } => &[Rpc::CreateSnapshot],
        _ => &[],
    }
}
