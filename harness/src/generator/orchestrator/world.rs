//! The scheduler: a store, the components that work on it, and everything that is due. It moves
//! from one moment to the next when it is told to, whether that takes real time or none. Whoever
//! owns it performs the calls that it hands out.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use super::{
    component::{Api, Component, Effect, Notice, Task},
    random::Random,
    rpc::{Answer, Rpc},
    store::{Change, Cursor, Object, Refusal, Store, Write},
    time::{At, MILLISECOND, SECOND, Span},
};

/// How long messages take between a component and the API server, and how many it may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// A request and its answer.
    pub round_trip: Span,
    /// From a write to the watcher's event, at least and at most.
    pub watch: (Span, Span),
    /// Requests a second (in thousandths), and how many may come at once; 0: as many as it likes.
    pub rate: (u64, u64),
}

impl Default for Link {
    fn default() -> Self {
        Self { round_trip: 4 * MILLISECOND, watch: (MILLISECOND, 8 * MILLISECOND), rate: (0, 0) }
    }
}

/// A call that somebody has to perform, and answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Which component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartId(pub usize);

/// What happened, in order.
#[derive(Clone, Debug)]
pub enum Seen {
    /// A component makes a call.
    Called {
        /// To be given back with the answer.
        ticket: Ticket,
        /// Who makes it.
        part: PartId,
        /// The call.
        rpc: Rpc,
    },
    /// A call has ended.
    Answered {
        /// Which.
        ticket: Ticket,
        /// How.
        answer: Answer,
    },
    /// An object changed.
    Changed(Change),
    /// A component said something about a claim.
    Said(Notice),
    /// The API server refused a write.
    Refused(Refusal),
}

struct Part {
    name: &'static str,
    component: Box<dyn Component>,
    life: u32,
    link: Link,
    /// When the bucket of tokens is full again.
    full: At,
    inbox: VecDeque<(At, Change)>,
}

impl Part {
    /// When its next request may leave, which is then taken.
    fn reserve(&mut self, now: At) -> At {
        let (rate, burst) = self.link.rate;
        if rate == 0 {
            return now;
        }
        let each = 1_000 * SECOND / rate;
        let room = each.saturating_mul(burst.max(1) - 1);
        let leave = At(self.full.0.saturating_sub(room)).max(now);
        self.full = self.full.max(now).plus(each);
        leave
    }
}

enum Due {
    Wake { part: usize, life: u32, key: u32 },
    Write(Box<(usize, u32, Task, Write)>),
    Wrote(Box<(usize, u32, Task, Result<Object, Refusal>)>),
    Watch { part: usize, life: u32 },
    Answer(Box<(Ticket, Answer)>),
}

struct Entry {
    at: At,
    order: u64,
    due: Due,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// Kubernetes, as far as volumes go.
pub struct World {
    /// The API server's objects. Change them with `edit`, so that watchers hear of it.
    pub store: Store,
    now: At,
    parts: Vec<Part>,
    agenda: BinaryHeap<Reverse<Entry>>,
    order: u64,
    calls: Calls,
    seen: Vec<Seen>,
    told: Cursor,
    random: Random,
    effects: Vec<Effect>,
    changes: Vec<Change>,
    keeps_log: bool,
}

/// Calls under way, by ticket; tickets count upwards.
#[derive(Default)]
struct Calls {
    first: u64,
    open: VecDeque<Option<(usize, u32, Task)>>,
}

impl Calls {
    fn open(&mut self, caller: (usize, u32, Task)) -> Ticket {
        self.open.push_back(Some(caller));
        Ticket(self.first + self.open.len() as u64 - 1)
    }

