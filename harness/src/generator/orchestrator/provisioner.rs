//! csi-provisioner: makes volumes for claims, and deletes those that nobody has any more. Its cache
//! of objects is the API server itself: what it reads is never old enough to matter here.

use std::sync::Arc;

use csi_stretch_oracle::history::Code;

use super::{
    component::{Api, Component, Task},
    greeting::{AGAIN, After, GREETING, Greeting},
    jobs::{self, Jobs},
    names::Name,
    objects::{
        Attachment, Claim, ClaimPhase, ClaimRef, Class, Csi, Kind, Meta, Modes, Reclaim, SecretRef,
        Volume, VolumePhase,
    },
    patch::{MetaPatch, VolumePatch},
    queue::Queue,
    rpc::{AccessMode, Answer, Capability, Caps, Failure, Method, Reply, Rpc},
    slow::SlowSet,
    store::{Change, Id, Object, Refusal, Store, Write},
    time::{At, MINUTE, SECOND, Span},
};

/// How it was started.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Whose volumes it makes.
    pub driver: Name,
    /// `--worker-threads`
    pub workers: usize,
    /// `--timeout`
    pub timeout: Span,
    /// `--retry-interval-start` and `--retry-interval-max`
    pub retry: (Span, Span),
}

impl Settings {
    /// The defaults.
    pub fn of(driver: Name) -> Self {
        Self { driver, workers: 100, timeout: 10 * SECOND, retry: (SECOND, 5 * MINUTE) }
    }
}

/// A claim or a volume, as the queue knows it.
#[derive(Clone, Copy, Debug)]
enum Key {
    Claim(Id<Claim>),
    Volume(Id<Volume>),
}

impl Key {
    fn number(self) -> u32 {
        match self {
            Self::Claim(id) => (id.index() as u32) << 1,
            Self::Volume(id) => (id.index() as u32) << 1 | 1,
        }
    }

    fn of(number: u32) -> Self {
        let index = (number >> 1) as usize;
        if number & 1 == 0 {
            Self::Claim(Id::from_index(index))
        } else {
            Self::Volume(Id::from_index(index))
        }
    }
}

/// A volume to be made, and for whom. It is kept as it was when it was asked for first.
#[derive(Clone, Debug)]
struct Order {
    id: Id<Claim>,
    claim: Arc<Claim>,
    rpc: Rpc,
}

#[derive(Clone, Debug)]
enum Stage {
    Creating(Box<Order>),
    /// It came out too small and is deleted again.
    Undoing(Box<Order>),
    Recording,
    Deleting,
    Removing,
    Releasing,
}

#[derive(Clone, Debug)]
struct Job {
    key: Key,
    stage: Stage,
}

type Next = jobs::Next<Stage>;

/// csi-provisioner.
#[derive(Debug)]
pub struct Provisioner {
    settings: Settings,
    greeting: Greeting,
    queue: Queue,
    slow: SlowSet,
    jobs: Jobs<Job>,
    /// Orders whose volume may exist: repeated as they were even when their claim is gone.
    background: Vec<Option<Box<Order>>>,
}

fn follow(asked: &[Method], _: Caps) -> After {
    use Method::{ControllerGetCapabilities, GetPluginCapabilities, GetPluginInfo};
    match asked {
        [Method::Probe] => After::Ask(GetPluginInfo),
        [.., GetPluginInfo] => After::Ask(GetPluginCapabilities),
        [.., GetPluginCapabilities] => After::Ask(ControllerGetCapabilities),
        _ => After::Ready,
    }
}

/// What a volume for this claim is called.
pub fn volume_name(claim: &Claim) -> String {
    format!("pvc-00000000-0000-4000-8000-{:012x}", claim.meta.uid)
}

impl Provisioner {
    /// A new process.
    pub fn new(settings: Settings, now: At) -> Self {
        let (first, longest) = settings.retry;
        Self {
            settings,
            greeting: Greeting::new(settings.timeout, follow),
            queue: Queue::new(first, longest),
            slow: SlowSet::new(now, longest),
            jobs: Jobs::new(settings.workers),
            background: Vec::new(),
        }
    }

    fn remembered(&mut self, id: Id<Claim>) -> &mut Option<Box<Order>> {
        if self.background.len() <= id.index() {
            self.background.resize(id.index() + 1, None);
        }
        &mut self.background[id.index()]
    }

    fn pump(&mut self, api: &mut Api<'_>) {
        while self.greeting.is_over() {
            let Some((task, number)) = self.jobs.begin(&mut self.queue) else { return };
            let key = Key::of(number);
            let next = match key {
                Key::Claim(id) => self.provision(api, task, id),
                Key::Volume(id) => self.delete(api, task, id),
            };
            self.settle(api, task, key, next);
        }
    }

    fn settle(&mut self, api: &mut Api<'_>, task: Task, key: Key, next: Next) {
        let next = next.map(|stage| Job { key, stage });
        self.jobs.settle(&mut self.queue, api, (task, key.number()), next);
    }

