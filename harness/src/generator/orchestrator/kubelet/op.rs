//! Operations of a kubelet on one volume: which calls, in which order, and what their errors mean.

use super::{Kubelets, expand::Expansion, mount::Mounted};
use crate::generator::orchestrator::{
    component::Api,
    objects::Pod,
    rpc::{AccessMode, Answer, Capability, Caps, Method, Place, Rpc},
    store::{Id, Object, Refusal},
};

/// What an operation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aim {
    Mount(Id<Pod>),
    Unmount(Id<Pod>),
    Unstage,
    Expand(Id<Pod>),
}

/// What it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Asking,
    Staging,
    Publishing,
    Unpublishing,
    Unstaging,
    /// The claim is marked: the node's half begins.
    Marking,
    /// Can this node expand at all?
    Able,
    Expanding,
    /// What came out is written down.
    Recording,
}

/// An operation under way.
#[derive(Clone, Debug)]
pub(super) struct Op {
    pub aim: Aim,
    pub step: Step,
    pub caps: Caps,
    /// It was this operation that staged the volume.
    pub staged: bool,
    pub expansion: Option<Expansion>,
}

/// What becomes of it.
pub(super) enum Next {
    Wait(Box<Op>),
    /// It is over, and went well.
    Done,
    /// It is over, and is tried again after a pause.
    Failed,
}

impl Op {
    fn new(aim: Aim) -> Self {
        Self { aim, step: Step::Asking, caps: Caps::default(), staged: false, expansion: None }
    }

    pub fn mount(pod: Id<Pod>) -> Self {
        Self::new(Aim::Mount(pod))
    }

    pub fn unmount(pod: Id<Pod>) -> Self {
        Self::new(Aim::Unmount(pod))
    }

    pub fn unstage() -> Self {
        Self::new(Aim::Unstage)
    }

    pub fn expand(pod: Id<Pod>) -> Self {
        Self::new(Aim::Expand(pod))
    }

    pub fn wait(mut self, step: Step) -> Next {
        self.step = step;
        Next::Wait(Box::new(self))
    }

    /// The pod that it is for.
    pub fn pod(&self) -> Option<Id<Pod>> {
        match self.aim {
            Aim::Mount(pod) | Aim::Unmount(pod) | Aim::Expand(pod) => Some(pod),
            Aim::Unstage => None,
        }
    }
}

impl Kubelets {
    pub(super) fn begin(&mut self, api: &mut Api<'_>, index: u32, op: Op) -> Next {
        match op.aim {
            // Before nearly each step a kubelet asks what the node can do; once is counted here.
            Aim::Mount(_) | Aim::Unstage => {
                self.call(api, index, Rpc::new(Method::NodeGetCapabilities, self.settings.timeout));
                op.wait(Step::Asking)
            }
            Aim::Unmount(pod) => {
                let mut rpc = self.rpc(index, Method::NodeUnpublishVolume, Caps::default());
                rpc.path = Some(Place::Target(pod));
                self.call(api, index, rpc);
                op.wait(Step::Unpublishing)
            }
            Aim::Expand(_) => self.expand(api, index, op, false),
        }
    }

    pub(super) fn call(&mut self, api: &mut Api<'_>, index: u32, mut rpc: Rpc) {
        rpc.node = self.mounts[index as usize].node;
        api.call(self.task(index), rpc);
    }

    /// A call about this volume.
    pub(super) fn rpc(&self, index: u32, method: Method, caps: Caps) -> Rpc {
        let mount = &self.mounts[index as usize];
        let mut rpc = Rpc::new(method, self.settings.timeout);
        (rpc.handle, rpc.volume) = (mount.handle, mount.volume);
        let mode = AccessMode::of(mount.modes.first(), caps.has(Caps::SEVERAL_WRITERS));
        rpc.capability = mode.map(|mode| Capability { block: mount.block, mode });
        rpc
    }

    pub(super) fn answer(
        &mut self,
        api: &mut Api<'_>,
        index: u32,
        mut op: Op,
        answer: Answer,
    ) -> Next {
        match op.step {
            Step::Asking => match answer {
                Ok(reply) => {
                    op.caps = reply.caps;
                    self.asked(api, index, op)
                }
                Err(_) => Next::Failed,
            },
            Step::Staging => self.staged(api, index, op, &answer),
            Step::Publishing => self.published(api, index, op, &answer),
            Step::Unpublishing => {
                let pod = op.pod();
                let mount = &mut self.mounts[index as usize];
                let state = if answer.is_ok() { Mounted::No } else { Mounted::Uncertain };
                if let Some(pod) = pod.and_then(|pod| mount.pod_mut(pod)) {
                    pod.state = state;
                }
                if answer.is_ok() { Next::Done } else { Next::Failed }
            }
            Step::Unstaging => {
                let mount = &mut self.mounts[index as usize];
                mount.staged = if answer.is_ok() { Mounted::No } else { Mounted::Uncertain };
                if answer.is_ok() { Next::Done } else { Next::Failed }
            }
            Step::Able => self.able(api, index, op, answer),
            Step::Expanding => self.expanded(api, index, op, answer.err()),
            Step::Marking | Step::Recording => Next::Failed,
        }
    }

