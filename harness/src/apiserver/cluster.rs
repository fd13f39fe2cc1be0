//! The simulator's objects, as the API serves them: what of an object a write may change, and what
//! becomes of it. Rules for single fields are the store's.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    convert::{CsiNode, Reader, View, Writer, pruned},
    refusal::Refusal,
    resource::{Holds, Key, Part, Resource, StatusWrites},
};
use crate::generator::orchestrator::{
    objects::{Attachment, Claim, Class, Driver, Node, Pod, Volume},
    store::{Cursor, Id, Object, Store, Stored, Verb, Write},
    time::At,
};

/// Events that are kept; the oldest go.
const EVENTS_MAX: usize = 1000;

/// One cluster.
#[derive(Default)]
pub struct Cluster {
    /// Its objects. Simulated components may work on them beside the clients.
    pub store: Store,
    /// What clients told of their work. No component reads it, so the simulator has no such object.
    events: BTreeMap<Key, Value>,
}

/// A change as watchers are told of it.
pub struct Told {
    /// `ADDED`, `MODIFIED` or `DELETED`.
    pub kind: &'static str,
    /// The object.
    pub object: Value,
}

/// Calls a function for the view that a resource is.
macro_rules! for_view {
    ($holds:expr, $name:ident, $call:expr, $events:expr) => {
        match $holds {
            Holds::Claims => for_view!(@ $name = Claim, $call),
            Holds::Volumes => for_view!(@ $name = Volume, $call),
            Holds::Pods => for_view!(@ $name = Pod, $call),
            Holds::Nodes => for_view!(@ $name = Node, $call),
            Holds::CsiNodes => for_view!(@ $name = CsiNode, $call),
            Holds::Attachments => for_view!(@ $name = Attachment, $call),
            Holds::Classes => for_view!(@ $name = Class, $call),
            Holds::Drivers => for_view!(@ $name = Driver, $call),
            Holds::Events => $events,
        }
    };
    (@ $name:ident = $view:ident, $call:expr) => {{
        type $name = $view;
        $call
    }};
}

impl Cluster {
    /// The moment that it is in the store's world, which began with Unix time.
    pub fn now() -> At {
        At(u64::try_from(Timestamp::now().as_microsecond()).unwrap_or_default())
    }

    /// One object.
    pub fn get(&self, resource: &Resource, key: &Key) -> Result<Value, Refusal> {
        let found = for_view!(
            resource.holds,
            V,
            self.place::<V>(key).and_then(|id| self.show::<V>(id)),
            self.events.get(key).cloned()
        );
        found.ok_or_else(|| Refusal::not_found(resource, key))
    }

    /// All of them, or those of a namespace, oldest first.
    pub fn list(&self, resource: &Resource, namespace: Option<&str>) -> Vec<Value> {
        let mut all = for_view!(
            resource.holds,
            V,
            self.store
                .list::<<V as View>::Object>()
                .filter_map(|(id, _)| self.show::<V>(id))
                .collect::<Vec<_>>(),
            self.events.values().cloned().collect()
        );
        all.retain(|object| namespace.is_none_or(|name| object["metadata"]["namespace"] == name));
        all
    }

    /// Takes a new object; its name is made where only the beginning is given.
    pub fn create(
        &mut self,
        resource: &Resource,
        namespace: Option<&str>,
        mut object: Value,
    ) -> Result<Value, Refusal> {
        let key = self.named(resource, namespace, &mut object)?;
        if let (Some(_), Value::Object(fields)) = (resource.status, &mut object) {
            fields.shift_remove("status");
        }
        for_view!(
            resource.holds,
            V,
            self.create_as::<V>(resource, &key, &object),
            self.create_event(resource, &key, object)
        )
    }

    /// Replaces an object, or a part of it, by what `change` makes of it.
    pub fn write(
        &mut self,
        resource: &Resource,
        key: &Key,
        part: Part,
        change: impl FnOnce(&Value) -> Result<Value, Refusal>,
    ) -> Result<Value, Refusal> {
        let old = self.get(resource, key)?;
        let mut new = change(&old)?;
        let version = &new["metadata"]["resourceVersion"];
        if !version.is_null() && version != "" && *version != old["metadata"]["resourceVersion"] {
            return Err(Refusal::conflict(resource, key));
        }
        restore(resource, part, &old, &mut new);
        // Nothing is written, and no watcher is told.
        if pruned(new.clone()) == old {
            return Ok(old);
        }
        for_view!(resource.holds, V, self.write_as::<V>(resource, key, part, &new), {
            self.events.insert(key.clone(), new.clone());
            Ok(new)
        })
    }