    fn provision(&mut self, api: &mut Api<'_>, task: Task, id: Id<Claim>) -> Next {
        let order = match (self.remembered(id).clone(), api.store().get(id).cloned()) {
            (Some(order), _) => order,
            (None, Some(claim)) => match self.request(api, id, &claim) {
                Some(rpc) => Box::new(Order { id, claim, rpc }),
                None => return Next::Done,
            },
            (None, None) => return Next::Done,
        };
        if self.slow.contains(api.now, id.index() as u32) {
            return Next::Failed;
        }
        api.call(task, order.rpc);
        Next::Wait(Stage::Creating(order))
    }

    /// What to ask for, if this claim is ours and waits for a volume.
    fn request(&self, api: &mut Api<'_>, id: Id<Claim>, claim: &Claim) -> Option<Rpc> {
        let ours = claim.meta.annotations.get(Name::PROVISIONER) == Some(self.settings.driver);
        let waits = claim.phase == ClaimPhase::Pending && claim.volume.is_none();
        let class = api.store().named::<Class>(Name::NONE, claim.class)?;
        let placed = !class.wait_for_consumer || claim.meta.annotations.has(Name::SELECTED_NODE);
        let makes = self.greeting.caps().has(Caps::CREATE_DELETE);
        if !ours || !waits || !placed || !makes || claim.meta.deleting.is_some() {
            return None;
        }
        let name = api.name(&volume_name(claim));
        if api.store().find::<Volume>(Name::NONE, name).is_some() {
            return None;
        }
        let several = self.greeting.caps().has(Caps::SEVERAL_WRITERS);
        let mut rpc = Rpc::new(Method::CreateVolume, self.settings.timeout);
        rpc.volume = name;
        rpc.claim = Some(id);
        rpc.bytes = claim.request;
        rpc.secrets = true;
        rpc.capability = AccessMode::of(claim.modes, several)
            .map(|mode| Capability { block: claim.block, mode });
        rpc.capability.is_some().then_some(rpc)
    }

    fn created(&mut self, api: &mut Api<'_>, task: Task, order: Box<Order>, reply: Reply) -> Next {
        if reply.bytes > 0 && reply.bytes < order.rpc.bytes {
            let mut undo = Rpc::new(Method::DeleteVolume, self.settings.timeout);
            (undo.handle, undo.volume) = (reply.handle, order.rpc.volume);
            api.call(task, undo);
            return Next::Wait(Stage::Undoing(order));
        }
        // If nobody wants it any more the object is made all the same, and then released.
        let volume = self.object(api.store(), &order.claim, &order.rpc, reply);
        api.write(task, Write::CreateVolume(Box::new(volume)));
        Next::Wait(Stage::Recording)
    }

    fn object(&self, store: &Store, claim: &Claim, rpc: &Rpc, reply: Reply) -> Volume {
        let class = store.named::<Class>(Name::NONE, claim.class);
        let parameter = |key: &str| {
            let key = store.names.find(key)?;
            class?.parameters.get(key)
        };
        let secret = |kind: &str| {
            Some(SecretRef {
                name: parameter(&format!("csi.storage.k8s.io/{kind}-secret-name"))?,
                namespace: parameter(&format!("csi.storage.k8s.io/{kind}-secret-namespace"))?,
            })
        };
        let fs_type = parameter("csi.storage.k8s.io/fstype").or_else(|| parameter("fstype"));
        let mut meta = Meta::named(Name::NONE, rpc.volume);
        meta.annotations.set(Name::PROVISIONED_BY, self.settings.driver);
        meta.hold(Name::PV_PROTECTION);
        meta.hold(Name::PROVISIONER_FINALIZER);
        let csi = Csi {
            driver: self.settings.driver,
            handle: reply.handle,
            fs_type: if claim.block { Name::NONE } else { fs_type.unwrap_or_default() },
            read_only: claim.modes == Modes::ROX,
            attributes: reply.context.map(|context| *context).unwrap_or_default(),
            controller_expand_secret: secret("controller-expand"),
            node_expand_secret: secret("node-expand"),
            controller_publish_secret: secret("controller-publish"),
            node_stage_secret: secret("node-stage"),
            node_publish_secret: secret("node-publish"),
        };
        Volume {
            meta,
            capacity: if reply.bytes == 0 { claim.request } else { reply.bytes },
            class: claim.class,
            modes: claim.modes,
            block: claim.block,
            claim: Some(ClaimRef {
                namespace: claim.meta.namespace,
                name: claim.meta.name,
                uid: claim.meta.uid,
            }),
            reclaim: class.map(|class| class.reclaim).unwrap_or_default(),
            mount_options: class.map(|class| class.mount_options.clone()).unwrap_or_default(),
            csi: Some(Box::new(csi)),
            phase: VolumePhase::Pending,
        }
    }

