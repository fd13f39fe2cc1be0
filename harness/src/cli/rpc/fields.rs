//! The flags of a method: its request's fields by their own names, and by csc's.

use clap::{Arg, ArgAction, ArgMatches, Command, parser::ValueSource};
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::method::Method;
use crate::{cli::outcome::Failure, target::profile::parse_bytes};

/// csc's flags that are another name for a field's.
const ALIASES: &[(&str, &str)] = &[
    ("req-bytes", "required-bytes"),
    ("lim-bytes", "limit-bytes"),
    ("cap", "volume-capability"),
    ("cap", "volume-capabilities"),
    ("params", "parameters"),
    ("vol-context", "volume-context"),
    ("pub-context", "publish-context"),
    ("read-only", "readonly"),
    ("source-volume", "source-volume-id"),
];

/// csc's flags for a field deep inside a request that has no flag of its own.
const DEEP: &[(&str, &[&str])] = &[
    ("source-volume", &["volume_content_source", "volume", "volume_id"]),
    ("source-snapshot", &["volume_content_source", "snapshot", "snapshot_id"]),
];

/// A flag, and the place of its value in the request.
struct Flag {
    name: String,
    path: Vec<String>,
    takes: Takes,
    many: bool,
}

/// What its value looks like.
enum Takes {
    Text,
    Size,
    Switch,
    Word(EnumDescriptor),
    Pairs,
    Capability(EnumDescriptor),
    Json,
}

/// Whether a request has that place.
fn has(request: &MessageDescriptor, path: &[&str]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    match request.get_field_by_name(first).map(|field| field.kind()) {
        Some(Kind::Message(inner)) => has(&inner, rest),
        Some(_) => rest.is_empty(),
        None => false,
    }
}

/// A value for a place in the request.
pub type Given = Vec<(Vec<String>, Value)>;

/// Adds a method's flags to its command.
pub fn with_flags(command: Command, method: &Method) -> Command {
    flags(&method.0.input()).into_iter().fold(command, |command, flag| command.arg(flag.arg()))
}

/// The values that were given by flags.
pub fn given(method: &Method, matches: &ArgMatches) -> Result<Given, Failure> {
    let mut given = Given::new();
    for flag in flags(&method.0.input()) {
        if matches.value_source(&flag.name) != Some(ValueSource::CommandLine) {
            continue;
        }
        let words: Vec<&String> = matches.get_many(&flag.name).into_iter().flatten().collect();
        given.push((flag.path.clone(), flag.value(&words)?));
    }
    Ok(given)
}

fn flags(request: &MessageDescriptor) -> Vec<Flag> {
    let mut flags = Vec::new();
    for field in request.fields().filter(|field| !is_secret(field)) {
        let path = vec![field.name().to_owned()];
        match field.kind() {
            Kind::Message(inner) if is_plain(&inner) && !field.is_list() && !field.is_map() => {
                let inside = |leaf: FieldDescriptor| {
                    Flag::new(&leaf, vec![path[0].clone(), leaf.name().to_owned()])
                };
                flags.extend(inner.fields().map(inside));
            }
            _ => flags.push(Flag::new(&field, path)),
        }
    }
    for (name, path) in DEEP.iter().filter(|(_, path)| has(request, path)) {
        let path = path.iter().map(ToString::to_string).collect();
        flags.push(Flag { name: (*name).to_owned(), path, takes: Takes::Text, many: false });
    }
    flags
}

/// Marked `csi_secret`: neither a flag, which other users see in the list of processes, nor shown.
pub fn is_secret(field: &FieldDescriptor) -> bool {
    let options = field.options();
    options
        .extensions()
        .any(|(option, value)| option.name() == "csi_secret" && value.as_bool() == Some(true))
}

/// A message of scalars, such as a CapacityRange: its fields are flags themselves.
fn is_plain(message: &MessageDescriptor) -> bool {
    let scalar = |field: &FieldDescriptor| {
        !field.is_list() && !matches!(field.kind(), Kind::Message(_)) && !field.is_map()
    };
    message.package_name() != "google.protobuf"
        && message.fields().len() > 0
        && message.fields().all(|field| scalar(&field))
}

impl Flag {
    fn new(field: &FieldDescriptor, path: Vec<String>) -> Self {
        let takes = match field.kind() {
            Kind::Message(_) if field.is_map() => Takes::Pairs,
            Kind::Message(inner) if inner.name() == "VolumeCapability" => {
                modes(&inner).map_or(Takes::Json, Takes::Capability)
            }
            Kind::Message(_) => Takes::Json,
            Kind::Bool => Takes::Switch,
            Kind::Enum(words) => Takes::Word(words),
            Kind::Int64 if field.name().ends_with("_bytes") => Takes::Size,
            _ => Takes::Text,
        };
        let name = field.name().replace('_', "-");
        Self { name, path, takes, many: field.is_list() || field.is_map() }
    }

