//! The volume's state machine of the specification, pure: where each volume of a scenario is, as
//! far as the driver's own answers say, and which expansion is legal there.
//!
//! Only what was answered with OK counts. A call whose outcome nobody knows leaves the state as it
//! was, but raises [`Volume::doubt`]: the volume may be that large by now. The model must not
//! know what was measured; a check compares the two.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    action::{Access, AccessMode, Call, Capability, PathRef, Ref, Rpc, Source},
    evidence::Op,
    history::{Completion, Reply},
    offer::Offers,
};

/// Where a volume is on its way to a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Made, and on no node.
    Created,
    /// Attached to a node by the controller.
    NodeReady,
    /// Staged on a node.
    VolReady,
    /// Published to a workload.
    Published,
}

/// Every volume and snapshot of one scenario, by handle.
#[derive(Clone, Debug, Default)]
pub struct Model {
    volumes: BTreeMap<String, Volume>,
    /// Size of the source when the snapshot was cut, bytes.
    snapshots: BTreeMap<String, i64>,
}

/// What the driver has said of one volume.
#[derive(Clone, Debug, Default)]
pub struct Volume {
    /// The driver's id.
    pub id: String,
    /// Size as last replied by CreateVolume, ControllerExpand or NodeExpand, bytes.
    pub replied: Option<i64>,
    /// Largest minimum that was answered with OK, bytes.
    pub promised: i64,
    /// Largest minimum that was asked for with an unknown outcome, bytes; 0 is none.
    pub doubt: i64,
    /// The controller has asked for a node step that has not been done.
    pub node_step: bool,
    /// How it is used, as far as any call said.
    pub access: Option<Access>,
    /// Size of what it was made from, bytes; `None`: it was made empty, or that is not known.
    pub source_size: Option<i64>,
    attached: BTreeSet<Option<Ref>>,
    staged: Option<PathRef>,
    /// Path, and whether it is read-only.
    targets: BTreeMap<PathRef, bool>,
}

impl Model {
    /// What is known of a volume; `None`: it was never created, or is deleted.
    pub fn volume(&self, handle: &str) -> Option<&Volume> {
        self.volumes.get(handle)
    }

    /// Where a volume is.
    pub fn state(&self, handle: &str) -> Option<State> {
        self.volume(handle).map(Volume::state)
    }

    /// Whether a workload may be using it: published on a node.
    pub fn is_online(&self, handle: &str) -> bool {
        self.state(handle) == Some(State::Published)
    }

    /// Takes in a call and what came back of it.
    pub fn step(&mut self, call: &Call, completion: &Completion) {
        match completion {
            Completion::Fail(_) => (),
            Completion::Info(_) => self.doubt(call),
            Completion::Ok(_) => match completion.reply() {
                Some(reply) => self.done(call, reply),
                None => self.done(call, &Reply::default()),
            },
        }
    }

    /// Whether the specification lets an orchestrator send this expansion now (notes: sequences).
    pub fn may_expand(&self, rpc: Rpc, handle: &str, offers: &Offers) -> bool {
        let Some(state) = self.state(handle) else { return false };
        match rpc {
            Rpc::ControllerExpand if !offers.has("controller.expand") => false,
            Rpc::ControllerExpand => {
                offers.has("expand.online")
                    || !offers.has("expand.offline-only")
                    || state == State::Created
            }
            Rpc::NodeExpand if !offers.has("node.expand") => false,
            Rpc::NodeExpand => {
                state == State::Published || offers.has("node.stage") && state == State::VolReady
            }
            _ => false,
        }
    }

    fn doubt(&mut self, call: &Call) {
        let expand = matches!(call.rpc, Rpc::ControllerExpand | Rpc::NodeExpand);
        if let Some(volume) = self.known(call).filter(|_| expand) {
            volume.doubt = volume.doubt.max(call.capacity_range.map_or(0, |range| range.required));
        }
    }

    fn done(&mut self, call: &Call, reply: &Reply) {
        match call.rpc {
            Rpc::CreateVolume => self.created(call, reply),
            Rpc::DeleteVolume => {
                call.volume
                    .as_ref()
                    .and_then(Ref::handle)
                    .map(|handle| self.volumes.remove(handle));
            }
            Rpc::CreateSnapshot => self.cut(call),
            _ => {
                if let Some(volume) = self.known(call) {
                    volume.done(call, reply);
                }
            }
        }
    }

