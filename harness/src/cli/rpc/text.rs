//! Answers as csc prints them, byte for byte where csc knows the method, so that scripts around csc
//! go on working. Entries of a map are sorted; csc shows them in any order.

use std::{collections::BTreeMap, fmt::Write as _};

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, ReflectMessage as _, Value};

use super::{method::Method, request::Draft};
use crate::words::clean;

type Render = fn(&Draft, &DynamicMessage) -> String;

/// What csc prints, by method. An empty answer is the word it was asked about.
const RENDERS: &[(&str, Render)] = &[
    ("GetPluginInfo", |_, reply| {
        let pairs = pairs(&map(reply, "manifest"), |k, v| format!("\t{k}={v}"));
        format!("{}\t{}{pairs}\n", quoted(reply, "name"), quoted(reply, "vendor_version"))
    }),
    ("GetPluginCapabilities", |_, reply| {
        let inner = |one: &DynamicMessage| {
            one.fields().find_map(|(_, value)| Some(word(value.as_message()?, "type")))
        };
        list(reply, "capabilities").iter().filter_map(inner).map(|word| word + "\n").collect()
    }),
    ("Probe", |_, reply| {
        // Without a word about it, a driver is ready.
        let ready = message(reply, "ready").is_none_or(|ready| flag(&ready, "value"));
        format!("{ready}\n")
    }),
    ("CreateVolume", |_, reply| message(reply, "volume").map_or_else(String::new, |v| volume(&v))),
    ("ListVolumes", |_, reply| listing(reply, "volume", volume)),
    ("ControllerGetVolume", |_, reply| {
        message(reply, "volume").map_or_else(String::new, |v| volume(&v))
    }),
    ("CreateSnapshot", |_, reply| {
        message(reply, "snapshot").map_or_else(String::new, |s| snapshot(&s))
    }),
    ("GetSnapshot", |_, reply| {
        message(reply, "snapshot").map_or_else(String::new, |s| snapshot(&s))
    }),
    ("ListSnapshots", |_, reply| listing(reply, "snapshot", snapshot)),
    ("GetCapacity", |_, reply| format!("{}\n", number(reply, "available_capacity"))),
    ("ControllerExpandVolume", |_, reply| format!("{}\n", number(reply, "capacity_bytes"))),
    ("NodeExpandVolume", |_, reply| format!("{}\n", number(reply, "capacity_bytes"))),
    ("ControllerPublishVolume", |draft, reply| {
        let pairs = pairs(&map(reply, "publish_context"), |k, v| format!("\t{k}={v}"));
        format!("{}{pairs}\n", quote(&draft.subject))
    }),
    ("ValidateVolumeCapabilities", |draft, reply| {
        let confirmed = message(reply, "confirmed").map_or("<nil>".to_owned(), |m| compact(&m));
        let said = text(reply, "message");
        let said = if said.is_empty() { said } else { format!("\t{}", quote(&said)) };
        format!("{}\t{confirmed}{said}\n", quote(&draft.subject))
    }),
    ("ControllerGetCapabilities", |_, reply| capabilities(reply)),
    ("NodeGetCapabilities", |_, reply| capabilities(reply)),
    ("GroupControllerGetCapabilities", |_, reply| capabilities(reply)),
    ("NodeGetVolumeStats", |draft, reply| {
        let usage = |one: &DynamicMessage| {
            let figures = ["available", "total", "used"].map(|name| number(one, name));
            let [available, total, used] = figures;
            format!("{available}\t{total}\t{used}\t{}\n", word(one, "unit"))
        };
        let rows: String = list(reply, "usage").iter().map(usage).collect();
        format!("{}\t{}\t{rows}", draft.subject, text(&draft.message, "volume_path"))
    }),
    ("NodeGetInfo", |_, reply| {
        let topology = message(reply, "accessible_topology");
        let topology = topology.map_or("(*csi.Topology)(nil)".to_owned(), |t| go_syntax(&t));
        format!(
            "{}\t{}\t{topology}\n",
            clean(&text(reply, "node_id")),
            number(reply, "max_volumes_per_node")
        )
    }),
];

/// The answer in csc's words; `None`: csc has none.
pub fn render(method: &Method, draft: &Draft, reply: &DynamicMessage) -> Option<String> {
    let name = method.0.name();
    // csc speaks CSI 1 only, and other dialects name their fields otherwise.
    let is_known = method.0.parent_file().package_name() == "csi.v1";
    if is_known && let Some((_, render)) = RENDERS.iter().find(|(known, _)| *known == name) {
        return Some(render(draft, reply));
    }
    let empty = method.0.output().fields().len() == 0;
    empty.then(|| format!("{}\n", draft.subject))
}

fn volume(volume: &DynamicMessage) -> String {
    let context = map(volume, "volume_context");
    let tab = if context.is_empty() { "" } else { "\t" };
    let context = pairs(&context, |k, v| format!("{k}={v}\t"));
    format!("{}\t{}{tab}{context}\n", quoted(volume, "volume_id"), number(volume, "capacity_bytes"))
}

