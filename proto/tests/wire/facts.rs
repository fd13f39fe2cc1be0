//! A protocol file as a flat list of facts, so that two files can be compared line by line.
//!
//! Every fact is a path and one line of text. Comments, the order of declarations, file names and
//! empty option blocks leave no trace: they do not change the wire. Knows nothing of CSI.

use std::collections::BTreeMap;

use prost_reflect::{
    DynamicMessage, EnumDescriptor, ExtensionDescriptor, FieldDescriptor, FileDescriptor, Kind,
    MessageDescriptor, ServiceDescriptor,
};
use protox::{
    Compiler,
    file::{ChainFileResolver, File, FileResolver, GoogleFileResolver},
};

/// Path of a declaration, and everything about it that other programs can see.
pub type Facts = BTreeMap<String, String>;

const NAME: &str = "subject.proto";

/// The facts of one protocol file, given as text.
pub fn read(source: &str) -> Result<Facts, protox::Error> {
    let mut resolver = ChainFileResolver::new();
    resolver.add(Text(source.to_owned()));
    resolver.add(GoogleFileResolver::new());
    let mut compiler = Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).open_file(NAME)?;
    let pool = compiler.descriptor_pool();
    let mut facts = Facts::new();
    for file in pool.files().filter(|f| f.name() == NAME) {
        add_file(&mut facts, &file);
    }
    Ok(facts)
}

/// Every difference, one line each: what the first has alone, the second has alone, or both differ in.
pub fn differences(ours: &Facts, theirs: &Facts) -> Vec<String> {
    let mut lines = Vec::new();
    for (path, fact) in ours {
        match theirs.get(path) {
            None => lines.push(format!("{path}: only ours: {fact}")),
            Some(other) if other != fact => {
                lines.push(format!("{path}: ours: {fact}; official: {other}"));
            }
            Some(_) => {}
        }
    }
    let missing = theirs.iter().filter(|(path, _)| !ours.contains_key(*path));
    lines.extend(missing.map(|(path, fact)| format!("{path}: only official: {fact}")));
    lines
}

/// Serves one text under one name.
struct Text(String);

impl FileResolver for Text {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        if name == NAME {
            File::from_source(NAME, &self.0)
        } else {
            Err(protox::Error::file_not_found(name))
        }
    }
}

fn add_file(facts: &mut Facts, file: &FileDescriptor) {
    let head =
        format!("package {}, {:?}{}", file.package_name(), file.syntax(), options(&file.options()));
    facts.insert("file".to_owned(), head);
    file.messages().for_each(|m| add_message(facts, &m));
    file.enums().for_each(|e| add_enum(facts, &e));
    file.extensions().for_each(|x| add_extension(facts, &x));
    file.services().for_each(|s| add_service(facts, &s));
}

fn add_message(facts: &mut Facts, message: &MessageDescriptor) {
    let path = message.full_name();
    let reserved: Vec<_> = message.reserved_ranges().collect();
    let names: Vec<_> = message.reserved_names().collect();
    let fact = format!(
        "message, reserved {reserved:?} {names:?}, extensions {:?}{}",
        message.extension_ranges().collect::<Vec<_>>(),
        options(&message.options())
    );
    facts.insert(path.to_owned(), fact);
    for oneof in message.oneofs() {
        facts.insert(oneof.full_name().to_owned(), format!("oneof{}", options(&oneof.options())));
    }
    message.fields().for_each(|f| add_field(facts, &f));
    message.child_messages().for_each(|m| add_message(facts, &m));
    message.child_enums().for_each(|e| add_enum(facts, &e));
    message.child_extensions().for_each(|x| add_extension(facts, &x));
}

fn add_field(facts: &mut Facts, field: &FieldDescriptor) {
    let oneof = field.containing_oneof().map_or_else(String::new, |o| format!(", in {}", o.name()));
    let fact = format!(
        "= {}, {:?} {}, json {}, packed {}, presence {}, default {:?}{oneof}{}",
        field.number(),
        field.cardinality(),
        type_name(&field.kind()),
        field.json_name(),
        field.is_packed(),
        field.supports_presence(),
        field.field_descriptor_proto().default_value,
        options(&field.options())
    );
    facts.insert(field.full_name().to_owned(), fact);
}

fn add_extension(facts: &mut Facts, extension: &ExtensionDescriptor) {
    let fact = format!(
        "extends {} = {}, {:?} {}{}",
        extension.containing_message().full_name(),
        extension.number(),
        extension.cardinality(),
        type_name(&extension.kind()),
        options(&extension.options())
    );
    facts.insert(extension.full_name().to_owned(), fact);
}

fn add_enum(facts: &mut Facts, item: &EnumDescriptor) {
    let path = item.full_name();
    let fact = format!(
        "enum, reserved {:?} {:?}{}",
        item.reserved_ranges().collect::<Vec<_>>(),
        item.reserved_names().collect::<Vec<_>>(),
        options(&item.options())
    );
    facts.insert(path.to_owned(), fact);
    for value in item.values() {
        // The enum is part of the path: protobuf's own full name of a value leaves it out.
        let fact = format!("= {}{}", value.number(), options(&value.options()));
        facts.insert(format!("{path}.{}", value.name()), fact);
    }
}

fn add_service(facts: &mut Facts, service: &ServiceDescriptor) {
    let fact = format!("service{}", options(&service.options()));
    facts.insert(service.full_name().to_owned(), fact);
    for method in service.methods() {
        let stream = |yes| if yes { "stream " } else { "" };
        let fact = format!(
            "{}{} -> {}{}{}",
            stream(method.is_client_streaming()),
            method.input().full_name(),
            stream(method.is_server_streaming()),
            method.output().full_name(),
            options(&method.options())
        );
        facts.insert(method.full_name().to_owned(), fact);
    }
}

fn type_name(kind: &Kind) -> String {
    match kind {
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(item) => item.full_name().to_owned(),
        scalar => format!("{scalar:?}"),
    }
}

/// Built-in and custom options that are set, sorted; nothing if there are none.
fn options(set: &DynamicMessage) -> String {
    let known = set.fields().map(|(field, value)| format!("{} = {value}", field.name()));
    let custom =
        set.extensions().map(|(x, value)| format!("({} {}) = {value}", x.full_name(), x.number()));
    let unknown = set.unknown_fields().map(|field| format!("unknown {}", field.number()));
    let mut all: Vec<_> = known.chain(custom).chain(unknown).collect();
    all.sort();
    if all.is_empty() { String::new() } else { format!(" [{}]", all.join(", ")) }
}