    fn created(&mut self, call: &Call, reply: &Reply) {
        let Some(handle) = call.volume.as_ref().and_then(Ref::handle) else { return };
        let id = reply.volume.as_ref().map_or(String::new(), |volume| volume.id.clone());
        if self.volumes.get(handle).is_some_and(|volume| volume.id == id) {
            return; // The same volume again; its size is no news.
        }
        let source_size = self.source_size(call);
        let volume = Volume {
            id,
            replied: reply.volume.as_ref().map(|v| v.capacity_bytes).filter(|bytes| *bytes > 0),
            promised: call.capacity_range.map_or(0, |range| range.required.max(0)),
            access: call.capability.as_ref().map(|capability| capability.access.clone()),
            source_size,
            ..Volume::default()
        };
        self.volumes.insert(handle.to_owned(), volume);
    }

    fn source_size(&self, call: &Call) -> Option<i64> {
        match call.source.as_ref()? {
            Source::Snapshot(id) => self.snapshots.get(id.handle()?).copied(),
            Source::Volume(id) => self.volume(id.handle()?).map(Volume::size),
        }
    }

    fn cut(&mut self, call: &Call) {
        let size = self.known(call).map(|volume| volume.size());
        let snapshot = call.snapshot.as_ref().and_then(Ref::handle);
        if let (Some(snapshot), Some(size)) = (snapshot, size) {
            // A repeated call returns the old snapshot, so the first size stands.
            self.snapshots.entry(snapshot.to_owned()).or_insert(size);
        }
    }

    fn known(&mut self, call: &Call) -> Option<&mut Volume> {
        self.volumes.get_mut(call.volume.as_ref()?.handle()?)
    }
}

impl Volume {
    /// Where it is.
    pub fn state(&self) -> State {
        if !self.targets.is_empty() {
            State::Published
        } else if self.staged.is_some() {
            State::VolReady
        } else if !self.attached.is_empty() {
            State::NodeReady
        } else {
            State::Created
        }
    }

    /// The size that the driver has committed itself to, bytes.
    pub fn size(&self) -> i64 {
        self.promised.max(self.replied.unwrap_or(0))
    }

    /// Whether it is staged or published at that path.
    pub fn is_at(&self, path: &PathRef) -> bool {
        self.staged.as_ref() == Some(path) || self.targets.contains_key(path)
    }

    /// Whether it is published there for reading only.
    pub fn is_readonly_at(&self, path: &PathRef) -> bool {
        self.targets.get(path).copied().unwrap_or(false)
    }

    /// A raw device.
    pub fn is_block(&self) -> bool {
        self.access == Some(Access::Block)
    }

    fn done(&mut self, call: &Call, reply: &Reply) {
        if let (None, Some(capability)) = (&self.access, &call.capability) {
            self.access = Some(capability.access.clone());
        }
        match call.rpc {
            Rpc::ControllerPublish => {
                self.attached.insert(call.node.clone());
            }
            Rpc::ControllerUnpublish if call.node.is_none() => self.attached.clear(),
            Rpc::ControllerUnpublish => {
                self.attached.remove(&call.node);
            }
            Rpc::NodeStage => self.staged.clone_from(&call.staging_path),
            Rpc::NodeUnstage => self.staged = None,
            Rpc::NodePublish => {
                let readonly = call.readonly || call.capability.as_ref().is_some_and(reads_only);
                self.targets.extend(call.path.clone().map(|path| (path, readonly)));
            }
            Rpc::NodeUnpublish => {
                call.path.as_ref().map(|path| self.targets.remove(path));
            }
            Rpc::ControllerExpand => {
                self.node_step = reply.node_expansion_required == Some(true);
                self.grown(call, reply);
            }
            Rpc::NodeExpand => {
                self.node_step = false;
                self.grown(call, reply);
            }
            _ => (),
        }
    }

    fn grown(&mut self, call: &Call, reply: &Reply) {
        self.promised = self.promised.max(call.capacity_range.map_or(0, |range| range.required));
        if let Some(bytes) = reply.capacity_bytes.filter(|bytes| *bytes > 0) {
            // A node may answer with the file system's size, which is no news of the volume's.
            if call.rpc == Rpc::ControllerExpand || Some(bytes) > self.replied {
                self.replied = Some(bytes);
            }
        }
    }
}

fn reads_only(capability: &Capability) -> bool {
    matches!(capability.mode, AccessMode::SingleNodeReaderOnly | AccessMode::MultiNodeReaderOnly)
}

/// Goes through operations in order of completion, with the model as it was just before each.
pub fn walk<'a>(ops: &[Op<'a>], mut visit: impl FnMut(&Model, &Op<'a>)) {
    let mut model = Model::default();
    for op in Op::by_completion(ops) {
        visit(&model, op);
        if let (Some(call), Some(completion)) = (op.call(), op.completion()) {
            model.step(call, completion);
        }
    }
}

#[cfg(test)]
mod tests;
