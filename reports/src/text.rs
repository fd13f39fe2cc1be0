//! Words for numbers, and harmless forms of strings. Knows nothing of reports.

use std::fmt::Write as _;

const KIB: u64 = 1 << 10;
const UNITS: [(u64, &str); 6] = [
    (1 << 60, "EiB"),
    (1 << 50, "PiB"),
    (1 << 40, "TiB"),
    (1 << 30, "GiB"),
    (1 << 20, "MiB"),
    (KIB, "KiB"),
];
const MIB: (u64, &str) = UNITS[4];
const GIB: u64 = UNITS[3].0;

/// `128 MiB`, `127.93 MiB`, `512 bytes`. Cut, not rounded, to two places: a size that falls short
/// must never read as the round one, so only an exact multiple is printed without a fraction.
pub fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..KIB => return format!("{bytes} bytes"),
        // The largest unit that it is a multiple of: `1 GiB`, but `1,536 MiB`.
        _ if bytes.is_multiple_of(MIB.0) => exact_unit(bytes),
        // Otherwise MiB as long as one can still compare at a glance.
        _ if bytes >= MIB.0 && bytes < 10 * GIB => MIB,
        _ => UNITS.into_iter().find(|(unit, _)| bytes >= *unit).unwrap_or((1, "bytes")),
    };
    let rest = bytes % unit;
    if rest == 0 {
        return format!("{} {name}", grouped(bytes / unit));
    }
    let hundredths = u128::from(rest) * 100 / u128::from(unit);
    format!("{}.{hundredths:02} {name}", grouped(bytes / unit))
}

fn exact_unit(bytes: u64) -> (u64, &'static str) {
    UNITS.into_iter().find(|(unit, _)| bytes.is_multiple_of(*unit)).unwrap_or((1, "bytes"))
}

/// Three digits of a size, for what changes all the time and promises nothing: `345 GiB`.
pub fn about(bytes: u64) -> String {
    let (unit, name) = UNITS.into_iter().find(|(unit, _)| bytes >= *unit).unwrap_or((1, "bytes"));
    let whole = bytes / unit;
    let tenths = u128::from(bytes % unit) * 10 / u128::from(unit);
    if whole >= 100 || unit == 1 {
        format!("{} {name}", grouped(whole))
    } else {
        format!("{whole}.{tenths} {name}")
    }
}

/// [`size`] for numbers of the wire, which can be negative.
pub fn size_signed(bytes: i64) -> String {
    size_wide(bytes.into())
}

/// [`size`] for differences.
pub fn size_wide(bytes: i128) -> String {
    let sign = if bytes < 0 { "\u{2212}" } else { "" };
    format!("{sign}{}", size(u64::try_from(bytes.unsigned_abs()).unwrap_or(u64::MAX)))
}

/// `134,217,728 bytes`.
pub fn bytes(bytes: i128) -> String {
    let sign = if bytes < 0 { "\u{2212}" } else { "" };
    format!("{sign}{} bytes", grouped(bytes.unsigned_abs()))
}

/// Digits in groups of three: `1,234,567`.
pub fn grouped(number: impl Into<u128>) -> String {
    let digits = number.into().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Microseconds as milliseconds with three digits that mean something: `0.41 ms`, `1,203 ms`.
pub fn ms(us: u64) -> String {
    match us {
        0..10_000 => format!("{}.{:02} ms", us / 1000, us % 1000 / 10),
        10_000..100_000 => format!("{}.{} ms", us / 1000, us % 1000 / 100),
        _ => format!("{} ms", grouped(us / 1000)),
    }
}

/// [`ms`] up to a second, then seconds: `4.1 s`.
pub fn took(us: u64) -> String {
    if us < 1_000_000 {
        ms(us)
    } else {
        format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000)
    }
}

/// Microseconds as seconds: `0.123`.
pub fn seconds(us: u64) -> String {
    format!("{}.{:03}", us / 1_000_000, us % 1_000_000 / 1000)
}

