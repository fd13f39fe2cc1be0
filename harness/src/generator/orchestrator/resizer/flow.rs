//! One attempt of csi-resizer at one claim: note the intent, call the driver, record what came out.

use std::sync::Arc;

use super::{Resizer, target::Situation};
use crate::generator::orchestrator::{
    component::{Api, Task},
    conditions::{Condition, ConditionKind, Conditions},
    jobs,
    names::Name,
    objects::{Claim, ClaimPhase, Resize, Volume},
    patch::{ClaimPatch, VolumePatch},
    quantity,
    rpc::{AccessMode, Answer, Capability, Caps, Failure, Method, Reply, Rpc},
    store::{Id, Object, Refusal, Write},
    time::{At, SECOND},
};

/// An attempt, as far as it got.
#[derive(Debug)]
pub(super) struct Job {
    pub key: u32,
    task: Task,
    stage: Stage,
    claim: Arc<Claim>,
    volume: Arc<Volume>,
    volume_id: Id<Volume>,
    target: u64,
    /// `status.capacity` when it began.
    old: u64,
    reply: Reply,
    failure: Option<Failure>,
}

/// What it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Unannotating,
    Marking,
    Asking,
    Expanding,
    Growing,
    Finishing,
    Failing,
}

/// What becomes of an attempt.
pub(super) type Next = jobs::Next<Box<Job>>;

/// The API keeps the times of conditions in whole seconds.
fn condition(now: At, kind: ConditionKind, message: Name) -> Condition {
    Condition { kind, message, since: At(now.0 - now.0 % SECOND) }
}

impl Job {
    /// `None`: there is no such claim, or it has no volume.
    pub fn new(resizer: &Resizer, api: &Api<'_>, task: Task, key: u32) -> Option<Self> {
        let claim = resizer.cached(key).filter(|claim| !claim.volume.is_none())?;
        let id = api.store().find::<Volume>(Name::NONE, claim.volume);
        let held = id.and_then(|id| resizer.volumes.get(id.index())?.as_ref());
        Some(Self {
            key,
            task,
            stage: Stage::Marking,
            volume_id: id.unwrap_or(Id::from_index(usize::MAX)),
            volume: held.map(Arc::clone).unwrap_or_default(),
            target: 0,
            old: claim.capacity,
            claim: Arc::clone(claim),
            reply: Reply::default(),
            failure: None,
        })
    }

    fn id(&self) -> Id<Claim> {
        Id::from_index(self.key as usize)
    }

    fn wait(mut self, stage: Stage) -> Next {
        self.stage = stage;
        Next::Wait(Box::new(self))
    }

    fn patch_claim(self, api: &mut Api<'_>, new: &Claim, lock: bool, stage: Stage) -> Next {
        let mut patch = ClaimPatch::between(&self.claim, new);
        if lock {
            patch = patch.at_version(self.claim.meta.version);
        }
        api.write(self.task, Write::Claim(self.id(), Box::new(patch)));
        self.wait(stage)
    }

    /// A patch that fails ends the attempt; what was being marked or unmarked is said to nobody.
    fn refused(&self, api: &mut Api<'_>, refusal: &Refusal) -> Next {
        if !matches!(self.stage, Stage::Marking | Stage::Unannotating) {
            api.notice(self.id(), true, "VolumeResizeFailed", &refusal.message);
        }
        Next::Failed
    }

    fn patch_volume(self, api: &mut Api<'_>, new: &Volume, stage: Stage) -> Next {
        let patch = VolumePatch::between(&self.volume, new);
        api.write(self.task, Write::Volume(self.volume_id, Box::new(patch)));
        self.wait(stage)
    }
}

impl Resizer {
    pub(super) fn begin(&mut self, api: &mut Api<'_>, job: Job) -> Next {
        if job.volume.meta.name.is_none() {
            // The volume was not seen yet.
            return Next::Failed;
        }
        let noted = job.volume.meta.annotations.has(Name::PRE_RESIZE_CAPACITY);
        if self.settings.annotates && noted && job.claim.capacity >= job.volume.capacity {
            let mut new = Volume::clone(&job.volume);
            new.meta.annotations.remove(Name::PRE_RESIZE_CAPACITY);
            return job.patch_volume(api, &new, Stage::Unannotating);
        }
        self.decide(api, job)
    }