    fn close(&mut self, ticket: Ticket) -> Option<(usize, u32, Task)> {
        let index = ticket.0.checked_sub(self.first)?;
        let caller = self.open.get_mut(index as usize)?.take();
        while self.open.front().is_some_and(Option::is_none) {
            self.open.pop_front();
            self.first += 1;
        }
        caller
    }
}

impl World {
    /// No component yet.
    pub fn new(mut store: Store, seed: u64) -> Self {
        // What is there already is listed by whoever starts.
        let told = store.now();
        store.forget(told);
        Self {
            store,
            now: At(0),
            parts: Vec::new(),
            agenda: BinaryHeap::new(),
            order: 0,
            calls: Calls::default(),
            seen: Vec::new(),
            told,
            random: Random::new(seed),
            effects: Vec::new(),
            changes: Vec::new(),
            keeps_log: false,
        }
    }

    /// Leaves the store's log of changes to others, who forget it when they have read it.
    pub fn keep_log(&mut self) {
        self.keeps_log = true;
    }

    /// The moment it has come to.
    pub fn now(&self) -> At {
        self.now
    }

    /// Starts a component.
    pub fn add(&mut self, name: &'static str, component: Box<dyn Component>, link: Link) -> PartId {
        let id = self.parts.len();
        let inbox = VecDeque::new();
        self.parts.push(Part { name, component, life: 0, link, full: At(0), inbox });
        self.tell(id, |component, api| component.start(api));
        PartId(id)
    }

    /// A component's name.
    pub fn name(&self, part: PartId) -> &'static str {
        self.parts.get(part.0).map_or("", |part| part.name)
    }

    /// A component's process ends and another one begins; what the old one waited for is lost.
    pub fn restart(&mut self, part: PartId, component: Box<dyn Component>) {
        let Some(held) = self.parts.get_mut(part.0) else { return };
        held.component = component;
        held.life += 1;
        held.inbox.clear();
        self.tell(part.0, |component, api| component.start(api));
    }

    /// A user, a test or a client changes objects.
    pub fn edit<T>(&mut self, change: impl FnOnce(&mut Store, At) -> T) -> T {
        let result = change(&mut self.store, self.now);
        self.spread();
        result
    }

    /// When something happens by itself next.
    pub fn next_at(&self) -> Option<At> {
        self.agenda.peek().map(|Reverse(entry)| entry.at)
    }

    /// Does the next thing, if it is due by then. What happened stands in `seen`.
    pub fn step(&mut self, until: At) -> bool {
        match self.next_at() {
            Some(at) if at <= until => {}
            _ => return false,
        }
        let Some(Reverse(entry)) = self.agenda.pop() else { return false };
        self.now = self.now.max(entry.at);
        self.perform(entry.due);
        true
    }

    /// Does everything that is due by then, and goes there.
    pub fn advance(&mut self, until: At) {
        while self.step(until) {}
        self.now = self.now.max(until);
    }

    /// The same, without an allocation: what is given is emptied and kept for the next time.
    pub fn swap_seen(&mut self, seen: &mut Vec<Seen>) {
        seen.clear();
        std::mem::swap(&mut self.seen, seen);
    }

