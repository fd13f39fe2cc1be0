//! Between objects as JSON and the simulator's typed ones. The only place that knows both.
//!
//! The simulator's objects have what a component looks at; the rest of a JSON object is not kept. So a
//! client that writes a pod reads it back without containers. A write begins with the object as it
//! was, which keeps what JSON cannot say.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::refusal::Refusal;
use crate::generator::orchestrator::{
    names::{Name, Names},
    objects::{Meta, Modes, Pairs},
    quantity,
    store::Stored,
    time::{At, SECOND},
};

mod claim;
mod cluster;
mod volume;

pub use cluster::CsiNode;

/// How a resource shows one of the simulator's objects.
pub trait View {
    /// The object.
    type Object: Stored + Default + 'static;
    /// Whether the resource is only a part of the object, and how that part is removed.
    const PART: Option<fn(&mut Self::Object)> = None;

    /// Whether the object has this part.
    fn shows(_object: &Self::Object) -> bool {
        true
    }
    /// As a client sees it.
    fn write(object: &Self::Object, writer: &Writer<'_>) -> Value;
    /// Takes over what a client says. The store looks after versions, uids and deletions.
    fn read(
        object: &mut Self::Object,
        reader: &mut Reader<'_>,
        json: &Value,
    ) -> Result<(), Refusal>;
}

/// Turns names and moments into text.
pub struct Writer<'a> {
    /// What names stand for.
    pub names: &'a Names,
}

/// Turns text into names and moments.
pub struct Reader<'a> {
    /// What names stand for.
    pub names: &'a mut Names,
}

impl Writer<'_> {
    fn text(&self, name: Name) -> &str {
        self.names.text(name)
    }

    fn texts(&self, names: &[Name]) -> Vec<&str> {
        names.iter().map(|name| self.text(*name)).collect()
    }

    fn pairs(&self, pairs: &Pairs) -> Value {
        let entry = |(key, value)| (self.text(key).to_owned(), self.text(value).into());
        Value::Object(pairs.iter().map(entry).collect())
    }

    fn meta(&self, meta: &Meta) -> Value {
        json!({
            "name": self.text(meta.name),
            "namespace": self.text(meta.namespace),
            "uid": uid_text(meta.uid),
            "resourceVersion": meta.version.to_string(),
            "creationTimestamp": time_text(meta.created),
            "deletionTimestamp": meta.deleting.map(time_text),
            "labels": self.pairs(&meta.labels),
            "annotations": self.pairs(&meta.annotations),
            "finalizers": self.texts(&meta.finalizers),
        })
    }
}

impl Reader<'_> {
    fn name(&mut self, object: &Value, pointer: &str) -> Result<Name, Refusal> {
        Ok(self.names.of(text(object, pointer)?))
    }

    fn list(&mut self, object: &Value, pointer: &str) -> Result<Vec<Name>, Refusal> {
        let list = elements(object, pointer)?.iter();
        list.map(|element| match element {
            Value::String(text) => Ok(self.names.of(text)),
            _ => Err(wrong(pointer, "a list of strings")),
        })
        .collect()
    }

    fn pairs(&mut self, object: &Value, pointer: &str) -> Result<Pairs, Refusal> {
        let entries = match object.pointer(pointer) {
            None | Some(Value::Null) => return Ok(Pairs::default()),
            Some(Value::Object(entries)) => entries,
            Some(_) => return Err(wrong(pointer, "a map of strings")),
        };
        let pair = |(key, value): (&String, &Value)| match value {
            Value::String(text) => Ok((self.names.of(key), self.names.of(text))),
            _ => Err(wrong(pointer, "a map of strings")),
        };
        entries.iter().map(pair).collect::<Result<Vec<_>, _>>().map(Pairs::from_iter)
    }

    fn meta(&mut self, meta: &mut Meta, object: &Value) -> Result<(), Refusal> {
        meta.name = self.name(object, "/metadata/name")?;
        meta.namespace = self.name(object, "/metadata/namespace")?;
        meta.labels = self.pairs(object, "/metadata/labels")?;
        meta.annotations = self.pairs(object, "/metadata/annotations")?;
        meta.finalizers = self.list(object, "/metadata/finalizers")?;
        Ok(())
    }
}

