//! A history without its first line can still be read, but nobody knows of whom it is.

use crate::{
    history::{Host, Run, SCHEMA, Target, Tier},
    known::Known,
    offer::Offers,
};

/// Facts of a run of which nothing is known.
pub fn run() -> Run {
    let unknown = || "unknown".to_owned();
    Run {
        schema: SCHEMA.to_owned(),
        id: unknown(),
        started: String::new(),
        tool_version: unknown(),
        command: Vec::new(),
        folder: String::new(),
        seed: 0,
        strict: false,
        known: Known::default(),
        target: Target {
            name: unknown(),
            vendor_version: unknown(),
            dialect: unknown(),
            endpoint: unknown(),
            offers: Offers::default(),
            // The tier that proves least.
            tier: Tier::Memory,
        },
        reference: None,
        reference_off: Some("the history has no first line".to_owned()),
        host: Host { kernel: unknown(), cpus: 0, root: false, unproven: Vec::new() },
    }
}
