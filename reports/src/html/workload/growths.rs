//! What each growth of a workload's volume cost, with the noise beside it.

use csi_stretch_oracle::report::{Growth, Series};

use super::{
    super::costs::{Cost, cost},
    percent,
    scale::Time,
};
use crate::{text, view::View};

/// Numbers nearer to each other than this, per cent of the width, would overlap.
const APART: f64 = 1.6;

pub struct Row {
    pub number: usize,
    pub at: String,
    pub sizes: String,
    pub calls: String,
    pub usable: String,
    pub dip: Cost,
    pub stall: Cost,
    pub verified: String,
    /// A finding that fails names it.
    pub marked: bool,
}

fn own<'a>(view: &View<'a>, series: &'a Series) -> impl Iterator<Item = &'a Growth> {
    let is_own =
        |growth: &&Growth| growth.scenario == series.scenario && growth.volume == series.volume;
    view.report.growths.iter().filter(is_own)
}

/// From asking to the last answer of each growth.
pub fn windows(view: &View<'_>, series: &Series) -> Vec<(u64, u64)> {
    own(view, series).map(|growth| (growth.from_us, growth.to_us)).collect()
}

/// Place and number of each growth that has room for it.
pub fn numbers(view: &View<'_>, series: &Series, time: Time) -> Vec<(String, usize)> {
    let mut numbers: Vec<(f64, usize)> = Vec::new();
    for (at, growth) in own(view, series).enumerate() {
        let place = time.at(growth.from_us);
        if numbers.last().is_none_or(|(last, _)| place - last >= APART) {
            numbers.push((place, at + 1));
        }
    }
    numbers.into_iter().map(|(place, number)| (percent(place), number)).collect()
}

pub fn rows(view: &View<'_>, series: &Series) -> Vec<Row> {
    let time = Time::new(series.from_us, series.to_us);
    let row = |(at, growth): (usize, &Growth)| {
        let impact = growth.impact.clone().unwrap_or_default();
        let why = impact.why.unwrap_or_default();
        Row {
            number: at + 1,
            at: time.clock(growth.from_us),
            sizes: sizes(growth),
            calls: calls(growth),
            usable: impact.usable_us.map_or_else(|| "not seen".to_owned(), text::took),
            dip: cost(impact.dip, "%", &why),
            stall: cost(impact.stall, "ms", &why),
            verified: growth.verified.map_or_else(|| "–".to_owned(), text::about),
            marked: view.is_marked(growth),
        }
    };
    own(view, series).enumerate().map(row).collect()
}

/// `300 GiB → 400 GiB`.
fn sizes(growth: &Growth) -> String {
    let to = text::size_signed(growth.required);
    growth.before.map_or(to.clone(), |from| format!("{} → {to}", text::size_signed(from)))
}

fn calls(growth: &Growth) -> String {
    let calls =
        [(&growth.controller_code, growth.controller_us), (&growth.node_code, growth.node_us)];
    let told = calls.into_iter().filter_map(|(code, us)| {
        let code = code.as_ref()?;
        let time = us.map_or_else(|| "no answer".to_owned(), text::took);
        Some(if code == "OK" { time } else { format!("{code} {time}") })
    });
    told.collect::<Vec<_>>().join(" + ")
}
