//! Style and layer rules as an ordinary test: who may use whom (ARCHITECTURE.md), file and
//! function sizes, and that every clause id in code and scenarios exists.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use csi_stretch_oracle::{
    check::CHECKS,
    clause::{Basis, Catalogue, Clause, Party},
    dialect::adopted,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    fn walk(dir: &Path, extension: &str, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, extension, found);
            } else if path.extension().is_some_and(|x| x == extension) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), extension, &mut found);
    found.sort();
    assert!(!found.is_empty(), "no {extension} files in {folder}: the rule checks nothing");
    found
}

fn sources() -> Vec<PathBuf> {
    ["proto/src", "harness/oracle/src", "harness/src", "mock-driver/src", "reports/src"]
        .iter()
        .flat_map(|folder| files(folder, "rs"))
        .collect()
}

/// Files that only tests compile.
fn is_test(path: &Path) -> bool {
    let text = path.to_string_lossy();
    ["/tests/", "/tests.rs", "/testing", "/lab.rs"].iter().any(|part| text.contains(part))
}

/// The lines above the file's test module.
fn production(path: &Path) -> Vec<String> {
    if is_test(path) {
        return Vec::new();
    }
    let text = fs::read_to_string(path).unwrap();
    text.lines().take_while(|line| line.trim() != "#[cfg(test)]").map(str::to_owned).collect()
}

/// Folders, and words that none of their files may have.
const LAYERS: &[(&str, &[&str])] = &[
    (
        "harness/oracle/src",
        &[
            "tokio",
            "tonic",
            "std::fs",
            "std::net",
            "std::process",
            "std::time",
            "csi_stretch_proto",
        ],
    ),
    ("mock-driver/src", &["csi_stretch::", "csi_stretch_oracle", "csi_stretch_reports"]),
    ("reports/src", &["csi_stretch_proto", "csi_stretch::", "csi_stretch_mock"]),
    ("proto/src", &["csi_stretch_oracle", "csi_stretch_mock", "csi_stretch::"]),
    (
        "harness/src/host",
        &[
            "crate::runner",
            "crate::client",
            "crate::scenario",
            "crate::generator",
            "umount",
            "nix::mount",
            "std::process::Command",
        ],
    ),
    (
        "harness/src/workload",
        &[
            "crate::client",
            "crate::scenario",
            "crate::generator",
            "crate::runner",
            "csi_stretch_proto",
        ],
    ),
    (
        "harness/src/generator",
        &["crate::client", "crate::host", "crate::runner", "crate::target", "std::time", "tokio"],
    ),
    (
        "harness/src/apiserver",
        &[
            "crate::cli",
            "crate::client",
            "crate::host",
            "crate::runner",
            "crate::scenario",
            "crate::target",
            "csi_stretch_proto",
        ],
    ),
    (
        "harness/src/client",
        &[
            "crate::scenario",
            "crate::generator",
            "crate::runner",
            "Expect",
            "csi_stretch_oracle::check",
        ],
    ),
    (
        "harness/src/adapter",
        &[
            "crate::scenario",
            "crate::generator",
            "crate::runner",
            "crate::target",
            "csi_stretch_oracle",
        ],
    ),
    (
        "harness/src/scenario",
        &["crate::client", "crate::runner", "crate::target", "tonic", "tokio", "std::net"],
    ),
    (
        "harness/src/runner",
        &[
            "csi_stretch_proto",
            "csi_stretch_oracle::check",
            "csi_stretch_oracle::judge",
            "csi_stretch_mock",
            "Verdict",
        ],
    ),
];

#[test]
fn layers_point_one_way() {
    let mut broken = Vec::new();
    for (folder, forbidden) in LAYERS {
        for path in files(folder, "rs") {
            for (number, line) in production(&path).iter().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                for word in *forbidden {
                    if code.contains(word) {
                        broken.push(format!("{}:{}: {word}", path.display(), number + 1));
                    }
                }
            }
        }
    }
    assert!(broken.is_empty(), "layer rules of ARCHITECTURE.md:\n{}", broken.join("\n"));
}

#[test]
fn only_the_command_line_serves_the_mock() {
    for path in files("harness/src", "rs") {
        let text = production(&path).join("\n");
        // What the mock can be told to do wrong has names, which are no more than text.
        let text = text.replace("use csi_stretch_mock::Defect;", "");
        // And where to listen is said to the adapter in the same words.
        let text = text.replace("csi_stretch_mock::bind(", "");
        let allowed = path.ends_with("cli/mock.rs");
        assert!(allowed || !text.contains("csi_stretch_mock"), "{}", path.display());
    }
}

#[test]
fn every_file_says_why_it_exists() {
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        let told = text.starts_with("//!") || is_test(&path);
        assert!(told, "{} has no module doc", path.display());
    }
}

/// A ratchet: the limit only ever goes down. Aim for 90 to 250.
#[test]
fn files_stay_small() {
    const LINES_MAX: usize = 620;
    for path in sources() {
        let lines = production(&path).len();
        assert!(lines <= LINES_MAX, "{} has {lines} lines, at most {LINES_MAX}", path.display());
    }
}

