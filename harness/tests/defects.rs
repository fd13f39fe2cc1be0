//! The tester tested: the clean reference driver is all green, and each planted defect turns red
//! the clauses that it breaks, and no others.
//!
//! Every defect is a run of the program over all scenarios of the memory tier but those that differ
//! from another one only in the file system, which is simulated there. `DEFECT=name,name` runs those.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
    sync::Mutex,
    thread,
};

use csi_stretch_mock::Defect;
use csi_stretch_reports::score;
use serde_json::Value;

/// What a run named as broken, and in how many scenarios.
type Named = BTreeMap<String, usize>;

#[test]
fn the_clean_driver_breaks_nothing() {
    assert_eq!(run(None), Ok(Named::new()));
}

#[test]
fn each_defect_turns_red_what_it_breaks_and_nothing_else() {
    let only = std::env::var("DEFECT").ok();
    let wanted = |defect: &&Defect| {
        only.as_ref().is_none_or(|names| names.split(',').any(|name| name == defect.name))
    };
    let queue = Mutex::new(Defect::all().filter(wanted));
    let wrong = Mutex::new(Vec::new());
    let work = || {
        loop {
            let next = queue.lock().unwrap().next();
            let Some(defect) = next else { return };
            // Calls in parallel land in an order that the machine decides: a loaded one may show a
            // defect otherwise, so what differs is looked at twice.
            let judged = judge(defect, &run(Some(defect)));
            if let Err(why) = judged.or_else(|_| judge(defect, &run(Some(defect)))) {
                wrong.lock().unwrap().push(format!("{}: {why}", defect.name));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(work);
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} defects:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_score_is_told_as_it_is() {
    let classes: BTreeSet<&str> = Defect::all().map(|defect| defect.class).collect();
    let told = (score::PLANTED, score::NAMED, score::CLASSES);
    // The matrix above lets none pass that is not named.
    assert_eq!(told, (Defect::all().count(), Defect::all().count(), classes.len()));
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let words = format!("{} planted defects of {} classes", score::PLANTED, score::CLASSES);
    assert!(readme.contains(&words), "the README does not say: {words}");
}

fn judge(defect: &Defect, named: &Result<Named, String>) -> Result<(), String> {
    let named = named.as_ref().map_err(Clone::clone)?;
    let due: BTreeSet<&str> = defect.breaks.iter().copied().collect();
    let got: BTreeSet<&str> = named.keys().map(String::as_str).collect();
    let missed: Vec<_> = due.difference(&got).collect();
    let unrelated: Vec<String> =
        got.difference(&due).map(|id| format!("{id} ({} scenarios)", named[*id])).collect();
    if missed.is_empty() && unrelated.is_empty() {
        return Ok(());
    }
    Err(format!("missed {missed:?}, named besides [{}]", unrelated.join(", ")))
}

fn run(defect: Option<&Defect>) -> Result<Named, String> {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_csi-stretch"));
    command.args(["run", "--quiet", "--tier", "memory", "--reference", "off", "--seed", "7"]);
    command.args(["--skip", "fs=xfs", "--skip", "fs=btrfs"]);
    command.arg("--out").arg(folder.path().join("out"));
    command.arg("--work-dir").arg(folder.path().join("work"));
    command.args(defect.map_or(vec![], |defect| vec!["--defect", defect.name]));
    command.env_remove("CSI_ENDPOINT").env_remove("GITHUB_ACTIONS");
    let ended = command.output().unwrap();
    let text = String::from_utf8_lossy(&ended.stderr).into_owned();
    match ended.status.code() {
        Some(0 | 1) => {
            let due = defect.map_or(&[][..], |defect| defect.breaks);
            broken(&folder.path().join("out/latest/report.json"), due)
        }
        other => Err(format!("exit {other:?}: {}", text.trim())),
    }
}

fn broken(report: &Path, due: &[&str]) -> Result<Named, String> {
    let text = std::fs::read_to_string(report).map_err(|e| e.to_string())?;
    let report: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    let clauses = report["clauses"].as_array().ok_or("no clauses")?;
    // A breach of a SHOULD is an advisory, and as red as it can be.
    let red = |clause: &&Value| match clause["state"].as_str() {
        Some("broken") => true,
        Some("advised") => due.contains(&clause["id"].as_str().unwrap_or_default()),
        _ => false,
    };
    let broken = clauses.iter().filter(red);
    Ok(broken
        .map(|clause| {
            let id = clause["id"].as_str().unwrap_or_default().to_owned();
            (id, clause["broken_in"].as_array().map_or(0, Vec::len))
        })
        .collect())
}
