//! Fewer readings with the same picture: of each stretch the ones that a reader would miss.

use crate::history::Reading;

/// More readings than this are thinned; a chart has fewer points across.
const POINTS_MAX: usize = 2_400;
/// Readings kept of each stretch.
const KEPT: usize = 4;

/// Of each stretch the first, the slowest, the fastest, and the one with the longest latency.
pub fn thin(readings: &[Reading]) -> Vec<Reading> {
    if readings.len() <= POINTS_MAX {
        return readings.to_vec();
    }
    let stretch = readings.len().div_ceil(POINTS_MAX / KEPT);
    let mut kept: Vec<usize> = Vec::new();
    for (number, part) in readings.chunks(stretch).enumerate() {
        let within = || 0..part.len();
        let slowest = within().min_by_key(|at| rate(&part[*at]));
        let fastest = within().max_by_key(|at| rate(&part[*at]));
        let latest = within().max_by_key(|at| part[*at].bulk.max_us.max(part[*at].query.max_us));
        let mut chosen: Vec<usize> =
            [Some(0), slowest, fastest, latest].into_iter().flatten().collect();
        chosen.sort_unstable();
        chosen.dedup();
        kept.extend(chosen.into_iter().map(|at| number * stretch + at));
    }
    // The last one says how it ended.
    kept.push(readings.len() - 1);
    kept.dedup();
    kept.into_iter().filter_map(|at| readings.get(at).cloned()).collect()
}

/// Operations in a thousand seconds.
fn rate(reading: &Reading) -> u128 {
    let done = u128::from(reading.bulk.done) + u128::from(reading.query.done);
    done * 1_000_000_000 / u128::from(reading.span_us.max(1))
}
