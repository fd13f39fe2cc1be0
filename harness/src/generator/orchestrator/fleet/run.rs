//! Runs a fleet: the world takes its steps, the driver answers, users ask, processes end.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

use super::{
    Line, Outcome, Plan, Spread, Stuck,
    invariant::Invariants,
    line::What,
    outcome::curve,
    setup::{Cluster, cluster},
};
use crate::generator::orchestrator::{
    conditions::ConditionKind,
    hash::Map,
    names::Name,
    objects::{Claim, Node, Pod, PodPhase, Resize},
    random::Random,
    rpc::{Failure, Method, Rpc},
    store::{Change, Id, Object, Refusal, Store, Verb},
    time::{At, MINUTE, SECOND, Span},
    world::{PartId, Seen, Ticket},
};

/// Pods are up before anybody asks for growth.
const BEFORE: Span = 2 * MINUTE;
/// How long a process is away.
const AWAY: Span = 5 * SECOND;
/// Somebody who has to start a pod again does it after this.
const USER: Span = 30 * SECOND;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Control {
    Request(usize),
    DriverEnds,
    ResizerEnds,
    KubeletEnds(usize),
    KubeletIsBack(usize),
    DeletePod(usize),
}

/// A claim of the fleet.
#[derive(Clone, Debug, Default)]
struct Member {
    /// How many sizes were asked for.
    step: usize,
    asked: Option<At>,
    settled: Option<At>,
    pod: Option<Id<Pod>>,
    renewed: bool,
    last_call: At,
    failure: Option<(Method, Failure)>,
}

struct Fleet<'a> {
    plan: &'a Plan,
    cluster: Cluster,
    members: Vec<Member>,
    of_claim: Map<Id<Claim>, usize>,
    of_volume: Map<Name, usize>,
    of_pod: Map<Id<Pod>, usize>,
    controls: BinaryHeap<Reverse<(At, u64, Control)>>,
    order: u64,
    invariants: Invariants,
    settled: usize,
    spans: Vec<Span>,
    /// The least number of calls that the growths take.
    least: u64,
    refused: u64,
    sink: Option<&'a mut dyn FnMut(&Line)>,
}

/// Simulates a fleet to its end. `sink` is told every line of its history.
pub fn simulate<'a>(
    plan: &'a Plan,
    sink: Option<&'a mut dyn FnMut(&Line)>,
) -> Result<Outcome, Refusal> {
    let cluster = cluster(plan)?;
    let mut fleet = Fleet {
        plan,
        members: vec![Member::default(); cluster.claims.len()],
        of_claim: cluster.claims.iter().enumerate().map(|(n, id)| (*id, n)).collect(),
        of_volume: Map::default(),
        of_pod: Map::default(),
        cluster,
        controls: BinaryHeap::new(),
        order: 0,
        invariants: Invariants::default(),
        settled: 0,
        spans: Vec::new(),
        least: 0,
        refused: 0,
        sink,
    };
    fleet.find_pods();
    fleet.agree();
    fleet.run();
    Ok(fleet.outcome())
}

