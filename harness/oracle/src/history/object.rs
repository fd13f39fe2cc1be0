//! What became of the orchestrator's objects, as `kubectl get -w` shows it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An object of the orchestrator's changed, or something was said about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectChange {
    /// Microseconds since the run began, monotonic.
    pub at_us: u64,
    /// Microseconds on the orchestrator's own clock.
    pub clock_us: u64,
    /// Of which kind it is.
    pub kind: ObjectKind,
    /// Its name.
    pub name: String,
    /// Its line, as `kubectl get` shows it.
    pub row: String,
    /// What else an expansion leaves on it: sizes asked for, states, conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Kinds of objects that are shown.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// PersistentVolumeClaim.
    Claim,
    /// PersistentVolume.
    Volume,
    /// Pod.
    Pod,
    /// An event about a claim.
    Event,
}

/// Which orchestrator drives a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Orchestrated {
    /// Generation of Kubernetes, by the name of its profile.
    pub profile: String,
    /// How many times as fast its clock goes while it waits.
    pub pace: u32,
}
