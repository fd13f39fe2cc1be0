//! The API server's objects: versions, optimistic locks, finalizers, rules for edits, and the log
//! of changes that watchers read. The simulated components and the API facade share it.

use std::{
    collections::VecDeque,
    fmt,
    hash::{Hash, Hasher},
    marker::PhantomData,
    sync::Arc,
};

use super::{
    hash::Map,
    names::{Name, Names},
    objects::{Attachment, Claim, Class, Driver, Kind, Meta, Node, Pod, PodPhase, Volume},
    patch::{AttachmentPatch, ClaimPatch, VolumePatch},
    time::At,
};

mod admission;
mod refusal;
#[cfg(test)]
mod tests;

pub use admission::Rules;
pub use refusal::{Reason, Refusal};

/// Where an object lies. Never used again after its object is gone.
pub struct Id<T>(u32, PhantomData<fn() -> T>);

impl<T> Id<T> {
    /// From a number that `index` gave.
    pub fn from_index(index: usize) -> Self {
        Self(index as u32, PhantomData)
    }

    /// Small, counted from 0 in the order of creation.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<T> Eq for Id<T> {}
impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}
impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// All objects of one kind.
#[derive(Clone, Debug)]
pub struct Shelf<T> {
    slots: Vec<Option<Arc<T>>>,
    named: Map<(Name, Name), u32>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), named: Map::default() }
    }
}

/// A kind of object that the store keeps.
pub trait Stored: Clone + PartialEq + Sized {
    /// Which.
    const KIND: Kind;
    /// What every object has.
    fn meta(&self) -> &Meta;
    /// To change it.
    fn meta_mut(&mut self) -> &mut Meta;
    /// Where the store keeps this kind.
    fn shelf(store: &Store) -> &Shelf<Self>;
    /// To change it.
    fn shelf_mut(store: &mut Store) -> &mut Shelf<Self>;
    /// As one of all kinds.
    fn wrap(id: Id<Self>, object: Arc<Self>) -> Object;
    /// What the server demands of this kind.
    const ADMIT: fn(&Store, &Self) -> Result<(), Refusal>;
    /// It is still there although it was deleted and has no finalizer.
    const LINGERS: fn(&Self) -> bool;
}

#[expect(clippy::unnecessary_wraps, reason = "one of several rules, and others refuse")]
fn any<T>(_: &Store, _: &T) -> Result<(), Refusal> {
    Ok(())
}

fn never<T>(_: &T) -> bool {
    false
}

macro_rules! kinds {
    ($($kind:ident $shelf:ident $admit:path, $lingers:path;)*) => {
        /// An object of any kind, with its id.
        #[derive(Clone, Debug, PartialEq)]
        #[expect(missing_docs, reason = "one for each kind")]
        pub enum Object { $($kind(Id<$kind>, Arc<$kind>),)* }

        impl Object {
            /// What every object has.
            pub fn meta(&self) -> &Meta {
                match self { $(Self::$kind(_, object) => &object.meta,)* }
            }
            /// Which kind it is.
            pub fn kind(&self) -> Kind {
                match self { $(Self::$kind(..) => Kind::$kind,)* }
            }
        }

        $(impl Stored for $kind {
            const KIND: Kind = Kind::$kind;
            fn meta(&self) -> &Meta { &self.meta }
            fn meta_mut(&mut self) -> &mut Meta { &mut self.meta }
            fn shelf(store: &Store) -> &Shelf<Self> { &store.$shelf }
            fn shelf_mut(store: &mut Store) -> &mut Shelf<Self> { &mut store.$shelf }
            fn wrap(id: Id<Self>, object: Arc<Self>) -> Object { Object::$kind(id, object) }
            const ADMIT: fn(&Store, &Self) -> Result<(), Refusal> = $admit;
            const LINGERS: fn(&Self) -> bool = $lingers;
        })*
    };
}

