//! A request and its answer.

use std::{io, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{
        HeaderMap, HeaderValue, Method, StatusCode, Uri,
        header::{CONTENT_TYPE, HeaderName, USER_AGENT},
    },
    response::Response,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{
    Shared, discovery,
    journal::Entry,
    patch::Language,
    protobuf,
    query::Query,
    refusal::Refusal,
    resource::{Holds, Key, Part, Place, Resource},
    watch,
};

/// What a request comes to.
enum Answer {
    Object(StatusCode, Value),
    Text(&'static str),
    Stream(Body),
}

type Outcome = Result<Answer, Refusal>;

/// Serves until it is dropped.
pub async fn serve(listener: TcpListener, shared: Arc<Shared>) -> io::Result<()> {
    axum::serve(listener, Router::new().fallback(answer).with_state(shared)).await
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let text = |name: HeaderName| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("");
    let kind = text(CONTENT_TYPE).split(';').next().unwrap_or_default().trim().to_owned();
    let body = Sent::read(&kind, &body);
    let outcome = match &body {
        Ok(body) => perform(&shared, &method, &uri, body),
        Err(refusal) => Err(refusal.clone()),
    };
    if let Some(journal) = &shared.journal {
        let code = match &outcome {
            Ok(Answer::Object(code, _)) => code.as_u16(),
            Ok(_) => 200,
            Err(refusal) => refusal.code,
        };
        journal.add(&Entry {
            method: method.as_str(),
            uri: &uri.to_string(),
            agent: text(USER_AGENT),
            body: body.as_ref().ok().and_then(|body| body.value.as_ref()),
            code,
            refusal: outcome.as_ref().err().map(|refusal| refusal.message.as_str()),
        });
    }
    respond(outcome)
}

/// The body of a request.
struct Sent {
    kind: String,
    value: Option<Value>,
}

impl Sent {
    fn read(kind: &str, body: &[u8]) -> Result<Self, Refusal> {
        let value = match kind {
            _ if body.is_empty() => None,
            // The options of a deletion, say; who needs an object will say so.
            protobuf::CONTENT_TYPE => match protobuf::decode(body) {
                Err(refusal) if refusal.code == 415 => return Ok(Self::unread(kind)),
                decoded => Some(decoded?),
            },
            _ => Some(serde_json::from_slice(body).map_err(|error| {
                Refusal::bad(format!("the body of the request ({kind:?}) is no JSON: {error}"))
            })?),
        };
        Ok(Self { kind: kind.to_owned(), value })
    }

    fn unread(kind: &str) -> Self {
        Self { kind: kind.to_owned(), value: None }
    }

    /// An object of this resource.
    fn object(&self, resource: &Resource) -> Result<Value, Refusal> {
        let value = self.value.as_ref().ok_or_else(|| {
            let text = format!("send a {} as application/json", resource.kind);
            Refusal::new(415, text)
        })?;
        let said = |field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default();
        let (version, kind) = (said("apiVersion"), said("kind"));
        let known = (kind.is_empty() || kind == resource.kind)
            && (version.is_empty() || version == resource.api_version());
        if known {
            return Ok(value.clone());
        }
        let expected = format!("{}, Kind={}", resource.api_version(), resource.kind);
        let text = format!("the object is a {version}, Kind={kind}, and not a {expected}");
        Err(Refusal::bad(text))
    }

    /// A patch and its language.
    fn patch(&self) -> Result<(Language, &Value), Refusal> {
        let language = Language::of(&self.kind)?;
        let patch = self.value.as_ref().ok_or_else(|| Refusal::bad("a patch has a body"))?;
        Ok((language, patch))
    }
}

fn perform(shared: &Arc<Shared>, method: &Method, uri: &Uri, sent: &Sent) -> Outcome {
    let place = Place::parse(uri.path())?;
    let found = |value| Ok(Answer::Object(StatusCode::OK, value));
    match (method, place) {
        (&Method::GET, Place::Health) => Ok(Answer::Text("ok")),
        (&Method::GET, Place::Version) => found(discovery::version()),
        (&Method::GET, Place::CoreVersions) => found(discovery::core_versions()),
        (&Method::GET, Place::Groups) => found(discovery::groups()),
        (&Method::GET, Place::Resources(group)) => found(discovery::resources(group)),
        (&Method::GET, Place::Collection(resource, namespace)) => {
            let mut query = Query::parse(uri.query().unwrap_or_default(), resource)?;
            query.namespace = namespace.or(query.namespace);
            read(shared, resource, query)
        }
        (&Method::POST, Place::Collection(resource, namespace)) => {
            let object = sent.object(resource)?;
            let made = shared.edit(|c| c.create(resource, namespace.as_deref(), object))?;
            Ok(Answer::Object(StatusCode::CREATED, made))
        }
        (_, Place::Object(resource, key, part)) => {
            on_object(shared, method, (resource, &key, part), sent)
        }
        (method, _) => Err(not_allowed(method)),
    }
}

fn on_object(
    shared: &Shared,
    method: &Method,
    (resource, key, part): (&Resource, &Key, Part),
    sent: &Sent,
) -> Outcome {
    let object = match (method, part) {
        (&Method::GET, _) => shared.cluster().get(resource, key)?,
        (&Method::PUT, _) => {
            let object = sent.object(resource)?;
            shared.edit(|cluster| cluster.write(resource, key, part, |_| Ok(object)))?
        }
        (&Method::PATCH, _) => {
            let (language, patch) = sent.patch()?;
            shared.edit(|c| c.write(resource, key, part, |old| language.apply(old, patch)))?
        }
        (&Method::DELETE, Part::Main) => {
            // What else goes along with a deletion changes nothing here.
            let at_once = sent.value.as_ref().is_some_and(|body| body["gracePeriodSeconds"] == 0);
            shared.edit(|cluster| cluster.delete(resource, key, at_once))?
        }
        _ => return Err(not_allowed(method)),
    };
    Ok(Answer::Object(StatusCode::OK, object))
}

fn read(shared: &Arc<Shared>, resource: &'static Resource, query: Query) -> Outcome {
    if query.watch && resource.holds == Holds::Events {
        return Err(Refusal::new(405, "events can be listed here, and not watched"));
    }
    if query.watch {
        return watch::body(shared, resource, query).map(Answer::Stream);
    }
    let cluster = shared.cluster();
    let mut items = cluster.list(resource, query.namespace.as_deref());
    items.retain(|object| {
        query.name.as_ref().is_none_or(|name| object["metadata"]["name"] == **name)
    });
    let list = json!({
        "kind": format!("{}List", resource.kind),
        "apiVersion": resource.api_version(),
        "metadata": { "resourceVersion": cluster.store.version().to_string() },
        "items": items,
    });
    Ok(Answer::Object(StatusCode::OK, list))
}

fn not_allowed(method: &Method) -> Refusal {
    Refusal::new(405, format!("the server does not allow {method} on the requested resource"))
}

fn respond(outcome: Outcome) -> Response {
    let (code, value) = match outcome {
        Ok(Answer::Text(text)) => return response(StatusCode::OK, "text/plain", text.into()),
        Ok(Answer::Stream(body)) => return response(StatusCode::OK, "application/json", body),
        Ok(Answer::Object(code, value)) => (code, value),
        Err(refusal) => {
            let code = StatusCode::from_u16(refusal.code);
            (code.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), refusal.to_status())
        }
    };
    response(code, "application/json", value.to_string().into())
}

fn response(code: StatusCode, kind: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = code;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
