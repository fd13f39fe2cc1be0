//! Style and layer rules as an ordinary test: who may use whom (ARCHITECTURE.md), file and
//! function sizes, and that every clause id in code and scenarios exists.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
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

#[test]
fn layers_point_one_way() {
    let rules: &[(&str, &[&str])] = &[
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
            &[
                "crate::client",
                "crate::host",
                "crate::runner",
                "crate::target",
                "std::time",
                "tokio",
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
    let mut broken = Vec::new();
    for (folder, forbidden) in rules {
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

fn catalogue() -> BTreeSet<String> {
    csi_stretch_proto::CLAUSES
        .iter()
        .flat_map(|(_, text)| text.lines())
        .filter_map(|line| line.strip_prefix("- id: "))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_check_claims_clauses_that_exist() {
    let known = catalogue();
    assert!(known.len() > 500);
    for check in csi_stretch_oracle::check::CHECKS {
        for clause in check.clauses {
            assert!(known.contains(*clause), "check {}: no clause `{clause}`", check.name);
        }
    }
}

#[test]
fn clause_ids_are_unique() {
    let count = csi_stretch_proto::CLAUSES
        .iter()
        .flat_map(|(_, text)| text.lines())
        .filter(|line| line.starts_with("- id: "))
        .count();
    assert_eq!(count, catalogue().len());
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
