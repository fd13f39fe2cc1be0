//! The controller manager's attach-detach controller, and the scheduler's part: puts pods on nodes,
//! wants volumes attached where pods use them, and detached where nobody does. A pass every 100 ms
//! while there is something to do.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    component::{Api, Component, Task},
    hash::Map,
    names::Name,
    objects::{Attachment, Claim, ClaimPhase, Driver, Kind, Meta, Modes, Node, Pod, Volume},
    rpc::Answer,
    store::{Change, Id, Object, Refusal, Store, Verb, Write},
    time::{At, MILLISECOND, MINUTE, Span},
};

const PASS: Span = 100 * MILLISECOND;
/// A volume that a lost node still claims to use is detached after this.
const FORCED: Span = 6 * MINUTE;

/// A volume on a node.
type Place = (Name, Name);

#[derive(Clone, Debug, Default)]
struct Wanted {
    pods: Vec<Id<Pod>>,
    attachment: Option<Id<Attachment>>,
    /// When the last pod went.
    unwanted: Option<At>,
    /// A write is under way.
    busy: bool,
}

/// Schedules pods, and attaches and detaches their volumes.
#[derive(Debug, Default)]
pub struct AttachDetach {
    places: Map<Place, Wanted>,
    /// Where each pod is counted, so that it can be taken away again.
    counted: Map<Id<Pod>, Vec<Place>>,
    /// Pods that wait for a node, or for their claims.
    waiting: Map<(Name, Name), Vec<Id<Pod>>>,
    dirty: Vec<Place>,
    tasks: BTreeMap<u32, Place>,
    next: u32,
    turn: usize,
    due: Option<At>,
    /// Nodes that a volume is wanted on or attached to.
    nodes_of: Map<Name, BTreeSet<Name>>,
}

impl AttachDetach {
    fn pod(&mut self, api: &mut Api<'_>, id: Id<Pod>, there: bool) {
        for place in self.counted.remove(&id).unwrap_or_default() {
            if let Some(wanted) = self.places.get_mut(&place) {
                wanted.pods.retain(|pod| *pod != id);
                if wanted.pods.is_empty() {
                    wanted.unwanted = Some(api.now);
                }
                self.dirty.push(place);
            }
        }
        let Some(pod) = api.store().get(id).cloned().filter(|_| there) else { return };
        if pod.phase.is_over() {
            return;
        }
        if pod.node.is_none() {
            if pod.meta.deleting.is_none() {
                self.place(api, id, &pod);
            }
            return;
        }
        let mut places = Vec::new();
        for volume in &pod.volumes {
            let key = (pod.meta.namespace, volume.claim);
            match bound(api.store(), key) {
                Some(name) => places.push((name, pod.node)),
                None => self.wait(key, id),
            }
        }
        for place in &places {
            let wanted = self.places.entry(*place).or_default();
            wanted.pods.push(id);
            wanted.unwanted = None;
            self.nodes_of.entry(place.0).or_default().insert(place.1);
            self.dirty.push(*place);
        }
        self.counted.insert(id, places);
    }

    fn wait(&mut self, key: (Name, Name), id: Id<Pod>) {
        let waiting = self.waiting.entry(key).or_default();
        if !waiting.contains(&id) {
            waiting.push(id);
        }
    }

    /// The scheduler: nodes in turn, once all claims are bound or may wait for the pod.
    fn place(&mut self, api: &mut Api<'_>, id: Id<Pod>, pod: &Pod) {
        for volume in &pod.volumes {
            let key = (pod.meta.namespace, volume.claim);
            if bound(api.store(), key).is_none() {
                return self.wait(key, id);
            }
        }
        let ready: Vec<Name> = api
            .store()
            .list::<Node>()
            .filter(|(_, node)| node.ready)
            .map(|(_, node)| node.meta.name)
            .collect();
        if ready.is_empty() {
            return;
        }
        self.turn += 1;
        let node = ready[self.turn % ready.len()];
        self.write(api, None, Write::Schedule(id, node));
    }

    fn write(&mut self, api: &mut Api<'_>, place: Option<Place>, write: Write) {
        self.next += 1;
        if let Some(place) = place {
            self.tasks.insert(self.next, place);
            self.places.entry(place).or_default().busy = true;
        }
        api.write(Task(self.next), write);
    }

    fn arm(&mut self, api: &mut Api<'_>) {
        if self.due.is_none() && !self.dirty.is_empty() {
            let at = At(api.now.0 + 1).next_tick(PASS, At(0));
            self.due = Some(at);
            api.wake(Some(at), 0);
        }
    }

    fn pass(&mut self, api: &mut Api<'_>) {
        for place in std::mem::take(&mut self.dirty) {
            self.look(api, place);
        }
    }