#[test]
fn lines_stay_short() {
    const COLUMNS_MAX: usize = 110;
    let mut long = Vec::new();
    for path in sources() {
        for (number, line) in production(&path).iter().enumerate() {
            let columns = line.chars().count();
            if columns > COLUMNS_MAX {
                long.push(format!("{}:{}: {columns} columns", path.display(), number + 1));
            }
        }
    }
    assert!(long.is_empty(), "at most {COLUMNS_MAX}:\n{}", long.join("\n"));
}

/// A driver's nonsense, a full disk or bad input must not panic the harness.
const PANICS: [&str; 5] = [".unwrap()", ".expect(\"", "panic!(", "unreachable!(", "todo!("];

#[test]
fn nothing_panics_outside_tests() {
    let mut found = Vec::new();
    for path in sources() {
        for (number, line) in production(&path).iter().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if PANICS.iter().any(|w| code.contains(w)) {
                found.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "say what happens instead:\n{}", found.join("\n"));
}

/// The catalogue, with what the file of a clause says of it.
fn clauses() -> Catalogue {
    csi_stretch::cli::catalogue().unwrap()
}

/// Ids that a check names, or a built-in scenario lists.
fn claimed() -> BTreeSet<String> {
    let scenarios = csi_stretch::scenario::embedded().unwrap();
    let of_scenarios = scenarios.into_iter().flat_map(|scenario| scenario.clauses);
    let of_checks = CHECKS.iter().flat_map(|check| check.clauses.iter().map(|id| (*id).to_owned()));
    of_scenarios.chain(of_checks).collect()
}

#[test]
fn every_clause_named_by_a_check_or_scenario_exists() {
    let catalogue = clauses();
    let unknown: Vec<String> =
        claimed().into_iter().filter(|id| catalogue.get(id).is_none()).collect();
    assert!(unknown.is_empty(), "no such clause: {unknown:?}");
}

/// All of tier 1, and what tier 2 demands of the plugin.
#[test]
fn every_clause_of_growth_is_checked_or_excepted() {
    let claimed = claimed();
    let due = |clause: &&Clause| {
        clause.tier == 1
            || clause.tier == 2 && clause.party == Party::Plugin && clause.level.binds()
    };
    let catalogue = clauses();
    let open = catalogue.iter().filter(due).filter(|c| c.excepted.is_none());
    let open = open.map(|c| c.id.as_str()).filter(|id| !claimed.contains(adopted(id)));
    let open: Vec<&str> = open.collect();
    assert!(
        open.is_empty(),
        "nobody checks these, and no `excepted` says why:\n{}",
        open.join("\n")
    );
}

#[test]
fn exceptions_are_true_and_have_a_known_kind() {
    let (claimed, catalogue) = (claimed(), clauses());
    let mut wrong = Vec::new();
    for clause in catalogue.iter() {
        let Some((kind, reason)) = clause.exception() else { continue };
        let orchestrator = clause.party == Party::Orchestrator;
        if claimed.contains(&clause.id) {
            wrong.push(format!("{}: claimed, so its exception has to go", clause.id));
        } else if kind.is_empty() || reason.len() < 10 {
            wrong.push(format!("{}: `{reason}` begins with no known kind", clause.id));
        } else if (kind == "binds the CO") != orchestrator {
            wrong.push(format!("{}: only an orchestrator's clause binds the CO", clause.id));
        } else if kind == "judged as" {
            let gone = reason.split(", ").filter(|id| !claimed.contains(*id));
            wrong.extend(gone.map(|id| format!("{}: nobody claims {id}", clause.id)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A dialect takes clauses over as they are, and its own are no sentences of CSI.
#[test]
fn clauses_of_dialects_are_those_of_csi_again() {
    let (catalogue, mut count) = (clauses(), 0);
    for clause in catalogue.iter().filter(|clause| adopted(&clause.id) != clause.id) {
        let origin = catalogue.get(adopted(&clause.id));
        let origin = origin.unwrap_or_else(|| panic!("{}: of what clause?", clause.id));
        assert_eq!((clause.level, clause.party), (origin.level, origin.party), "{}", clause.id);
        assert_eq!(clause.derived_from, [origin.id.as_str()], "{}", clause.id);
        assert_eq!(clause.basis, Basis::Derived, "{}", clause.id);
        assert!(!origin.since.starts_with("v0."), "{} is CSI 0.x's own", origin.id);
        count += 1;
    }
    assert!(count > 30, "{count}");
}

#[test]
fn clause_ids_are_unique() {
    let count = csi_stretch_proto::CLAUSES
        .iter()
        .flat_map(|(_, text)| text.lines())
        .filter(|line| line.starts_with("- id: "))
        .count();
    assert_eq!(count, clauses().iter().count());
    assert!(count > 500);
}

#[test]
fn no_path_of_a_developers_machine_is_committed() {
    let names: Vec<PathBuf> =
        sources().into_iter().chain(files("scenarios", "yaml")).chain(files("ci", "md")).collect();
    for path in names {
        let text = fs::read_to_string(&path).unwrap();
        for word in ["/home/", "/work/", "/root/"] {
            assert!(!text.contains(word), "{} has {word}", path.display());
        }
    }
}
