//! A fleet on virtual time: many claims on many nodes, all components, and a driver that is a model
//! with latencies, errors and restarts. A seed is a history, to the byte.

use super::{
    profile::Profile,
    time::{MILLISECOND, MINUTE, SECOND, Span},
};

mod driver;
mod invariant;
mod line;
mod outcome;
mod run;
mod setup;
#[cfg(test)]
mod tests;

pub use driver::{Defect, Errors, Latency};
pub use invariant::Breach;
pub use line::Line;
pub use outcome::{Outcome, Spread, Stuck};
pub use run::simulate;

/// What to simulate.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Claims, each with a pod.
    pub claims: usize,
    /// Nodes that the pods are on, in turn.
    pub nodes: usize,
    /// Which Kubernetes.
    pub profile: &'static Profile,
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// The size at the beginning, and what is asked for after that, one after the other; bytes.
    pub sizes: Vec<u64>,
    /// The requests come within this time.
    pub over: Span,
    /// How long it may take after that.
    pub patience: Span,
    /// Claims without a pod, in parts of 1.
    pub idle: f64,
    /// Volumes are made and attached first, instead of being there.
    pub from_nothing: bool,
    /// The volumes are raw block devices.
    pub block: bool,
    /// csi-resizer's `--workers`
    pub workers: usize,
    /// API requests of each sidecar: a second, and at once; 0: no limit.
    pub api: (u64, u64),
    /// How long calls take.
    pub latency: Latency,
    /// How often calls fail.
    pub errors: Errors,
    /// What is wrong with the driver.
    pub defect: Option<Defect>,
    /// The driver restarts this often, and its sidecars with it; 0: never.
    pub driver_restarts: Span,
    /// csi-resizer restarts by itself this often; 0: never.
    pub resizer_restarts: Span,
    /// A node's kubelet restarts this often, one node after the other; 0: never.
    pub kubelet_restarts: Span,
}

impl Plan {
    /// The size at the beginning.
    fn first_size(&self) -> u64 {
        self.sizes.first().copied().unwrap_or(0)
    }
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            claims: 100,
            nodes: 10,
            profile: &super::profile::CURRENT,
            seed: 1,
            sizes: vec![10 << 30, 20 << 30],
            over: 10 * SECOND,
            patience: 60 * MINUTE,
            idle: 0.0,
            from_nothing: false,
            block: false,
            workers: 10,
            api: (5, 10),
            latency: Latency { usual: 50 * MILLISECOND, rare: 500 * MILLISECOND },
            errors: Errors::default(),
            defect: None,
            driver_restarts: 0,
            resizer_restarts: 0,
            kubelet_restarts: 0,
        }
    }
}
