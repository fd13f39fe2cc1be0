//! Bodies in the API's binary form. client-go sends what it creates in it as soon as a program asks
//! for it, and all sidecars do; answers may be JSON all the same.
//!
//! The form is a magic number, an envelope that names the kind, and the object as a protobuf message.
//! `schema` has the messages that sidecars send. A field that it does not have is refused by name:
//! dropped in silence, an object would come back as another.

use serde_json::{Map, Value, json};

use super::refusal::Refusal;

mod schema;
mod wire;

use schema::{ENVELOPE, Field, KINDS, Shape};
use wire::{Datum, Reader};

/// The type of such a body.
pub const CONTENT_TYPE: &str = "application/vnd.kubernetes.protobuf";

const MAGIC: &[u8] = b"k8s\0";

/// The object in a body.
pub fn decode(body: &[u8]) -> Result<Value, Refusal> {
    let envelope = body.strip_prefix(MAGIC).ok_or_else(|| damaged("no magic number"))?;
    let envelope = fields(envelope, ENVELOPE)?;
    let text = |name: &str| envelope.get(name).and_then(Value::as_str).unwrap_or_default();
    let (version, kind) = (text("apiVersion").to_owned(), text("kind").to_owned());
    if !text("contentEncoding").is_empty() {
        return Err(Refusal::bad("compressed objects are not read"));
    }
    let (_, message) = KINDS.iter().find(|(name, _)| *name == kind).ok_or_else(|| {
        let message = format!("{kind} is not read as {CONTENT_TYPE}: send application/json");
        Refusal::new(415, message)
    })?;
    let raw = envelope_raw(body)?;
    let mut object =
        Map::from_iter([("apiVersion".into(), version.into()), ("kind".into(), kind.into())]);
    object.extend(fields(raw, message)?);
    Ok(Value::Object(object))
}

/// The bytes of the object itself.
fn envelope_raw(body: &[u8]) -> Result<&[u8], Refusal> {
    const RAW: u32 = 2;
    let mut reader = Reader::new(body.get(MAGIC.len()..).unwrap_or_default());
    while let Some((number, datum)) = reader.next().map_err(damaged)? {
        if let (RAW, Datum::Bytes(raw)) = (number, datum) {
            return Ok(raw);
        }
    }
    Ok(&[])
}

/// What a message says, but for what is empty: that is what JSON leaves out.
fn fields(bytes: &[u8], message: &[Field]) -> Result<Map<String, Value>, Refusal> {
    let mut object = Map::new();
    let mut reader = Reader::new(bytes);
    while let Some((number, datum)) = reader.next().map_err(damaged)? {
        let field = message.iter().find(|field| field.number == number).ok_or_else(|| {
            let near = message.first().map_or("", |field| field.name);
            Refusal::bad(format!(
                "field {number} of the message with {near:?} is not read: send application/json"
            ))
        })?;
        match field.shape {
            Shape::Skipped => {}
            Shape::Inline(message) => {
                object.extend(fields(datum.bytes().map_err(damaged)?, message)?);
            }
            Shape::TextMap | Shape::QuantityMap => {
                let entry = fields(datum.bytes().map_err(damaged)?, field.shape.entry())?;
                let key = entry.get("key").and_then(Value::as_str).unwrap_or_default();
                let value = entry.get("value").cloned().unwrap_or_else(|| "".into());
                if let Value::Object(map) = object.entry(field.name).or_insert_with(|| json!({})) {
                    map.insert(key.to_owned(), value);
                }
            }
            _ => {
                let value = value(&datum, field)?;
                if !field.many {
                    if !is_empty(&value) {
                        object.insert(field.name.to_owned(), value);
                    }
                } else if let Value::Array(list) =
                    object.entry(field.name).or_insert_with(|| json!([]))
                {
                    list.push(value);
                }
            }
        }
    }
    Ok(object)
}

fn value(datum: &Datum<'_>, field: &Field) -> Result<Value, Refusal> {
    Ok(match field.shape {
        Shape::Text => datum.text().map_err(damaged)?.into(),
        Shape::Bool => (datum.int().map_err(damaged)? != 0).into(),
        Shape::Int => datum.int().map_err(damaged)?.cast_signed().into(),
        Shape::Time => time(&fields(datum.bytes().map_err(damaged)?, schema::TIME)?),
        Shape::Quantity => {
            let mut quantity = fields(datum.bytes().map_err(damaged)?, schema::QUANTITY)?;
            quantity.shift_remove("string").unwrap_or_else(|| "0".into())
        }
        Shape::Message(message) => Value::Object(fields(datum.bytes().map_err(damaged)?, message)?),
        Shape::TextMap | Shape::QuantityMap | Shape::Inline(_) | Shape::Skipped => Value::Null,
    })
}

/// As JSON has it; the zero of Go's clock is no time.
fn time(fields: &Map<String, Value>) -> Value {
    let part = |name: &str| fields.get(name).and_then(Value::as_i64).unwrap_or_default();
    let nanos = i32::try_from(part("nanos")).unwrap_or_default();
    match (part("seconds"), jiff::Timestamp::new(part("seconds"), nanos)) {
        (1.., Ok(time)) => time.to_string().into(),
        _ => Value::Null,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(yes) => !yes,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        // A message that says nothing is still there.
        Value::Object(_) => false,
    }
}

fn damaged(why: impl std::fmt::Display) -> Refusal {
    Refusal::bad(format!("the body is no {CONTENT_TYPE}: {why}"))
}

#[cfg(test)]
mod tests;
