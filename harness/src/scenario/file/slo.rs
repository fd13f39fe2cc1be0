//! What a growth may cost the workload, as it is written.

use csi_stretch_oracle::history::Slo;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::scenario::{
    error::{At, Problem},
    lexeme::{Millis, Percent},
    word::{Axes, Word},
};

/// What a growth may cost the workload that goes on meanwhile. More is a finding only if it is
/// also more than the workload's own noise.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SloFile {
    /// Throughput lost against the minute before, `30%`.
    pub dip: Option<Word<Percent>>,
    /// Longest time in which a load gets nothing done, `500ms`.
    pub stall: Option<Word<Millis>>,
}

impl SloFile {
    /// The meaning under the chosen matrix values; `at` is where the scenario begins.
    pub fn get(&self, axes: &Axes, at: At) -> Result<Slo, Problem> {
        if self.dip.is_none() && self.stall.is_none() {
            let message = "`slo` sets nothing: give it `dip: 30%`, `stall: 500ms`, or both";
            return Err(Problem::new(at, message));
        }
        let dip = self.dip.as_ref().map(|word| word.get(axes)).transpose()?;
        let stall = self.stall.as_ref().map(|word| word.get(axes)).transpose()?;
        Ok(Slo { dip_percent: dip.map(|dip| dip.0), stall_ms: stall.map(|stall| stall.0) })
    }
}
