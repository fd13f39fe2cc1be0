//! The scenarios in the binary, folders of the user's, and the schema.

use std::fs;

use csi_stretch_oracle::offer;

use crate::scenario::{embedded, load_dir, schema};

const GROUPS: [&str; 6] =
    ["conformance", "expansion", "lifecycle", "orchestrator", "regressions", "workload"];

#[test]
fn every_embedded_scenario_loads() {
    let all = embedded().unwrap_or_else(|errors| panic!("{errors}"));
    assert!(all.len() >= 130, "only {}", all.len());
    for scenario in &all {
        let group = scenario.id.split('/').next().unwrap_or_default();
        assert!(GROUPS.contains(&group), "{}", scenario.id);
        assert!(scenario.about.ends_with('.'), "{}: `about` is a sentence", scenario.id);
        let known = |name: &String| offer::is_known(name.trim_start_matches('!'));
        assert!(scenario.requires.iter().all(known), "{}", scenario.id);
    }
    assert!(all.is_sorted_by(|a, b| a.id < b.id), "ids are unique and in order");
}

#[test]
fn a_folder_gives_ids_by_path_and_all_its_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let good = b"about: x\nclauses: [probe.implemented]\nsteps: [{ call: probe }]\n";
    write("a/good.yaml", good);
    write("targets/driver.yaml", b"endpoint: unix:///x\n");
    write("notes.txt", b"not a scenario");
    let all = load_dir(folder.path()).unwrap();
    assert_eq!(all.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ["a/good"]);

    write("b/latin.yaml", b"about: x\nclauses: [\xe9]\n");
    write("b/typo.yaml", b"abuot: x\n");
    let file = fs::File::create(folder.path().join("b/huge.yaml")).unwrap();
    file.set_len(10 << 20).unwrap();
    let shown = load_dir(folder.path()).unwrap_err().to_string();
    insta::assert_snapshot!(shown.replace(&folder.path().display().to_string(), "DIR"));
}

#[test]
fn a_folder_that_is_not_there_or_empty_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let empty = load_dir(folder.path()).unwrap_err().to_string();
    assert!(empty.contains("no scenario (*.yaml) in this folder"), "{empty}");
    let missing = load_dir(&folder.path().join("no")).unwrap_err().to_string();
    assert!(missing.contains("No such file"), "{missing}");
}

/// `UPDATE_SCHEMA=1 cargo test -p csi-stretch schema` writes the file anew.
#[test]
fn the_committed_schema_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/schema.json");
    let text = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(path, &text).unwrap();
    }
    let committed = fs::read_to_string(path).unwrap_or_default();
    assert!(committed == text, "scenarios/schema.json is out of date: set UPDATE_SCHEMA=1 and run");
}
