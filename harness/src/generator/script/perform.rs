//! One task at a time: into an action, into other tasks, or into nothing when it is not needed.

use csi_stretch_oracle::history::{Code, Expect};

use super::{
    Action, Call, Generator, Next, PathRef, Probe, Rpc, Script, Task, Wait,
    expect::{USABLE, expectation},
};
use crate::scenario::{Volume, Wanted};

impl Script {
    /// The next action of a task; `None`: it needs none now.
    pub(super) fn perform(&mut self, task: Task) -> Option<Next> {
        match task {
            Task::Call { call, about } => Some(self.emit(Action::Call(call), about, false)),
            Task::Look { volume, only, stale, optional } => {
                self.look(&volume, only, stale, optional);
                None
            }
            Task::Sight { volume, path, optional } => {
                let probe = Probe { volume: volume.clone(), path };
                Some(self.emit(Action::Probe(probe), Some(volume), optional))
            }
            Task::Load(load) => Some(self.emit(Action::Load(load), None, false)),
            Task::Fault(fault) => Some(self.emit(Action::Fault(fault), None, false)),
            Task::Volley(shots) => {
                self.volley.extend(shots);
                Some(Generator::next(self))
            }
            Task::Wait(ms) => {
                let ms = self.driven.as_ref().map_or(ms, |driven| driven.pause(ms));
                Some(self.emit(Action::Wait(Wait { ms }), None, false))
            }
            // Its turn has come, so it is fulfilled.
            Task::Until(_) => None,
            Task::Attach(handle) => {
                let todo = self.able.attach && !self.world.of(&handle).attached;
                todo.then(|| self.send(Rpc::ControllerPublish, &handle, false, |_| ())).flatten()
            }
            Task::Stage(handle) => {
                let todo = self.able.stage && !self.world.of(&handle).staged;
                todo.then(|| self.send(Rpc::NodeStage, &handle, false, |_| ())).flatten()
            }
            Task::Publish { volume, target, readonly } => {
                let edit = |call: &mut Call| {
                    call.path = Some(PathRef::Target(target));
                    call.readonly = readonly;
                };
                let todo = !self.world.of(&volume).targets.contains(&target);
                todo.then(|| self.send(Rpc::NodePublish, &volume, false, edit)).flatten()
            }
            Task::NodeStep { volume, path } => self.node_step(&volume, path),
            Task::Demand { volume, range } => {
                let state = self.world.of(&volume);
                (state.asked, state.due) = (Some(range), Some(range));
                None
            }
            Task::TakeDown { volume, keep_staged, keep_attached } => {
                self.take_one_down(&volume, keep_staged, keep_attached)
            }
        }
    }

    /// Lines up a look at every path of a volume.
    fn look(&mut self, handle: &str, only: Option<PathRef>, stale: bool, optional: bool) {
        let Some(volume) = self.volume(handle).filter(|_| self.able.observe) else { return };
        if stale && self.world.of(handle).seen {
            return;
        }
        let all = only.is_none();
        let paths = only.map_or_else(|| self.world.sights(&volume), |path| vec![path]);
        for path in paths.into_iter().rev() {
            self.tasks.push_front(Task::Sight { volume: handle.to_owned(), path, optional });
        }
        self.world.of(handle).seen |= all;
    }

    /// NodeExpand, if it is due and the volume is there.
    fn node_step(&mut self, handle: &str, path: Option<PathRef>) -> Option<Next> {
        let able = self.able.node_expand;
        let block = self.program.volume(handle).is_some_and(Volume::is_block);
        let state = self.world.of(handle);
        let range = state.due.filter(|_| able)?;
        // A block volume's staging path need not hold a device.
        let staged = (state.staged && !block).then_some(PathRef::Staging);
        let path = path.or(state.published()).or(staged)?;
        let reachable = match &path {
            PathRef::Staging => state.staged,
            PathRef::Target(n) => state.targets.contains(n),
            PathRef::Of(_) | PathRef::Literal(_) => true,
        };
        let edit = |call: &mut Call| {
            call.path = Some(path);
            call.capacity_range = Some(range);
        };
        reachable.then(|| self.send(Rpc::NodeExpand, handle, true, edit)).flatten()
    }

    /// One call of the way down; comes back for the next.
    fn take_one_down(&mut self, volume: &str, staged: bool, attached: bool) -> Option<Next> {
        let able = self.able;
        let state = self.world.of(volume);
        let rpc = if let Some(path) = state.published() {
            (Rpc::NodeUnpublish, Some(path))
        } else if able.stage && state.staged && !staged {
            (Rpc::NodeUnstage, None)
        } else if able.attach && state.attached && !attached {
            (Rpc::ControllerUnpublish, None)
        } else {
            return None;
        };
        let again = Task::TakeDown {
            volume: volume.to_owned(),
            keep_staged: staged,
            keep_attached: attached,
        };
        self.tasks.push_front(again);
        let (rpc, path) = rpc;
        self.send(rpc, volume, false, |call| call.path = path.or(call.path.take()))
    }

    fn send(
        &mut self,
        rpc: Rpc,
        handle: &str,
        optional: bool,
        edit: impl FnOnce(&mut Call),
    ) -> Option<Next> {
        let volume = self.volume(handle)?;
        let mut call = self.full(rpc, &volume);
        edit(&mut call);
        Some(self.emit(Action::Call(Box::new(call)), Some(handle.to_owned()), optional))
    }

    /// Which answers the step accepts from this action.
    pub(super) fn expect(&mut self, action: &Action, about: Option<&str>) -> Option<Expect> {
        let clause = self.current.clause.clone();
        match action {
            Action::Call(call) => {
                let main = self.current.raw || self.current.main.contains(&call.rpc);
                let unsaid = Wanted::Default;
                let wanted = if main { self.current.wanted.clone() } else { unsaid };
                let clause = clause.filter(|_| main);
                let (able, verb) = (self.able, !self.current.raw);
                let state = self.world.of(about.unwrap_or_default());
                expectation(call, &wanted, clause.as_ref(), verb, state, able)
            }
            Action::Load(_) => {
                let clause = clause.or_else(|| Some(USABLE.to_owned()));
                let ok = Expect { pass: vec![Code::Ok], warn: Vec::new(), clause };
                self.current.wanted.or(self.current.clause.as_ref(), ok)
            }
            Action::Probe(_) | Action::Fault(_) | Action::Wait(_) => None,
        }
    }
}
