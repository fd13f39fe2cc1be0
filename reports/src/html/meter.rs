//! A bar of counts, each share wide enough to be seen.

use crate::text;

/// One part of the bar; `x` and `width` in percent of the whole.
pub struct Segment {
    /// CSS class and icon.
    pub kind: &'static str,
    pub label: &'static str,
    pub count: String,
    pub x: String,
    pub width: String,
    pub shown: bool,
}

/// Narrowest share of a count that is not zero, percent: one skip of 500 must not vanish.
const SHARE_MIN: f64 = 1.5;

/// Shares of `parts` (kind, label, count), in that order.
pub fn meter(parts: &[(&'static str, &'static str, u32)]) -> Vec<Segment> {
    let total: f64 = parts.iter().map(|part| f64::from(part.2)).sum();
    let raw = |count: u32| match count {
        0 => 0.0,
        _ => (f64::from(count) / total * 100.0).max(SHARE_MIN),
    };
    let widened: f64 = parts.iter().map(|part| raw(part.2)).sum();
    let mut x = 0.0;
    let mut segments = Vec::new();
    for (kind, label, count) in parts {
        let width = if *count == 0 { 0.0 } else { raw(*count) / widened * 100.0 };
        segments.push(Segment {
            kind,
            label,
            count: text::grouped(*count),
            x: percent(x),
            width: percent(width),
            shown: *count > 0,
        });
        x += width;
    }
    segments
}

/// `33.33%`, for an SVG attribute.
pub fn percent(share: f64) -> String {
    format!("{:.2}%", share.clamp(0.0, 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_share_is_seen_and_all_fit() {
        let segments = meter(&[("fail", "fail", 1), ("skip", "skip", 0), ("pass", "pass", 999)]);
        let width = |at: usize| segments[at].width.trim_end_matches('%').parse::<f64>().unwrap();
        assert!(width(0) > 1.4 && width(1) == 0.0);
        assert!((width(0) + width(2) - 100.0).abs() < 0.02);
        assert_eq!(segments[2].x, segments[0].width);
    }

    #[test]
    fn nothing_is_no_bar() {
        assert!(meter(&[("pass", "pass", 0)]).iter().all(|segment| !segment.shown));
    }
}
