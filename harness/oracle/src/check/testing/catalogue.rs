//! The real catalogue, read as simply as its layout allows: this crate has no YAML.

use std::{fs, path::Path, sync::OnceLock};

use crate::clause::{Basis, Catalogue, Clause, Level, Party};

/// Every clause of the project.
pub fn catalogue() -> Catalogue {
    static CLAUSES: OnceLock<Catalogue> = OnceLock::new();
    CLAUSES.get_or_init(|| Catalogue::new(read())).clone()
}

fn read() -> Vec<Clause> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto/clauses");
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder).expect("the catalogue's folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            texts.push(fs::read_to_string(path).expect("a clause file"));
        }
    }
    texts.iter().flat_map(|text| text.split("\n- id: ").skip(1)).map(clause).collect()
}

fn clause(text: &str) -> Clause {
    let field = |name: &str| {
        let start = format!("  {name}: ");
        let line = text.lines().find_map(|line| line.strip_prefix(&start));
        line.map(|value| value.trim_matches('"').to_owned())
    };
    let level = match field("level").as_deref() {
        Some("MUST") => Level::Must,
        Some("MUST NOT") => Level::MustNot,
        Some("SHOULD") => Level::Should,
        Some("SHOULD NOT") => Level::ShouldNot,
        Some("MAY") => Level::May,
        other => panic!("level {other:?}"),
    };
    let list = field("requires").unwrap_or_default();
    let requires = list.trim_matches(['[', ']']).split(", ").map(|name| name.trim_matches('"'));
    Clause {
        id: text.lines().next().unwrap_or_default().to_owned(),
        level,
        party: match field("party").as_deref() {
            Some("CO") => Party::Orchestrator,
            _ => Party::Plugin,
        },
        since: field("since").unwrap_or_default(),
        alpha: false,
        basis: match field("basis").as_deref() {
            Some("derived") => Basis::Derived,
            Some("descriptive") => Basis::Descriptive,
            _ => Basis::Explicit,
        },
        derived_from: vec![],
        paraphrase: field("paraphrase").unwrap_or_default(),
        condition: None,
        code: None,
        observable: String::new(),
        requires: requires.filter(|name| !name.is_empty()).map(ToOwned::to_owned).collect(),
        excepted: field("excepted"),
        tier: field("tier").and_then(|tier| tier.parse().ok()).unwrap_or(0),
        spec_line: field("spec_line").and_then(|line| line.parse().ok()).unwrap_or(0),
    }
}
