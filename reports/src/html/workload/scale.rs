//! From numbers to places: axes with round ticks, and paths. Knows no report.

use std::fmt::Write as _;

use crate::text;

use super::percent;

/// Ticks on an axis of time, at most.
const TIME_TICKS: u64 = 8;
/// Steps between ticks of time, seconds.
const TIME_STEPS: [u64; 16] =
    [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 43_200];

/// The common axis of time.
#[derive(Clone, Copy)]
pub struct Time {
    pub from_us: u64,
    pub to_us: u64,
}

impl Time {
    pub fn new(from_us: u64, to_us: u64) -> Self {
        Self { from_us, to_us: to_us.max(from_us + 1) }
    }

    /// Per cent of the width.
    pub fn at(self, at_us: u64) -> f64 {
        let within = at_us.clamp(self.from_us, self.to_us) - self.from_us;
        within as f64 / (self.to_us - self.from_us) as f64 * 100.0
    }

    /// `12:30` or `12:30.5` since the axis began.
    pub fn clock(self, at_us: u64) -> String {
        let us = at_us.saturating_sub(self.from_us);
        let (minutes, seconds) = (us / 60_000_000, us / 1_000_000 % 60);
        let tenths = us % 1_000_000 / 100_000;
        if tenths == 0 {
            format!("{minutes}:{seconds:02}")
        } else {
            format!("{minutes}:{seconds:02}.{tenths}")
        }
    }

    /// Place and label; the last is dropped where it would leave the plot.
    pub fn ticks(self) -> Vec<(String, String)> {
        let seconds = (self.to_us - self.from_us) / 1_000_000;
        let fits = |step: &&u64| seconds / **step <= TIME_TICKS;
        let step = TIME_STEPS.iter().find(fits).copied().unwrap_or(seconds / TIME_TICKS).max(1);
        let ticks = (0..=seconds / step).map(|number| self.from_us + number * step * 1_000_000);
        let inside = ticks.filter(|at_us| self.at(*at_us) <= 97.0);
        inside.map(|at_us| (percent(self.at(at_us)), self.clock(at_us))).collect()
    }
}

/// An axis of values, low to high.
#[derive(Clone)]
pub struct Axis {
    low: f64,
    high: f64,
    log: bool,
    ticks: Vec<(f64, String)>,
}

impl Axis {
    /// From 0 to a little over `max`.
    pub fn rates(max: f64) -> Self {
        let step = round_up(max / 3.0, 10.0);
        let label = |value: f64| text::grouped(value as u64);
        Self::linear(0.0, max, step.max(1.0), label)
    }

    /// Of sizes, from about `low` on; ticks at round numbers of the unit that fits.
    pub fn sizes(low: f64, high: f64) -> Self {
        let unit = (0..6).map(|power| 1024_f64.powi(power)).rfind(|unit| high - low >= *unit);
        let unit = unit.unwrap_or(1.0);
        let step = round_up((high - low) / unit / 3.0, 10.0).max(1.0) * unit;
        Self::linear((low / step).floor() * step, high, step, |bytes| text::size(bytes as u64))
    }

    /// Of latencies, microseconds, by powers of ten.
    pub fn latencies(low: f64, high: f64) -> Self {
        let low = low.max(1.0).log10().floor();
        let high = high.max(1.0).log10().ceil().max(low + 1.0);
        let label = |power: i32| match power {
            0..=2 => format!("{} µs", 10_u32.pow(power.unsigned_abs())),
            3..=5 => format!("{} ms", 10_u32.pow(power.unsigned_abs() - 3)),
            _ => format!("{} s", 10_u32.pow(power.unsigned_abs().clamp(6, 12) - 6)),
        };
        let ticks = (low as i32..=high as i32).map(|power| (f64::from(power), label(power)));
        Self { low, high, log: true, ticks: ticks.collect() }
    }

    fn linear(low: f64, high: f64, step: f64, label: impl Fn(f64) -> String) -> Self {
        let count = ((high - low) / step).ceil().clamp(1.0, 8.0) as u32;
        let ticks = (0..=count).map(|number| low + f64::from(number) * step);
        let ticks: Vec<(f64, String)> = ticks.map(|value| (value, label(value))).collect();
        let high = ticks.last().map_or(high, |(top, _)| top.max(high));
        Self { low, high, log: false, ticks }
    }

