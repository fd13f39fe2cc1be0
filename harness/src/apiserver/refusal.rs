//! How a request is refused: the codes, reasons and words of the real API server, by which its
//! clients decide whether to try again.

use serde_json::{Value, json};

use super::resource::{Key, Resource};
use crate::generator::orchestrator::store;

/// A request that is not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP's.
    pub code: u16,
    /// In one word, for programs.
    pub reason: &'static str,
    /// For people.
    pub message: String,
}

impl Refusal {
    /// With the words of whoever judged it.
    pub fn new(code: u16, message: impl Into<String>) -> Self {
        let reason = match code {
            400 => "BadRequest",
            403 => "Forbidden",
            404 => "NotFound",
            405 => "MethodNotAllowed",
            409 => "Conflict",
            410 => "Expired",
            415 => "UnsupportedMediaType",
            422 => "Invalid",
            _ => "InternalError",
        };
        Self { code, reason, message: message.into() }
    }

    /// A path that nobody serves.
    pub fn no_such_path() -> Self {
        Self::new(404, "the server could not find the requested resource")
    }

    /// No such object.
    pub fn not_found(resource: &Resource, key: &Key) -> Self {
        Self::new(404, format!("{} \"{}\" not found", resource.qualified(), key.name))
    }

    /// An object with this name is there.
    pub fn exists(resource: &Resource, key: &Key) -> Self {
        let message = format!("{} \"{}\" already exists", resource.qualified(), key.name);
        Self { reason: "AlreadyExists", ..Self::new(409, message) }
    }

    /// Written by somebody else since it was read.
    pub fn conflict(resource: &Resource, key: &Key) -> Self {
        let text = "the object has been modified; please apply your changes to the latest version \
                    and try again";
        let (resource, name) = (resource.qualified(), &key.name);
        Self::new(409, format!("Operation cannot be fulfilled on {resource} \"{name}\": {text}"))
    }

    /// An object that may not be as it is.
    pub fn invalid(resource: &Resource, key: &Key, why: &str) -> Self {
        let kind = match resource.group {
            "" => resource.kind.to_owned(),
            group => format!("{}.{group}", resource.kind),
        };
        Self::new(422, format!("{kind} \"{}\" is invalid: {why}", key.name))
    }

    /// A request that makes no sense.
    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    /// A revision whose successors are forgotten.
    pub fn expired(asked: u64, oldest: u64) -> Self {
        Self::new(410, format!("too old resource version: {asked} ({oldest})"))
    }

    /// As the body of an answer.
    pub fn to_status(&self) -> Value {
        json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        })
    }
}

/// What the store refuses has the server's own words.
impl From<store::Refusal> for Refusal {
    fn from(refusal: store::Refusal) -> Self {
        Self { code: refusal.status(), reason: refusal.text(), message: refusal.message }
    }
}
