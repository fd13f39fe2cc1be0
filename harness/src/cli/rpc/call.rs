//! Makes the calls, shows the answers, and ends with the code of the first that failed.

use prost_reflect::{
    DynamicMessage, MessageDescriptor, SerializeOptions, Value, prost::Message as _,
};

use super::{
    args::{Common, Format},
    fields,
    method::Method,
    request::{self, Draft},
    text,
};
use crate::{
    cli::{
        Exit,
        outcome::{Failure, Outcome, print},
    },
    client::{
        channel::{self, ConnectError, Connection},
        secrets::Secrets,
        status,
        wire::{self, PathAndQuery, Trouble},
    },
    words,
};

/// Makes one call for each draft, in order, until one fails.
pub fn perform(
    method: &Method,
    drafts: Vec<Draft>,
    common: &Common,
    format: Format,
    paging: bool,
) -> Outcome {
    let endpoint = common.endpoint()?;
    let mut options = common.transport.load()?;
    options.metadata = common.metadata.iter().flat_map(|text| fields::pairs(text)).collect();
    let tokens = options.metadata.iter().filter(|(name, _)| name == "authorization");
    let tokens = tokens.map(|(_, value)| value.as_str()).chain(options.bearer.as_deref());
    let hidden: Vec<String> = tokens.map(str::to_owned).collect();
    channel::check(&[&endpoint], &options).or_else(usage_only)?;
    let secrets = request::of_method(method, common)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::internal)?;
    runtime.block_on(async {
        let connected = channel::connect(&endpoint, &options, common.timeout()).await;
        let call = Call { method, common, format, connection: connected.map_err(Failure::lab)? };
        for mut draft in drafts {
            request::fill(&mut draft.message, &secrets);
            let hidden = request::hidden(&draft.message)
                .hiding(secrets.values().chain(&hidden).map(String::as_str));
            let exit = call.one(draft, paging, &hidden).await?;
            if exit != Exit::Passed {
                return Ok(exit);
            }
        }
        Ok(Exit::Passed)
    })
}

/// A wrong address is the line's fault; a missing socket is told when it is opened.
fn usage_only(error: ConnectError) -> Result<(), Failure> {
    if error.is_usage() { Err(Failure::usage(error)) } else { Ok(()) }
}

struct Call<'a> {
    method: &'a Method,
    common: &'a Common,
    format: Format,
    connection: Connection,
}

impl Call<'_> {
    async fn one(&self, mut draft: Draft, paging: bool, hidden: &Secrets) -> Outcome {
        let path = PathAndQuery::try_from(format!("/{}", self.method.full_name()));
        let path = path.map_err(Failure::internal)?;
        loop {
            if self.common.with_request_logging {
                let mut shown = draft.message.clone();
                request::redact(&mut shown);
                eprintln!("{}", json(&shown, false)?);
            }
            let bytes = draft.message.encode_to_vec();
            let timeout = self.common.timeout();
            if self.method.0.is_server_streaming() {
                return self.stream(path, bytes, hidden).await;
            }
            let next = match wire::unary(&self.connection, path.clone(), bytes, timeout).await {
                Ok(bytes) => self.show(&draft, &bytes, hidden)?,
                Err(trouble) => return self.told(&trouble, hidden),
            };
            match next.filter(|token| paging && !token.is_empty()) {
                Some(token) => {
                    draft.message.set_field_by_name("starting_token", Value::String(token));
                }
                None => return Ok(Exit::Passed),
            }
        }
    }

    async fn stream(&self, path: PathAndQuery, bytes: Vec<u8>, hidden: &Secrets) -> Outcome {
        let timeout = self.common.timeout();
        let opened = wire::streaming(&self.connection, path, bytes, timeout).await;
        let mut replies = match opened {
            Ok(replies) => replies,
            Err(trouble) => return self.told(&trouble, hidden),
        };
        loop {
            match replies.next().await {
                Ok(Some(bytes)) => {
                    let text = json(&self.decode(&bytes)?, false)?;
                    print(&(hidden.scrub(&text).into_owned() + "\n"))?;
                }
                Ok(None) => return Ok(Exit::Passed),
                Err(trouble) => return self.told(&trouble, hidden),
            }
        }
    }

    /// Prints an answer; returns the token of the next page.
    fn show(
        &self,
        draft: &Draft,
        bytes: &[u8],
        hidden: &Secrets,
    ) -> Result<Option<String>, Failure> {
        let reply = self.decode(bytes)?;
        if self.common.with_response_logging {
            eprintln!("{}", hidden.scrub(&json(&reply, false)?));
        }
        let text = match self.format {
            Format::Text => text::render(self.method, draft, &reply),
            Format::Json => None,
        };
        let text = text.map_or_else(|| json(&reply, true).map(|text| text + "\n"), Ok)?;
        print(&hidden.scrub(&text))?;
        let token = reply.get_field_by_name("next_token");
        Ok(token.and_then(|token| token.as_str().map(str::to_owned)))
    }

    fn decode(&self, bytes: &[u8]) -> Result<DynamicMessage, Failure> {
        let output: MessageDescriptor = self.method.0.output();
        let name = output.name().to_owned();
        let mut reply = DynamicMessage::decode(output, bytes)
            .map_err(|error| Failure::lab(format!("the answer is no {name}: {error}")))?;
        let unknown = unknown_fields(&reply);
        if unknown > 0 {
            eprintln!(
                "csi-stretch: the answer has {unknown} fields that {} does not have",
                self.dialect()
            );
        }
        request::redact(&mut reply);
        Ok(reply)
    }

    /// Name and version of what is spoken.
    fn dialect(&self) -> &'static str {
        match self.method.0.parent_file().package_name() {
            "csi.v0" => "CSI 0.3",
            _ => "CSI 1.12",
        }
    }

    fn told(&self, trouble: &Trouble, hidden: &Secrets) -> Outcome {
        let status = status::own(trouble, self.common.timeout())
            .map_err(|broken| Failure::lab(hidden.scrub(&broken.message)))?;
        let code = status.code();
        let message = words::clean(&hidden.scrub(status.message()));
        eprintln!("csi-stretch: {code:?} ({}): {message}", code as i32);
        Ok(Exit::Rpc(code as u8))
    }
}

/// Fields that the protocol's description does not have, at any depth.
fn unknown_fields(message: &DynamicMessage) -> usize {
    let inside = |value: &Value| match value {
        Value::Message(inner) => unknown_fields(inner),
        Value::List(list) => list.iter().filter_map(Value::as_message).map(unknown_fields).sum(),
        _ => 0,
    };
    let here = message.unknown_fields().count();
    here + message.fields().map(|(_, value)| inside(value)).sum::<usize>()
}

fn json(message: &DynamicMessage, pretty: bool) -> Result<String, Failure> {
    let mut out = Vec::new();
    let options = SerializeOptions::new().skip_default_fields(false).use_proto_field_name(true);
    let written = if pretty {
        let mut writer = serde_json::Serializer::pretty(&mut out);
        message.serialize_with_options(&mut writer, &options)
    } else {
        let mut writer = serde_json::Serializer::new(&mut out);
        message.serialize_with_options(&mut writer, &options)
    };
    written.map_err(Failure::internal)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}