    fn arg(self) -> Arg {
        let aliases = ALIASES.iter().filter(|(_, name)| *name == self.name);
        let help = format!("{}{}", self.path.join("."), if self.many { " (repeated)" } else { "" });
        let action = if self.many { ArgAction::Append } else { ArgAction::Set };
        let arg = Arg::new(self.name.clone())
            .long(self.name.clone())
            .help_heading("Request")
            .help(help)
            .visible_aliases(aliases.map(|(alias, _)| *alias))
            .action(action);
        match self.takes {
            Takes::Text => arg.value_name("TEXT"),
            Takes::Size => arg.value_name("SIZE"),
            Takes::Switch => arg
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                .value_parser(["true", "false"])
                .value_name("BOOL"),
            Takes::Word(words) => {
                let words: Vec<String> = words.values().map(|v| v.name().to_owned()).collect();
                arg.value_name("WORD").value_parser(words)
            }
            Takes::Pairs => arg.value_name("KEY=VALUE,…"),
            Takes::Capability(_) => arg.value_name("MODE,block | MODE,mount,FS[,FLAG,…]"),
            Takes::Json => arg.value_name("JSON"),
        }
    }

    fn value(&self, words: &[&String]) -> Result<Value, Failure> {
        if let Takes::Pairs = self.takes {
            let pairs = words.iter().flat_map(|word| pairs(word));
            return Ok(Value::Object(pairs.map(|(key, value)| (key, json!(value))).collect()));
        }
        let mut values = words.iter().map(|word| self.one(word)).collect::<Result<Vec<_>, _>>()?;
        Ok(match values.pop() {
            Some(last) if !self.many => last,
            last => values.into_iter().chain(last).collect(),
        })
    }

    fn one(&self, word: &str) -> Result<Value, Failure> {
        let wrong = |why: &dyn std::fmt::Display| {
            Failure::usage(format!("--{} `{word}`: {why}", self.name))
        };
        match &self.takes {
            Takes::Text | Takes::Word(_) | Takes::Pairs => Ok(json!(word)),
            Takes::Size if word.starts_with('-') => Ok(json!(word)),
            Takes::Size => parse_bytes(word).map(|n| json!(n.to_string())).map_err(|e| wrong(&e)),
            Takes::Switch => Ok(json!(word == "true")),
            Takes::Capability(modes) => capability(word, modes).map_err(|why| wrong(&why)),
            Takes::Json => serde_json::from_str(word).map_err(|error| wrong(&error)),
        }
    }
}

/// `key=value,key=value`, as csc reads it; a word without `=` is a key with an empty value.
pub fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    text.split(',').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key.to_owned(), value.to_owned())
    })
}

/// csc's short form: `MODE,block`, `MODE,mount,FS,FLAG,…`, words or the protocol's numbers.
fn capability(text: &str, modes: &EnumDescriptor) -> Result<Value, String> {
    let form = "write `SINGLE_NODE_WRITER,mount,ext4` or `SINGLE_NODE_WRITER,block`";
    if text.starts_with('{') {
        return serde_json::from_str(text).map_err(|error| error.to_string());
    }
    let mut parts = text.split(',');
    let word = parts.next().unwrap_or_default();
    let by_number = || modes.get_value(word.parse().ok()?);
    let mode = modes.get_value_by_name(word).or_else(by_number).ok_or_else(|| {
        let known: Vec<String> = modes.values().map(|value| value.name().to_owned()).collect();
        format!("`{word}` is no access mode; there are {}", known.join(", "))
    })?;
    let mut capability = Map::new();
    match parts.next().unwrap_or_default() {
        "block" | "1" => capability.insert("block".into(), json!({})),
        "mount" | "2" => {
            let fs_type = parts.next().unwrap_or_default();
            let flags: Vec<&str> = parts.collect();
            let mount = json!({ "fs_type": fs_type, "mount_flags": flags });
            capability.insert("mount".into(), mount)
        }
        other => return Err(format!("`{other}` is no access type; {form}")),
    };
    capability.insert("access_mode".into(), json!({ "mode": mode.name() }));
    Ok(Value::Object(capability))
}

/// The access modes, wherever the dialect has them.
fn modes(capability: &MessageDescriptor) -> Option<EnumDescriptor> {
    let Kind::Message(access_mode) = capability.get_field_by_name("access_mode")?.kind() else {
        return None;
    };
    match access_mode.get_field_by_name("mode")?.kind() {
        Kind::Enum(modes) => Some(modes),
        _ => None,
    }
}
