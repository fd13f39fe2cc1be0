//! The kubelets of all nodes: stage, publish, expand, unpublish, unstage. One operation at a time
//! for each volume on a node, errors with a pause of their own, and pods that are looked at again
//! every 60 to 90 s. A kubelet that comes back knows only what is mounted.

use super::{
    component::{Api, Component, Task},
    hash::Map,
    names::Name,
    objects::{Attachment, Claim, Driver, Kind, Node, Pod, PodPhase, Volume},
    profile::Profile,
    random::Random,
    rpc::Answer,
    store::{Change, Id, Object, Refusal, Store, Verb, Write},
    time::{At, MILLISECOND, MINUTE, SECOND, Span},
};

mod expand;
mod mount;
mod op;
#[cfg(test)]
mod tests;

use mount::{Mount, Mounted};
use op::Op;

const PASS: Span = 100 * MILLISECOND;
const FIRST_PAUSE: Span = 500 * MILLISECOND;
const LONGEST_PAUSE: Span = 2 * MINUTE + 2 * SECOND;
/// Tasks of node objects, beside those of mounts.
const NODES: u32 = 1 << 31;

/// How the kubelets behave.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Which generation they are.
    pub profile: &'static Profile,
    /// Whose volumes they know.
    pub driver: Name,
    /// How long each call may take.
    pub timeout: Span,
    /// When a pod is looked at again, at least and at most.
    pub resync: (Span, Span),
}

impl Settings {
    /// The defaults of a profile.
    pub fn of(profile: &'static Profile, driver: Name) -> Self {
        Self { profile, driver, timeout: 2 * MINUTE, resync: (MINUTE, 90 * SECOND) }
    }
}

#[derive(Clone, Debug, Default)]
struct PodState {
    mounts: Vec<u32>,
    /// When it is looked at again.
    due: At,
    told: PodPhase,
    removed: bool,
}

/// All kubelets.
#[derive(Debug)]
pub struct Kubelets {
    settings: Settings,
    random: Random,
    mounts: Vec<Mount>,
    free: Vec<u32>,
    places: Map<(Name, Name), u32>,
    /// Where each volume is, for claims and attachments that change.
    of_volume: Map<Name, Vec<u32>>,
    pods: Vec<Option<PodState>>,
    in_use: Map<Name, Vec<Name>>,
    down: Map<Name, bool>,
    attachments: Map<(Name, Name), Id<Attachment>>,
}

impl Kubelets {
    /// All of them start.
    pub fn new(settings: Settings, seed: u64) -> Self {
        Self {
            settings,
            random: Random::new(seed),
            mounts: Vec::new(),
            free: Vec::new(),
            places: Map::default(),
            of_volume: Map::default(),
            pods: Vec::new(),
            in_use: Map::default(),
            down: Map::default(),
            attachments: Map::default(),
        }
    }

    fn is_down(&self, node: Name) -> bool {
        self.down.get(&node).copied().unwrap_or(false)
    }

    /// A pod was bound to its node, has changed, or its time has come again.
    fn sync(&mut self, api: &mut Api<'_>, id: Id<Pod>) {
        let Some(pod) = api.store().get(id).cloned() else { return self.lost(api, id) };
        if pod.node.is_none() || self.is_down(pod.node) {
            return;
        }
        if self.pods.len() <= id.index() {
            self.pods.resize(id.index() + 1, None);
        }
        if pod.meta.deleting.is_some() || pod.phase.is_over() {
            return self.leave(api, id, &pod);
        }
        let mut state = self.pods[id.index()].take().unwrap_or_default();
        let first = state.due == At(0);
        let mut waiting = false;
        for volume in &pod.volumes {
            let claim = api.store().find::<Claim>(pod.meta.namespace, volume.claim);
            let bound = claim.and_then(|claim| api.store().get(claim).map(|c| (claim, c.clone())));
            let found = bound.and_then(|(claim, object)| {
                Some((
                    claim,
                    object.capacity,
                    api.store().named::<Volume>(Name::NONE, object.volume)?.clone(),
                ))
            });
            let Some((claim, capacity, object)) = found else {
                waiting = true;
                continue;
            };
            let index = self.mount(api, pod.node, &object);
            let mount = &mut self.mounts[index as usize];
            mount.join(id, claim, volume.read_only);
            mount.desired = object.capacity;
            mount.actual.get_or_insert(capacity);
            if !state.mounts.contains(&index) {
                state.mounts.push(index);
            }
            let has_work = mount.has_work(self.settings.profile);
            if has_work {
                self.arm(api, index);
            }
        }
        let (least, most) = if waiting { (SECOND, SECOND) } else { self.settings.resync };
        // The pods of a fleet do not come at the same moment, whatever started them.
        let pause = least + self.random.below(most - least + 1);
        if first || state.due <= api.now {
            state.due = api.now.plus(pause);
            api.wake(Some(state.due), Self::pod_key(id));
        }
        self.pods[id.index()] = Some(state);
        self.told(api, id, &pod);
    }

