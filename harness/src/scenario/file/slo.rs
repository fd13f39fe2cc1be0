//! What a growth may cost the workload, and how large that is, as it is written.

use csi_stretch_oracle::history::{Scale, Slo};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::scenario::{
    error::{At, Problem},
    lexeme::{Millis, Percent, Text},
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

/// How what is filled, and the time, relate to what is meant; stands on the axes of the charts.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ScaleFile {
    /// `2 GiB stand for 380 GiB`.
    pub data: Option<Word<Text>>,
    /// `90 s stand for 20 minutes`.
    pub time: Option<Word<Text>>,
}

impl ScaleFile {
    /// The meaning under the chosen matrix values; `at` is where the scenario begins.
    pub fn get(&self, axes: &Axes, at: At) -> Result<Scale, Problem> {
        let text = |word: &Option<Word<Text>>| {
            word.as_ref().map(|word| word.get(axes).map(|Text(text)| text)).transpose()
        };
        let scale = Scale { data: text(&self.data)?, time: text(&self.time)? };
        if scale == Scale::default() {
            let message = "`scale` says nothing: give it `data`, `time`, or both";
            return Err(Problem::new(at, message));
        }
        Ok(scale)
    }
}