    /// What happened since this was asked last.
    pub fn drain(&mut self) -> std::vec::Drain<'_, Seen> {
        self.seen.drain(..)
    }

    /// The answer to a call, which reaches its caller then.
    pub fn answer(&mut self, at: At, ticket: Ticket, answer: Answer) {
        self.schedule(at.max(self.now), Due::Answer(Box::new((ticket, answer))));
    }

    fn schedule(&mut self, at: At, due: Due) {
        self.order += 1;
        self.agenda.push(Reverse(Entry { at, order: self.order, due }));
    }

    fn perform(&mut self, due: Due) {
        match due {
            Due::Wake { part, life, key } if self.lives(part, life) => {
                self.tell(part, |component, api| component.woke(api, key));
            }
            Due::Watch { part, life } if self.lives(part, life) => self.watch(part),
            Due::Write(write) => {
                let (part, life, task, write) = *write;
                let result = self.store.write(self.now, &write);
                if let Err(refusal) = &result {
                    self.seen.push(Seen::Refused(refusal.clone()));
                }
                self.spread();
                let back = self.parts.get(part).map_or(0, |part| part.link.round_trip / 2);
                let at = self.now.plus(back);
                self.schedule(at, Due::Wrote(Box::new((part, life, task, result))));
            }
            Due::Wrote(wrote) => {
                let (part, life, task, result) = *wrote;
                if self.lives(part, life) {
                    self.tell(part, |component, api| component.wrote(api, task, result));
                }
            }
            Due::Answer(answer) => {
                let (ticket, answer) = *answer;
                let Some((part, life, task)) = self.calls.close(ticket) else { return };
                self.seen.push(Seen::Answered { ticket, answer: answer.clone() });
                if self.lives(part, life) {
                    self.tell(part, |component, api| component.answered(api, task, answer));
                }
            }
            Due::Wake { .. } | Due::Watch { .. } => {}
        }
    }

    fn lives(&self, part: usize, life: u32) -> bool {
        self.parts.get(part).is_some_and(|part| part.life == life)
    }

    fn tell(&mut self, part: usize, event: impl FnOnce(&mut dyn Component, &mut Api<'_>)) {
        let Some(held) = self.parts.get_mut(part) else { return };
        let mut effects = std::mem::take(&mut self.effects);
        let mut api = Api::new(self.now, &mut self.store, &mut effects);
        event(held.component.as_mut(), &mut api);
        let life = held.life;
        for effect in effects.drain(..) {
            self.effect(part, life, effect);
        }
        self.effects = effects;
    }

    fn effect(&mut self, part: usize, life: u32, effect: Effect) {
        match effect {
            Effect::Call(task, rpc) => {
                let ticket = self.calls.open((part, life, task));
                self.seen.push(Seen::Called { ticket, part: PartId(part), rpc });
            }
            Effect::Write(task, write) => {
                let Some(held) = self.parts.get_mut(part) else { return };
                let at = held.reserve(self.now).plus(held.link.round_trip.div_ceil(2));
                self.schedule(at, Due::Write(Box::new((part, life, task, write))));
            }
            Effect::Wake(at, key) => self.schedule(at, Due::Wake { part, life, key }),
            Effect::Notice(notice) => {
                // Events go through the same client, and take of its tokens.
                if let Some(held) = self.parts.get_mut(part) {
                    held.reserve(self.now);
                }
                self.seen.push(Seen::Said(notice));
            }
        }
    }

    /// Tells watchers of what changed, each in order.
    fn spread(&mut self) {
        let mut changes = std::mem::take(&mut self.changes);
        if self.keeps_log {
            changes.extend(self.store.since(self.told).into_iter().flatten().cloned());
            self.told = self.store.now();
        } else {
            changes.extend(self.store.drain());
        }
        for change in changes.drain(..) {
            for part in 0..self.parts.len() {
                let held = &mut self.parts[part];
                if !held.component.watches(change.object.kind()) {
                    continue;
                }
                let (least, most) = held.link.watch;
                let late = self.now.plus(least + self.random.below(most.saturating_sub(least) + 1));
                let at = held.inbox.back().map_or(late, |(last, _)| late.max(*last));
                held.inbox.push_back((at, change.clone()));
                let (first, life) = (held.inbox.len() == 1, held.life);
                if first {
                    self.schedule(at, Due::Watch { part, life });
                }
            }
            self.seen.push(Seen::Changed(change));
        }
        self.changes = changes;
    }

    fn watch(&mut self, part: usize) {
        while let Some(held) = self.parts.get_mut(part) {
            match held.inbox.front() {
                Some((at, _)) if *at <= self.now => {}
                Some((at, _)) => {
                    let (at, life) = (*at, held.life);
                    return self.schedule(at, Due::Watch { part, life });
                }
                None => return,
            }
            let Some((_, change)) = held.inbox.pop_front() else { return };
            self.tell(part, |component, api| component.changed(api, &change));
        }
    }
}
