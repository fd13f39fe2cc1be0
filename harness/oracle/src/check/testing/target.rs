//! A run and a target that offers everything.

use std::collections::BTreeMap;

use crate::{
    history::{Host, Run, SCHEMA, Target, Tier},
    known::Known,
    offer::{KNOWN, Offers},
};

/// Facts of a test's run.
pub fn run() -> Run {
    Run {
        schema: SCHEMA.into(),
        id: "run-1".into(),
        started: "2030-01-01T00:00:00Z".into(),
        tool_version: "0.1.0".into(),
        command: vec!["csi-stretch".into(), "run".into()],
        folder: String::new(),
        seed: 7,
        strict: false,
        known: Known::default(),
        target: target(),
        reference: None,
        reference_off: Some("a test".into()),
        host: Host { kernel: "Linux 6.1".into(), cpus: 2, root: true, unproven: vec![] },
    }
}

/// A target that offers everything, in units of 1 MiB.
pub fn target() -> Target {
    let everything = KNOWN.iter().map(|(name, _)| (*name).to_owned());
    Target {
        name: "test.example".into(),
        vendor_version: "1".into(),
        dialect: "csi.v1".into(),
        endpoint: "unix:/csi.sock".into(),
        offers: Offers {
            assumed: false,
            has: everything.filter(|name| name != "expand.offline-only").collect(),
            lacks: BTreeMap::new(),
            declared: BTreeMap::new(),
            granularity: 1 << 20,
            minimum: 0,
            maximum: 0,
        },
        tier: Tier::Memory,
    }
}
