//! One line of a simulated history.

use serde::Serialize;

use crate::generator::orchestrator::{
    objects::{Claim, Volume},
    quantity::show,
    rpc::{Answer, Rpc},
    store::Store,
    time::At,
};

/// What happened, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Microseconds since the beginning.
    pub at: u64,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    /// A call, and how it will end.
    Call {
        who: &'static str,
        rpc: &'static str,
        volume: String,
        #[serde(skip_serializing_if = "String::is_empty")]
        node: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        size: Option<String>,
        code: &'static str,
        until: u64,
    },
    /// A claim's new state.
    Claim {
        claim: String,
        version: u64,
        request: String,
        capacity: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        allocated: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        resize: Option<&'static str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        conditions: Vec<&'static str>,
    },
    /// A volume's new state.
    Volume { volume: String, version: u64, capacity: String },
    /// An event of Kubernetes.
    Event { claim: String, reason: &'static str, message: String },
    /// Somebody's process ended and began again.
    Restart { who: String },
}

impl Line {
    pub(super) fn call(
        at: At,
        store: &Store,
        who: &'static str,
        rpc: &Rpc,
        until: At,
        answer: &Answer,
    ) -> Self {
        let text = |name| store.names.text(name).to_owned();
        let code = match answer {
            Ok(_) => "OK",
            Err(failure) => failure.code.map_or("NONE", |code| code.name()),
        };
        let (volume, node, until) = (text(rpc.volume), text(rpc.node), until.0);
        let size = (rpc.bytes > 0).then(|| show(rpc.bytes));
        let rpc = rpc.method.name();
        Self { at: at.0, what: What::Call { who, rpc, volume, node, size, code, until } }
    }

    pub(super) fn claim(at: At, store: &Store, claim: &Claim) -> Self {
        let what = What::Claim {
            claim: store.names.text(claim.meta.name).to_owned(),
            version: claim.meta.version,
            request: show(claim.request),
            capacity: show(claim.capacity),
            allocated: claim.allocated.map(show),
            resize: claim.resize.map(super::super::objects::Resize::text),
            conditions: claim.conditions.iter().map(|held| held.kind.text()).collect(),
        };
        Self { at: at.0, what }
    }

    pub(super) fn volume(at: At, store: &Store, volume: &Volume) -> Self {
        let name = store.names.text(volume.meta.name).to_owned();
        let (version, capacity) = (volume.meta.version, show(volume.capacity));
        Self { at: at.0, what: What::Volume { volume: name, version, capacity } }
    }
}