impl Fleet<'_> {
    fn find_pods(&mut self) {
        let store = &self.cluster.world.store;
        let mut found = Vec::new();
        for (id, pod) in store.list::<Pod>() {
            for volume in &pod.volumes {
                let claim = store.find::<Claim>(pod.meta.namespace, volume.claim);
                found.extend(claim.and_then(|claim| Some((*self.of_claim.get(&claim)?, id))));
            }
        }
        for (member, pod) in found {
            self.members[member].pod = Some(pod);
            self.of_pod.insert(pod, member);
        }
        for (member, id) in self.cluster.claims.iter().enumerate() {
            if let Some(claim) = store.get(*id).filter(|claim| !claim.volume.is_none()) {
                self.of_volume.insert(claim.volume, member);
            }
        }
    }

    /// Who asks when, and whose processes end when.
    fn agree(&mut self) {
        let mut random = Random::new(self.plan.seed ^ 0xa9);
        let wait = if self.plan.from_nothing { 5 * BEFORE } else { BEFORE };
        for member in 0..self.members.len() {
            let at = At(wait).plus(random.below(self.plan.over.max(1)));
            self.control(at, Control::Request(member));
        }
        if self.plan.driver_restarts > 0 {
            self.control(self.cluster.driver.ends(), Control::DriverEnds);
        }
        if self.plan.resizer_restarts > 0 {
            self.control(At(self.plan.resizer_restarts), Control::ResizerEnds);
        }
        if self.plan.kubelet_restarts > 0 {
            self.control(At(self.plan.kubelet_restarts), Control::KubeletEnds(0));
        }
    }

    fn control(&mut self, at: At, control: Control) {
        self.order += 1;
        self.controls.push(Reverse((at, self.order, control)));
    }

    fn run(&mut self) {
        let wait = if self.plan.from_nothing { 5 * BEFORE } else { BEFORE };
        let end = At(wait).plus(self.plan.over).plus(self.plan.patience);
        let mut seen = Vec::new();
        self.take(&mut seen);
        while self.settled < self.members.len() {
            let control = self.controls.peek().map(|Reverse((at, ..))| *at);
            let next = self.cluster.world.next_at();
            let first = control.unwrap_or(At::NEVER).min(next.unwrap_or(At::NEVER));
            if first > end {
                break;
            }
            if control == Some(first) {
                self.cluster.world.advance(At(first.0.saturating_sub(1)));
                if let Some(Reverse((at, _, control))) = self.controls.pop() {
                    self.cluster.world.advance(At(at.0.saturating_sub(1)));
                    self.perform(at, control);
                }
            } else {
                self.cluster.world.step(first);
            }
            self.take(&mut seen);
        }
    }

    fn perform(&mut self, at: At, control: Control) {
        let world = &mut self.cluster.world;
        match control {
            Control::Request(member) => {
                let step = self.members[member].step + 1;
                let Some(bytes) = self.plan.sizes.get(step).copied() else { return };
                let id = self.cluster.claims[member];
                match world.edit(|store, _| store.request(id, bytes)) {
                    Ok(_) => {
                        let member = &mut self.members[member];
                        (member.step, member.asked, member.renewed) = (step, Some(at), false);
                    }
                    // Not bound yet: asked again later, as a user would.
                    Err(_) => self.control(at.plus(10 * SECOND), control),
                }
            }
            Control::DriverEnds => {
                self.cluster.driver.restart();
                self.cluster.sidecars.restart(&mut self.cluster.world);
                self.control(self.cluster.driver.ends(), Control::DriverEnds);
                self.say(at, "driver".to_owned());
            }
            Control::ResizerEnds => {
                self.cluster.sidecars.restart_resizer(world);
                self.control(at.plus(self.plan.resizer_restarts), Control::ResizerEnds);
                self.say(at, "resizer".to_owned());
            }
            Control::KubeletEnds(node) => {
                self.ready(node, false);
                self.control(at.plus(AWAY), Control::KubeletIsBack(node));
                let next = (node + 1) % self.cluster.nodes.len();
                self.control(at.plus(self.plan.kubelet_restarts), Control::KubeletEnds(next));
                self.say(at, format!("kubelet of node-{node}"));
            }
            Control::KubeletIsBack(node) => self.ready(node, true),
            Control::DeletePod(member) => {
                if let Some(pod) = self.members[member].pod {
                    let _ = world.edit(|store, at| store.delete(at, pod));
                }
            }
        }
    }

    fn say(&mut self, at: At, who: String) {
        if let Some(sink) = &mut self.sink {
            sink(&Line { at: at.0, what: What::Restart { who } });
        }
    }

    fn ready(&mut self, node: usize, ready: bool) {
        let id = self.cluster.nodes[node];
        let set =
            |store: &mut Store, _| store.update(id, None, |node: &mut Node| node.ready = ready);
        let _ = self.cluster.world.edit(set);
    }

    /// What happened since; answers calls at once, to come when they are due.
    fn take(&mut self, seen: &mut Vec<Seen>) {
        loop {
            self.cluster.world.swap_seen(seen);
            if seen.is_empty() {
                return;
            }
            for event in seen.drain(..) {
                match event {
                    Seen::Called { ticket, part, rpc } => self.call(ticket, part, &rpc),
                    Seen::Changed(change) => self.changed(&change),
                    Seen::Refused(_) => self.refused += 1,
                    Seen::Said(notice) => {
                        if let Some(sink) = &mut self.sink {
                            let store = &self.cluster.world.store;
                            let claim = store.get(notice.claim).map(|claim| claim.meta.name);
                            let text = |name| store.names.text(name).to_owned();
                            let what = What::Event {
                                claim: text(claim.unwrap_or_default()),
                                reason: notice.reason,
                                message: text(notice.message),
                            };
                            sink(&Line { at: self.cluster.world.now().0, what });
                        }
                    }
                    Seen::Answered { .. } => {}
                }
            }
        }
    }

    fn call(&mut self, ticket: Ticket, part: PartId, rpc: &Rpc) {
        let world = &mut self.cluster.world;
        let now = world.now();
        let (until, answer) = self.cluster.driver.call(now, rpc, &mut world.store.names);
        if let Some(member) = self.of_volume.get(&rpc.volume) {
            let member = &mut self.members[*member];
            member.last_call = now;
            member.failure = answer.as_ref().err().map(|failure| (rpc.method, *failure));
        }
        if let Some(sink) = &mut self.sink {
            sink(&Line::call(now, &world.store, world.name(part), rpc, until, &answer));
        }
        world.answer(until, ticket, answer);
    }

    fn changed(&mut self, change: &Change) {
        let world = &self.cluster.world;
        let now = world.now();
        match &change.object {
            Object::Claim(id, claim) => {
                if let Some(sink) = &mut self.sink {
                    sink(&Line::claim(now, &world.store, claim));
                }
                self.invariants.look(now, &world.store, *id, claim, &self.cluster.driver);
                if let Some(member) = self.of_claim.get(id).copied() {
                    self.member(now, member, claim);
                }
            }
            Object::Volume(_, volume) => {
                if let Some(sink) = &mut self.sink {
                    sink(&Line::volume(now, &world.store, volume));
                }
            }
            Object::Pod(id, pod) if change.verb == Verb::Deleted => self.again(*id, pod),
            _ => {}
        }
    }

    fn member(&mut self, now: At, number: usize, claim: &Claim) {
        if !claim.volume.is_none() {
            self.of_volume.insert(claim.volume, number);
        }
        let member = &mut self.members[number];
        let size = self.plan.sizes.get(member.step).copied().unwrap_or(0);
        let ended = claim.capacity >= size && claim.resize.is_none() && claim.conditions.is_empty();
        // Without a pod the node's half cannot begin.
        let pending = claim.conditions.has(ConditionKind::FileSystemResizePending)
            && claim.resize.is_none_or(|resize| resize == Resize::NodePending);
        let waits = member.pod.is_none() && pending;
        if let Some(asked) = member.asked.filter(|_| ended || waits) {
            member.asked = None;
            self.spans.push(now.since(asked));
            self.least += 1 + u64::from(member.pod.is_some());
            if ended && member.step + 1 < self.plan.sizes.len() {
                return self.control(now.plus(USER), Control::Request(number));
            }
            member.settled = Some(now);
            self.settled += 1;
        }
        if pending && !self.plan.profile.online && member.pod.is_some() && !member.renewed {
            member.renewed = true;
            self.control(now.plus(USER), Control::DeletePod(number));
        }
    }

    /// A pod that a user deletes comes back under its name, on its node.
    fn again(&mut self, id: Id<Pod>, pod: &Pod) {
        let Some(number) = self.of_pod.remove(&id) else { return };
        let mut new = pod.clone();
        new.meta.deleting = None;
        (new.phase, new.stopped) = (PodPhase::Pending, false);
        let made = self.cluster.world.edit(|store, at| store.create(at, new));
        self.of_pod.extend(made.as_ref().ok().map(|id| (*id, number)));
        self.members[number].pod = made.ok();
    }

    fn outcome(mut self) -> Outcome {
        let spans = std::mem::take(&mut self.spans);
        let calls = self.cluster.driver.calls;
        let named = Method::ALL.iter().map(|method| (method.name(), calls[*method as usize]));
        let expands = calls[Method::ControllerExpandVolume as usize]
            + calls[Method::NodeExpandVolume as usize];
        Outcome {
            seed: self.plan.seed,
            profile: self.plan.profile.name,
            claims: self.members.len(),
            settled: self.settled,
            curve: curve(&spans),
            converged: Spread::of(spans),
            calls: named.filter(|(_, count)| *count > 0).collect(),
            calls_total: calls.iter().sum(),
            amplification: expands as f64 / self.least.max(1) as f64,
            refused: self.refused,
            ended_at: self.cluster.world.now().0,
            stuck: self.stuck(),
            breaches_total: self.invariants.count,
            breaches: self.invariants.breaches,
        }
    }

    fn stuck(&self) -> Vec<Stuck> {
        let store = &self.cluster.world.store;
        let mut reasons: BTreeMap<String, (usize, String)> = BTreeMap::new();
        for (number, member) in self.members.iter().enumerate() {
            if member.settled.is_some() {
                continue;
            }
            let Some(claim) = store.get(self.cluster.claims[number]) else { continue };
            let why = self.why(member, claim);
            let name = store.names.text(claim.meta.name).to_owned();
            reasons.entry(why).or_insert((0, name)).0 += 1;
        }
        let stuck = |(why, (claims, example))| Stuck { why, claims, example };
        let mut all: Vec<Stuck> = reasons.into_iter().map(stuck).collect();
        all.sort_by_key(|stuck| std::cmp::Reverse(stuck.claims));
        all
    }

    fn why(&self, member: &Member, claim: &Claim) -> String {
        if member.step == 0 {
            return "it was never bound".to_owned();
        }
        let state = claim.resize.map_or("no expansion is recorded", Resize::text);
        let names = &self.cluster.world.store.names;
        let idle = self.cluster.world.now().since(member.last_call);
        let pace =
            if idle > 10 * MINUTE { "nobody tries any more" } else { "tried again and again" };
        match member.failure {
            Some((method, failure)) => {
                format!("{state}, {pace}; last: {} {}", method.name(), failure.text(names))
            }
            None => format!("{state}, {pace}; the last call went well"),
        }
    }
}