fn snapshot(snapshot: &DynamicMessage) -> String {
    let time = message(snapshot, "creation_time").map_or("<nil>".to_owned(), |m| compact(&m));
    format!(
        "{}\t{}\t{}\t{time}\t{}\n",
        quoted(snapshot, "snapshot_id"),
        number(snapshot, "size_bytes"),
        clean(&text(snapshot, "source_volume_id")),
        flag(snapshot, "ready_to_use"),
    )
}

fn listing(reply: &DynamicMessage, of: &str, row: fn(&DynamicMessage) -> String) -> String {
    let entries = list(reply, "entries");
    let rows = entries.iter().filter_map(|entry| message(entry, of)).map(|one| row(&one));
    let token = text(reply, "next_token");
    let last = if token.is_empty() { token } else { format!("token={}\n", quote(&token)) };
    rows.chain([last]).collect()
}

/// As Go prints a pointer to a struct that holds a message.
fn capabilities(reply: &DynamicMessage) -> String {
    let row = |one: &DynamicMessage| {
        let inner = one.fields().find_map(|(_, value)| value.as_message().map(compact));
        inner.map_or("<nil>\n".to_owned(), |inner| format!("&{{{inner}}}\n"))
    };
    list(reply, "capabilities").iter().map(row).collect()
}

/// As Go's `%#v` prints csc's type of a topology.
fn go_syntax(topology: &DynamicMessage) -> String {
    let segments: Vec<String> = map(topology, "segments")
        .iter()
        .map(|(k, v)| format!("{}:{}", quote(k), quote(v)))
        .collect();
    format!(
        "&csi.Topology{{Segments:map[string]string{{{}}}, XXX_NoUnkeyedLiteral:struct {{}}{{}}, \
         XXX_unrecognized:[]uint8(nil), XXX_sizecache:0}}",
        segments.join(", ")
    )
}

/// The old compact text form of a message: `name:value ` for each field.
fn compact(message: &DynamicMessage) -> String {
    message.fields().map(|(field, value)| compact_field(&field, value)).collect()
}

fn compact_field(field: &FieldDescriptor, value: &Value) -> String {
    let one = |value: &Value| match value {
        Value::Message(inner) => format!("{}:<{}> ", field.name(), compact(inner)),
        Value::String(text) => format!("{}:{} ", field.name(), quote(text)),
        Value::EnumNumber(number) => format!("{}:{} ", field.name(), enum_word(field, *number)),
        Value::Bool(value) => format!("{}:{value} ", field.name()),
        other => format!("{}:{} ", field.name(), as_number(other)),
    };
    match value {
        Value::List(list) => list.iter().map(one).collect(),
        Value::Map(map) => {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let sorted: BTreeMap<String, String> = map
                .iter()
                .map(|(k, v)| (k.as_str().unwrap_or_default().to_owned(), text(v)))
                .collect();
            let entry = |(k, v): (&String, &String)| {
                format!("{}:<key:{} value:{} > ", field.name(), quote(k), quote(v))
            };
            sorted.iter().map(entry).collect()
        }
        single => one(single),
    }
}

