//! `csi-stretch rpc`: one call by hand. JSON in and out, by the protocol's own description, so
//! every method that the wire has can be called, with no code per method.

use std::{
    fmt::Write as _,
    io::{IsTerminal as _, Read as _},
    time::Duration,
};

use csi_stretch_proto::DESCRIPTORS;
use prost_reflect::{
    DescriptorPool, DynamicMessage, Kind, MessageDescriptor, MethodDescriptor, SerializeOptions,
    Value, prost::Message as _,
};
use serde::de::DeserializeSeed as _;

use super::{
    Exit,
    outcome::{Failure, Outcome, print},
};
use crate::{
    client::{
        channel,
        wire::{self, PathAndQuery, Trouble},
    },
    words,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Method by full or short name, such as ControllerExpandVolume; none lists them all.
    method: Option<String>,
    /// Request as JSON; `-` or nothing reads standard input (an empty one is `{}`).
    request: Option<String>,
    /// Where the driver listens.
    #[arg(short, long, env = "CSI_ENDPOINT", value_name = "ENDPOINT")]
    endpoint: Option<String>,
    /// Show the request's fields instead of calling.
    #[arg(long)]
    describe: bool,
    /// Longest wait for the connection and for the answer.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    timeout: Duration,
}

pub fn main(args: &Args) -> Outcome {
    let pool = DescriptorPool::decode(DESCRIPTORS).map_err(Failure::internal)?;
    let Some(name) = &args.method else { return print(&listing(&pool)) };
    let method = find(&pool, name)?;
    if args.describe {
        return print(&describe(&method.input()));
    }
    let endpoint = args.endpoint.as_deref().ok_or_else(|| {
        Failure::usage("no endpoint; give --endpoint unix:///path/csi.sock or set CSI_ENDPOINT")
    })?;
    let request = parse(&method, &input(args)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::internal)?;
    runtime.block_on(call(&method, request, endpoint, args.timeout))
}

async fn call(
    method: &MethodDescriptor,
    request: DynamicMessage,
    endpoint: &str,
    timeout: Duration,
) -> Outcome {
    if method.is_server_streaming() {
        return Err(Failure::usage(
            "this method answers with a stream; `rpc` makes unary calls only",
        ));
    }
    let channel = channel::connect(endpoint, timeout).await.map_err(Failure::lab)?;
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    let path = PathAndQuery::try_from(path).map_err(Failure::internal)?;
    let bytes = request.encode_to_vec();
    match wire::unary(&channel, path, bytes, timeout, wire::REPLY_BYTES_MAX).await {
        Ok(bytes) => {
            let mut reply = DynamicMessage::decode(method.output(), bytes).map_err(|error| {
                Failure::lab(format!("the answer is no {}: {error}", method.output().name()))
            })?;
            redact(&mut reply);
            print(&(json(&reply)? + "\n"))
        }
        Err(Trouble::Status(status)) => {
            let code = status.code();
            eprintln!(
                "csi-stretch: {:?} ({}): {}",
                code,
                code as i32,
                words::clean(status.message())
            );
            Ok(Exit::Rpc(code as u8))
        }
        Err(Trouble::Deadline) => Err(Failure::lab(format!("no answer within {timeout:?}"))),
        Err(Trouble::Panic(text)) => {
            Err(Failure::lab(format!("the answer cannot be read: {}", words::clean(&text))))
        }
    }
}

fn methods(pool: &DescriptorPool) -> impl Iterator<Item = MethodDescriptor> {
    let services: Vec<_> = pool.services().collect();
    services.into_iter().flat_map(|service| service.methods().collect::<Vec<_>>())
}

fn listing(pool: &DescriptorPool) -> String {
    let mut text = String::new();
    for method in methods(pool) {
        let _ = writeln!(text, "{}/{}", method.parent_service().full_name(), method.name());
    }
    text
}

fn find(pool: &DescriptorPool, name: &str) -> Result<MethodDescriptor, Failure> {
    let same = |method: &MethodDescriptor| {
        let full = format!("{}/{}", method.parent_service().full_name(), method.name());
        method.name().eq_ignore_ascii_case(name) || full == name.trim_start_matches('/')
    };
    methods(pool).find(same).ok_or_else(|| {
        let names: Vec<String> = methods(pool).map(|method| method.name().to_owned()).collect();
        let near = names
            .iter()
            .max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
        Failure::usage(format!(
            "no method `{name}`; did you mean `{}`?",
            near.map_or("", String::as_str)
        ))
    })
}

fn input(args: &Args) -> Result<String, Failure> {
    match args.request.as_deref() {
        Some("-") => {}
        Some(text) => return Ok(text.to_owned()),
        None if std::io::stdin().is_terminal() => return Ok("{}".into()),
        None => {}
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
    Ok(if text.trim().is_empty() { "{}".into() } else { text })
}

fn parse(method: &MethodDescriptor, text: &str) -> Result<DynamicMessage, Failure> {
    let wrong = |error: serde_json::Error| {
        Failure::usage(format!("the request is no {}: {error}", method.input().name()))
    };
    let mut reader = serde_json::Deserializer::from_str(text);
    let message = method.input().deserialize(&mut reader).map_err(wrong)?;
    reader.end().map_err(wrong)?;
    Ok(message)
}

fn json(message: &DynamicMessage) -> Result<String, Failure> {
    let mut out = Vec::new();
    let mut writer = serde_json::Serializer::pretty(&mut out);
    let options = SerializeOptions::new().skip_default_fields(false).use_proto_field_name(true);
    message.serialize_with_options(&mut writer, &options).map_err(Failure::internal)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// Empties every field that the protocol marks `csi_secret`. Answers have none today; the option,
/// not the name, decides, so a field that a later version marks is covered.
fn redact(message: &mut DynamicMessage) {
    let fields: Vec<_> = message.fields().map(|(field, _)| field).collect();
    for field in fields {
        let secret = field
            .options()
            .fields()
            .any(|(option, value)| option.name() == "csi_secret" && value.as_bool() == Some(true));
        if secret {
            message.clear_field(&field);
        } else if let Value::Message(inner) = message.get_field_mut(&field) {
            redact(inner);
        }
    }
}

fn describe(message: &MessageDescriptor) -> String {
    let mut text = format!("{}\n", message.full_name());
    for field in message.fields() {
        let kind = match field.kind() {
            Kind::Message(inner) if field.is_map() => {
                let _ = inner;
                "map of strings".to_owned()
            }
            Kind::Message(inner) => inner.name().to_owned(),
            Kind::Enum(inner) => {
                let values: Vec<String> = inner.values().map(|v| v.name().to_owned()).collect();
                values.join(" | ")
            }
            scalar => format!("{scalar:?}").to_lowercase(),
        };
        let list = if field.is_list() { "list of " } else { "" };
        let _ = writeln!(text, "  {:24} {list}{kind}", field.name());
    }
    text
}
