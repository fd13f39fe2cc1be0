//! What a growth cost a workload, with the noise beside it; the ledger and the charts say the same.

use csi_stretch_oracle::report::{Figure, Loading};

use crate::text;

/// A cost and its noise.
pub struct Cost {
    pub value: String,
    pub noise: String,
}

/// `12 %` with `bulk load; noise 8 %`, or why there is none.
pub fn cost(figure: Option<Figure>, unit: &str, why: &str) -> Cost {
    let Some(Figure { load, value, noise }) = figure else {
        return Cost { value: "–".to_owned(), noise: why.to_owned() };
    };
    let load = match load {
        Loading::Bulk => "bulk load",
        Loading::Query => "queries",
    };
    let sign = if value < 0 { "\u{2212}" } else { "" };
    let noise = match noise {
        Some(noise) => format!("{load}; noise {} {unit}", text::grouped(noise.unsigned_abs())),
        None => format!("{load}; {why}"),
    };
    Cost { value: format!("{sign}{} {unit}", text::grouped(value.unsigned_abs())), noise }
}
