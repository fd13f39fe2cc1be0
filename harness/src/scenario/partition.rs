//! One of several parts of a plan, for CI jobs side by side: the parts have nothing in common, and
//! together are the whole.

use std::str::FromStr;

/// `slice:2/3` deals the instances out in turn, which makes parts of equal size; `hash:2/3` goes by
/// the id, so that an instance stays in its part when others come or go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    kind: Kind,
    part: u64,
    parts: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Slice,
    Hash,
}

impl Partition {
    /// Whether the instance at that position of the selection is in this part.
    pub fn has(self, position: usize, id: &str) -> bool {
        let number = match self.kind {
            Kind::Slice => position as u64,
            Kind::Hash => super::plan::fnv(id),
        };
        number % self.parts == self.part - 1
    }
}

impl FromStr for Partition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no part: write `slice:1/3` or `hash:1/3`");
        let (kind, rest) = text.split_once(':').ok_or_else(wrong)?;
        let kind = match kind {
            "slice" | "count" => Kind::Slice,
            "hash" => Kind::Hash,
            _ => return Err(wrong()),
        };
        let (part, parts) = rest.split_once('/').ok_or_else(wrong)?;
        let number = |text: &str| text.parse::<u64>().map_err(|_| wrong());
        let (part, parts) = (number(part)?, number(parts)?);
        if part == 0 || part > parts {
            return Err(format!("part {part} of {parts} does not exist: the first is 1"));
        }
        Ok(Self { kind, part, parts })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("slice", 1)]
    #[case("slice", 3)]
    #[case("slice", 7)]
    #[case("hash", 1)]
    #[case("hash", 3)]
    #[case("hash", 7)]
    fn parts_are_the_whole_and_have_nothing_in_common(#[case] kind: &str, #[case] parts: usize) {
        let ids: Vec<String> = (0..200).map(|n| format!("expansion/case-{n}[fs=xfs]")).collect();
        let mut seen = vec![0; ids.len()];
        for part in 1..=parts {
            let part: Partition = format!("{kind}:{part}/{parts}").parse().unwrap();
            let mut size = 0;
            for (at, id) in ids.iter().enumerate().filter(|(at, id)| part.has(*at, id)) {
                assert!(!id.is_empty());
                seen[at] += 1;
                size += 1;
            }
            assert!(size * parts > ids.len() / 2, "{size} of {parts}");
        }
        assert!(seen.iter().all(|times| *times == 1), "{seen:?}");
    }

    #[rstest]
    #[case("slice:0/3")]
    #[case("slice:4/3")]
    #[case("slice:1/0")]
    #[case("slice:1")]
    #[case("1/3")]
    #[case("sliced:1/3")]
    #[case("hash:-1/3")]
    fn no_parts(#[case] text: &str) {
        assert!(text.parse::<Partition>().is_err());
    }
}