    fn not_created(&mut self, api: &mut Api<'_>, order: Box<Order>, failure: Failure) -> Next {
        let id = order.id;
        if failure.code == Some(Code::InvalidArgument) {
            self.slow.add(api.now, id.index() as u32);
        }
        let exhausted = failure.code == Some(Code::ResourceExhausted);
        let background = failure.is_uncertain() && !exhausted;
        *self.remembered(id) = background.then_some(order);
        let text = format!(
            "failed to provision volume with StorageClass: {}",
            failure.text(&api.store().names)
        );
        api.notice(id, true, "ProvisioningFailed", &text);
        Next::Failed
    }

    /// A released volume that is to go, and is attached nowhere.
    fn delete(&mut self, api: &mut Api<'_>, task: Task, id: Id<Volume>) -> Next {
        let Some(volume) = api.store().get(id) else { return Next::Done };
        let ours = volume.meta.annotations.get(Name::PROVISIONED_BY) == Some(self.settings.driver);
        let released = volume.phase == VolumePhase::Released && volume.reclaim == Reclaim::Delete;
        let held = volume.meta.finalizers.contains(&Name::PROVISIONER_FINALIZER);
        let Some(csi) = volume.csi.as_ref().filter(|_| ours && released && held) else {
            return Next::Done;
        };
        let name = volume.meta.name;
        let mut rpc = Rpc::new(Method::DeleteVolume, self.settings.timeout);
        (rpc.handle, rpc.volume, rpc.secrets) = (csi.handle, name, true);
        if api.store().list::<Attachment>().any(|(_, attachment)| attachment.volume == name) {
            return Next::Failed;
        }
        api.call(task, rpc);
        Next::Wait(Stage::Deleting)
    }

    fn answer(&mut self, api: &mut Api<'_>, task: Task, job: Job, answer: Answer) -> Next {
        match (job.key, job.stage, answer) {
            (_, Stage::Creating(order), Ok(reply)) => self.created(api, task, order, reply),
            (_, Stage::Creating(order), Err(failure)) => self.not_created(api, order, failure),
            (Key::Claim(id), Stage::Undoing(order), _) => {
                *self.remembered(id) = Some(order);
                Next::Failed
            }
            (Key::Volume(id), Stage::Deleting, Ok(_)) => {
                api.write(task, Write::DeleteVolume(id));
                Next::Wait(Stage::Removing)
            }
            _ => Next::Failed,
        }
    }

    fn written(&mut self, api: &mut Api<'_>, task: Task, job: &Job, went: bool) -> Next {
        match (job.key, &job.stage) {
            (Key::Claim(id), Stage::Recording) if went => {
                *self.remembered(id) = None;
                Next::Done
            }
            (Key::Volume(id), Stage::Removing) if went => {
                let finalizers =
                    vec![(Name::PROVISIONER_FINALIZER, false), (Name::PV_PROTECTION, false)];
                let meta = MetaPatch { finalizers, ..MetaPatch::default() };
                let patch = VolumePatch { meta, ..VolumePatch::default() };
                api.write(task, Write::Volume(id, Box::new(patch)));
                Next::Wait(Stage::Releasing)
            }
            (Key::Volume(_), Stage::Releasing) => Next::Done,
            _ => Next::Failed,
        }
    }
}

impl Component for Provisioner {
    fn watches(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Claim | Kind::Volume)
    }

    fn start(&mut self, api: &mut Api<'_>) {
        let claims: Vec<_> = api.store().list::<Claim>().map(|(id, _)| Key::Claim(id)).collect();
        let volumes: Vec<_> = api.store().list::<Volume>().map(|(id, _)| Key::Volume(id)).collect();
        claims.into_iter().chain(volumes).for_each(|key| self.queue.add(key.number()));
        self.greeting.begin(api);
    }

    fn changed(&mut self, api: &mut Api<'_>, change: &Change) {
        match &change.object {
            Object::Claim(id, claim) if claim.phase == ClaimPhase::Pending => {
                self.queue.add(Key::Claim(*id).number());
            }
            Object::Volume(id, volume) if volume.phase == VolumePhase::Released => {
                self.queue.add(Key::Volume(*id).number());
            }
            _ => return,
        }
        self.pump(api);
    }

    fn answered(&mut self, api: &mut Api<'_>, task: Task, answer: Answer) {
        if task == GREETING {
            self.greeting.answered(api, &answer);
        } else if let Some(job) = self.jobs.resume(task) {
            let key = job.key;
            let next = self.answer(api, task, job, answer);
            self.settle(api, task, key, next);
        }
        self.pump(api);
    }

    fn wrote(&mut self, api: &mut Api<'_>, task: Task, result: Result<Object, Refusal>) {
        let Some(job) = self.jobs.resume(task) else { return };
        let next = self.written(api, task, &job, result.is_ok());
        self.settle(api, task, job.key, next);
        self.pump(api);
    }

    fn woke(&mut self, api: &mut Api<'_>, key: u32) {
        if key == AGAIN {
            self.greeting.begin(api);
        } else {
            self.queue.due(api.now, key);
        }
        self.pump(api);
    }
}