    /// Removes an object, or marks it until those who hold it have let go. `at_once`: a pod goes
    /// without its kubelet, or the kubelet says that it is gone.
    pub fn delete(
        &mut self,
        resource: &Resource,
        key: &Key,
        at_once: bool,
    ) -> Result<Value, Refusal> {
        let gone = || Refusal::not_found(resource, key);
        for_view!(resource.holds, V, self.delete_as::<V>(key, at_once).ok_or_else(gone)?, {
            self.events.remove(key).ok_or_else(gone)
        })
    }

    /// Where a watcher begins that has seen everything up to a version.
    pub fn cursor(&self, version: u64) -> Result<Cursor, Refusal> {
        self.store.after(version).ok_or_else(|| Refusal::expired(version, self.store.version()))
    }

    /// What happened since, as watchers of a resource see it. `None` if it is forgotten.
    pub fn changes(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        since: Cursor,
    ) -> Option<Vec<Told>> {
        let namespace = namespace.map(|name| self.store.names.find(name));
        let mut told = Vec::new();
        for change in self.store.since(since)? {
            let within = |name| name == Some(change.object.meta().namespace);
            if namespace.is_some_and(|name| !within(name)) {
                continue;
            }
            told.extend(self.tell(resource, change.verb, &change.object));
        }
        Some(told)
    }

    /// A change, if it is one of this resource.
    fn tell(&self, resource: &Resource, verb: Verb, object: &Object) -> Option<Told> {
        let writer = self.writer();
        let (shown, object) = match (resource.holds, object) {
            (Holds::Claims, Object::Claim(_, object)) => (true, Claim::write(object, &writer)),
            (Holds::Volumes, Object::Volume(_, object)) => (true, Volume::write(object, &writer)),
            (Holds::Pods, Object::Pod(_, object)) => (true, Pod::write(object, &writer)),
            (Holds::Nodes, Object::Node(_, object)) => (true, Node::write(object, &writer)),
            (Holds::CsiNodes, Object::Node(_, object)) => {
                (CsiNode::shows(object), CsiNode::write(object, &writer))
            }
            (Holds::Attachments, Object::Attachment(_, object)) => {
                (true, Attachment::write(object, &writer))
            }
            (Holds::Classes, Object::Class(_, object)) => (true, Class::write(object, &writer)),
            (Holds::Drivers, Object::Driver(_, object)) => (true, Driver::write(object, &writer)),
            _ => return None,
        };
        let kind = match verb {
            // A part that is not there, or no longer. Clients know nothing of a part that never was.
            _ if !shown => "DELETED",
            Verb::Added => "ADDED",
            Verb::Modified => "MODIFIED",
            Verb::Deleted => "DELETED",
        };
        Some(Told { kind, object: pruned(object) })
    }

