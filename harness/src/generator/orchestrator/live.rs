//! The orchestrator in real time, for one scenario: one node, a claim for each volume, and every
//! component. It is told how late it is and what calls brought, and says which calls follow; who
//! makes them is not its business.
//!
//! Its clock goes as ours while a call is under way, so that nothing times out that would not
//! elsewhere, and `pace` times as fast while it only waits: a back-off of minutes takes no minutes.

mod clock;
mod cluster;
mod show;

use std::collections::BTreeMap;

use csi_stretch_oracle::history::{ObjectChange, ObjectKind};

use self::{
    clock::Clock,
    cluster::{Cluster, claim, pod_name, restart, set_up},
};
use super::{
    conditions::ConditionKind,
    names::Name,
    objects::{Attachment, Claim, ClaimPhase, Modes, Pod, PodPhase, PodVolume, Resize},
    profile::Profile,
    rpc::{Answer, Rpc},
    store::{Change, Id, Object, Refusal, Verb},
    time::{At, MILLISECOND, Span},
    world::{Seen, Ticket},
};

pub use cluster::Part;

/// A process that ended hears of nothing that was under way: an answer comes after this.
const AFTER_RESTART: Span = 20 * MILLISECOND;

/// A call that wants to be made.
#[derive(Clone, Debug)]
pub struct Asked {
    /// To be given back with the answer.
    pub ticket: Ticket,
    /// The call.
    pub rpc: Rpc,
    /// The claim that it is for, if it is about a volume.
    pub claim: Option<String>,
    /// The number of the pod whose path it has.
    pub target: Option<u8>,
}

/// How far the world got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// Something happened that its owner may care about.
    Event,
    /// Nothing more until then, in real microseconds; `None`: nothing by itself.
    Idle(Option<u64>),
}

/// What a claim is to look like.
#[derive(Clone, Debug, Default)]
pub struct ClaimSpec {
    /// Its name; also the handle of its volume.
    pub name: String,
    /// What it asks for.
    pub bytes: u64,
    /// Raw block.
    pub block: bool,
    /// Several nodes may write.
    pub shared: bool,
}

/// What can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the states of the scenario language")]
pub enum State {
    Bound,
    Running,
    Gone,
    Detached,
    Grown,
    NodePending,
    Failed,
}

/// The orchestrator of one scenario.
pub struct Live {
    cluster: Cluster,
    clock: Clock,
    asked: Vec<Asked>,
    /// The claim that each volume object was made for.
    of_volume: BTreeMap<Name, String>,
    targets: BTreeMap<Id<Pod>, u8>,
    changes: Vec<ObjectChange>,
    seen: Vec<Seen>,
    /// No answer reaches anybody before this.
    deaf_until: At,
}

impl Live {
    /// All components of a profile, each just started.
    pub fn new(profile: &'static Profile, pace: u32, seed: u64) -> Result<Self, Refusal> {
        let mut live = Self {
            cluster: set_up(profile, seed)?,
            clock: Clock::new(pace),
            asked: Vec::new(),
            of_volume: BTreeMap::new(),
            targets: BTreeMap::new(),
            changes: Vec::new(),
            seen: Vec::new(),
            deaf_until: At(0),
        };
        live.take();
        Ok(live)
    }

    /// It is so late for everybody else; `waits`: nothing is under way.
    pub fn tick(&mut self, now_us: u64, waits: bool) {
        self.clock.tick(now_us, waits);
    }

    /// The orchestrator's own time.
    pub fn now(&self) -> At {
        self.cluster.world.now()
    }

    /// Real microseconds, as last told.
    pub fn real_us(&self) -> u64 {
        self.clock.real_us()
    }

    /// The next call that somebody has to make.
    pub fn next_call(&mut self) -> Option<Asked> {
        (!self.asked.is_empty()).then(|| self.asked.remove(0))
    }

    /// What became of a call.
    pub fn answered(&mut self, ticket: Ticket, answer: Answer) {
        let world = &mut self.cluster.world;
        let at = world.now().max(self.deaf_until);
        world.answer(at, ticket, answer);
    }

    /// A name for a text, for answers.
    pub fn name(&mut self, text: &str) -> Name {
        self.cluster.world.store.names.of(text)
    }

    /// Does what is due, up to the first event.
    pub fn run(&mut self) -> Pause {
        let until = self.clock.world();
        while self.cluster.world.step(until) {
            if self.take() {
                // What comes after the event comes after what its owner makes of it.
                self.clock.set(self.cluster.world.now());
                return Pause::Event;
            }
        }
        self.cluster.world.advance(until);
        Pause::Idle(self.cluster.world.next_at().map(|at| self.clock.real_until(at)))
    }

    /// Takes over what happened; false: nothing that anybody waits for.
    fn take(&mut self) -> bool {
        let mut seen = std::mem::take(&mut self.seen);
        self.cluster.world.swap_seen(&mut seen);
        let mut matters = false;
        for event in seen.drain(..) {
            match event {
                Seen::Called { ticket, rpc, .. } => {
                    self.called(ticket, rpc);
                    matters = true;
                }
                Seen::Changed(change) => {
                    self.changed(&change);
                    matters = true;
                }
                Seen::Said(notice) => {
                    let line = show::notice(&self.cluster.world, &notice);
                    self.note(ObjectKind::Event, line);
                }
                Seen::Answered { .. } | Seen::Refused(_) => {}
            }
        }
        self.seen = seen;
        matters
    }