/// `1 advisory`, `2 advisories`.
pub fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number as u64), if number == 1 { one } else { many })
}

/// The string without anything that a reader cannot see or that moves other text, cut after
/// `limit` bytes with a note. `None`: it is fine as it is.
pub fn tamed(string: &str, limit: usize) -> Option<String> {
    // Nearly every string; told without decoding it.
    let plain = || string.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if string.len() <= limit && (plain() || !string.chars().any(is_hidden)) {
        return None;
    }
    let mut out = String::new();
    for char in head(string, limit).chars() {
        match char {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if is_hidden(char) => {
                // Writing to a string cannot fail.
                let _ = write!(out, "[U+{:04X}]", char as u32);
            }
            _ => out.push(char),
        }
    }
    if string.len() > limit {
        let whole = grouped(string.len() as u64);
        let _ = write!(out, " … [cut: {whole} bytes in all, the rest is in report.json]");
    }
    Some(out)
}

/// As many whole characters as fit into `limit` bytes.
fn head(string: &str, limit: usize) -> &str {
    let end = (0..=limit.min(string.len())).rev().find(|end| string.is_char_boundary(*end));
    &string[..end.unwrap_or(0)]
}

/// Control characters, zero-width and direction marks, line separators, tags, non-characters.
fn is_hidden(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{fdd0}'..='\u{fdef}' | '\u{e0000}'..='\u{e007f}')
        || (char as u32) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, "0 bytes")]
    #[case(1023, "1023 bytes")]
    #[case(4096, "4 KiB")]
    #[case(128 << 20, "128 MiB")]
    #[case((128 << 20) - 1, "127.99 MiB")]
    #[case((128 << 20) + 1, "128.00 MiB")]
    #[case(300 << 30, "300 GiB")]
    #[case(3 << 29, "1,536 MiB")]
    #[case((1 << 30) - 4096, "1,023.99 MiB")]
    #[case(u64::MAX, "15.99 EiB")]
    fn sizes_never_round_up(#[case] bytes: u64, #[case] want: &str) {
        assert_eq!(size(bytes), want);
    }

    #[rstest]
    #[case(412, "0.41 ms")]
    #[case(12_345, "12.3 ms")]
    #[case(1_203_999, "1,203 ms")]
    fn times_in_ms(#[case] us: u64, #[case] want: &str) {
        assert_eq!(ms(us), want);
    }

    #[test]
    fn about_is_short() {
        let told = [999, 4_096, 5 << 30, (353_408 << 20) + 7].map(about);
        assert_eq!(told, ["999 bytes", "4.0 KiB", "5.0 GiB", "345 GiB"]);
        assert_eq!([took(999_999), took(4_190_000)], ["999 ms", "4.1 s"]);
    }

    #[rstest]
    #[case("plain ünïcode ✓", None)]
    #[case("a\x1b[31mb\n", Some("a[U+001B][31mb\\n"))]
    #[case("\u{202e}gpj.exe", Some("[U+202E]gpj.exe"))]
    #[case("\u{85}\u{7f}\u{feff}\u{ffff}", Some("[U+0085][U+007F][U+FEFF][U+FFFF]"))]
    fn hidden_characters_show(#[case] string: &str, #[case] want: Option<&str>) {
        assert_eq!(tamed(string, 100).as_deref(), want);
    }

    #[test]
    fn long_strings_are_cut_between_characters() {
        let cut = tamed(&"é".repeat(600), 101).unwrap();
        let note = " … [cut: 1,200 bytes in all, the rest is in report.json]";
        assert_eq!(cut, "é".repeat(50) + note);
    }

    #[test]
    fn signed_sizes() {
        assert_eq!(size_signed(-(1 << 20)), "−1 MiB");
        assert_eq!(size_signed(i64::MIN), "−8 EiB");
        assert_eq!(bytes(-1), "−1 bytes");
    }
}
