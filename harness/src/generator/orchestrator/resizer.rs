//! csi-resizer: brings the controller's half of an expansion about. It has a cache of its own, a
//! work queue, and a memory of errors that a restart loses. `flow` is one attempt, step by step.

use std::sync::Arc;

use super::{
    component::{Api, Component, Task},
    greeting::{AGAIN, After, GREETING, Greeting},
    hash::Map,
    jobs::Jobs,
    names::Name,
    objects::{Claim, Kind, Pod, Volume},
    profile::Profile,
    queue::Queue,
    rpc::{Answer, Caps, Method},
    slow::SlowSet,
    store::{Change, Id, Object, Refusal, Verb},
    time::{At, MINUTE, Span},
};

mod flow;
mod target;
#[cfg(test)]
mod tests;

use flow::{Job, Next};

/// How csi-resizer was started.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Which generation it is.
    pub profile: &'static Profile,
    /// Whose volumes it expands.
    pub driver: Name,
    /// `--workers`
    pub workers: usize,
    /// `--timeout`
    pub timeout: Span,
    /// `--retry-interval-start` and `--retry-interval-max`
    pub retry: (Span, Span),
    /// `--handle-volume-inuse-error`
    pub in_use: bool,
    /// `--resync-period`
    pub resync: Span,
    /// The gate AnnotateFsResize.
    pub annotates: bool,
}

impl Settings {
    /// The defaults of a profile.
    pub fn of(profile: &'static Profile, driver: Name) -> Self {
        Self {
            profile,
            driver,
            workers: 10,
            timeout: profile.resizer_timeout,
            retry: profile.resizer_retry,
            in_use: profile.waits_for_pods,
            resync: 10 * MINUTE,
            annotates: profile.annotates,
        }
    }
}

/// The key of a wake that is no claim.
const RESYNC: u32 = u32::MAX - 1;

/// What it knows of a claim.
#[derive(Clone, Debug, Default)]
struct Memory {
    claim: Option<Arc<Claim>>,
    /// FAILED_PRECONDITION was the last answer.
    in_use: bool,
    /// The last error was one that leaves nothing under way.
    final_error: bool,
}

/// Without the controller's half of expansion the node is asked whether it has the other one.
fn follow(asked: &[Method], caps: Caps) -> After {
    use Method::{
        ControllerGetCapabilities, GetPluginCapabilities, GetPluginInfo, NodeGetCapabilities,
    };
    let trivial = !caps.has(Caps::CONTROLLER_EXPAND);
    match asked {
        [Method::Probe] => After::Ask(GetPluginInfo),
        [.., GetPluginInfo] => After::Ask(GetPluginCapabilities),
        [.., GetPluginCapabilities] if !caps.has(Caps::CONTROLLER_SERVICE) => After::Never,
        [.., GetPluginCapabilities] => After::Ask(ControllerGetCapabilities),
        [.., GetPluginCapabilities, ControllerGetCapabilities] if trivial => {
            After::Ask(NodeGetCapabilities)
        }
        [.., NodeGetCapabilities] if !caps.has(Caps::NODE_EXPAND) => After::Never,
        _ if asked.len() < 6 => After::Ask(ControllerGetCapabilities),
        _ => After::Ready,
    }
}

/// csi-resizer.
#[derive(Debug)]
pub struct Resizer {
    settings: Settings,
    greeting: Greeting,
    claims: Vec<Memory>,
    volumes: Vec<Option<Arc<Volume>>>,
    users: Map<(Name, Name), Vec<Id<Pod>>>,
    slow: SlowSet,
    queue: Queue,
    jobs: Jobs<Job>,
}

impl Resizer {
    /// A new process.
    pub fn new(settings: Settings, now: At) -> Self {
        Self {
            settings,
            greeting: Greeting::new(settings.timeout, follow),
            claims: Vec::new(),
            volumes: Vec::new(),
            users: Map::default(),
            slow: SlowSet::new(now, settings.retry.1),
            queue: Queue::new(settings.retry.0, settings.retry.1),
            jobs: Jobs::new(settings.workers),
        }
    }

    /// Nobody does the controller's half: the driver has the node's half only.
    fn trivial(&self) -> bool {
        !self.greeting.caps().has(Caps::CONTROLLER_EXPAND)
    }

    fn memory(&mut self, key: u32) -> &mut Memory {
        let index = key as usize;
        if self.claims.len() <= index {
            self.claims.resize(index + 1, Memory::default());
        }
        &mut self.claims[index]
    }

    fn cached(&self, key: u32) -> Option<&Arc<Claim>> {
        self.claims.get(key as usize)?.claim.as_ref()
    }

    fn keep_claim(&mut self, id: Id<Claim>, claim: Option<Arc<Claim>>) -> Option<Arc<Claim>> {
        let memory = self.memory(id.index() as u32);
        std::mem::replace(&mut memory.claim, claim)
    }

