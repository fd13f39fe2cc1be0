//! What a scenario's handles stand for on one target: ids, contexts, paths; and what the
//! orchestrator has to undo. Learns from every call, whether it came from a verb or a raw step.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use csi_stretch_oracle::{
    action::{Access, Call, PathRef, Ref, Rpc},
    history::{Completion, Failure, Reply},
};

/// The handle of the target's own node.
pub const NODE: &str = "node";

/// State of one scenario on one side.
#[derive(Debug)]
pub struct Bindings {
    node_id: String,
    name_prefix: String,
    staging_root: PathBuf,
    target_root: PathBuf,
    /// In order of creation; undone from the last to the first.
    pub(super) made: Vec<Made>,
}

/// A volume or snapshot that this scenario made, or may have made.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing to undo")]
pub(super) struct Made {
    pub handle: String,
    pub is_snapshot: bool,
    /// The request; sent again to learn the id when the first answer was lost.
    pub request: Call,
    /// `None`: the answer was lost.
    pub id: Option<String>,
    pub deleted: bool,
    pub volume_context: BTreeMap<String, String>,
    pub publish_context: BTreeMap<String, String>,
    pub attached: bool,
    pub staged: bool,
    pub targets: BTreeSet<u8>,
}

impl Bindings {
    /// Nothing made yet. Paths are made below the two roots; names of volumes and snapshots get
    /// the prefix, which tells this run and scenario from every other.
    pub fn new(node_id: &str, name_prefix: &str, staging_root: &Path, target_root: &Path) -> Self {
        Self {
            node_id: node_id.to_owned(),
            name_prefix: name_prefix.to_owned(),
            staging_root: staging_root.to_owned(),
            target_root: target_root.to_owned(),
            made: Vec::new(),
        }
    }

    /// The call with every reference replaced by what it stands for.
    pub fn resolve(&self, call: &Call) -> Result<Call, Failure> {
        let mut call = call.clone();
        let creates_volume = call.rpc == Rpc::CreateVolume;
        let creates_snapshot = call.rpc == Rpc::CreateSnapshot;
        let made = call.volume.as_ref().and_then(Ref::handle).and_then(|h| self.find(h)).cloned();
        if let Some(made) = &made {
            fill(&mut call.volume_context, &made.volume_context, wants_volume_context(call.rpc));
            fill(&mut call.publish_context, &made.publish_context, wants_publish_context(call.rpc));
        }
        let handle = call.volume.as_ref().and_then(Ref::handle).map(str::to_owned);
        call.path = call.path.map(|path| self.literal_path(handle.as_deref(), path));
        call.staging_path =
            call.staging_path.map(|path| self.literal_path(handle.as_deref(), path));
        if !creates_volume {
            call.volume = call.volume.map(|r| self.literal(r)).transpose()?;
        }
        if !creates_snapshot {
            call.snapshot = call.snapshot.map(|r| self.literal(r)).transpose()?;
        }
        call.name = call.name.filter(|name| !name.is_empty()).map(|name| self.real_name(&name));
        call.node = call.node.map(|r| self.literal(r)).transpose()?;
        call.source = match call.source {
            Some(csi_stretch_oracle::action::Source::Snapshot(r)) => {
                Some(csi_stretch_oracle::action::Source::Snapshot(self.literal(r)?))
            }
            Some(csi_stretch_oracle::action::Source::Volume(r)) => {
                Some(csi_stretch_oracle::action::Source::Volume(self.literal(r)?))
            }
            None => None,
        };
        Ok(call)
    }

    fn real_name(&self, name: &str) -> String {
        format!("{}-{name}", self.name_prefix)
    }

    /// The real path of a volume's staging or target path.
    pub fn path(&self, volume: &str, path: &PathRef) -> PathBuf {
        match path {
            PathRef::Staging => self.staging_root.join(volume),
            PathRef::Target(n) => self.target_root.join(volume).join(n.to_string()),
            PathRef::Of(other) => self.target_root.join(other).join("0"),
            PathRef::Literal(text) => PathBuf::from(text),
        }
    }

    /// The volume is used as a raw block device.
    pub fn is_block(&self, volume: &str) -> bool {
        self.find(volume)
            .and_then(|made| made.request.capability.as_ref())
            .is_some_and(|capability| capability.access == Access::Block)
    }

