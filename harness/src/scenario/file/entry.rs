//! A step as it stands in the list: a map, or a verb alone.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, value::MapAccessDeserializer},
};
use serde_saphyr::Spanned;

use super::step::StepFile;
use crate::scenario::{error::At, word::at};

/// Verbs that can be written alone.
const BARE: &[&str] = &[
    "create",
    "stage",
    "publish",
    "unpublish",
    "restart_pod",
    "node_expand",
    "delete",
    "verify",
    "start_writer",
    "stop_writer",
    "start_database",
    "stop_database",
    "kill_database",
    "probe",
    "restart_driver",
    "start_pod",
    "delete_pod",
];

/// Verbs that mean nothing without an argument.
const LADEN: &[&str] = &[
    "grow", "snapshot", "restore", "clone", "write", "wait", "await", "request", "until",
    "restart", "call", "again", "parallel",
];

/// Every verb there is, for those who wrote another.
pub(crate) fn verbs() -> impl Iterator<Item = &'static str> {
    BARE.iter().chain(LADEN).copied()
}

/// A step at its place.
#[derive(Clone, Debug)]
pub(crate) struct StepEntry {
    pub at: At,
    pub step: StepFile,
}

impl<'de> Deserialize<'de> for StepEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<BareOrMap>::deserialize(deserializer)?;
        Ok(Self { at: at(spanned.referenced, 1), step: spanned.value.0 })
    }
}

impl JsonSchema for StepEntry {
    fn schema_name() -> Cow<'static, str> {
        "step_entry".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [{"enum": BARE}, generator.subschema_for::<StepFile>()]})
    }
}

struct BareOrMap(StepFile);

impl<'de> Deserialize<'de> for BareOrMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = BareOrMap;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a verb or a map such as `grow: x2`")
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<BareOrMap, E> {
                if let Some(step) = StepFile::bare(v) {
                    return Ok(BareOrMap(step));
                }
                if LADEN.contains(&v) {
                    return Err(E::custom(format_args!("`{v}` needs an argument: `{v}: …`")));
                }
                Err(E::unknown_variant(v, BARE))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<BareOrMap, A::Error> {
                StepFile::deserialize(MapAccessDeserializer::new(map)).map(BareOrMap)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