    fn look(&mut self, api: &mut Api<'_>, place: Place) {
        let Some(wanted) = self.places.get(&place).filter(|wanted| !wanted.busy) else { return };
        let attachment = wanted.attachment.and_then(|id| Some((id, api.store().get(id)?)));
        match (wanted.pods.is_empty(), attachment) {
            (false, None) => self.attach(api, place),
            // It is on its way out; it can be wanted again afterwards.
            (_, Some((_, attachment))) if attachment.meta.deleting.is_some() => {}
            (true, Some((id, _))) => {
                let node = api.store().named::<Node>(Name::NONE, place.1);
                let used = node.is_some_and(|node| node.in_use.contains(&place.0));
                let since = wanted.unwanted.map_or(0, |at| api.now.since(at));
                if used && since < FORCED {
                    self.dirty.push(place);
                } else {
                    self.write(api, Some(place), Write::DeleteAttachment(id));
                }
            }
            (true, None) => {
                self.places.remove(&place);
                if let Some(nodes) = self.nodes_of.get_mut(&place.0) {
                    nodes.remove(&place.1);
                }
            }
            (false, Some(_)) => {}
        }
    }

    fn attach(&mut self, api: &mut Api<'_>, place: Place) {
        let Some(volume) = api.store().named::<Volume>(Name::NONE, place.0) else { return };
        let Some(csi) = volume.csi.as_ref() else { return };
        let driver = csi.driver;
        if api.store().named::<Driver>(Name::NONE, driver).is_some_and(|d| d.no_attach) {
            return;
        }
        let shared = volume.modes.has(Modes::RWX) || volume.modes.has(Modes::ROX);
        let elsewhere = self.nodes_of.get(&place.0).into_iter().flatten().any(|node| {
            let other = self.places.get(&(place.0, *node));
            *node != place.1 && other.is_some_and(|other| other.attachment.is_some() || other.busy)
        });
        if elsewhere && !shared {
            return self.dirty.push(place);
        }
        let name =
            format!("csi-{}-{}", api.store().names.text(place.0), api.store().names.text(place.1));
        let meta = Meta::named(Name::NONE, api.name(&name));
        let attachment = Attachment {
            meta,
            attacher: driver,
            node: place.1,
            volume: place.0,
            ..Attachment::default()
        };
        self.write(api, Some(place), Write::CreateAttachment(Box::new(attachment)));
    }

    fn attachment(&mut self, id: Id<Attachment>, attachment: &Attachment, there: bool) {
        let place = (attachment.volume, attachment.node);
        let wanted = self.places.entry(place).or_default();
        wanted.attachment = there.then_some(id);
        self.nodes_of.entry(place.0).or_default().insert(place.1);
        self.dirty.push(place);
    }
}

/// The volume of a claim, if it is bound.
fn bound(store: &Store, key: (Name, Name)) -> Option<Name> {
    let claim = store.named::<Claim>(key.0, key.1)?;
    (claim.phase == ClaimPhase::Bound).then_some(claim.volume)
}

impl Component for AttachDetach {
    fn watches(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Pod | Kind::Attachment | Kind::Claim)
    }

    fn start(&mut self, api: &mut Api<'_>) {
        let held: Vec<_> =
            api.store().list::<Attachment>().map(|(id, object)| (id, object.clone())).collect();
        for (id, object) in held {
            self.attachment(id, &object, true);
        }
        let pods: Vec<_> = api.store().list::<Pod>().map(|(id, _)| id).collect();
        for id in pods {
            self.pod(api, id, true);
        }
        self.arm(api);
    }

    fn changed(&mut self, api: &mut Api<'_>, change: &Change) {
        let there = change.verb != Verb::Deleted;
        match &change.object {
            Object::Pod(id, _) => self.pod(api, *id, there),
            Object::Attachment(id, attachment) => self.attachment(*id, attachment, there),
            Object::Claim(_, claim) if claim.phase == ClaimPhase::Bound => {
                let key = (claim.meta.namespace, claim.meta.name);
                for id in self.waiting.remove(&key).unwrap_or_default() {
                    self.pod(api, id, true);
                }
            }
            _ => return,
        }
        self.arm(api);
    }

    fn answered(&mut self, _: &mut Api<'_>, _: Task, _: Answer) {}

    fn wrote(&mut self, api: &mut Api<'_>, task: Task, result: Result<Object, Refusal>) {
        let Some(place) = self.tasks.remove(&task.0) else { return };
        let wanted = self.places.entry(place).or_default();
        wanted.busy = false;
        if let Ok(Object::Attachment(id, attachment)) = &result
            && api.store().get(*id).is_some()
            && attachment.meta.deleting.is_none()
        {
            wanted.attachment = Some(*id);
        }
        self.dirty.push(place);
        self.arm(api);
    }

    fn woke(&mut self, api: &mut Api<'_>, _: u32) {
        self.due = None;
        self.pass(api);
        self.arm(api);
    }
}
