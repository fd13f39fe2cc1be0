//! Sizes in words, exact: a reader can always get the number of bytes back.

const UNITS: [(&str, u64); 6] = [
    ("EiB", 1 << 60),
    ("PiB", 1 << 50),
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
];

/// A whole multiple of a unit is written so that nothing is lost, `128 MiB`. Anything else gets
/// one decimal, cut off, and the bytes: `128.5 MiB (134742016 bytes)`.
pub fn bytes_u64(value: u64) -> String {
    let whole = UNITS.iter().find(|(_, unit)| value > 0 && value.is_multiple_of(*unit));
    // 131584 KiB is exact too, but nobody reads that as 128.5 MiB.
    if let Some((name, unit)) = whole.filter(|(_, unit)| value / unit < 10 * 1024) {
        return format!("{} {name}", value / unit);
    }
    match UNITS.iter().find(|(_, unit)| value >= *unit) {
        Some((name, unit)) => {
            let tenths = value % unit * 10 / unit;
            format!("{}.{tenths} {name} ({value} bytes)", value / unit)
        }
        None if value == 1 => "1 byte".to_owned(),
        None => format!("{value} bytes"),
    }
}

/// The same for a size as it was on the wire, where it can be negative.
pub fn bytes(value: i64) -> String {
    match u64::try_from(value) {
        Ok(value) => bytes_u64(value),
        Err(_) => format!("{value} bytes"),
    }
}
