//! csi-attacher: makes attachments true, and lets them go. A driver without
//! PUBLISH_UNPUBLISH_VOLUME is not asked.

use super::{
    component::{Api, Component, Task},
    greeting::{AGAIN, After, GREETING, Greeting},
    jobs::{self, Jobs},
    names::Name,
    objects::{Attachment, Kind, Node, Pairs, Volume},
    patch::{AttachmentPatch, MetaPatch, VolumePatch},
    queue::Queue,
    rpc::{AccessMode, Answer, Capability, Caps, Method, Reply, Rpc},
    store::{Change, Id, Object, Refusal, Write},
    time::{MINUTE, SECOND, Span},
};

/// How it was started.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Whose volumes it attaches.
    pub driver: Name,
    /// Its finalizer, `external-attacher/<driver>`.
    pub finalizer: Name,
    /// `--worker-threads`
    pub workers: usize,
    /// `--timeout`
    pub timeout: Span,
    /// `--retry-interval-start` and `--retry-interval-max`
    pub retry: (Span, Span),
}

impl Settings {
    /// The defaults.
    pub fn of(driver: Name, finalizer: Name) -> Self {
        let retry = (SECOND, 5 * MINUTE);
        Self { driver, finalizer, workers: 10, timeout: 15 * SECOND, retry }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The volume object is to carry the finalizer.
    Holding,
    /// The attachment is.
    Marking,
    Publishing,
    Unpublishing,
    /// The last write; whether the attempt was one that failed.
    Recording {
        failed: bool,
    },
}

#[derive(Clone, Copy, Debug)]
struct Job {
    id: Id<Attachment>,
    stage: Stage,
}

type Next = jobs::Next<Stage>;

/// csi-attacher.
#[derive(Debug)]
pub struct Attacher {
    settings: Settings,
    greeting: Greeting,
    queue: Queue,
    jobs: Jobs<Job>,
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

impl Attacher {
    /// A new process.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            greeting: Greeting::new(settings.timeout, follow),
            queue: Queue::new(settings.retry.0, settings.retry.1),
            jobs: Jobs::new(settings.workers),
        }
    }

    fn pump(&mut self, api: &mut Api<'_>) {
        while self.greeting.is_over() {
            let Some((task, key)) = self.jobs.begin(&mut self.queue) else { return };
            let id = Id::from_index(key as usize);
            let next = self.look(api, task, id);
            self.settle(api, task, id, next);
        }
    }

    fn settle(&mut self, api: &mut Api<'_>, task: Task, id: Id<Attachment>, next: Next) {
        let next = next.map(|stage| Job { id, stage });
        self.jobs.settle(&mut self.queue, api, (task, id.index() as u32), next);
    }

    /// One step towards what an attachment asks for.
    fn look(&mut self, api: &mut Api<'_>, task: Task, id: Id<Attachment>) -> Next {
        let Some(attachment) = api.store().get(id) else { return Next::Done };
        if attachment.attacher != self.settings.driver {
            return Next::Done;
        }
        let asks = self.greeting.caps().has(Caps::PUBLISH);
        let held = attachment.meta.finalizers.contains(&self.settings.finalizer);
        match (attachment.meta.deleting.is_some(), attachment.attached) {
            (true, _) if !held => Next::Done,
            (true, _) => self.call(api, task, id, Method::ControllerUnpublishVolume),
            (false, true) => Next::Done,
            (false, false) if !asks => {
                let patch = AttachmentPatch { attached: Some(true), ..AttachmentPatch::default() };
                api.write(task, Write::Attachment(id, Box::new(patch)));
                Next::Wait(Stage::Recording { failed: false })
            }
            (false, false) => self.hold(api, task, id),
        }
    }

    fn hold(&mut self, api: &mut Api<'_>, task: Task, id: Id<Attachment>) -> Next {
        let finalizer = self.settings.finalizer;
        let Some(attachment) = api.store().get(id) else { return Next::Done };
        let marked = attachment.meta.finalizers.contains(&finalizer);
        let node = api.store().named::<Node>(Name::NONE, attachment.node);
        let node_id = node.and_then(|node| node.drivers.get(self.settings.driver));
        let volume = api.store().find::<Volume>(Name::NONE, attachment.volume);
        let Some((volume, node_id)) = volume.zip(node_id) else { return Next::Failed };
        let meta = MetaPatch { finalizers: vec![(finalizer, true)], ..MetaPatch::default() };
        let free = |volume: &Volume| !volume.meta.finalizers.contains(&finalizer);
        if api.store().get(volume).is_some_and(|volume| free(volume)) {
            let patch = VolumePatch { meta, ..VolumePatch::default() };
            api.write(task, Write::Volume(volume, Box::new(patch)));
            return Next::Wait(Stage::Holding);
        }
        if !marked {
            let annotations = vec![(Name::NODE_ID, Some(node_id))];
            let meta = MetaPatch { annotations, ..meta };
            let patch = AttachmentPatch { meta, ..AttachmentPatch::default() };
            api.write(task, Write::Attachment(id, Box::new(patch)));
            return Next::Wait(Stage::Marking);
        }
        self.call(api, task, id, Method::ControllerPublishVolume)
    }