    fn keep_volume(&mut self, id: Id<Volume>, volume: Option<Arc<Volume>>) {
        if self.volumes.len() <= id.index() {
            self.volumes.resize(id.index() + 1, None);
        }
        self.volumes[id.index()] = volume;
    }

    fn keep_pod(&mut self, id: Id<Pod>, pod: &Pod, there: bool) {
        if !self.settings.in_use {
            return;
        }
        for volume in &pod.volumes {
            let users = self.users.entry((pod.meta.namespace, volume.claim)).or_default();
            users.retain(|user| *user != id);
            if there && !pod.phase.is_over() {
                users.push(id);
            }
        }
    }

    fn is_used(&self, claim: &Claim) -> bool {
        let key = (claim.meta.namespace, claim.meta.name);
        self.users.get(&key).is_some_and(|users| !users.is_empty())
    }

    /// Is an update of a claim worth a look? What this process wrote itself is in the cache already
    /// when the watch tells of it, and looks like a resync; so it gets one.
    fn matters(&self, old: &Claim, new: &Claim) -> bool {
        let recover = self.settings.profile.recover;
        let asked = if recover { new.request != old.request } else { new.request > old.request };
        let annotation = |claim: &Claim| claim.meta.annotations.get(Name::RESIZER);
        asked
            || annotation(new) != annotation(old)
            || new.meta.version == old.meta.version
            || new.capacity > old.capacity
            || recover && new.resize != old.resize
    }

    /// Starts jobs while there is work and somebody to do it.
    fn pump(&mut self, api: &mut Api<'_>) {
        while self.greeting.is_over() {
            let Some((task, key)) = self.jobs.begin(&mut self.queue) else { return };
            if let Some(job) = Job::new(self, api, task, key) {
                let next = self.begin(api, job);
                self.settle(api, task, key, next);
            } else {
                self.settle(api, task, key, Next::Done);
            }
        }
    }

    fn settle(&mut self, api: &mut Api<'_>, task: Task, key: u32, next: Next) {
        self.jobs.settle(&mut self.queue, api, (task, key), next.map(|job| *job));
    }
}

impl Component for Resizer {
    fn watches(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Claim | Kind::Volume) || kind == Kind::Pod && self.settings.in_use
    }

    fn start(&mut self, api: &mut Api<'_>) {
        let claims: Vec<_> =
            api.store().list::<Claim>().map(|(id, c)| (id, Arc::clone(c))).collect();
        for (id, claim) in claims {
            self.keep_claim(id, Some(claim));
            self.queue.add(id.index() as u32);
        }
        let volumes: Vec<_> =
            api.store().list::<Volume>().map(|(id, v)| (id, Arc::clone(v))).collect();
        for (id, volume) in volumes {
            self.keep_volume(id, Some(volume));
        }
        let pods: Vec<_> = api.store().list::<Pod>().map(|(id, p)| (id, Arc::clone(p))).collect();
        for (id, pod) in pods {
            self.keep_pod(id, &pod, true);
        }
        self.greeting.begin(api);
        api.wake(Some(api.now.plus(self.settings.resync)), RESYNC);
    }

    fn changed(&mut self, api: &mut Api<'_>, change: &Change) {
        let there = change.verb != Verb::Deleted;
        match &change.object {
            Object::Claim(id, claim) => {
                let key = id.index() as u32;
                let old = self.keep_claim(*id, there.then(|| Arc::clone(claim)));
                if !there {
                    self.queue.forget(key);
                } else if old.is_none_or(|old| self.matters(&old, claim)) {
                    self.queue.add(key);
                }
            }
            Object::Volume(id, volume) => {
                self.keep_volume(*id, there.then(|| Arc::clone(volume)));
            }
            Object::Pod(id, pod) => self.keep_pod(*id, pod, there),
            _ => return,
        }
        self.pump(api);
    }

    fn answered(&mut self, api: &mut Api<'_>, task: Task, answer: Answer) {
        if task == GREETING {
            self.greeting.answered(api, &answer);
            return self.pump(api);
        }
        let Some(job) = self.jobs.resume(task) else { return };
        let key = job.key;
        let next = self.answer(api, job, answer);
        self.settle(api, task, key, next);
        self.pump(api);
    }

    fn wrote(&mut self, api: &mut Api<'_>, task: Task, result: Result<Object, Refusal>) {
        let Some(job) = self.jobs.resume(task) else { return };
        let key = job.key;
        let next = self.written(api, job, result);
        self.settle(api, task, key, next);
        self.pump(api);
    }

    fn woke(&mut self, api: &mut Api<'_>, key: u32) {
        match key {
            AGAIN => self.greeting.begin(api),
            RESYNC => {
                let keys = 0..self.claims.len() as u32;
                let held: Vec<u32> = keys.filter(|key| self.cached(*key).is_some()).collect();
                for key in held {
                    self.queue.add(key);
                }
                api.wake(Some(api.now.plus(self.settings.resync)), RESYNC);
            }
            key => self.queue.due(api.now, key),
        }
        self.pump(api);
    }
}
