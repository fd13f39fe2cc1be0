//! csi-stretch, the harness: plays the orchestrator against a CSI driver, watches what really
//! happens to devices, file systems and data, and leaves a history that the oracle judges.
//!
//! Read it in this order: `scenario` (what to do), `target` (to whom), `generator` (what next),
//! the workers `client`, `host`, `workload`, `nemesis` (who does it), `runner` (the loop around
//! them), `cli` (the commands). Nothing points back. `words` tames what
//! strangers say, for all of them. `adapter` stands apart: a CSI driver over a FlexVolume one.

use std::{future::Future, pin::Pin};

pub mod adapter;
pub mod apiserver;
pub mod cli;
pub mod client;
pub mod generator;
pub mod host;
pub mod nemesis;
mod orphan;
pub mod runner;
pub mod scenario;
pub mod target;
pub mod words;
pub mod workload;

/// A future behind a trait object: workers are chosen at run time.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