    /// Before a call goes out: it may take effect from now on.
    pub fn sending(&mut self, call: &Call) {
        match (call.rpc, own_path(call)) {
            (Rpc::CreateVolume, _) => self.creating(call, call.volume.as_ref(), false),
            (Rpc::CreateSnapshot, _) => self.creating(call, call.snapshot.as_ref(), true),
            (Rpc::ControllerPublish, _) => self.with_volume(call, |made| made.attached = true),
            (Rpc::NodeStage, _) => self.with_volume(call, |made| made.staged = true),
            (Rpc::NodePublish, Some(n)) => {
                self.with_volume(call, |made| _ = made.targets.insert(n));
            }
            _ => {}
        }
    }

    /// After an answer, or the lack of one.
    pub fn learn(&mut self, call: &Call, completion: &Completion) {
        match completion {
            Completion::Ok(_) => {
                if let Some(reply) = completion.reply() {
                    self.learn_reply(call, reply);
                }
                self.undone(call);
            }
            Completion::Fail(_) => self.refused(call),
            Completion::Info(_) => {}
        }
    }

    fn learn_reply(&mut self, call: &Call, reply: &Reply) {
        match call.rpc {
            Rpc::CreateVolume => {
                if let (Some(info), Some(made)) =
                    (&reply.volume, self.pending(call.volume.as_ref()))
                {
                    made.id = Some(info.id.clone());
                    made.volume_context = info.context.clone();
                    made.request = call.clone();
                }
            }
            Rpc::CreateSnapshot => {
                if let (Some(info), Some(made)) =
                    (&reply.snapshot, self.pending(call.snapshot.as_ref()))
                {
                    made.id = Some(info.id.clone());
                }
            }
            Rpc::ControllerPublish => {
                let context = reply.publish_context.clone().unwrap_or_default();
                self.with_volume(call, |made| made.publish_context = context);
            }
            _ => {}
        }
    }

    fn undone(&mut self, call: &Call) {
        match (call.rpc, own_path(call)) {
            (Rpc::DeleteVolume, _) => self.with_volume(call, |made| made.deleted = true),
            (Rpc::DeleteSnapshot, _) => {
                if let Some(made) = self.pending(call.snapshot.as_ref()) {
                    made.deleted = true;
                }
            }
            (Rpc::ControllerUnpublish, _) => self.with_volume(call, |made| made.attached = false),
            (Rpc::NodeUnstage, _) => self.with_volume(call, |made| made.staged = false),
            (Rpc::NodeUnpublish, Some(n)) => {
                self.with_volume(call, |made| _ = made.targets.remove(&n));
            }
            _ => {}
        }
    }

    /// A definite refusal of a creation made nothing. A refused publication may still have left
    /// something half-done, which the orchestrator has to undo as kubelet does.
    fn refused(&mut self, call: &Call) {
        let handle = match call.rpc {
            Rpc::CreateVolume => call.volume.as_ref(),
            Rpc::CreateSnapshot => call.snapshot.as_ref(),
            _ => None,
        };
        if let Some(handle) = handle.and_then(Ref::handle) {
            self.made.retain(|made| made.handle != handle || made.id.is_some());
        }
    }

    /// Creating a volume again, with other parameters, is a new attempt on the same handle.
    fn creating(&mut self, call: &Call, handle: Option<&Ref>, is_snapshot: bool) {
        let Some(handle) = handle.and_then(Ref::handle) else { return };
        if self.find(handle).is_some_and(|made| !made.deleted) {
            return;
        }
        self.made.retain(|made| made.handle != handle);
        self.made.push(Made {
            handle: handle.to_owned(),
            is_snapshot,
            request: call.clone(),
            id: None,
            deleted: false,
            volume_context: BTreeMap::new(),
            publish_context: BTreeMap::new(),
            attached: false,
            staged: false,
            targets: BTreeSet::new(),
        });
    }

    fn find(&self, handle: &str) -> Option<&Made> {
        self.made.iter().find(|made| made.handle == handle)
    }

    fn pending(&mut self, handle: Option<&Ref>) -> Option<&mut Made> {
        let handle = handle.and_then(Ref::handle)?;
        self.made.iter_mut().find(|made| made.handle == handle)
    }

    fn with_volume(&mut self, call: &Call, change: impl FnOnce(&mut Made)) {
        if let Some(made) = self.pending(call.volume.as_ref()) {
            change(made);
        }
    }

