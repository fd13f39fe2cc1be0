//! The charts of one workload: throughput, latency, data, room, sizes. Each says what is drawn in
//! which line; a key stands beside it, and its values follow the cursor.

use csi_stretch_oracle::{
    history::{Ops, Reading},
    report::Series,
};

use super::{
    percent,
    scale::{Axis, Time, path, shade, steps},
    sizes::{self, Gap, SOURCES},
    slices::{Rate, Slices},
    table::Column,
};
use crate::text;

pub struct Panel {
    pub kind: &'static str,
    pub title: &'static str,
    /// For who cannot see it.
    pub told: String,
    pub ticks: Vec<(String, String)>,
    /// Class and path.
    pub shapes: Vec<(String, String)>,
    /// What a growth may cost: place from the top and height.
    pub allowed: Vec<(&'static str, String, String)>,
    /// Where something is missing: x, y, width, height.
    pub gaps: Vec<[String; 4]>,
    pub keys: Vec<Key>,
}

pub struct Key {
    pub kind: &'static str,
    pub name: &'static str,
    /// Column of the table that the cursor reads.
    pub column: usize,
    pub value: String,
}

type Load = (&'static str, &'static str, fn(&Reading) -> Ops);

const LOADS: [Load; 2] =
    [("bulk", "bulk load", |one| one.bulk), ("query", "queries", |one| one.query)];

pub fn panels(series: &Series, slices: &Slices<'_>, time: Time, gaps: &[Gap]) -> Vec<Panel> {
    let mut panels = vec![rates(series, slices), latencies(slices)];
    panels.push(data(series, slices));
    panels.push(room(slices));
    panels.push(steps_of(series, time, gaps));
    panels.retain(|panel| !panel.keys.is_empty());
    panels
}

fn rates(series: &Series, slices: &Slices<'_>) -> Panel {
    let all: Vec<(Load, Vec<Option<Rate>>)> = LOADS
        .into_iter()
        .map(|load| (load, slices.rates(load.2)))
        .filter(|(_, rates)| rates.iter().flatten().any(|rate| rate.high > 0.0))
        .collect();
    let highest = all.iter().flat_map(|(_, rates)| rates.iter().flatten());
    let axis = Axis::rates(highest.map(|rate| rate.high).fold(1.0, f64::max));
    let mut panel = Panel::new("rates", "Operations per second", &axis);
    for ((kind, name, _), rates) in &all {
        let places: Vec<_> = slices.places().zip(rates).collect();
        let shaded = places
            .iter()
            .map(|(x, rate)| rate.map(|rate| (*x, axis.at(rate.low), axis.at(rate.high))));
        panel.shapes.push((format!("shade {kind}"), shade(&shaded.collect::<Vec<_>>())));
        let middle = places.iter().map(|(x, rate)| rate.map(|rate| (*x, axis.at(rate.middle))));
        panel.shapes.push((format!("line {kind}"), path(middle)));
        let usual = middle_of(rates.iter().flatten().map(|rate| rate.middle).collect());
        if let Some(dip) = series.slo.and_then(|slo| slo.dip_percent) {
            let least = usual * (1.0 - f64::from(dip) / 100.0);
            let (top, bottom) = (axis.at(usual), axis.at(least));
            panel.allowed.push((kind, percent(top), percent(bottom - top)));
        }
        let column = if *kind == "bulk" { Column::Bulk } else { Column::Query };
        panel.key(kind, name, column, format!("{}/s", text::grouped(usual.round() as u64)));
    }
    panel
}

fn middle_of(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

fn latencies(slices: &Slices<'_>) -> Panel {
    let all: Vec<(Load, Vec<Option<u64>>)> = LOADS
        .into_iter()
        .map(|load| (load, slices.latencies(load.2)))
        .filter(|(_, latencies)| latencies.iter().flatten().any(|us| *us > 0))
        .collect();
    let known = || all.iter().flat_map(|(_, latencies)| latencies.iter().flatten().copied());
    let (low, high) = (known().min().unwrap_or(1), known().max().unwrap_or(1));
    let axis = Axis::latencies(low as f64, high as f64);
    let mut panel = Panel::new("latency", "Latency, p99", &axis);
    for ((kind, name, _), latencies) in &all {
        let places = slices.places().zip(latencies);
        let line = path(places.map(|(x, us)| us.map(|us| (x, axis.at(us as f64)))));
        panel.shapes.push((format!("line {kind}"), line));
        let worst = latencies.iter().flatten().max().copied().unwrap_or(0);
        let column = if *kind == "bulk" { Column::BulkP99 } else { Column::QueryP99 };
        panel.key(kind, name, column, format!("up to {}", text::ms(worst)));
    }
    panel
}

fn data(series: &Series, slices: &Slices<'_>) -> Panel {
    let lines = [
        ("written", "data", Column::Written, slices.last(|one| one.data_bytes)),
        ("verified", "verified rows", Column::Verified, slices.last(|one| one.verified_bytes)),
    ];
    let mut panel = amounts("data", "Size of the data, and rows verified", slices, lines.into());
    let scale = series.scale.as_ref().and_then(|scale| scale.data.as_ref());
    if let Some(scale) = scale {
        panel.told = format!("{}; scaled: {scale}", panel.told);
    }
    panel
}

fn room(slices: &Slices<'_>) -> Panel {
    let left = slices.last(|one| one.statfs_available);
    amounts("room", "Free space", slices, vec![("free", "available", Column::Free, left)])
}

type Amount = (&'static str, &'static str, Column, Vec<Option<u64>>);

/// Amounts of bytes that grow from nothing.
fn amounts(
    kind: &'static str,
    title: &'static str,
    slices: &Slices<'_>,
    lines: Vec<Amount>,
) -> Panel {
    let known = lines.iter().flat_map(|line| line.3.iter().flatten().copied());
    let axis = Axis::sizes(0.0, known.max().unwrap_or(1).max(1) as f64);
    let mut panel = Panel::new(kind, title, &axis);
    for (kind, name, column, bytes) in lines {
        let Some(last) = bytes.iter().flatten().last() else { continue };
        let place = |(x, bytes): (f64, &Option<u64>)| bytes.map(|b| (x, axis.at(b as f64)));
        let places: Vec<Option<(f64, f64)>> = slices.places().zip(&bytes).map(place).collect();
        let ground = places.iter().map(|place| place.map(|(x, y)| (x, y, 100.0)));
        panel.shapes.push((format!("shade {kind}"), shade(&ground.collect::<Vec<_>>())));
        panel.shapes.push((format!("line {kind}"), path(places.into_iter())));
        panel.key(kind, name, column, text::about(*last));
    }
    panel
}

fn steps_of(series: &Series, time: Time, gaps: &[Gap]) -> Panel {
    let lines: Vec<_> = SOURCES
        .into_iter()
        .filter_map(|(source, kind, name)| {
            let steps = sizes::within(sizes::line(series, source)?, time);
            (!steps.is_empty()).then_some((source, kind, name, steps))
        })
        .collect();
    let all = || lines.iter().flat_map(|line| line.3.iter().map(|(_, bytes)| *bytes as f64));
    let (low, high) = (all().fold(f64::MAX, f64::min), all().fold(1.0, f64::max));
    let low = if low > high { 0.0 } else { low };
    // A line of steps need not begin at nothing, but a flat one must not fill the chart.
    let low = (low - (high - low).max(high / 8.0) / 3.0).max(0.0);
    let axis = Axis::sizes(low, high * 1.02);
    let mut panel = Panel::new("sizes", "Size: asked for, said, and there", &axis);
    for (source, kind, name, sizes) in lines {
        let places: Vec<(f64, f64)> =
            sizes.iter().map(|(at, bytes)| (time.at(*at), axis.at(*bytes as f64))).collect();
        panel.shapes.push((format!("line {kind}"), steps(&places, 100.0)));
        let last = sizes.last().map_or(0, |(_, bytes)| *bytes);
        panel.key(kind, name, Column::Size(source), text::size(last));
    }
    for gap in gaps {
        let (x, y) = (time.at(gap.from_us), axis.at(gap.promised as f64));
        let (width, height) = (time.at(gap.to_us) - x, axis.at(gap.is as f64) - y);
        panel.gaps.push([x, y, width, height].map(percent));
    }
    panel
}

impl Panel {
    fn new(kind: &'static str, title: &'static str, axis: &Axis) -> Self {
        let ticks = axis.ticks();
        let told = title.to_owned();
        let (shapes, allowed, gaps, keys) = (vec![], vec![], vec![], vec![]);
        Self { kind, title, told, ticks, shapes, allowed, gaps, keys }
    }

    fn key(&mut self, kind: &'static str, name: &'static str, column: Column, value: String) {
        self.told = format!("{}; {name} {value}", self.told);
        self.keys.push(Key { kind, name, column: column.index(), value });
    }
}
