//! A scenario file as it is written. Shapes only: what the words mean under chosen matrix values
//! is `compile`'s business.

mod args;
mod entry;
mod list;
mod orchestrator;
mod slo;
mod step;

use std::{borrow::Cow, collections::BTreeMap, fmt};

use csi_stretch_oracle::action::AccessMode;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess},
};

pub(crate) use args::{
    AwaitArg, CapabilityFile, CopyArg, DatabaseArg, NodeExpandArg, PodArg, PublishArg, RefArg,
    RequestArg, SnapshotArg, SourceFile, UntilArg, VolumeArg,
};
pub(crate) use entry::{StepEntry, verbs};
pub(crate) use list::{ExpectFile, Names};
pub(crate) use orchestrator::OrchestratorFile;
pub(crate) use slo::{ScaleFile, SloFile};
pub(crate) use step::{CallFields, StepFile};

use super::{
    lexeme::{AccessWord, Flag, Handle, Kind, PathBytes, Text},
    size::Size,
    word::Word,
};

/// One scenario.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// One sentence: what a driver has to get right.
    pub about: Word<Text>,
    /// Clauses that the scenario provokes; the first is blamed when a step names none.
    pub clauses: Vec<Word<Text>>,
    /// Offers that the steps do not show by themselves.
    #[serde(default)]
    pub requires: Vec<Word<Text>>,
    /// Free words to select by.
    #[serde(default)]
    pub labels: Vec<Word<Text>>,
    /// The volume, under the handle `vol`.
    #[serde(default)]
    pub volume: Option<VolumeFile>,
    /// Several volumes, by handle.
    #[serde(default)]
    pub volumes: Option<Ordered<VolumeFile>>,
    /// Length of the staging and target path of the volume `vol`; left out: as it comes.
    #[serde(default)]
    pub path_bytes: Option<Word<PathBytes>>,
    /// Values that `${axis}` takes, one run for each combination.
    #[serde(default)]
    pub matrix: Option<Ordered<Vec<Word<Text>>>>,
    /// The orchestrator's components make the calls, and the volumes are claims.
    #[serde(default)]
    pub orchestrator: Option<OrchestratorFile>,
    /// What a growth may cost the workload.
    #[serde(default)]
    pub slo: Option<SloFile>,
    /// How what is filled, and the time, relate to what is meant.
    #[serde(default)]
    pub scale: Option<ScaleFile>,
    /// What is done, in order.
    pub steps: Vec<StepEntry>,
}

/// A volume that the scenario works on.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct VolumeFile {
    /// File system, or `block`; left out: the first that the target offers.
    pub fs: Option<Word<Kind>>,
    /// `mount` (default) or `block`.
    pub access: Option<Word<AccessWord>>,
    /// Base size; left out: the run's default for the file system.
    pub size: Option<Word<Size>>,
    /// CSI access mode, `single_node_writer` by default.
    pub mode: Option<Word<AccessMode>>,
    /// Parameters of creation, added to the run's.
    pub parameters: Option<BTreeMap<String, Word<Text>>>,
    /// `false`: not created in the set-up.
    pub create: Option<Word<Flag>>,
}

/// A map that keeps the order of the file and the places of its keys.
#[derive(Clone, Debug)]
pub(crate) struct Ordered<T>(pub Vec<(Word<Handle>, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
            type Value = Ordered<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(Visitor(std::marker::PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Ordered<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("map_of_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "object", "additionalProperties": generator.subschema_for::<T>()})
    }
}

/// JSON Schema of a scenario file, for editors; committed as `scenarios/schema.json`.
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(File);
    schema.insert("title".to_owned(), "csi-stretch scenario".into());
    schema.to_value()
}