    fn literal(&self, r: Ref) -> Result<Ref, Failure> {
        let Ref::Handle(handle) = r else { return Ok(r) };
        if handle == NODE {
            return Ok(Ref::Literal { literal: self.node_id.clone() });
        }
        match self.find(&handle).and_then(|made| made.id.clone()) {
            Some(literal) => Ok(Ref::Literal { literal }),
            None => Err(Failure {
                code: csi_stretch_oracle::history::Code::Unbound,
                message: format!(
                    "the driver gave no id for `{handle}`, so there is nothing to send"
                ),
            }),
        }
    }

    fn literal_path(&self, volume: Option<&str>, path: PathRef) -> PathRef {
        match (path, volume) {
            (path @ PathRef::Literal(_), _) => path,
            (path, volume) => {
                let path = self.path(volume.unwrap_or("none"), &path);
                PathRef::Literal(path.to_string_lossy().into_owned())
            }
        }
    }
}

/// The target path's number, if the call uses one of the scenario's own.
fn own_path(call: &Call) -> Option<u8> {
    match call.path {
        Some(PathRef::Target(n)) => Some(n),
        _ => None,
    }
}

fn fill(
    field: &mut Option<BTreeMap<String, String>>,
    value: &BTreeMap<String, String>,
    wanted: bool,
) {
    if wanted && field.is_none() && !value.is_empty() {
        *field = Some(value.clone());
    }
}

fn wants_volume_context(rpc: Rpc) -> bool {
    matches!(
        rpc,
        Rpc::ControllerPublish | Rpc::ValidateCapabilities | Rpc::NodeStage | Rpc::NodePublish
    )
}

fn wants_publish_context(rpc: Rpc) -> bool {
    matches!(rpc, Rpc::NodeStage | Rpc::NodePublish)
}

#[cfg(test)]
mod tests {
    use csi_stretch_oracle::history::{Code, Outcome, VolumeInfo};

    use super::*;

    fn bindings() -> Bindings {
        Bindings::new("n1", "run", Path::new("/s"), Path::new("/t"))
    }

    fn on(rpc: Rpc, handle: &str) -> Call {
        Call { volume: Some(Ref::Handle(handle.into())), ..Call::new(rpc) }
    }

    fn created(id: &str) -> Completion {
        let volume = VolumeInfo {
            id: id.into(),
            capacity_bytes: 1,
            context: BTreeMap::from([("k".into(), "v".into())]),
            content_source: None,
        };
        Completion::Ok(Outcome::Reply(Box::new(Reply { volume: Some(volume), ..Reply::default() })))
    }

    #[test]
    fn handles_become_ids_paths_and_contexts() {
        let mut bindings = bindings();
        let create = on(Rpc::CreateVolume, "vol");
        bindings.sending(&create);
        bindings.learn(&create, &created("id-1"));
        let call = Call {
            path: Some(PathRef::Target(1)),
            staging_path: Some(PathRef::Staging),
            node: Some(Ref::Handle(NODE.into())),
            ..on(Rpc::NodePublish, "vol")
        };
        let sent = bindings.resolve(&call).unwrap();
        assert_eq!(sent.volume, Some(Ref::Literal { literal: "id-1".into() }));
        assert_eq!(sent.path, Some(PathRef::Literal("/t/vol/1".into())));
        assert_eq!(sent.staging_path, Some(PathRef::Literal("/s/vol".into())));
        assert_eq!(sent.volume_context.unwrap()["k"], "v");
    }

    #[test]
    fn nothing_is_sent_for_an_id_that_was_never_given() {
        let failure = bindings().resolve(&on(Rpc::DeleteVolume, "vol")).unwrap_err();
        assert_eq!(failure.code, Code::Unbound);
    }

    #[test]
    fn a_deleted_volume_keeps_its_id_for_later_negative_cases() {
        let mut bindings = bindings();
        let (create, delete) = (on(Rpc::CreateVolume, "vol"), on(Rpc::DeleteVolume, "vol"));
        bindings.sending(&create);
        bindings.learn(&create, &created("id-1"));
        bindings.learn(&delete, &Completion::Ok(Outcome::Reply(Box::default())));
        assert!(bindings.resolve(&on(Rpc::ControllerExpand, "vol")).is_ok());
    }

    #[test]
    fn a_refused_creation_leaves_nothing_to_undo_and_a_lost_one_does() {
        let failure = || Failure { code: Code::OutOfRange, message: String::new() };
        let create = on(Rpc::CreateVolume, "vol");
        let mut bindings = bindings();
        bindings.sending(&create);
        bindings.learn(&create, &Completion::Info(failure()));
        assert_eq!(bindings.made.len(), 1);
        bindings.learn(&create, &Completion::Fail(failure()));
        assert!(bindings.made.is_empty());
    }
}