    fn pod_key(id: Id<Pod>) -> u32 {
        (id.index() as u32) << 1
    }

    /// The pod is to go: take it down, and let its object go when that is done.
    fn leave(&mut self, api: &mut Api<'_>, id: Id<Pod>, pod: &Pod) {
        let mounts = self.pods[id.index()].get_or_insert_default().mounts.clone();
        for index in mounts {
            self.mounts[index as usize].leave(id);
            self.arm(api, index);
        }
        self.told(api, id, pod);
    }

    /// Its object is gone although it was not taken down: do it now.
    fn lost(&mut self, api: &mut Api<'_>, id: Id<Pod>) {
        let Some(Some(state)) = self.pods.get(id.index()) else { return };
        for index in state.mounts.clone() {
            self.mounts[index as usize].leave(id);
            self.arm(api, index);
        }
    }

    /// Says how far the pod is.
    fn told(&mut self, api: &mut Api<'_>, id: Id<Pod>, pod: &Pod) {
        let Some(Some(state)) = self.pods.get_mut(id.index()) else { return };
        let mounts = &self.mounts;
        state.mounts.retain(|index| mounts[*index as usize].pod(id).is_some());
        let task = Task(NODES | Self::pod_key(id) | 1);
        if pod.meta.deleting.is_some() {
            if state.mounts.is_empty() && !state.removed {
                state.removed = true;
                api.write(task, Write::DeletePod(id));
            }
            return;
        }
        let up = |index: &u32| {
            mounts[*index as usize].pod(id).is_some_and(|pod| pod.state == Mounted::Yes)
        };
        let all = state.mounts.len() == pod.volumes.len() && state.mounts.iter().all(up);
        if all && pod.phase == PodPhase::Pending && state.told != PodPhase::Running {
            state.told = PodPhase::Running;
            api.write(task, Write::Phase(id, PodPhase::Running));
        }
    }

    /// The volume on this node, known from now on.
    fn mount(&mut self, api: &mut Api<'_>, node: Name, volume: &Volume) -> u32 {
        let place = (node, volume.meta.name);
        if let Some(index) = self.places.get(&place) {
            return *index;
        }
        let index = self.free.pop().unwrap_or(self.mounts.len() as u32);
        let life = self.mounts.get(index as usize).map_or(0, |old| old.life.wrapping_add(1));
        let mount = Mount::new(node, volume, life);
        match self.mounts.get_mut(index as usize) {
            Some(slot) => *slot = mount,
            None => self.mounts.push(mount),
        }
        self.places.insert(place, index);
        self.of_volume.entry(place.1).or_default().push(index);
        self.in_use.entry(node).or_default().push(place.1);
        self.report(api, node);
        index
    }

    fn unmount(&mut self, api: &mut Api<'_>, index: u32) {
        let mount = &self.mounts[index as usize];
        let (node, volume) = (mount.node, mount.volume);
        self.places.remove(&(node, volume));
        if let Some(places) = self.of_volume.get_mut(&volume) {
            places.retain(|place| *place != index);
        }
        if let Some(held) = self.in_use.get_mut(&node) {
            held.retain(|held| *held != volume);
        }
        self.free.push(index);
        self.report(api, node);
    }

    /// `status.volumesInUse`
    fn report(&mut self, api: &mut Api<'_>, node: Name) {
        let Some(id) = api.store().find::<Node>(Name::NONE, node) else { return };
        let held = self.in_use.get(&node).cloned().unwrap_or_default();
        api.write(Task(NODES | (id.index() as u32) << 1), Write::InUse(id, held));
    }

    /// Looks at this volume in the next pass.
    fn arm(&mut self, api: &mut Api<'_>, index: u32) {
        let mount = &mut self.mounts[index as usize];
        if mount.op.is_some() {
            return;
        }
        // Each kubelet has passes of its own.
        let phase = At(mount.node.index() as u64 * 7_919 % PASS);
        let at = At(api.now.0 + 1).max(mount.not_before).next_tick(PASS, phase);
        if mount.due > at {
            mount.due = at;
            api.wake(Some(at), index << 1 | 1);
        }
    }

    fn is_attached(&self, store: &Store, index: u32) -> bool {
        let mount = &self.mounts[index as usize];
        if store.named::<Driver>(Name::NONE, mount.driver).is_some_and(|driver| driver.no_attach) {
            return true;
        }
        let held = self.attachments.get(&(mount.node, mount.volume)).and_then(|id| store.get(*id));
        held.is_some_and(|held| held.attached && held.meta.deleting.is_none())
    }

