//! Strategic merge patches: `$patch`, `$setElementOrder`, `$deleteFromPrimitiveList`, and lists that
//! are merged by a key.

use serde_json::{Map, Value};

use crate::apiserver::refusal::Refusal;

/// Lists of the served objects that are merged by a key of their elements; all others are replaced.
const BY_KEY: &[(&str, &str)] = &[
    ("conditions", "type"),
    ("ownerReferences", "uid"),
    ("addresses", "type"),
    ("volumes", "name"),
    ("containers", "name"),
    ("drivers", "name"),
];

/// Lists of plain values that are merged.
const SETS: &[&str] = &["finalizers"];

const ORDER: &str = "$setElementOrder/";
const REMOVED: &str = "$deleteFromPrimitiveList/";

pub fn merge(object: &mut Map<String, Value>, patch: &Map<String, Value>) -> Result<(), Refusal> {
    match patch.get("$patch").map(|directive| directive.as_str().unwrap_or_default()) {
        None | Some("merge") => {}
        Some("replace") => {
            object.clone_from(patch);
            object.shift_remove("$patch");
            return Ok(());
        }
        Some("delete") => {
            object.clear();
            return Ok(());
        }
        Some(other) => return Err(Refusal::bad(format!("unknown $patch directive {other:?}"))),
    }
    if let Some(kept) = patch.get("$retainKeys").and_then(Value::as_array) {
        object.retain(|key, _| kept.iter().any(|name| name == key.as_str()));
    }
    for (key, value) in patch.iter().filter(|(key, _)| !key.starts_with('$')) {
        if value.is_null() {
            object.shift_remove(key);
            continue;
        }
        match (object.get_mut(key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new)?,
            (None, Value::Object(new)) => {
                let mut made = Map::new();
                merge(&mut made, new)?;
                object.insert(key.clone(), Value::Object(made));
            }
            (_, Value::Array(new)) => list(object, key, new)?,
            (_, plain) => _ = object.insert(key.clone(), plain.clone()),
        }
    }
    directives(object, patch);
    Ok(())
}

/// Removals from sets, and the order of lists, which may come without new elements.
fn directives(object: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (directive, value) in patch {
        let Some(listed) = value.as_array() else { continue };
        if let Some(list) = directive.strip_prefix(REMOVED) {
            if let Some(Value::Array(old)) = object.get_mut(list) {
                old.retain(|element| !listed.contains(element));
            }
        } else if let Some(list) = directive.strip_prefix(ORDER)
            && let Some(Value::Array(old)) = object.get_mut(list)
        {
            order(old, key_of(list), listed);
        }
    }
    // A list that was emptied is a list that is not there.
    object.retain(|key, value| {
        let emptied = value.as_array().is_some_and(Vec::is_empty);
        !(emptied && (SETS.contains(&key.as_str()) || key_of(key).is_some()))
    });
}

fn list(object: &mut Map<String, Value>, name: &str, new: &[Value]) -> Result<(), Refusal> {
    let replaced = !SETS.contains(&name) && key_of(name).is_none();
    let mut old = match object.get_mut(name) {
        Some(Value::Array(old)) if !replaced => std::mem::take(old),
        _ => Vec::new(),
    };
    match key_of(name) {
        Some(key) => by_key(&mut old, key, new, name)?,
        // An element that is there stays where it is.
        None => {
            for element in new {
                if replaced || !old.contains(element) {
                    old.push(element.clone());
                }
            }
        }
    }
    object.insert(name.to_owned(), Value::Array(old));
    Ok(())
}

fn by_key(old: &mut Vec<Value>, key: &str, new: &[Value], list: &str) -> Result<(), Refusal> {
    for element in new {
        let directive = element.get("$patch").and_then(Value::as_str);
        let (Some(id), Some(fields)) = (element.get(key), element.as_object()) else {
            if directive == Some("replace") {
                old.clear();
                continue;
            }
            return Err(Refusal::bad(format!("an element of {list} has no {key}")));
        };
        let at = old.iter().position(|other| other.get(key) == Some(id));
        match (directive, at) {
            (Some("delete"), Some(at)) => _ = old.remove(at),
            (Some("delete"), None) => {}
            (_, at) => {
                let at = at.unwrap_or_else(|| {
                    old.push(Value::Object(Map::new()));
                    old.len() - 1
                });
                if let Some(Value::Object(there)) = old.get_mut(at) {
                    merge(there, fields)?;
                }
            }
        }
    }
    Ok(())
}

/// Puts the elements that `listed` names in its order. The others keep their distance to the one
/// before them.
fn order(list: &mut Vec<Value>, key: Option<&str>, listed: &[Value]) {
    let id = |element: &Value| key.map_or(Some(element.clone()), |key| element.get(key).cloned());
    let rank = |element: &Value| listed.iter().position(|other| id(other) == id(element));
    let mut groups: Vec<(Option<usize>, Vec<Value>)> = Vec::new();
    for element in list.drain(..) {
        match (rank(&element), groups.last_mut()) {
            (None, Some((_, followers))) => followers.push(element),
            (rank, _) => groups.push((rank, vec![element])),
        }
    }
    // None, a group at the head without a listed element, comes first.
    groups.sort_by_key(|(rank, _)| *rank);
    list.extend(groups.into_iter().flat_map(|(_, elements)| elements));
}

fn key_of(list: &str) -> Option<&'static str> {
    BY_KEY.iter().find(|(name, _)| *name == list).map(|(_, key)| *key)
}
