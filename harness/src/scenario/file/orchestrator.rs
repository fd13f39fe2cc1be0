//! Which orchestrator drives a scenario, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::scenario::{
    error::{At, Problem},
    lexeme::{Number, ProfileWord},
    program::Orchestrator,
    word::{Axes, Word},
};

/// The orchestrator's clock goes this many times as fast as ours while it waits, unless said.
const PACE: u32 = 2000;

/// The scenario is driven by the orchestrator's own components: its volumes are claims.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OrchestratorFile {
    /// Which generation of Kubernetes; `current` unless said.
    pub profile: Option<Word<ProfileWord>>,
    /// How many times as fast its clock goes while it waits; 2000 unless said.
    pub pace: Option<Word<Number>>,
}

impl OrchestratorFile {
    /// The meaning under the chosen matrix values; `at` is where the scenario begins.
    pub fn get(&self, axes: &Axes, at: At) -> Result<Orchestrator, Problem> {
        let profile = self.profile.as_ref().map(|word| word.get(axes)).transpose()?;
        let pace = match &self.pace {
            None => PACE,
            Some(word) => match word.get(axes)? {
                Number(pace @ 1..=100_000) => pace.cast_unsigned(),
                Number(pace) => {
                    let at = if word.at == At::default() { at } else { word.at };
                    return Err(Problem::new(at, format!("{pace} is not from 1 to 100000")));
                }
            },
        };
        let ProfileWord(profile) = profile.unwrap_or_default();
        Ok(Orchestrator { profile, pace })
    }
}