    fn writer(&self) -> Writer<'_> {
        Writer { names: &self.store.names }
    }

    fn place<V: View>(&self, key: &Key) -> Option<Id<V::Object>> {
        let names = &self.store.names;
        self.store.find(names.find(&key.namespace)?, names.find(&key.name)?)
    }

    fn show<V: View>(&self, id: Id<V::Object>) -> Option<Value> {
        let object = self.store.get(id).filter(|object| V::shows(object))?;
        Some(pruned(V::write(object, &self.writer())))
    }

    fn create_as<V: View>(
        &mut self,
        resource: &Resource,
        key: &Key,
        json: &Value,
    ) -> Result<Value, Refusal> {
        let there = self.place::<V>(key);
        if there.is_some_and(|id| V::PART.is_none() || self.show::<V>(id).is_some()) {
            return Err(Refusal::exists(resource, key));
        }
        let at = Self::now();
        let id = match there {
            Some(id) => {
                self.take::<V>(id, json, Part::Main)?;
                id
            }
            None if V::PART.is_some() => {
                let why = "metadata.name: Not found: make the Node of this name first";
                return Err(Refusal::invalid(resource, key, why));
            }
            None => {
                let mut object = V::Object::default();
                V::read(&mut object, &mut self.reader(), json)?;
                self.store.create(at, object)?
            }
        };
        self.show::<V>(id).ok_or_else(|| Refusal::invalid(resource, key, "it says nothing"))
    }

    fn write_as<V: View>(
        &mut self,
        resource: &Resource,
        key: &Key,
        part: Part,
        json: &Value,
    ) -> Result<Value, Refusal> {
        let id = self.place::<V>(key).ok_or_else(|| Refusal::not_found(resource, key))?;
        let object = self.take::<V>(id, json, part)?;
        Ok(pruned(V::write(&object, &self.writer())))
    }

    /// Lets an object be what a client says; the store's rules decide.
    fn take<V: View>(
        &mut self,
        id: Id<V::Object>,
        json: &Value,
        part: Part,
    ) -> Result<Arc<V::Object>, Refusal> {
        let held = self.store.get(id).ok_or_else(Refusal::no_such_path)?;
        let mut new = V::Object::clone(held);
        V::read(&mut new, &mut self.reader(), json)?;
        if let (Part::Main, Object::Claim(claim, edited)) =
            (part, V::Object::wrap(id, Arc::new(new.clone())))
        {
            self.store.edit_claim(claim, None, |held| *held = Claim::clone(&edited))?;
            return self
                .store
                .get(id)
                .cloned()
                .or(Some(Arc::new(new)))
                .ok_or_else(Refusal::no_such_path);
        }
        Ok(self.store.update(id, None, |held| *held = new)?)
    }

    fn delete_as<V: View>(&mut self, key: &Key, at_once: bool) -> Option<Result<Value, Refusal>> {
        let id = self.place::<V>(key)?;
        let before = self.show::<V>(id)?;
        let object = V::Object::wrap(id, Arc::clone(self.store.get(id)?));
        let at = Self::now();
        let done = match (V::PART, object) {
            (Some(remove), _) => self.store.update(id, None, remove).map(drop),
            (None, Object::Pod(pod, _)) if at_once => {
                self.store.write(at, &Write::DeletePod(pod)).map(drop)
            }
            (None, _) => self.store.delete(at, id).map(drop),
        };
        Some(match done {
            Err(refusal) => Err(refusal.into()),
            Ok(()) => Ok(self.show::<V>(id).unwrap_or(before)),
        })
    }

    fn reader(&mut self) -> Reader<'_> {
        Reader { names: &mut self.store.names }
    }

    /// The name of an object that is to be made, and puts it in.
    fn named(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        object: &mut Value,
    ) -> Result<Key, Refusal> {
        let Some(Value::Object(meta)) = object.get_mut("metadata") else {
            return Err(Refusal::new(422, "metadata.name: Required value: name is required"));
        };
        let field = |meta: &Map<String, Value>, name: &str| {
            meta.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let mut key = Key { namespace: field(meta, "namespace"), name: field(meta, "name") };
        if !resource.namespaced {
            key.namespace.clear();
        } else if let Some(namespace) = namespace {
            if !key.namespace.is_empty() && key.namespace != namespace {
                return Err(Refusal::bad(
                    "the namespace of the provided object does not match the namespace sent on \
                     the request",
                ));
            }
            namespace.clone_into(&mut key.namespace);
        } else if key.namespace.is_empty() {
            "default".clone_into(&mut key.namespace);
        }
        let stem = field(meta, "generateName");
        if key.name.is_empty() && !stem.is_empty() {
            // A version is given once, so no two names are the same.
            key.name = format!("{stem}{}", self.store.version() + self.events.len() as u64);
        }
        if key.name.is_empty() {
            let why = "metadata.name: Required value: name or generateName is required";
            return Err(Refusal::invalid(resource, &key, why));
        }
        meta.insert("name".into(), key.name.clone().into());
        meta.insert("namespace".into(), key.namespace.clone().into());
        Ok(key)
    }

    fn create_event(
        &mut self,
        resource: &Resource,
        key: &Key,
        event: Value,
    ) -> Result<Value, Refusal> {
        if self.events.contains_key(key) {
            return Err(Refusal::exists(resource, key));
        }
        if self.events.len() >= EVENTS_MAX {
            self.events.pop_first();
        }
        let event = pruned(event);
        self.events.insert(key.clone(), event.clone());
        Ok(event)
    }
}

/// Puts back what a write may not change: the identity of an object, and the part it is not about.
fn restore(resource: &Resource, part: Part, old: &Value, new: &mut Value) {
    if part == Part::Status {
        let said = std::mem::replace(new, old.clone());
        put(new, "status", said.get("status"));
        if resource.status == Some(StatusWrites::Metadata) {
            put(new, "metadata", said.get("metadata"));
        }
    } else if resource.status.is_some() {
        put(new, "status", old.get("status"));
    }
    for field in
        ["name", "namespace", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp"]
    {
        if let Some(meta) = new.get_mut("metadata") {
            put(meta, field, old["metadata"].get(field));
        }
    }
    for field in ["apiVersion", "kind"] {
        put(new, field, old.get(field));
    }
}

fn put(object: &mut Value, field: &str, value: Option<&Value>) {
    match (object, value) {
        (Value::Object(fields), Some(value)) => _ = fields.insert(field.to_owned(), value.clone()),
        (Value::Object(fields), None) => _ = fields.shift_remove(field),
        _ => {}
    }
}
