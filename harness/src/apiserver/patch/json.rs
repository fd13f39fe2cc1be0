//! JSON Patch: operations one after the other, all or none.

use serde_json::Value;

use crate::apiserver::refusal::Refusal;

pub fn apply(object: &mut Value, operations: &Value) -> Result<(), Refusal> {
    let operations = operations.as_array().ok_or_else(|| Refusal::bad("a JSON patch is a list"))?;
    for operation in operations {
        let field = |name: &str| operation.get(name).and_then(Value::as_str);
        let path = field("path").ok_or_else(|| Refusal::bad("an operation has no path"))?;
        let value = operation.get("value").cloned().unwrap_or(Value::Null);
        match field("op") {
            Some("add") => add(object, path, value)?,
            Some("remove") => _ = take(object, path)?,
            Some("replace") => {
                take(object, path)?;
                add(object, path, value)?;
            }
            Some("test") => {
                // What is not there equals null, as the API server has it.
                if object.pointer(path).unwrap_or(&Value::Null) != &value {
                    return Err(failed("test", path));
                }
            }
            Some(op @ ("move" | "copy")) => {
                let from = field("from").ok_or_else(|| Refusal::bad("an operation has no from"))?;
                let value = match op {
                    "move" => take(object, from)?,
                    _ => object.pointer(from).cloned().ok_or_else(|| failed(op, from))?,
                };
                add(object, path, value)?;
            }
            other => return Err(Refusal::bad(format!("unknown operation {other:?}"))),
        }
    }
    Ok(())
}

/// Inserts into a list, or sets a field.
fn add(object: &mut Value, path: &str, value: Value) -> Result<(), Refusal> {
    if path.is_empty() {
        *object = value;
        return Ok(());
    }
    let (above, last) = parent(object, path).ok_or_else(|| failed("add", path))?;
    match above {
        Value::Object(map) => _ = map.insert(last, value),
        Value::Array(elements) if last == "-" => elements.push(value),
        Value::Array(elements) => {
            let at = index(&last).filter(|at| *at <= elements.len());
            elements.insert(at.ok_or_else(|| failed("add", path))?, value);
        }
        _ => return Err(failed("add", path)),
    }
    Ok(())
}

fn take(object: &mut Value, path: &str) -> Result<Value, Refusal> {
    let (above, last) = parent(object, path).ok_or_else(|| failed("remove", path))?;
    let taken = match above {
        Value::Object(map) => map.shift_remove(&last),
        Value::Array(elements) => {
            index(&last).filter(|at| *at < elements.len()).map(|at| elements.remove(at))
        }
        _ => None,
    };
    taken.ok_or_else(|| failed("remove", path))
}

fn parent<'a>(object: &'a mut Value, path: &str) -> Option<(&'a mut Value, String)> {
    let (above, last) = path.rsplit_once('/')?;
    Some((object.pointer_mut(above)?, last.replace("~1", "/").replace("~0", "~")))
}

/// A list's index as the standard has it: no sign, no leading zero.
fn index(text: &str) -> Option<usize> {
    let plain = text == "0" || !text.starts_with(['0', '+']);
    plain.then(|| text.parse().ok())?
}

fn failed(operation: &str, path: &str) -> Refusal {
    Refusal::new(422, format!("the patch does not fit the object: {operation} of {path} failed"))
}
