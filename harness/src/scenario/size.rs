//! Sizes as scenario files write them, and how a word becomes bytes on a given target.

use schemars::{Schema, json_schema};

use super::word::Lexeme;

/// A size before the target is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    unit: Unit,
    plus: i64,
    /// Sent to the byte, however odd; otherwise rounded up to what the target allocates.
    exact: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// `64MiB`, `1000`, `-1`.
    Bytes(i64),
    /// `x1.5`: thousandths of the volume's base size.
    Times(u64),
    /// `max`: the largest size that the target states.
    Maximum,
}

/// What sizes a target takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Allocation unit, at least 1.
    pub granularity: u64,
    /// 0 is none.
    pub minimum: u64,
    /// 0 is unknown.
    pub maximum: u64,
    /// What `x2` of a smaller volume is, and each further unit as much again; 0: multiples.
    pub grown: u64,
}

/// Base sizes of volumes by use, bytes; each is as small as the file system likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// ext4.
    pub ext4: u64,
    /// XFS; mkfs refuses less than 300 MiB.
    pub xfs: u64,
    /// btrfs; the kernel refuses to resize one to less than 256 MiB.
    pub btrfs: u64,
    /// Raw block, and file systems that the driver chooses.
    pub other: u64,
    /// After the first growth; 0: twice the base.
    pub grown: u64,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { ext4: 64 << 20, xfs: 320 << 20, btrfs: 256 << 20, other: 64 << 20, grown: 0 }
    }
}

impl Sizes {
    /// The same for all, as `--csi.testvolumesize` asks; but nothing gets less than mkfs, the kernel
    /// and what scenarios write take.
    pub fn at_least(bytes: u64) -> Self {
        let Self { xfs, btrfs, .. } = Self::default();
        let small = bytes.max(16 << 20);
        let (xfs, btrfs) = (xfs.max(bytes), btrfs.max(bytes));
        Self { ext4: small, xfs, btrfs, other: small, grown: 0 }
    }

    pub(crate) fn base(self, kind: &str) -> u64 {
        match kind {
            "ext4" => self.ext4,
            "xfs" => self.xfs,
            "btrfs" => self.btrfs,
            _ => self.other,
        }
    }
}

impl Rules {
    pub const ANY: Self = Self { granularity: 1, minimum: 0, maximum: 0, grown: 0 };

    /// `x1` is the base and `x2` what it grows to first.
    fn times(self, base: u64, thousandths: u64) -> u64 {
        let growth = thousandths.checked_sub(1000).zip(self.grown.checked_sub(base));
        let bytes = match growth {
            Some((more, step)) if step > 0 => {
                u128::from(base) + u128::from(step) * u128::from(more) / 1000
            }
            _ => u128::from(base) * u128::from(thousandths) / 1000,
        };
        u64::try_from(bytes).unwrap_or(i64::MAX as u64)
    }

    /// The next size that the target can allocate.
    pub fn legal(self, bytes: u64) -> u64 {
        let wanted = bytes.max(self.minimum).min(i64::MAX as u64);
        let unit = self.granularity.max(1);
        wanted.div_ceil(unit).checked_mul(unit).unwrap_or(i64::MAX as u64).min(i64::MAX as u64)
    }
}

impl Size {
    /// Bytes to send, for a volume of `base` bytes.
    pub fn bytes(self, base: u64, rules: Rules) -> i64 {
        let start = match self.unit {
            Unit::Bytes(bytes) => bytes,
            Unit::Maximum if rules.maximum == 0 => i64::MAX,
            Unit::Maximum => i64::try_from(rules.maximum).unwrap_or(i64::MAX),
            Unit::Times(thousandths) => {
                let bytes = rules.times(base, thousandths);
                i64::try_from(rules.legal(bytes)).unwrap_or(i64::MAX)
            }
        };
        match u64::try_from(start) {
            Ok(bytes) if !self.exact => i64::try_from(rules.legal(bytes)).unwrap_or(i64::MAX),
            _ => start.saturating_add(self.plus),
        }
    }

    /// Cannot be known unless the target states its largest size.
    pub fn needs_maximum(self) -> bool {
        self.unit == Unit::Maximum
    }
}

