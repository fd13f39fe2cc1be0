//! Readings by slices of the axis of time: what is drawn at one place, and told in one row.

use csi_stretch_oracle::{
    history::{Ops, Reading},
    report::Series,
};

use super::scale::Time;

/// Slices of an axis.
pub const SLICES: usize = 200;

pub struct Slices<'a> {
    pub time: Time,
    all: Vec<Vec<&'a Reading>>,
}

/// Operations in a second: the slowest, the middle and the fastest reading of a slice.
#[derive(Clone, Copy)]
pub struct Rate {
    pub low: f64,
    pub middle: f64,
    pub high: f64,
}

impl<'a> Slices<'a> {
    pub fn new(series: &'a Series, time: Time) -> Self {
        // No thinner than the readings lie, or every second slice is empty.
        let count = series.readings.len().clamp(1, SLICES);
        let mut all = vec![Vec::new(); count];
        for reading in &series.readings {
            let middle = reading.from_us() + reading.span_us.min(reading.at_us) / 2;
            let slice = (time.at(middle) / 100.0 * count as f64) as usize;
            if let Some(slice) = all.get_mut(slice.min(count - 1)) {
                slice.push(reading);
            }
        }
        Self { time, all }
    }

    pub fn length_us(&self) -> u64 {
        (self.time.to_us - self.time.from_us) / self.all.len().max(1) as u64
    }

    /// Middle of each slice, per cent of the width.
    pub fn places(&self) -> impl Iterator<Item = f64> {
        let count = self.all.len();
        (0..count).map(move |number| (number as f64 + 0.5) / count as f64 * 100.0)
    }

    /// Middle of each slice, microseconds.
    pub fn middles(&self) -> Vec<u64> {
        let length = (self.time.to_us - self.time.from_us) as f64;
        let at = |place: f64| self.time.from_us + (place / 100.0 * length) as u64;
        self.places().map(at).collect()
    }

    /// `None` where nothing was read.
    pub fn rates(&self, of: fn(&Reading) -> Ops) -> Vec<Option<Rate>> {
        let rate = |reading: &&Reading| of(reading).done as f64 * 1e6 / reading.span_us as f64;
        let slice = |slice: &Vec<&Reading>| {
            let mut rates: Vec<f64> =
                slice.iter().filter(|reading| reading.span_us > 0).map(rate).collect();
            rates.sort_by(f64::total_cmp);
            let (low, high) = (*rates.first()?, *rates.last()?);
            Some(Rate { low, middle: *rates.get(rates.len() / 2)?, high })
        };
        self.all.iter().map(slice).collect()
    }

    /// The worst p99 of each slice, microseconds; `None` where nothing was done.
    pub fn latencies(&self, of: fn(&Reading) -> Ops) -> Vec<Option<u64>> {
        let slice = |slice: &Vec<&Reading>| {
            slice.iter().map(|one| of(one)).filter(|ops| ops.done > 0).map(|ops| ops.p99_us).max()
        };
        self.all.iter().map(slice).collect()
    }

    /// The last value known in each slice.
    pub fn last(&self, of: fn(&Reading) -> Option<u64>) -> Vec<Option<u64>> {
        self.all.iter().map(|slice| slice.iter().rev().find_map(|one| of(one))).collect()
    }
}
