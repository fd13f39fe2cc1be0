//! What a method takes and gives, for people.

use std::fmt::Write as _;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::{fields, method::Method};

/// Messages inside messages are shown this deep.
const DEPTH_MAX: usize = 4;

/// The method's request and answer.
pub fn describe(method: &Method) -> String {
    let stream = if method.0.is_server_streaming() { "a stream of " } else { "" };
    let (input, output) = (method.0.input(), method.0.output());
    let csc = match method.0.parent_file().package_name() {
        "csi.v0" => String::new(),
        _ => format!("in csc's words: {} {}\n", method.service(), method.verb()),
    };
    let mut text = format!("{}\n{csc}\n{}\n", method.full_name(), input.name());
    rows(&mut text, &input, 1);
    let _ = writeln!(text, "\nanswers {stream}{}", output.name());
    rows(&mut text, &output, 1);
    text
}

fn rows(text: &mut String, message: &MessageDescriptor, depth: usize) {
    for field in message.fields() {
        let name = format!("{}{}", "  ".repeat(depth), field.name());
        let _ = writeln!(text, "{name:34} {}", kind(&field));
        if let Kind::Message(inner) = field.kind()
            && !field.is_map()
            && inner.package_name() != "google.protobuf"
            && depth < DEPTH_MAX
        {
            rows(text, &inner, depth + 1);
        }
    }
}

fn kind(field: &FieldDescriptor) -> String {
    let kind = match field.kind() {
        Kind::Message(_) if field.is_map() => "map of strings".to_owned(),
        Kind::Message(inner) => inner.name().to_owned(),
        Kind::Enum(inner) => {
            let values: Vec<String> = inner.values().map(|v| v.name().to_owned()).collect();
            values.join(" | ")
        }
        scalar => format!("{scalar:?}").to_lowercase(),
    };
    let list = if field.is_list() { "list of " } else { "" };
    let one_of = field
        .containing_oneof()
        .map_or_else(String::new, |one_of| format!("  (one of {})", one_of.name()));
    let secret = if fields::is_secret(field) { "  (secret)" } else { "" };
    format!("{list}{kind}{one_of}{secret}")
}