/// The store's world began with Unix time. The API keeps whole seconds.
fn time_text(at: At) -> String {
    let second = i64::try_from(at.0 / SECOND).unwrap_or_default();
    Timestamp::from_second(second).unwrap_or_default().to_string()
}

/// A moment as text; `held` if that is in the same second.
fn time(text: &str, held: Option<At>) -> Option<At> {
    let second = text.parse::<Timestamp>().ok()?.as_second();
    let at = At(u64::try_from(second).unwrap_or_default() * SECOND);
    held.filter(|held| held.0 / SECOND == at.0 / SECOND).or(Some(at))
}

/// A number that is used once, in the form of a UUID.
pub fn uid_text(uid: u64) -> String {
    format!("00000000-0000-4000-8000-{uid:012x}")
}

/// The number of such a uid; 0 if it is somebody else's.
fn uid_of(text: &str) -> u64 {
    let digits = text.strip_prefix("00000000-0000-4000-8000-");
    digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default()
}

fn modes_text(modes: Modes) -> Vec<&'static str> {
    modes.texts().collect()
}

fn modes(object: &Value, pointer: &str) -> Result<Modes, Refusal> {
    let mut all = Modes::default();
    for element in elements(object, pointer)? {
        let known = Modes::ALL.iter().find(|(_, text)| element == text);
        let (mode, _) = known.ok_or_else(|| wrong(pointer, "a list of access modes"))?;
        all = all.with(*mode);
    }
    Ok(all)
}

fn is_block(object: &Value) -> Result<bool, Refusal> {
    match text(object, "/spec/volumeMode")? {
        "" | "Filesystem" => Ok(false),
        "Block" => Ok(true),
        _ => Err(wrong("/spec/volumeMode", "Filesystem or Block")),
    }
}

fn mode_text(block: bool) -> &'static str {
    if block { "Block" } else { "Filesystem" }
}

/// A size in bytes; `None` where there is none.
fn size(object: &Value, pointer: &str) -> Result<Option<u64>, Refusal> {
    let text = match object.pointer(pointer) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    quantity::parse(&text).map(Some).ok_or_else(|| wrong(pointer, "a quantity such as 10Gi"))
}

fn size_text(bytes: u64) -> Option<String> {
    (bytes > 0).then(|| quantity::show(bytes))
}

fn text<'a>(object: &'a Value, pointer: &str) -> Result<&'a str, Refusal> {
    match object.pointer(pointer) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(wrong(pointer, "a string")),
    }
}

fn flag(object: &Value, pointer: &str) -> Result<Option<bool>, Refusal> {
    match object.pointer(pointer) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(yes)) => Ok(Some(*yes)),
        Some(_) => Err(wrong(pointer, "true or false")),
    }
}

fn elements<'a>(object: &'a Value, pointer: &str) -> Result<&'a [Value], Refusal> {
    match object.pointer(pointer) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(wrong(pointer, "a list")),
    }
}

/// One of an enum's values, by the API's spelling; the default where there is none.
fn one_of<T: Default>(
    object: &Value,
    pointer: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, Refusal> {
    match text(object, pointer)? {
        "" => Ok(T::default()),
        text => parse(text).ok_or_else(|| wrong(pointer, &format!("known: {text:?}"))),
    }
}

fn wrong(pointer: &str, expected: &str) -> Refusal {
    let path = pointer.trim_start_matches('/').replace('/', ".");
    Refusal::new(422, format!("{path}: Invalid value: it is not {expected}"))
}

/// Without what says nothing: JSON of the API leaves it out.
pub fn pruned(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.into_iter().map(|(key, value)| (key, pruned(value)));
            Value::Object(kept.filter(|(_, value)| says_something(value)).collect::<Map<_, _>>())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(pruned).collect()),
        plain => plain,
    }
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

#[cfg(test)]
mod tests;