    fn called(&mut self, ticket: Ticket, rpc: Rpc) {
        let store = &self.cluster.world.store;
        if let Some(claim) = rpc.claim.and_then(|id| store.get(id)) {
            let name = store.names.text(claim.meta.name).to_owned();
            self.of_volume.insert(rpc.volume, name);
        }
        let target = match rpc.path {
            Some(super::rpc::Place::Target(pod)) => self.targets.get(&pod).copied(),
            _ => None,
        };
        let claim = self.of_volume.get(&rpc.volume).cloned();
        self.asked.push(Asked { ticket, rpc, claim, target });
    }

    fn changed(&mut self, change: &Change) {
        let store = &self.cluster.world.store;
        let gone = change.verb == Verb::Deleted;
        let (kind, line) = match &change.object {
            Object::Claim(_, claim) => (ObjectKind::Claim, show::claim(store, claim, gone)),
            Object::Volume(_, volume) => (ObjectKind::Volume, show::volume(store, volume, gone)),
            Object::Pod(_, pod) => (ObjectKind::Pod, show::pod(store, pod, gone)),
            _ => return,
        };
        self.note(kind, line);
    }

    /// A change that shows nothing new is not worth a line.
    fn note(&mut self, kind: ObjectKind, line: show::Line) {
        let (at_us, clock_us) = (self.clock.real_us(), self.cluster.world.now().0);
        let show::Line { name, row, notes } = line;
        let last = self.changes.iter().rfind(|held| held.kind == kind && held.name == name);
        if kind == ObjectKind::Event
            || last.is_none_or(|held| held.row != row || held.notes != notes)
        {
            self.changes.push(ObjectChange { at_us, clock_us, kind, name, row, notes });
        }
    }

    /// What changed since the beginning, from that change on.
    pub fn changes(&self, from: usize) -> &[ObjectChange] {
        self.changes.get(from..).unwrap_or_default()
    }

    /// A user makes a claim.
    pub fn claim(&mut self, spec: &ClaimSpec) -> Result<(), Refusal> {
        let class = self.cluster.class;
        let made = self.cluster.world.edit(|store, at| {
            let object = claim(store, class, spec);
            store.create(at, object)
        });
        self.take();
        made.map(drop)
    }

    /// A user starts a pod.
    pub fn start_pod(&mut self, name: &str, target: u8, read_only: bool) -> Result<(), Refusal> {
        let made = self.cluster.world.edit(|store, at| {
            let (claim, pod) = (store.names.of(name), store.names.of(&pod_name(name, target)));
            let volumes = vec![PodVolume { claim, read_only }];
            let meta = super::objects::Meta::named(Name::DEFAULT, pod);
            store.create(at, Pod { meta, volumes, ..Pod::default() })
        })?;
        self.targets.insert(made, target);
        self.take();
        Ok(())
    }

    /// A user deletes it.
    pub fn delete_pod(&mut self, name: &str, target: u8) -> Result<(), Refusal> {
        if let Some(id) = self.pod(name, target) {
            self.cluster.world.edit(|store, at| store.delete(at, id))?;
            self.take();
        }
        Ok(())
    }

    /// A user asks for another size.
    pub fn request(&mut self, name: &str, bytes: u64) -> Result<(), Refusal> {
        if let Some(id) = self.find(name) {
            self.cluster.world.edit(|store, _| store.request(id, bytes))?;
            self.take();
        }
        Ok(())
    }

    /// A process ends, and begins anew without its memory.
    pub fn restart(&mut self, part: Part) {
        restart(&mut self.cluster, part);
        self.deaf_until = self.cluster.world.now().plus(AFTER_RESTART);
        self.take();
    }

    /// The driver's process ended: its sidecars lose their connection, and end, too.
    pub fn restart_sidecars(&mut self) {
        for part in [Part::Resizer, Part::Provisioner, Part::Attacher] {
            self.restart(part);
        }
    }

    fn find(&self, name: &str) -> Option<Id<Claim>> {
        let store = &self.cluster.world.store;
        store.find(Name::DEFAULT, store.names.find(name)?)
    }

    fn pod(&self, name: &str, target: u8) -> Option<Id<Pod>> {
        let store = &self.cluster.world.store;
        store.find(Name::DEFAULT, store.names.find(&pod_name(name, target))?)
    }

    /// Whether the objects of a claim show this.
    pub fn is(&self, name: &str, target: u8, state: State) -> bool {
        let store = &self.cluster.world.store;
        let Some(claim) = self.find(name).and_then(|id| store.get(id)) else { return false };
        let pod = self.pod(name, target).and_then(|id| store.get(id));
        let grown = claim.capacity >= claim.request
            && claim.resize.is_none()
            && claim.conditions.is_empty();
        match state {
            State::Bound => claim.phase == ClaimPhase::Bound,
            State::Running => pod.is_some_and(|pod| pod.phase == PodPhase::Running),
            State::Gone => pod.is_none(),
            State::Detached => {
                let here =
                    |(_, held): (_, &std::sync::Arc<Attachment>)| held.volume == claim.volume;
                !store.list::<Attachment>().any(here)
            }
            State::Grown => grown,
            State::NodePending => {
                let pending = claim.resize == Some(Resize::NodePending)
                    || claim.conditions.has(ConditionKind::FileSystemResizePending);
                grown || pending
            }
            State::Failed => {
                claim.conditions.has(ConditionKind::ControllerResizeError)
                    || claim.conditions.has(ConditionKind::NodeResizeError)
            }
        }
    }

    /// A claim in words, for whoever gives up on it.
    pub fn describe(&self, name: &str) -> String {
        let store = &self.cluster.world.store;
        let claim = self.find(name).and_then(|id| store.get(id));
        claim.map_or_else(String::new, |claim| show::claim(store, claim, false).text())
    }
}

/// How a scenario's access mode is said in a claim.
pub(super) fn modes(shared: bool) -> Modes {
    if shared { Modes::RWX } else { Modes::RWO }
}