    /// Per cent from the top.
    pub fn at(&self, value: f64) -> f64 {
        let value = if self.log { value.max(1.0).log10() } else { value };
        let share = (value - self.low) / (self.high - self.low).max(f64::MIN_POSITIVE);
        100.0 - share.clamp(0.0, 1.0) * 100.0
    }

    /// Place from the top, and label.
    pub fn ticks(&self) -> Vec<(String, String)> {
        let place = |value: f64| 100.0 - (value - self.low) / (self.high - self.low) * 100.0;
        self.ticks.iter().map(|(value, label)| (percent(place(*value)), label.clone())).collect()
    }
}

/// 1, 2 or 5 times a power of `base`, at least `value`.
fn round_up(value: f64, base: f64) -> f64 {
    let power = base.powf(value.max(f64::MIN_POSITIVE).log(base).floor());
    let steps = [1.0, 2.0, 5.0, 10.0];
    let fits = steps.iter().find(|step| value <= **step * power);
    fits.copied().unwrap_or(10.0) * power
}

/// A line through places in per cent; `None` breaks it. A place alone is a short dash.
pub fn path(places: impl Iterator<Item = Option<(f64, f64)>>) -> String {
    let (mut path, mut stretch) = (String::new(), 0);
    for place in places.chain([None]) {
        if let Some((x, y)) = place {
            let way = if stretch > 0 { 'L' } else { 'M' };
            // Writing to a string cannot fail.
            let _ = write!(path, "{way}{:.0} {:.0}", x * 10.0, y * 10.0);
            stretch += 1;
        } else {
            path.push_str(if stretch == 1 { "h3" } else { "" });
            stretch = 0;
        }
    }
    path
}

/// A line of steps: each place holds until the next, the last until `end`.
pub fn steps(places: &[(f64, f64)], end: f64) -> String {
    let mut path = String::new();
    for (number, (x, y)) in places.iter().enumerate() {
        let _ = match number {
            0 => write!(path, "M{:.1} {:.1}", x * 10.0, y * 10.0),
            _ => write!(path, "H{:.1}V{:.1}", x * 10.0, y * 10.0),
        };
    }
    if !path.is_empty() {
        let _ = write!(path, "H{:.1}", end * 10.0);
    }
    path
}

/// The shade between two lines, of unbroken stretches.
pub fn shade(places: &[Option<(f64, f64, f64)>]) -> String {
    let mut path = String::new();
    for stretch in places.split(Option::is_none) {
        let known: Vec<&(f64, f64, f64)> = stretch.iter().flatten().collect();
        let (Some(first), true) = (known.first(), known.len() > 1) else { continue };
        let _ = write!(path, "M{:.0} {:.0}", first.0 * 10.0, first.1 * 10.0);
        let there = known.iter().skip(1).map(|(x, low, _)| (x, low));
        let back = known.iter().rev().map(|(x, _, high)| (x, high));
        for (x, y) in there.chain(back) {
            let _ = write!(path, "L{:.0} {:.0}", x * 10.0, y * 10.0);
        }
        path.push('Z');
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        let labels = |axis: Axis| axis.ticks().into_iter().map(|(_, l)| l).collect::<Vec<_>>();
        assert_eq!(labels(Axis::rates(1_130.0)), ["0", "500", "1,000", "1,500"]);
        let gib = f64::from(1 << 30);
        assert_eq!(
            labels(Axis::sizes(290.0 * gib, 510.0 * gib)),
            ["200 GiB", "300 GiB", "400 GiB", "500 GiB", "600 GiB"]
        );
        assert_eq!(labels(Axis::latencies(300.0, 2_000_000.0)).len(), 6);
        let time = Time::new(5_000_000, 1_205_000_000);
        assert_eq!(time.ticks().last().map(|(_, label)| label.as_str()), Some("15:00"));
        assert_eq!(time.clock(66_500_000), "1:01.5");
    }

    #[test]
    fn gaps_break_a_line() {
        let places = [Some((0.0, 50.0)), Some((1.0, 40.0)), None, Some((3.0, 0.0))];
        assert_eq!(path(places.into_iter()), "M0 500L10 400M30 0h3");
        assert_eq!(steps(&[(0.0, 50.0), (20.0, 10.0)], 100.0), "M0.0 500.0H200.0V100.0H1000.0");
        let shaded = [Some((0.0, 9.0, 1.0)), Some((1.0, 8.0, 2.0)), None, Some((3.0, 1.0, 0.0))];
        assert_eq!(shade(&shaded), "M0 90L10 80L10 20L0 10Z");
    }
}
