//! What the scenarios cover, as `scenarios/labels.md` promises: every row is carried by a scenario
//! or has a reason, and every label has a row.

use std::collections::{BTreeMap, BTreeSet};

use crate::scenario::embedded;

const TABLE: &str = include_str!("../../../../scenarios/labels.md");

/// Letter, and how many there are.
const FAMILIES: [(char, u32); 4] = [('L', 25), ('X', 13), ('A', 39), ('B', 25)];

/// Labels that say nothing about coverage.
const FREE: [&str; 3] = ["long", "slow", "smoke"];

/// Label, and the reason why no scenario carries it.
fn rows() -> BTreeMap<&'static str, &'static str> {
    let cells = |line: &'static str| {
        let mut cells = line.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim);
        let label = cells.next().filter(|label| is_numbered(label))?;
        Some((label, cells.next_back()?))
    };
    let rows: Vec<_> = TABLE.lines().filter_map(cells).collect();
    let by_label: BTreeMap<_, _> = rows.iter().copied().collect();
    assert_eq!(rows.len(), by_label.len(), "a label has two rows");
    by_label
}

fn is_numbered(label: &str) -> bool {
    let mut chars = label.chars();
    let family = chars.next().is_some_and(|c| FAMILIES.iter().any(|(family, _)| *family == c));
    family && !chars.as_str().is_empty() && chars.all(|c| c.is_ascii_digit())
}

fn carried() -> BTreeSet<String> {
    let all = embedded().unwrap_or_else(|errors| panic!("{errors}"));
    all.into_iter().flat_map(|scenario| scenario.labels).collect()
}

#[test]
fn the_table_has_every_number() {
    let rows = rows();
    for (family, count) in FAMILIES {
        for n in 1..=count {
            assert!(rows.contains_key(format!("{family}{n}").as_str()), "no row for {family}{n}");
        }
    }
    assert_eq!(rows.len() as u32, FAMILIES.iter().map(|(_, count)| count).sum::<u32>());
}

#[test]
fn every_row_is_carried_or_excepted_and_not_both() {
    let carried = carried();
    for (label, reason) in rows() {
        match (carried.contains(label), reason.is_empty()) {
            (true, true) | (false, false) => {}
            (true, false) => panic!("{label} is carried by a scenario: drop its reason"),
            (false, true) => panic!("no scenario carries {label}, and no reason is given"),
        }
    }
}

#[test]
fn every_label_has_a_row() {
    let rows = rows();
    for label in carried() {
        assert!(FREE.contains(&label.as_str()) || rows.contains_key(label.as_str()), "{label}?");
    }
}