/// Go's `%q`.
fn quote(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            c if c.is_ascii_control() => drop(write!(out, "\\x{:02x}", c as u32)),
            c if c.is_control() => drop(write!(out, "\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn pairs(map: &BTreeMap<String, String>, row: fn(&str, &str) -> String) -> String {
    map.iter().map(|(key, value)| row(&quote(key), &quote(value))).collect()
}

fn text(of: &DynamicMessage, name: &str) -> String {
    let value = of.get_field_by_name(name);
    value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn quoted(of: &DynamicMessage, name: &str) -> String {
    quote(&text(of, name))
}

fn number(of: &DynamicMessage, name: &str) -> i64 {
    of.get_field_by_name(name).map_or(0, |value| as_number(&value))
}

fn as_number(value: &Value) -> i64 {
    value.as_i64().or_else(|| value.as_i32().map(i64::from)).unwrap_or_default()
}

fn flag(of: &DynamicMessage, name: &str) -> bool {
    of.get_field_by_name(name).and_then(|value| value.as_bool()).unwrap_or_default()
}

fn message(of: &DynamicMessage, name: &str) -> Option<DynamicMessage> {
    if !of.has_field_by_name(name) {
        return None;
    }
    of.get_field_by_name(name).and_then(|value| value.as_message().cloned())
}

fn list(of: &DynamicMessage, name: &str) -> Vec<DynamicMessage> {
    let value = of.get_field_by_name(name);
    let list = value.as_deref().and_then(Value::as_list).unwrap_or_default();
    list.iter().filter_map(Value::as_message).cloned().collect()
}

fn map(of: &DynamicMessage, name: &str) -> BTreeMap<String, String> {
    let value = of.get_field_by_name(name);
    let entries = value.as_deref().and_then(Value::as_map).into_iter().flatten();
    let text = |(key, value): (&prost_reflect::MapKey, &Value)| {
        Some((key.as_str()?.to_owned(), value.as_str()?.to_owned()))
    };
    entries.filter_map(text).collect()
}

/// The name of an enum's value, or its number.
fn word(of: &DynamicMessage, name: &str) -> String {
    let field = of.descriptor().get_field_by_name(name);
    let number = of.get_field_by_name(name).and_then(|value| value.as_enum_number());
    field.zip(number).map_or_else(String::new, |(field, number)| enum_word(&field, number))
}

fn enum_word(field: &FieldDescriptor, number: i32) -> String {
    let Kind::Enum(words) = field.kind() else { return number.to_string() };
    words.get_value(number).map_or_else(|| number.to_string(), |value| value.name().to_owned())
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeSeed as _;

    use super::{super::method::Methods, *};

    /// What a person sees, given an answer as JSON.
    fn shown(method: &str, subject: &str, reply: &str) -> String {
        let method = Methods::load().unwrap().find(&[method]).unwrap().method;
        let mut reader = serde_json::Deserializer::from_str(reply);
        let reply = method.0.output().deserialize(&mut reader).unwrap();
        let message = DynamicMessage::new(method.0.input());
        let draft = Draft { message, subject: subject.to_owned() };
        render(&method, &draft, &reply).unwrap_or_else(|| "(JSON)\n".to_owned())
    }

    #[test]
    fn every_answer_as_csc_has_it() {
        let answers = [
            (
                "GetPluginInfo",
                "",
                r#"{"name":"csi.example","vendorVersion":"v1","manifest":{"b":"2","a":"x\ny"}}"#,
            ),
            (
                "GetPluginCapabilities",
                "",
                r#"{"capabilities":[{"service":{"type":"CONTROLLER_SERVICE"}},
                {"volumeExpansion":{"type":"ONLINE"}},{"service":{"type":77}},{}]}"#,
            ),
            ("Probe", "", "{}"),
            ("Probe", "", r#"{"ready":false}"#),
            (
                "CreateVolume",
                "n",
                r#"{"volume":{"volumeId":"v-1","capacityBytes":"1024","volumeContext":{"k":"v","a":"b"}}}"#,
            ),
            ("CreateVolume", "n", r#"{"volume":{"volumeId":"v\"2"}}"#),
            ("DeleteVolume", "v-1", "{}"),
            (
                "ListVolumes",
                "",
                r#"{"entries":[{"volume":{"volumeId":"v-1","capacityBytes":"5"}},{}],"nextToken":"t"}"#,
            ),
            (
                "CreateSnapshot",
                "n",
                r#"{"snapshot":{"snapshotId":"s","sizeBytes":"9","sourceVolumeId":"v",
                "creationTime":"2020-01-01T00:00:01.000000002Z","readyToUse":true}}"#,
            ),
            ("ListSnapshots", "", r#"{"entries":[{"snapshot":{"snapshotId":"s"}}]}"#),
            ("GetCapacity", "", r#"{"availableCapacity":"7"}"#),
            ("ControllerPublishVolume", "v-1", r#"{"publishContext":{"lun":"3"}}"#),
            ("ControllerUnpublishVolume", "v-1", "{}"),
            (
                "ValidateVolumeCapabilities",
                "v-1",
                r#"{"confirmed":{"volumeCapabilities":[
                {"mount":{"fsType":"ext4"},"accessMode":{"mode":"SINGLE_NODE_WRITER"}}],"parameters":{"k":"v"}}}"#,
            ),
            ("ValidateVolumeCapabilities", "v-1", r#"{"message":"not block"}"#),
            (
                "ControllerGetCapabilities",
                "",
                r#"{"capabilities":[{"rpc":{"type":"EXPAND_VOLUME"}},{"rpc":{}},{}]}"#,
            ),
            (
                "NodeGetCapabilities",
                "",
                r#"{"capabilities":[{"rpc":{"type":"STAGE_UNSTAGE_VOLUME"}},{"rpc":{"type":99}}]}"#,
            ),
            (
                "ControllerExpandVolume",
                "v-1",
                r#"{"capacityBytes":"2048","nodeExpansionRequired":true}"#,
            ),
            ("NodeExpandVolume", "v-1", r#"{"capacityBytes":"2048"}"#),
            ("NodeStageVolume", "v-1", "{}"),
            ("NodePublishVolume", "v-1", "{}"),
            (
                "NodeGetVolumeStats",
                "v-1",
                r#"{"usage":[{"available":"1","total":"3","used":"2","unit":"BYTES"},
                {"available":"4","total":"9","used":"5","unit":"INODES"}]}"#,
            ),
            ("NodeGetInfo", "", r#"{"nodeId":"n-1","maxVolumesPerNode":"8"}"#),
            (
                "NodeGetInfo",
                "",
                r#"{"nodeId":"n-1","accessibleTopology":{"segments":{"zone":"z1"}}}"#,
            ),
            ("GetVolumeGroupSnapshot", "g", "{}"),
        ];
        let show = |(method, subject, reply): &(&str, &str, &str)| {
            format!("{method}\n{}\n", shown(method, subject, reply))
        };
        insta::assert_snapshot!(answers.iter().map(show).collect::<String>());
    }
}
