//! Claims.

use serde_json::{Value, json};

use super::{
    Reader, View, Writer, elements, is_block, mode_text, modes, modes_text, one_of, size,
    size_text, text, time, time_text,
};
use crate::{
    apiserver::refusal::Refusal,
    generator::orchestrator::{
        conditions::{Condition, ConditionKind, Conditions},
        objects::{Claim, ClaimPhase, Resize},
        quantity,
    },
};

impl View for Claim {
    type Object = Self;

    fn write(object: &Self, writer: &Writer<'_>) -> Value {
        let source = (!object.source.is_none()).then(|| {
            // Snapshots are not served, so it can only be another claim.
            json!({ "kind": "PersistentVolumeClaim", "name": writer.text(object.source) })
        });
        let conditions: Vec<Value> =
            object.conditions.iter().map(|c| condition(writer, c)).collect();
        json!({
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": writer.meta(&object.meta),
            "spec": {
                "accessModes": modes_text(object.modes),
                "resources": { "requests": { "storage": quantity::show(object.request) } },
                "volumeName": writer.text(object.volume),
                "storageClassName": writer.text(object.class),
                "volumeMode": mode_text(object.block),
                "dataSource": source,
            },
            "status": {
                "phase": object.phase.text(),
                "accessModes": (object.capacity > 0).then(|| modes_text(object.modes)),
                "capacity": { "storage": size_text(object.capacity) },
                "allocatedResources": { "storage": object.allocated.map(quantity::show) },
                "allocatedResourceStatuses": { "storage": object.resize.map(Resize::text) },
                "conditions": conditions,
            },
        })
    }

    fn read(object: &mut Self, reader: &mut Reader<'_>, json: &Value) -> Result<(), Refusal> {
        reader.meta(&mut object.meta, json)?;
        object.modes = modes(json, "/spec/accessModes")?;
        object.request = size(json, "/spec/resources/requests/storage")?.unwrap_or_default();
        object.volume = reader.name(json, "/spec/volumeName")?;
        object.class = reader.name(json, "/spec/storageClassName")?;
        object.block = is_block(json)?;
        object.source = reader.name(json, "/spec/dataSource/name")?;
        object.phase = one_of(json, "/status/phase", ClaimPhase::parse)?;
        object.capacity = size(json, "/status/capacity/storage")?.unwrap_or_default();
        object.allocated = size(json, "/status/allocatedResources/storage")?;
        object.resize = one_of(json, "/status/allocatedResourceStatuses/storage", |text| {
            Resize::parse(text).map(Some)
        })?;
        object.conditions = conditions(reader, json, &object.conditions)?;
        Ok(())
    }
}

fn condition(writer: &Writer<'_>, condition: &Condition) -> Value {
    json!({
        "type": condition.kind.text(),
        "status": "True",
        "lastTransitionTime": time_text(condition.since),
        "message": writer.text(condition.message),
    })
}

/// Those of resizing that are true; nobody sets others here.
fn conditions(
    reader: &mut Reader<'_>,
    object: &Value,
    held: &Conditions,
) -> Result<Conditions, Refusal> {
    let mut conditions = Conditions::default();
    for element in elements(object, "/status/conditions")? {
        let Some(kind) = ConditionKind::parse(text(element, "/type")?) else { continue };
        if text(element, "/status")? != "True" {
            continue;
        }
        let before = held.get(kind).map(|condition| condition.since);
        let since = time(text(element, "/lastTransitionTime")?, before);
        let message = reader.name(element, "/message")?;
        conditions.set(Condition { kind, message, since: since.or(before).unwrap_or_default() });
    }
    Ok(conditions)
}
