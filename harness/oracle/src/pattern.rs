//! Which ids a person means: a part of the id, or a pattern with `*`.

/// Whether an id is meant: any of the patterns fits. One without `*` fits anywhere in the id, one
/// with `*` has to fit the whole id.
pub fn fits_any(patterns: &[String], id: &str) -> bool {
    patterns.iter().any(|pattern| fits(pattern, id))
}

/// As [`fits_any`], for one pattern.
pub fn fits(pattern: &str, id: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return id.contains(pattern) };
    let Some(mut id) = id.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match id.find(part) {
            Some(at) => id = &id[at + part.len()..],
            None => return false,
        }
    }
    id.ends_with(last)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::fits;

    #[rstest]
    #[case("online", true)]
    #[case("expansion/online-grow[fs=xfs]", true)]
    #[case("fs=xfs", true)]
    #[case("fs=ext4", false)]
    #[case("expansion/*", true)]
    #[case("*fs=xfs*", true)]
    #[case("*online*xfs*", true)]
    #[case("*xfs*online*", false)]
    #[case("online*", false)]
    #[case("*", true)]
    #[case("", true)]
    #[case("expansion/online-grow[fs=xfs]*]", false)]
    fn patterns(#[case] pattern: &str, #[case] fit: bool) {
        assert_eq!(fits(pattern, "expansion/online-grow[fs=xfs]"), fit);
    }
}