    fn decide(&mut self, api: &mut Api<'_>, mut job: Job) -> Next {
        let (claim, volume) = (&job.claim, &job.volume);
        let ours = volume.csi.as_ref().is_some_and(|csi| csi.driver == self.settings.driver);
        let bound = volume.claim.is_some_and(|held| {
            held.namespace == claim.meta.namespace && held.uid == claim.meta.uid
        });
        let wanted = claim.phase == ClaimPhase::Bound && claim.request > claim.capacity;
        if !wanted || !ours || self.settings.profile.checks_claim_ref && !bound {
            return Next::Done;
        }
        let mut new = Claim::clone(claim);
        let resizing = condition(api.now, ConditionKind::Resizing, Name::NONE);
        if !self.settings.profile.recover {
            let pending = claim.conditions.has(ConditionKind::FileSystemResizePending);
            if volume.capacity >= claim.request && pending {
                return Next::Done;
            }
            job.target = claim.request;
            new.conditions = claim.conditions.merged(resizing, false);
            let lock = self.settings.profile.locks;
            return job.patch_claim(api, &new, lock, Stage::Marking);
        }
        let slow = self.slow.contains(api.now, job.key);
        if claim.resize == Some(Resize::ControllerInfeasible) {
            self.slow.add(api.now, job.key);
        }
        let mut situation = Situation::of(claim, volume.capacity);
        situation.final_error = self.memory(job.key).final_error;
        situation.controller = !self.trivial();
        let Some(target) = situation.target() else { return Next::Done };
        let again = claim.allocated == Some(target);
        if again && slow {
            return Next::Later(self.slow.remaining(api.now, job.key));
        }
        job.target = target;
        new.conditions = claim.conditions.merged(resizing, again);
        new.meta.annotations.remove(Name::NODE_EXPANSION_NOT_REQUIRED);
        new.allocated = Some(target);
        if !again {
            new.resize = Some(Resize::ControllerInProgress);
        }
        job.patch_claim(api, &new, true, Stage::Marking)
    }

    pub(super) fn written(
        &mut self,
        api: &mut Api<'_>,
        mut job: Job,
        result: Result<Object, Refusal>,
    ) -> Next {
        let object = match result {
            Ok(object) => object,
            Err(refusal) => return job.refused(api, &refusal),
        };
        match (&object, job.stage) {
            (Object::Claim(id, claim), _) => {
                self.keep_claim(*id, Some(Arc::clone(claim)));
                job.claim = Arc::clone(claim);
            }
            // The attempt goes on with the volume as it was.
            (Object::Volume(id, volume), _) => self.keep_volume(*id, Some(Arc::clone(volume))),
            _ => {}
        }
        match job.stage {
            Stage::Unannotating => self.decide(api, job),
            Stage::Marking => self.expand(api, job),
            Stage::Growing => self.finish(api, job),
            Stage::Failing => self.failed(api, &job),
            Stage::Finishing => {
                let (reason, text) = if job.reply.node_expansion {
                    ("FileSystemResizeRequired", "Require file system resize of volume on node")
                } else {
                    ("VolumeResizeSuccessful", "Resize volume succeeded")
                };
                api.notice(job.id(), false, reason, text);
                Next::Done
            }
            Stage::Asking | Stage::Expanding => Next::Failed,
        }
    }

    fn expand(&mut self, api: &mut Api<'_>, mut job: Job) -> Next {
        let used = self.is_used(&job.claim);
        let memory = self.memory(job.key);
        let blocked = memory.in_use && used;
        if !blocked {
            memory.in_use = false;
        }
        let names = &api.store().names;
        let volume = names.text(job.volume.meta.name);
        if blocked {
            let claim = format!(
                "{}/{}",
                names.text(job.claim.meta.namespace),
                names.text(job.claim.meta.name)
            );
            let text = format!(
                "Unable to expand {claim} because CSI driver {} only supports offline expansion \
                 and volume is currently in-use",
                names.text(self.settings.driver)
            );
            api.notice(job.id(), true, "VolumeResizeFailed", &text);
            return Next::Failed;
        }
        let text = format!("External resizer is resizing volume {volume}");
        api.notice(job.id(), false, "Resizing", &text);
        if self.trivial() {
            job.reply = Reply { bytes: job.target, node_expansion: true, ..Reply::default() };
            return self.grow(api, job);
        }
        if self.settings.profile.controller_capability {
            let question = Rpc::new(Method::ControllerGetCapabilities, self.settings.timeout);
            api.call(job.task, question);
            return job.wait(Stage::Asking);
        }
        self.call(api, job, None)
    }