    fn asked(&mut self, api: &mut Api<'_>, index: u32, op: Op) -> Next {
        let stages = op.caps.has(Caps::STAGE);
        if op.aim == Aim::Unstage {
            if !stages {
                self.mounts[index as usize].staged = Mounted::No;
                return Next::Done;
            }
            let mut rpc = self.rpc(index, Method::NodeUnstageVolume, op.caps);
            rpc.path = Some(Place::Staging);
            self.call(api, index, rpc);
            return op.wait(Step::Unstaging);
        }
        if !stages || self.mounts[index as usize].staged == Mounted::Yes {
            return self.publish(api, index, op);
        }
        let mut rpc = self.rpc(index, Method::NodeStageVolume, op.caps);
        (rpc.path, rpc.secrets) = (Some(Place::Staging), true);
        self.call(api, index, rpc);
        op.wait(Step::Staging)
    }

    fn staged(&mut self, api: &mut Api<'_>, index: u32, mut op: Op, answer: &Answer) -> Next {
        let mount = &mut self.mounts[index as usize];
        mount.staged = match answer {
            Ok(_) => Mounted::Yes,
            Err(failure) if failure.is_uncertain() => Mounted::Uncertain,
            Err(_) => Mounted::No,
        };
        if answer.is_err() {
            return Next::Failed;
        }
        op.staged = true;
        if self.expands_staged(&op) {
            return self.expand(api, index, op, true);
        }
        self.publish(api, index, op)
    }

    pub(super) fn publish(&mut self, api: &mut Api<'_>, index: u32, op: Op) -> Next {
        let mut rpc = self.rpc(index, Method::NodePublishVolume, op.caps);
        let pod = op.pod();
        let read_only = pod.and_then(|pod| self.mounts[index as usize].pod(pod));
        rpc.read_only = read_only.is_some_and(|pod| pod.read_only);
        rpc.path = pod.map(Place::Target);
        (rpc.staging, rpc.secrets) = (op.caps.has(Caps::STAGE), true);
        self.call(api, index, rpc);
        op.wait(Step::Publishing)
    }

    fn published(&mut self, api: &mut Api<'_>, index: u32, op: Op, answer: &Answer) -> Next {
        if let Err(failure) = answer {
            let state = if failure.is_uncertain() { Mounted::Uncertain } else { Mounted::No };
            self.set_pod(index, &op, state);
            return Next::Failed;
        }
        // A volume that another pod has staged is expanded now, whatever the profile.
        if self.expands_staged(&op) {
            return self.mounted(index, &op);
        }
        self.expand(api, index, op, true)
    }

    pub(super) fn mounted(&mut self, index: u32, op: &Op) -> Next {
        self.set_pod(index, op, Mounted::Yes);
        Next::Done
    }

    pub(super) fn set_pod(&mut self, index: u32, op: &Op, state: Mounted) {
        let mount = &mut self.mounts[index as usize];
        if let Some(pod) = op.pod().and_then(|pod| mount.pod_mut(pod)) {
            pod.state = state;
        }
    }

    pub(super) fn written(
        &mut self,
        api: &mut Api<'_>,
        index: u32,
        op: Op,
        result: Result<Object, Refusal>,
    ) -> Next {
        match (op.step, result) {
            (Step::Marking, Ok(Object::Claim(..))) => self.marked(api, index, op),
            (Step::Recording, Ok(_)) => self.recorded(api, index, op),
            (_, Err(_)) => self.unrecorded(index, &op),
            _ => Next::Failed,
        }
    }

    /// The operation is over, or waits.
    pub(super) fn settle(&mut self, api: &mut Api<'_>, index: u32, next: Next) {
        let mount = &mut self.mounts[index as usize];
        match next {
            Next::Wait(op) => {
                mount.op = Some(op);
                return;
            }
            Next::Done => (mount.failures, mount.not_before) = (0, api.now),
            Next::Failed => mount.failed(api.now),
        }
        let pods: Vec<Id<Pod>> = mount.pods.iter().map(|pod| pod.pod).collect();
        let gone = mount.pods.iter().filter(|pod| pod.leaving && pod.state == Mounted::No);
        let gone: Vec<Id<Pod>> = gone.map(|pod| pod.pod).collect();
        mount.pods.retain(|pod| !gone.contains(&pod.pod));
        for id in pods {
            if let Some(pod) = api.store().get(id).cloned() {
                self.told(api, id, &pod);
            }
        }
        let mount = &self.mounts[index as usize];
        let idle = mount.pods.is_empty() || mount.pods.iter().any(|pod| pod.leaving);
        if idle || mount.has_work(self.settings.profile) {
            self.arm(api, index);
        }
    }
}