    /// One pass over one volume: starts the operation that is due.
    fn look(&mut self, api: &mut Api<'_>, index: u32) {
        let down = self.is_down(self.mounts[index as usize].node);
        let mount = &mut self.mounts[index as usize];
        if mount.op.is_some() || down {
            return;
        }
        let op = if let Some(pod) = mount.leaver() {
            Some(Op::unmount(pod))
        } else if mount.pods.is_empty() && mount.staged != Mounted::No {
            Some(Op::unstage())
        } else if mount.pods.is_empty() {
            return self.unmount(api, index);
        } else if let Some(pod) = mount.comer() {
            self.is_attached(api.store(), index).then(|| Op::mount(pod))
        } else if mount.to_expand(self.settings.profile) {
            mount.writer().map(Op::expand)
        } else {
            None
        };
        if let Some(op) = op {
            let next = self.begin(api, index, op);
            self.settle(api, index, next);
        }
    }

    fn task(&self, index: u32) -> Task {
        Task(index | u32::from(self.mounts[index as usize].life) << 23)
    }

    /// The mount that a task belongs to, unless it has become another one since.
    fn of_task(&self, task: Task) -> Option<u32> {
        let (index, life) = (task.0 & 0x7f_ffff, (task.0 >> 23) as u8);
        let mount = self.mounts.get(index as usize)?;
        (mount.life == life && task.0 & NODES == 0).then_some(index)
    }

    fn attached(&mut self, api: &mut Api<'_>, id: Id<Attachment>, object: &Attachment, gone: bool) {
        let place = (object.node, object.volume);
        if gone {
            self.attachments.remove(&place);
        } else {
            self.attachments.insert(place, id);
        }
        if let Some(index) = self.places.get(&place).copied().filter(|_| object.attached) {
            self.arm(api, index);
        }
    }

    /// A node went down or came back.
    fn node(&mut self, api: &mut Api<'_>, node: &Node) {
        let name = node.meta.name;
        let down = !node.ready;
        if self.down.insert(name, down).unwrap_or(false) == down || down {
            return;
        }
        let here = |mount: &Mount| mount.node == name;
        let known: Vec<u32> = (0..self.mounts.len() as u32)
            .filter(|index| here(&self.mounts[*index as usize]))
            .filter(|index| !self.free.contains(index))
            .collect();
        for index in known {
            self.mounts[index as usize].forget();
            self.arm(api, index);
        }
        let pods: Vec<Id<Pod>> = api
            .store()
            .list::<Pod>()
            .filter(|(_, pod)| pod.node == name)
            .map(|(id, _)| id)
            .collect();
        for id in pods {
            if let Some(Some(state)) = self.pods.get_mut(id.index()) {
                state.due = At(0);
            }
            self.sync(api, id);
        }
    }
}

impl Component for Kubelets {
    fn watches(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Pod | Kind::Attachment | Kind::Node | Kind::Claim)
    }

    fn start(&mut self, api: &mut Api<'_>) {
        let nodes: Vec<_> = api.store().list::<Node>().map(|(_, node)| node.clone()).collect();
        for node in nodes {
            self.down.insert(node.meta.name, !node.ready);
        }
        let pods: Vec<_> = api.store().list::<Pod>().map(|(id, _)| id).collect();
        for id in pods {
            self.sync(api, id);
        }
        let held: Vec<_> =
            api.store().list::<Attachment>().map(|(id, object)| (id, object.clone())).collect();
        for (id, object) in held {
            self.attached(api, id, &object, false);
        }
    }

    fn changed(&mut self, api: &mut Api<'_>, change: &Change) {
        match &change.object {
            Object::Pod(id, _) => self.sync(api, *id),
            Object::Attachment(id, object) => {
                self.attached(api, *id, object, change.verb == Verb::Deleted);
            }
            Object::Node(_, node) => self.node(api, node),
            // A kubelet that was denied an expansion asks again each pass; one look is enough.
            Object::Claim(_, claim) => {
                for index in self.of_volume.get(&claim.volume).cloned().unwrap_or_default() {
                    let mount = &mut self.mounts[index as usize];
                    if mount.denied {
                        mount.denied = false;
                        self.arm(api, index);
                    }
                }
            }
            _ => {}
        }
    }

    fn answered(&mut self, api: &mut Api<'_>, task: Task, answer: Answer) {
        let Some(index) = self.of_task(task) else { return };
        let Some(op) = self.mounts[index as usize].op.take() else { return };
        let next = self.answer(api, index, *op, answer);
        self.settle(api, index, next);
    }

    fn wrote(&mut self, api: &mut Api<'_>, task: Task, result: Result<Object, Refusal>) {
        let Some(index) = self.of_task(task) else { return };
        let Some(op) = self.mounts[index as usize].op.take() else { return };
        let next = self.written(api, index, *op, result);
        self.settle(api, index, next);
    }

    fn woke(&mut self, api: &mut Api<'_>, key: u32) {
        let index = key >> 1;
        if key & 1 == 0 {
            let due = self.pods.get(index as usize).and_then(Option::as_ref).map(|pod| pod.due);
            if due.is_some_and(|due| due <= api.now) {
                self.sync(api, Id::from_index(index as usize));
            }
        } else if let Some(mount) = self.mounts.get_mut(index as usize)
            && mount.due <= api.now
        {
            mount.due = At::NEVER;
            self.look(api, index);
        }
    }
}