    fn call(&mut self, api: &mut Api<'_>, job: Job, capability: Option<Capability>) -> Next {
        let mut rpc = Rpc::new(Method::ControllerExpandVolume, self.settings.timeout);
        rpc.handle = job.volume.csi.as_ref().map_or(Name::NONE, |csi| csi.handle);
        rpc.volume = job.volume.meta.name;
        rpc.bytes = job.target;
        rpc.capability = capability;
        rpc.secrets = true;
        api.call(job.task, rpc);
        job.wait(Stage::Expanding)
    }

    pub(super) fn answer(&mut self, api: &mut Api<'_>, mut job: Job, answer: Answer) -> Next {
        match (job.stage, answer) {
            (Stage::Asking, Ok(reply)) => {
                let several = reply.caps.has(Caps::SEVERAL_WRITERS);
                let block = job.volume.block;
                match AccessMode::of(job.volume.modes, several) {
                    Some(mode) => self.call(api, job, Some(Capability { block, mode })),
                    None => self.before_call(api, job, "unsupported access modes"),
                }
            }
            (Stage::Asking, Err(failure)) => {
                let text = failure.text(&api.store().names);
                self.before_call(api, job, &text)
            }
            (_, Ok(reply)) => {
                job.reply = reply;
                self.grow(api, job)
            }
            (_, Err(failure)) => self.fail(api, job, failure),
        }
    }

    /// It failed before the driver was asked to expand: nobody knows about an earlier attempt.
    fn before_call(&mut self, api: &mut Api<'_>, job: Job, why: &str) -> Next {
        let volume = api.store().names.text(job.volume.meta.name);
        let text = format!("failed to get capabilities of volume {volume} with {why}");
        let failure = Failure { code: None, message: api.name(&text) };
        self.fail(api, job, failure)
    }

    fn fail(&mut self, api: &mut Api<'_>, mut job: Job, failure: Failure) -> Next {
        let recover = self.settings.profile.recover;
        job.failure = Some(failure);
        let memory = self.memory(job.key);
        memory.in_use |= failure.is_in_use();
        memory.final_error = !failure.is_uncertain();
        if !failure.is_infeasible() {
            self.slow.remove(job.key);
        }
        if !recover || failure.is_uncertain() {
            return self.failed(api, &job);
        }
        let text = format!("failed to expand pvc with {}", failure.text(&api.store().names));
        let error = condition(api.now, ConditionKind::ControllerResizeError, api.name(&text));
        let mut new = Claim::clone(&job.claim);
        new.conditions = job.claim.conditions.merged(error, true);
        if failure.is_infeasible() {
            new.resize = Some(Resize::ControllerInfeasible);
        }
        job.patch_claim(api, &new, false, Stage::Failing)
    }

    fn failed(&mut self, api: &mut Api<'_>, job: &Job) -> Next {
        if let Some(failure) = job.failure {
            let names = &api.store().names;
            let text = format!(
                "resize volume \"{}\" by resizer \"{}\" failed: {}",
                names.text(job.volume.meta.name),
                names.text(self.settings.driver),
                failure.text(names)
            );
            api.notice(job.id(), true, "VolumeResizeFailed", &text);
        }
        Next::Failed
    }

    fn grow(&mut self, api: &mut Api<'_>, job: Job) -> Next {
        self.memory(job.key).final_error = false;
        self.slow.remove(job.key);
        let mut new = Volume::clone(&job.volume);
        new.capacity = job.reply.bytes;
        let noted = new.meta.annotations.has(Name::PRE_RESIZE_CAPACITY);
        if self.settings.annotates && job.reply.node_expansion && !noted {
            let old = api.name(&quantity::show(job.old));
            new.meta.annotations.set(Name::PRE_RESIZE_CAPACITY, old);
        }
        job.patch_volume(api, &new, Stage::Growing)
    }

    fn finish(&mut self, api: &mut Api<'_>, job: Job) -> Next {
        let profile = self.settings.profile;
        let mut new = Claim::clone(&job.claim);
        if job.reply.node_expansion {
            let kind = ConditionKind::FileSystemResizePending;
            let pending = condition(api.now, kind, Name::RESTART_POD);
            new.conditions = job.claim.conditions.merged(pending, profile.recover);
            if profile.recover {
                new.meta.annotations.remove(Name::NODE_EXPANSION_NOT_REQUIRED);
                new.resize = Some(Resize::NodePending);
            }
        } else {
            new.capacity = job.reply.bytes;
            new.conditions = Conditions::default();
            if profile.recover {
                new.resize = None;
                new.meta.annotations.set(Name::NODE_EXPANSION_NOT_REQUIRED, Name::TRUE);
            }
        }
        job.patch_claim(api, &new, profile.locks, Stage::Finishing)
    }
}
