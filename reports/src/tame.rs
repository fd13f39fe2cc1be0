//! Makes a copy of a report whose strings are harmless in any format: no control characters, no
//! hidden or direction-changing ones, no string without end. A driver chooses many of them, so this
//! is done once for all fields, and no renderer can forget one. Escaping stays with the formats.

use csi_stretch_oracle::report::Report;
use serde_json::Value;

use crate::text;

/// Longest request or response, bytes.
const EXCHANGE_BYTES_MAX: usize = 4096;
/// Longest of any other string, bytes.
const STRING_BYTES_MAX: usize = 1024;

/// The report with every string made visible and cut; all numbers and enums stay as they are.
pub fn tame(report: &Report) -> Result<Report, serde_json::Error> {
    let mut value = serde_json::to_value(report)?;
    walk(&mut value, STRING_BYTES_MAX);
    serde_json::from_value(value)
}

fn walk(value: &mut Value, limit: usize) {
    match value {
        Value::String(string) => {
            if let Some(tamed) = text::tamed(string, limit) {
                *string = tamed;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, limit)),
        Value::Object(fields) => {
            fields.iter_mut().for_each(|(key, value)| walk(value, limit_of(key)));
            if fields.keys().any(|key| text::tamed(key, STRING_BYTES_MAX).is_some()) {
                let key = |key: String| text::tamed(&key, STRING_BYTES_MAX).unwrap_or(key);
                let plain = std::mem::take(fields);
                *fields = plain.into_iter().map(|(k, value)| (key(k), value)).collect();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn limit_of(key: &str) -> usize {
    match key {
        "request" | "response" => EXCHANGE_BYTES_MAX,
        _ => STRING_BYTES_MAX,
    }
}
