//! Quantities as Kubernetes writes them: `10Gi`, `1500M`, `21474836480`. Inside they are bytes.

const BINARY: [(&str, u32); 6] =
    [("Ei", 60), ("Pi", 50), ("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)];
const DECIMAL: [(&str, u32); 6] = [("E", 18), ("P", 15), ("T", 12), ("G", 9), ("M", 6), ("k", 3)];

/// Bytes of a quantity; fractions are rounded up, as Kubernetes does for storage.
pub fn parse(text: &str) -> Option<u64> {
    let unit = |table: &[(&str, u32)], base: u128| {
        let (suffix, power) = table.iter().find(|(suffix, _)| text.ends_with(suffix))?;
        Some((text.strip_suffix(suffix)?.to_owned(), base.pow(*power)))
    };
    let (digits, factor, divisor) = if let Some((digits, factor)) = unit(&BINARY, 2) {
        (digits, factor, 1)
    } else if let Some((digits, factor)) = unit(&DECIMAL, 10) {
        (digits, factor, 1)
    } else if let Some(digits) = text.strip_suffix('m') {
        (digits.to_owned(), 1, 1000)
    } else if let Some((digits, power)) = text.split_once(['e', 'E']) {
        let power: u32 = power.strip_prefix('+').unwrap_or(power).parse().ok()?;
        (digits.to_owned(), 10_u128.checked_pow(power)?, 1)
    } else {
        (text.to_owned(), 1, 1)
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let number = |text: &str| match text {
        "" => Some(0),
        text if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse::<u128>().ok(),
        _ => None,
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let scale = 10_u128.checked_pow(fraction.len() as u32)?;
    let all = number(whole)?.checked_mul(scale)?.checked_add(number(fraction)?)?;
    let bytes = all.checked_mul(factor)?.div_ceil(scale.checked_mul(divisor)?);
    u64::try_from(bytes).ok()
}

/// The shortest binary spelling, as Kubernetes prints what it was given in binary units.
pub fn show(bytes: u64) -> String {
    let fits = |(_, power): &&(&str, u32)| bytes != 0 && bytes.is_multiple_of(1 << power);
    match BINARY.iter().find(fits) {
        Some((suffix, power)) => format!("{}{suffix}", bytes >> power),
        None => bytes.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubernetes_writes_can_be_read() {
        for (text, bytes) in [
            ("10Gi", Some(10 << 30)),
            ("20.5Gi", Some((41 << 30) / 2)),
            ("1500M", Some(1_500_000_000)),
            ("1k", Some(1000)),
            ("100m", Some(1)),
            ("2e3", Some(2000)),
            ("1E", Some(10_u64.pow(18))),
            ("0", Some(0)),
            ("21474836480", Some(20 << 30)),
            ("", None),
            ("Gi", None),
            ("-1", None),
            ("1 Gi", None),
            ("99999999999Ei", None),
        ] {
            assert_eq!(parse(text), bytes, "{text}");
        }
    }

    #[test]
    fn bytes_are_shown_in_the_largest_unit_that_is_exact() {
        for (bytes, text) in
            [(20 << 30, "20Gi"), (0, "0"), (1536 << 20, "1536Mi"), (1025, "1025"), (1 << 40, "1Ti")]
        {
            assert_eq!(show(bytes), text);
            assert_eq!(parse(text), Some(bytes));
        }
    }
}
