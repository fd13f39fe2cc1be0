//! Fields of requests: set, left out, changed.

use std::collections::BTreeMap;

use csi_stretch_oracle::action::{Call, Capability, CapacityRange, PathRef, Ref, Source};

/// The one change of a request that is sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    With(Field),
    Without(Omit),
}

/// A field of a request and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Volume(Ref),
    Snapshot(Ref),
    Name(String),
    To(i64),
    Limit(i64),
    Capability(Capability),
    Source(Source),
    Node(Ref),
    Path(PathRef),
    StagingPath(PathRef),
    Readonly(bool),
    Parameters(BTreeMap<String, String>),
    MutableParameters(BTreeMap<String, String>),
    VolumeContext(BTreeMap<String, String>),
    PublishContext(BTreeMap<String, String>),
    MaxEntries(i32),
    StartingToken(String),
    Deadline(u64),
}

/// A field that is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Omit {
    Volume,
    Snapshot,
    Name,
    Range,
    To,
    Limit,
    Capability,
    Source,
    Node,
    Path,
    StagingPath,
    Parameters,
    MutableParameters,
}

impl Omit {
    pub const ALL: [(&'static str, Self); 13] = [
        ("volume", Self::Volume),
        ("snapshot", Self::Snapshot),
        ("name", Self::Name),
        ("range", Self::Range),
        ("to", Self::To),
        ("limit", Self::Limit),
        ("capability", Self::Capability),
        ("source", Self::Source),
        ("node", Self::Node),
        ("path", Self::Path),
        ("staging_path", Self::StagingPath),
        ("parameters", Self::Parameters),
        ("mutable_parameters", Self::MutableParameters),
    ];

    /// Takes the field out of a request.
    pub fn apply(self, call: &mut Call) {
        match self {
            Self::Volume => call.volume = None,
            Self::Snapshot => call.snapshot = None,
            Self::Name => call.name = None,
            Self::Range => call.capacity_range = None,
            Self::To => Field::To(0).apply(call),
            Self::Limit => Field::Limit(0).apply(call),
            Self::Capability => call.capability = None,
            Self::Source => call.source = None,
            Self::Node => call.node = None,
            Self::Path => call.path = None,
            Self::StagingPath => call.staging_path = None,
            Self::Parameters => call.parameters = None,
            Self::MutableParameters => call.mutable_parameters = None,
        }
    }
}

impl Field {
    /// Puts the value into a request.
    pub fn apply(&self, call: &mut Call) {
        let range = call.capacity_range.unwrap_or(CapacityRange { required: 0, limit: 0 });
        match self.clone() {
            Self::Volume(id) => call.volume = Some(id),
            Self::Snapshot(id) => call.snapshot = Some(id),
            Self::Name(name) => call.name = Some(name),
            Self::To(required) => call.capacity_range = Some(CapacityRange { required, ..range }),
            Self::Limit(limit) => call.capacity_range = Some(CapacityRange { limit, ..range }),
            Self::Capability(capability) => call.capability = Some(capability),
            Self::Source(source) => call.source = Some(source),
            Self::Node(id) => call.node = Some(id),
            Self::Path(path) => call.path = Some(path),
            Self::StagingPath(path) => call.staging_path = Some(path),
            Self::Readonly(readonly) => call.readonly = readonly,
            Self::Parameters(map) => call.parameters = Some(map),
            Self::MutableParameters(map) => call.mutable_parameters = Some(map),
            Self::VolumeContext(map) => call.volume_context = Some(map),
            Self::PublishContext(map) => call.publish_context = Some(map),
            Self::MaxEntries(n) => call.max_entries = Some(n),
            Self::StartingToken(token) => call.starting_token = Some(token),
            Self::Deadline(ms) => call.deadline_ms = Some(ms),
        }
    }
}