    fn call(&mut self, api: &mut Api<'_>, task: Task, id: Id<Attachment>, method: Method) -> Next {
        let Some(attachment) = api.store().get(id) else { return Next::Done };
        let Some(volume) = api.store().named::<Volume>(Name::NONE, attachment.volume) else {
            return Next::Failed;
        };
        let mut rpc = Rpc::new(method, self.settings.timeout);
        rpc.handle = volume.csi.as_ref().map_or(Name::NONE, |csi| csi.handle);
        (rpc.volume, rpc.node, rpc.secrets) = (attachment.volume, attachment.node, true);
        if method == Method::ControllerUnpublishVolume {
            api.call(task, rpc);
            return Next::Wait(Stage::Unpublishing);
        }
        let several = self.greeting.caps().has(Caps::SEVERAL_WRITERS);
        let Some(mode) = AccessMode::of(volume.modes, several) else { return Next::Failed };
        rpc.capability = Some(Capability { block: volume.block, mode });
        rpc.read_only = self.greeting.caps().has(Caps::PUBLISH_READONLY)
            && volume.csi.as_ref().is_some_and(|csi| csi.read_only);
        api.call(task, rpc);
        Next::Wait(Stage::Publishing)
    }

    fn answer(&mut self, api: &mut Api<'_>, task: Task, job: Job, answer: Answer) -> Next {
        let failed = answer.is_err();
        let patch = match (job.stage, answer) {
            (Stage::Publishing, Ok(reply)) => Self::attached(reply),
            (_, Ok(_)) => AttachmentPatch {
                meta: MetaPatch {
                    finalizers: vec![(self.settings.finalizer, false)],
                    ..MetaPatch::default()
                },
                attached: Some(false),
                metadata: Some(Pairs::default()),
                ..AttachmentPatch::default()
            },
            (stage, Err(failure)) => {
                let text = failure.text(&api.store().names);
                let message = Some(api.name(&text));
                if stage == Stage::Publishing {
                    AttachmentPatch { attach_error: message, ..AttachmentPatch::default() }
                } else {
                    AttachmentPatch { detach_error: message, ..AttachmentPatch::default() }
                }
            }
        };
        api.write(task, Write::Attachment(job.id, Box::new(patch)));
        Next::Wait(Stage::Recording { failed })
    }

    fn attached(reply: Reply) -> AttachmentPatch {
        AttachmentPatch {
            attached: Some(true),
            metadata: reply.context.map(|context| *context),
            attach_error: Some(Name::NONE),
            ..AttachmentPatch::default()
        }
    }
}

impl Component for Attacher {
    fn watches(&self, kind: Kind) -> bool {
        kind == Kind::Attachment
    }

    fn start(&mut self, api: &mut Api<'_>) {
        let keys: Vec<u32> =
            api.store().list::<Attachment>().map(|(id, _)| id.index() as u32).collect();
        for key in keys {
            self.queue.add(key);
        }
        self.greeting.begin(api);
    }

    fn changed(&mut self, api: &mut Api<'_>, change: &Change) {
        let Object::Attachment(id, attachment) = &change.object else { return };
        // A recorded error is no reason to try again at once.
        if !attachment.attach_error.is_none() && attachment.meta.deleting.is_none()
            || !attachment.detach_error.is_none()
        {
            return;
        }
        self.queue.add(id.index() as u32);
        self.pump(api);
    }

    fn answered(&mut self, api: &mut Api<'_>, task: Task, answer: Answer) {
        if task == GREETING {
            self.greeting.answered(api, &answer);
        } else if let Some(job) = self.jobs.resume(task) {
            let next = self.answer(api, task, job, answer);
            self.settle(api, task, job.id, next);
        }
        self.pump(api);
    }

    fn wrote(&mut self, api: &mut Api<'_>, task: Task, result: Result<Object, Refusal>) {
        let Some(job) = self.jobs.resume(task) else { return };
        let next = match (job.stage, result) {
            (Stage::Holding | Stage::Marking, Ok(_)) => self.hold(api, task, job.id),
            (Stage::Recording { failed: false }, Ok(_)) => Next::Done,
            _ => Next::Failed,
        };
        self.settle(api, task, job.id, next);
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
