//! Recordings as they lie on disk, and what each line says.

use std::{collections::BTreeMap, fs, path::Path};

use csi_stretch::generator::orchestrator::{conditions::ConditionKind, objects::Resize, quantity};
use serde_json::Value;

/// One recorded run.
#[derive(Clone, Debug)]
pub struct Recording {
    pub name: String,
    /// User edits, patches and events, in order.
    pub api: Vec<Value>,
    /// Every call, in order; its clock is not that of `api`.
    pub calls: Vec<Value>,
    /// `runs.json` on it.
    pub run: Value,
}

impl Recording {
    pub fn all(folder: &Path) -> Vec<Self> {
        let runs = fs::read_to_string(folder.join("runs.json")).unwrap_or_else(|_| "{}".to_owned());
        let runs: BTreeMap<String, Value> = serde_json::from_str(&runs).unwrap();
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .flatten()
            .filter_map(|entry| {
                Some(entry.file_name().to_str()?.strip_suffix(".api.jsonl")?.to_owned())
            })
            .collect();
        names.sort();
        let lines = |name: &str, kind: &str| -> Vec<Value> {
            let text = fs::read_to_string(folder.join(format!("{name}.{kind}.jsonl"))).unwrap();
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        let read = |name: String| Self {
            api: lines(&name, "api"),
            calls: lines(&name, "rpc"),
            run: runs.get(&name).cloned().unwrap_or(Value::Null),
            name,
        };
        names.into_iter().map(read).collect()
    }

    pub fn patches(&self) -> usize {
        self.api.iter().filter(|line| line["act"] == "PATCH").count()
    }

    /// The calls that expand a volume.
    pub fn expansions(&self) -> impl Iterator<Item = &Value> {
        self.calls.iter().filter(|call| call["rpc"] == "ControllerExpandVolume")
    }

    pub fn driver_expands(&self) -> bool {
        self.calls.iter().all(|call| call["rpc"] != "NodeGetCapabilities")
    }
}

/// What a patch changes, as far as it is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::option_option, reason = "not touched, removed, or set")]
pub struct Content {
    pub volume: bool,
    pub version: Option<u64>,
    pub capacity: Option<u64>,
    pub allocated: Option<Option<u64>>,
    pub resize: Option<Option<Resize>>,
    /// Set anew, with this message; `None`: dropped.
    pub conditions: BTreeMap<&'static str, Option<String>>,
    pub annotations: BTreeMap<String, Option<String>>,
    /// All conditions afterwards, where the patch says so.
    pub order: Option<Vec<&'static str>>,
}

/// Reads a recorded strategic merge patch. A word that is not known is an error: nothing of a
/// recording is passed over in silence. `held`: the conditions before it.
pub fn content(line: &Value, held: &[ConditionKind]) -> Result<Content, String> {
    let body = &line["body"];
    let mut content = Content { volume: line["kind"] == "persistentvolumes", ..Content::default() };
    for (key, value) in object(body) {
        match key.as_str() {
            "metadata" => metadata(value, &mut content)?,
            "spec" => content.capacity = quantity_of(&value["capacity"]),
            "status" => status(value, held, &mut content)?,
            other => return Err(format!("unknown word {other} in {body}")),
        }
    }
    Ok(content)
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn quantity_of(value: &Value) -> Option<u64> {
    quantity::parse(value["storage"].as_str()?)
}

fn metadata(value: &Value, content: &mut Content) -> Result<(), String> {
    for (key, value) in object(value) {
        match key.as_str() {
            "resourceVersion" => content.version = value.as_str().and_then(|v| v.parse().ok()),
            // The only one that was there is removed with the whole map.
            "annotations" if value.is_null() => {
                let only = "volume.alpha.kubernetes.io/pre-resize-capacity";
                content.annotations.insert(only.to_owned(), None);
            }
            "annotations" => content.annotations.extend(
                object(value).map(|(key, value)| (key.clone(), value.as_str().map(str::to_owned))),
            ),
            other => return Err(format!("unknown metadata {other}")),
        }
    }
    Ok(())
}

fn status(value: &Value, held: &[ConditionKind], content: &mut Content) -> Result<(), String> {
    let kind = |value: &Value| {
        let text = value["type"].as_str().unwrap_or_default();
        ConditionKind::parse(text).map(ConditionKind::text).ok_or(format!("condition {text}"))
    };
    for (key, value) in object(value) {
        match key.as_str() {
            "allocatedResources" => content.allocated = Some(quantity_of(value)),
            "allocatedResourceStatuses" => {
                content.resize = Some(value["storage"].as_str().and_then(Resize::parse));
            }
            "capacity" => content.capacity = quantity_of(value),
            "conditions" if value.is_null() => {
                content.conditions.extend(held.iter().map(|kind| (kind.text(), None)));
            }
            "conditions" => {
                for condition in value.as_array().into_iter().flatten() {
                    if condition["$patch"] == "delete" {
                        content.conditions.insert(kind(condition)?, None);
                    } else if !condition["status"].is_null() || !condition["message"].is_null() {
                        let message = condition["message"].as_str().unwrap_or_default();
                        content.conditions.insert(kind(condition)?, Some(message.to_owned()));
                    }
                }
            }
            "$setElementOrder/conditions" => {
                let kinds: Result<Vec<_>, _> =
                    value.as_array().into_iter().flatten().map(kind).collect();
                let mut kinds = kinds?;
                kinds.sort_unstable();
                content.order = Some(kinds);
            }
            other => return Err(format!("unknown status {other}")),
        }
    }
    Ok(())
}