kinds! {
    Claim claims any, never;
    Volume volumes admission::volume, never;
    Pod pods any, Pod::lingers;
    Node nodes any, never;
    Attachment attachments any, never;
    Class classes any, never;
    Driver drivers any, never;
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the API's own names")]
pub enum Verb {
    Added,
    Modified,
    Deleted,
}

/// One line of the log that watchers read.
#[derive(Clone, Debug)]
pub struct Change {
    /// What happened.
    pub verb: Verb,
    /// The version that the write made.
    pub version: u64,
    /// The object after it; before it, if it is gone.
    pub object: Object,
}

/// How far a watcher has read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor(u64);

/// A write of a component or a client.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the kinds of writes")]
pub enum Write {
    Claim(Id<Claim>, Box<ClaimPatch>),
    Volume(Id<Volume>, Box<VolumePatch>),
    Attachment(Id<Attachment>, Box<AttachmentPatch>),
    Phase(Id<Pod>, PodPhase),
    Schedule(Id<Pod>, Name),
    InUse(Id<Node>, Vec<Name>),
    CreateVolume(Box<Volume>),
    CreateAttachment(Box<Attachment>),
    DeleteVolume(Id<Volume>),
    DeleteAttachment(Id<Attachment>),
    /// The pod is gone from its node: no grace period any more.
    DeletePod(Id<Pod>),
}

/// The objects of one cluster.
#[derive(Clone, Debug, Default)]
pub struct Store {
    /// What names stand for.
    pub names: Names,
    /// How the server behaves.
    pub rules: Rules,
    claims: Shelf<Claim>,
    volumes: Shelf<Volume>,
    pods: Shelf<Pod>,
    nodes: Shelf<Node>,
    attachments: Shelf<Attachment>,
    classes: Shelf<Class>,
    drivers: Shelf<Driver>,
    version: u64,
    uid: u64,
    log: VecDeque<Change>,
    log_start: u64,
}

impl Store {
    /// The version of the last write.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The object there.
    pub fn get<T: Stored>(&self, id: Id<T>) -> Option<&Arc<T>> {
        T::shelf(self).slots.get(id.index())?.as_ref()
    }

    /// Where the object of this name lies.
    pub fn find<T: Stored>(&self, namespace: Name, name: Name) -> Option<Id<T>> {
        let slot = T::shelf(self).named.get(&(namespace, name))?;
        Some(Id::from_index(*slot as usize))
    }

    /// The object of this name.
    pub fn named<T: Stored>(&self, namespace: Name, name: Name) -> Option<&Arc<T>> {
        self.get(self.find(namespace, name)?)
    }

    /// All objects of a kind, oldest first.
    pub fn list<T: Stored + 'static>(&self) -> impl Iterator<Item = (Id<T>, &Arc<T>)> {
        let slots = T::shelf(self).slots.iter().enumerate();
        slots.filter_map(|(slot, held)| Some((Id::from_index(slot), held.as_ref()?)))
    }

    /// Takes a new object.
    pub fn create<T: Stored>(&mut self, at: At, mut object: T) -> Result<Id<T>, Refusal> {
        let key = (object.meta().namespace, object.meta().name);
        if self.find::<T>(key.0, key.1).is_some() {
            let (kind, name) = (T::KIND.plural(), self.names.text(key.1));
            let message = format!("{kind} \"{name}\" already exists");
            return Err(Refusal::new(Reason::AlreadyExists, message));
        }
        T::ADMIT(self, &object)?;
        self.version += 1;
        self.uid += 1;
        let (version, uid) = (self.version, self.uid);
        let meta = object.meta_mut();
        (meta.version, meta.uid, meta.created) = (version, uid, at);
        let object = Arc::new(object);
        let kept = T::shelf_mut(self);
        let id = Id::from_index(kept.slots.len());
        kept.slots.push(Some(Arc::clone(&object)));
        kept.named.insert(key, id.0);
        self.tell(Verb::Added, T::wrap(id, object));
        Ok(id)
    }

    /// Changes an object, if it still has that version.
    pub fn update<T: Stored>(
        &mut self,
        id: Id<T>,
        version: Option<u64>,
        change: impl FnOnce(&mut T),
    ) -> Result<Arc<T>, Refusal> {
        let old = Arc::clone(self.get(id).ok_or_else(missing::<T>)?);
        if version.is_some_and(|version| version != old.meta().version) {
            let (kind, name) = (T::KIND.plural(), self.names.text(old.meta().name));
            return Err(Refusal::new(
                Reason::Conflict,
                format!(
                    "Operation cannot be fulfilled on {kind} \"{name}\": the object has been \
                     modified; please apply your changes to the latest version and try again"
                ),
            ));
        }
        let mut new = T::clone(&old);
        change(&mut new);
        self.put(id, &old, new)
    }

    fn put<T: Stored>(&mut self, id: Id<T>, old: &T, mut new: T) -> Result<Arc<T>, Refusal> {
        T::ADMIT(self, &new)?;
        let (before, after) = (old.meta(), new.meta_mut());
        (after.uid, after.created, after.version) = (before.uid, before.created, before.version);
        let free = after.deleting.is_some() && after.finalizers.is_empty();
        let gone = free && !T::LINGERS(&new);
        if *old == new && !gone && !self.rules.counts_unchanged {
            return Ok(self.get(id).cloned().unwrap_or_else(|| Arc::new(new)));
        }
        self.version += 1;
        new.meta_mut().version = self.version;
        let new = Arc::new(new);
        if gone {
            self.drop_slot(id, &new);
            self.tell(Verb::Deleted, T::wrap(id, Arc::clone(&new)));
        } else {
            if let Some(slot) = T::shelf_mut(self).slots.get_mut(id.index()) {
                *slot = Some(Arc::clone(&new));
            }
            self.tell(Verb::Modified, T::wrap(id, Arc::clone(&new)));
        }
        Ok(new)
    }

    /// Asks for the end of an object; it goes at once only if nobody holds it.
    pub fn delete<T: Stored>(&mut self, at: At, id: Id<T>) -> Result<Arc<T>, Refusal> {
        self.update(id, None, |object| {
            let meta = object.meta_mut();
            meta.deleting = meta.deleting.or(Some(at));
        })
    }

    fn drop_slot<T: Stored>(&mut self, id: Id<T>, object: &T) {
        let key = (object.meta().namespace, object.meta().name);
        let kept = T::shelf_mut(self);
        kept.named.remove(&key);
        if let Some(slot) = kept.slots.get_mut(id.index()) {
            *slot = None;
        }
    }

    /// A user edits a claim; the server's rules decide.
    pub fn edit_claim(
        &mut self,
        id: Id<Claim>,
        version: Option<u64>,
        change: impl FnOnce(&mut Claim),
    ) -> Result<Arc<Claim>, Refusal> {
        let old = Arc::clone(self.get(id).ok_or_else(missing::<Claim>)?);
        let mut new = Claim::clone(&old);
        change(&mut new);
        admission::claim(self, &old, &new)?;
        self.update(id, version, |claim| *claim = new)
    }

    /// A user asks for another size.
    pub fn request(&mut self, id: Id<Claim>, bytes: u64) -> Result<Arc<Claim>, Refusal> {
        self.edit_claim(id, None, |claim| claim.request = bytes)
    }

    /// Performs a write of a component. The object as it is afterwards.
    pub fn write(&mut self, at: At, write: &Write) -> Result<Object, Refusal> {
        fn done<T: Stored>(id: Id<T>, object: Arc<T>) -> Object {
            T::wrap(id, object)
        }
        match write {
            Write::Claim(id, patch) => {
                let object = self.update(*id, patch.meta.version, |claim| patch.apply(claim));
                Ok(done(*id, object?))
            }
            Write::Volume(id, patch) => {
                let object = self.update(*id, patch.meta.version, |volume| patch.apply(volume));
                Ok(done(*id, object?))
            }
            Write::Attachment(id, patch) => {
                let object = self.update(*id, patch.meta.version, |held| patch.apply(held));
                Ok(done(*id, object?))
            }
            Write::Phase(id, phase) => Ok(done(
                *id,
                self.update(*id, None, |pod: &mut Pod| {
                    pod.phase = *phase;
                })?,
            )),
            Write::Schedule(id, node) => Ok(done(
                *id,
                self.update(*id, None, |pod: &mut Pod| {
                    pod.node = *node;
                })?,
            )),
            Write::InUse(id, volumes) => Ok(done(
                *id,
                self.update(*id, None, |node: &mut Node| {
                    node.in_use.clone_from(volumes);
                })?,
            )),
            Write::CreateVolume(volume) => self.created(at, Volume::clone(volume)),
            Write::CreateAttachment(object) => self.created(at, Attachment::clone(object)),
            Write::DeleteVolume(id) => Ok(done(*id, self.delete(at, *id)?)),
            Write::DeleteAttachment(id) => Ok(done(*id, self.delete(at, *id)?)),
            Write::DeletePod(id) => Ok(done(
                *id,
                self.update(*id, None, |pod: &mut Pod| {
                    pod.meta.deleting = pod.meta.deleting.or(Some(at));
                    pod.stopped = true;
                })?,
            )),
        }
    }

    fn created<T: Stored>(&mut self, at: At, object: T) -> Result<Object, Refusal> {
        let id = self.create(at, object)?;
        let object = self.get(id).cloned().ok_or_else(missing::<T>)?;
        Ok(T::wrap(id, object))
    }

    fn tell(&mut self, verb: Verb, object: Object) {
        self.log.push_back(Change { verb, version: self.version, object });
    }

    /// After the last change.
    pub fn now(&self) -> Cursor {
        Cursor(self.log_start + self.log.len() as u64)
    }

    /// What changed since; `None` if it is forgotten, and the watcher has to list anew.
    pub fn since(&self, cursor: Cursor) -> Option<impl Iterator<Item = &Change>> {
        let from = cursor.0.checked_sub(self.log_start)?;
        Some(self.log.range((from as usize).min(self.log.len())..))
    }

    /// Where a watcher goes on that has seen everything up to this version.
    pub fn after(&self, version: u64) -> Option<Cursor> {
        let oldest = self.log.front().map_or(self.version, |first| first.version - 1);
        if self.log_start > 0 && version < oldest {
            return None;
        }
        let read = self.log.partition_point(|change| change.version <= version);
        Some(Cursor(self.log_start + read as u64))
    }

    /// Everything that is not forgotten, and forgets it: for the only reader of the log.
    pub fn drain(&mut self) -> impl Iterator<Item = Change> {
        self.log_start += self.log.len() as u64;
        self.log.drain(..)
    }

    /// Forgets the changes that every watcher has read.
    pub fn forget(&mut self, cursor: Cursor) {
        let count = cursor.0.saturating_sub(self.log_start).min(self.log.len() as u64);
        self.log.drain(..count as usize);
        self.log_start += count;
    }
}

fn missing<T: Stored>() -> Refusal {
    Refusal::new(Reason::NotFound, format!("{} not found", T::KIND.plural()))
}