impl Lexeme for Size {
    const WHAT: &'static str = "size";

    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            let example = "write `64MiB`, `1GiB`, bytes, `x2`, `x2+1` or `max+1`";
            format!("`{text}` is not a size: {example}")
        };
        let body = text.strip_prefix('-').unwrap_or(text);
        let split = body.find(['+', '-']).map(|at| at + text.len() - body.len());
        let (head, tail) = split.map_or((text, None), |at| (&text[..at], Some(&text[at..])));
        let plus = match tail {
            Some(tail) => {
                let bytes = bytes(&tail[1..]).ok_or_else(wrong)?.0;
                if tail.starts_with('-') { -bytes } else { bytes }
            }
            None => 0,
        };
        let (unit, bare) = unit(head).ok_or_else(wrong)?;
        Ok(Self { unit, plus, exact: bare || tail.is_some() || unit == Unit::Maximum })
    }

    fn schema() -> Schema {
        json_schema!({"type": ["integer", "string"],
            "description": "64MiB, 1GiB, bytes, x2 (times the volume's base size), x2+1, max, max+1"})
    }
}

/// The part before `+` or `-`, and whether it is a bare number.
fn unit(head: &str) -> Option<(Unit, bool)> {
    if head == "max" {
        return Some((Unit::Maximum, false));
    }
    if let Some(factor) = head.strip_prefix('x') {
        return thousandths(factor).map(|n| (Unit::Times(n), false));
    }
    if let Ok(number) = head.parse() {
        return Some((Unit::Bytes(number), true));
    }
    match head.strip_prefix('-') {
        Some(rest) => bytes(rest).map(|(n, _)| (Unit::Bytes(-n), true)),
        None => bytes(head).map(|(n, bare)| (Unit::Bytes(n), bare)),
    }
}

/// `2` is 2000, `1.25` is 1250.
fn thousandths(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |s: &str| !s.is_empty() && s.len() <= 6 && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 3 {
        return None;
    }
    let fraction: u64 = format!("{part:0<3}").parse().ok()?;
    Some(whole.parse::<u64>().ok()? * 1000 + fraction)
}

/// Bytes, and whether the number had no unit.
pub(crate) fn bytes(text: &str) -> Option<(i64, bool)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let shift = match unit {
        "" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        _ => return None,
    };
    let bytes = digits.parse::<i64>().ok()?.checked_mul(1 << shift)?;
    Some((bytes, unit.is_empty()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const MIB: i64 = 1 << 20;

    #[rstest]
    #[case("64MiB", 64 * MIB)]
    #[case("1GiB", 1024 * MIB)]
    #[case("1000", 1000)]
    #[case("0", 0)]
    #[case("-1", -1)]
    #[case("-9223372036854775808", i64::MIN)]
    #[case("-64MiB", -64 * MIB)]
    #[case("x2", 128 * MIB)]
    #[case("x1.5", 96 * MIB)]
    #[case("x1.005", 68 * MIB)]
    #[case("x2+1", 128 * MIB + 1)]
    #[case("x2-1MiB", 127 * MIB)]
    #[case("65MiB", 68 * MIB)]
    #[case("65MiB+1", 65 * MIB + 1)]
    #[case("max", 1024 * MIB)]
    #[case("max+1", 1024 * MIB + 1)]
    #[case("9223372036854775807", i64::MAX)]
    fn words_become_bytes(#[case] word: &str, #[case] bytes: i64) {
        let rules = Rules {
            granularity: 4 * MIB as u64,
            minimum: 8 * MIB as u64,
            maximum: 1024 * MIB as u64,
            grown: 0,
        };
        assert_eq!(Size::parse(word).unwrap().bytes(64 * MIB as u64, rules), bytes);
    }

    #[rstest]
    #[case::base("x1", 64, 64)]
    #[case::first("x2", 64, 80)]
    #[case::second("x3", 64, 96)]
    #[case::between("x1.5", 64, 72)]
    #[case::smaller("x0.5", 64, 32)]
    #[case::larger_already("x2", 80, 160)]
    fn the_first_growth_can_be_stated(#[case] word: &str, #[case] base: u64, #[case] bytes: i64) {
        let rules = Rules { grown: 80 * MIB as u64, ..Rules::ANY };
        assert_eq!(Size::parse(word).unwrap().bytes(base * MIB as u64, rules), bytes * MIB);
    }

    #[rstest]
    #[case("64MB")]
    #[case("x")]
    #[case("x2x")]
    #[case("x2+")]
    #[case("max+x2")]
    #[case("")]
    #[case("-")]
    #[case("1.5GiB")]
    #[case("9223372036854775808")]
    #[case("x9999999")]
    fn others_are_refused(#[case] word: &str) {
        assert!(Size::parse(word).unwrap_err().contains("is not a size"), "{word}");
    }

    #[test]
    fn a_target_without_a_stated_maximum_gets_the_largest_number() {
        assert_eq!(Size::parse("max+1").unwrap().bytes(1, Rules::ANY), i64::MAX);
    }
}
