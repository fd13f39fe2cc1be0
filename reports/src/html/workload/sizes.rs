//! What each source said of the size, as lines of steps, and where the volume lags behind what
//! was promised.

use csi_stretch_oracle::report::{Series, SizeLine, SizeSource};

use super::scale::Time;
use crate::text;

/// Shorter lags need no word.
const TOLD_MIN_US: u64 = 1_000_000;

/// A promise that is not kept, from when to when, and from which size to which.
pub struct Gap {
    pub from_us: u64,
    pub to_us: u64,
    pub is: u64,
    pub promised: u64,
    /// In words, if it lasts.
    pub told: String,
}

/// Every source, in the order in which it is drawn.
pub const SOURCES: [(SizeSource, &str, &str); 6] = [
    (SizeSource::Requested, "requested", "requested"),
    (SizeSource::Controller, "controller", "controller said"),
    (SizeSource::Node, "node", "node said"),
    (SizeSource::Device, "device", "device is"),
    (SizeSource::Fs, "fs", "file system is"),
    (SizeSource::Statfs, "statfs", "statfs total"),
];

pub fn line(series: &Series, source: SizeSource) -> Option<&SizeLine> {
    series.sizes.iter().find(|line| line.source == source)
}

/// What held at that time.
pub fn at(line: &SizeLine, at_us: u64) -> Option<u64> {
    held(&line.steps, at_us)
}

fn held(steps: &[(u64, u64)], at_us: u64) -> Option<u64> {
    let count = steps.partition_point(|(from, _)| *from <= at_us);
    count.checked_sub(1).and_then(|last| steps.get(last)).map(|(_, bytes)| *bytes)
}

/// What held before the step that holds at that time.
fn before(steps: &[(u64, u64)], at_us: u64) -> Option<u64> {
    let count = steps.partition_point(|(from, _)| *from <= at_us);
    count.checked_sub(2).and_then(|last| steps.get(last)).map(|(_, bytes)| *bytes)
}

/// What was said and measured when the axis began.
#[derive(Clone, Copy)]
struct Kept {
    said: u64,
    is: u64,
}

impl Kept {
    /// The size that is promised, if not even half of the last growth is there. Sources differ by
    /// what a file system takes for itself, so only what was added is compared, and of that no
    /// larger share is due than there was in the beginning.
    fn broken(self, before: u64, said: u64, is: u64) -> Option<u64> {
        let due = said.checked_sub(self.said).filter(|due| *due > 0)?;
        let share =
            u128::from(due) * u128::from(self.is.min(self.said)) / u128::from(self.said.max(1));
        let share = u64::try_from(share).unwrap_or(u64::MAX);
        let least = share.saturating_sub(said.abs_diff(before) / 2);
        (is.saturating_sub(self.is) < least).then(|| self.is.saturating_add(share))
    }
}

/// Steps within the axis, with what held when it began.
pub fn within(line: &SizeLine, time: Time) -> Vec<(u64, u64)> {
    let before = at(line, time.from_us).map(|bytes| (time.from_us, bytes));
    let inside = line.steps.iter().filter(|(at, _)| *at > time.from_us && *at <= time.to_us);
    before.into_iter().chain(inside.copied()).collect()
}

/// Where what was measured has not grown as was promised.
///
/// While the calls of a growth (`growths`) are under way, nothing is missing yet.
pub fn gaps(series: &Series, time: Time, growths: &[(u64, u64)]) -> Vec<Gap> {
    // A device has no overhead, so it tells best how much; a file system may lag behind it.
    let sources = [SizeSource::Device, SizeSource::Statfs, SizeSource::Fs];
    let gaps = sources.into_iter().map(|source| gaps_of(series, source, time, growths));
    gaps.into_iter().find(|gaps| !gaps.is_empty()).unwrap_or_default()
}

fn gaps_of(series: &Series, source: SizeSource, time: Time, growths: &[(u64, u64)]) -> Vec<Gap> {
    let (said, measured) = (line(series, SizeSource::Controller), line(series, source));
    let (Some(said), Some(measured)) = (said, measured) else {
        return Vec::new();
    };
    let (said, measured) = (within(said, time), within(measured, time));
    let (Some(first_said), Some(first_is)) = (said.first(), measured.first()) else {
        return Vec::new();
    };
    let kept = Kept { said: first_said.1, is: first_is.1 };
    let mut times: Vec<u64> = said.iter().chain(&measured).map(|(at_us, _)| *at_us).collect();
    times.push(time.to_us);
    times.extend(growths.iter().map(|(_, to_us)| *to_us));
    times.sort_unstable();
    times.dedup();
    let mut gaps: Vec<Gap> = Vec::new();
    for span in times.windows(2) {
        let [from_us, to_us] = *span else { continue };
        let (Some(now), Some(is)) = (held(&said, from_us), held(&measured, from_us)) else {
            continue;
        };
        if growths.iter().any(|(begin, end)| from_us >= *begin && from_us < *end) {
            continue;
        }
        let before = before(&said, from_us).unwrap_or(first_said.1);
        if let Some(promised) = kept.broken(before, now, is) {
            match gaps.last_mut() {
                Some(last) if (last.to_us, last.is, last.promised) == (from_us, is, promised) => {
                    last.to_us = to_us;
                }
                _ => gaps.push(Gap { from_us, to_us, is, promised, told: String::new() }),
            }
        }
    }
    // Between an answer and the next look nothing is missing that anybody saw.
    gaps.retain(|gap| gap.to_us - gap.from_us >= TOLD_MIN_US);
    for gap in &mut gaps {
        let length = gap.to_us - gap.from_us;
        let missing = text::size(gap.promised.saturating_sub(gap.is));
        let until = if gap.to_us >= time.to_us { "to the end" } else { "until it was there" };
        let (seconds, at) = (length / 1_000_000, time.clock(gap.from_us));
        gap.told = format!("{missing} missing from {at} on, for {seconds} s, {until}");
    }
    gaps
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::Kept;

    /// In MiB: said and measured in the beginning; said before, said now, measured.
    #[rstest]
    #[case::grown(300, 300, [300, 400, 400], None)]
    #[case::overhead(300, 256, [300, 400, 352], None)]
    #[case::fiftieth_growth_with_overhead(100, 99, [590, 600, 594], None)]
    #[case::nothing(300, 300, [300, 400, 300], Some(400))]
    #[case::second_growth(300, 300, [400, 500, 400], Some(500))]
    #[case::second_growth_of_a_total(300, 297, [400, 500, 396], Some(495))]
    #[case::not_grown_yet(300, 300, [300, 300, 300], None)]
    fn a_promise_is_broken_if_half_of_it_is_missing(
        #[case] said: u64,
        #[case] is: u64,
        #[case] now: [u64; 3],
        #[case] promised: Option<u64>,
    ) {
        assert_eq!(Kept { said, is }.broken(now[0], now[1], now[2]), promised);
    }
}
