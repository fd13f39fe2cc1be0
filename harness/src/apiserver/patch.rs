//! Patches in the three languages that clients speak, applied to an object as JSON.
//!
//! Knows nothing of what an object means, but for the lists that a strategic merge patch merges by
//! key: those of the resources that are served.

use serde_json::{Map, Value};

use super::refusal::Refusal;

mod json;
mod strategic;

/// A language of patches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// RFC 7386.
    Merge,
    /// The API's own: lists of known keys are merged, not replaced.
    Strategic,
    /// RFC 6902.
    Json,
}

impl Language {
    /// By the type of a request's body.
    pub fn of(content_type: &str) -> Result<Self, Refusal> {
        match content_type {
            "application/merge-patch+json" => Ok(Self::Merge),
            "application/strategic-merge-patch+json" => Ok(Self::Strategic),
            "application/json-patch+json" => Ok(Self::Json),
            other => Err(Refusal::new(
                415,
                format!(
                    "the body of the request was in an unknown format ({other:?}) - accepted \
                     media types include: application/json-patch+json, \
                     application/merge-patch+json, application/strategic-merge-patch+json"
                ),
            )),
        }
    }

    /// What becomes of an object.
    pub fn apply(self, object: &Value, patch: &Value) -> Result<Value, Refusal> {
        let mut object = object.clone();
        match (self, &mut object, patch) {
            (Self::Json, object, patch) => json::apply(object, patch)?,
            (Self::Merge, Value::Object(object), Value::Object(patch)) => merge(object, patch),
            (Self::Strategic, Value::Object(object), Value::Object(patch)) => {
                strategic::merge(object, patch)?;
            }
            _ => return Err(Refusal::bad("a patch of this type is an object")),
        }
        if object.is_object() { Ok(object) } else { Err(Refusal::bad("a patch leaves no object")) }
    }
}

fn merge(object: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (key, value) in patch {
        match value {
            Value::Null => _ = object.shift_remove(key),
            Value::Object(patch) => {
                let slot = object.entry(key).or_insert(Value::Null);
                if !slot.is_object() {
                    *slot = Value::Object(Map::new());
                }
                if let Value::Object(inner) = slot {
                    merge(inner, patch);
                }
            }
            plain => _ = object.insert(key.clone(), plain.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
