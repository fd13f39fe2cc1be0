//! Where scenarios come from: those in the binary, or a folder of the user's.

use std::{
    fs,
    path::{Path, PathBuf},
};

use csi_stretch_proto::CLAUSES;

use super::{
    Scenario,
    error::{LoadError, LoadErrors},
    load::load_as,
    yaml::BYTES_MAX,
};

/// `(id with ending, text)` of every scenario in the binary, sorted.
const EMBEDDED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/scenarios.rs"));

/// Deepest folder below the one given.
const DEPTH_MAX: usize = 8;

/// The scenarios that come with csi-stretch.
///
/// # Errors
/// Only if this build is broken; a test sees to it that it is not.
pub fn embedded() -> Result<Vec<Scenario>, LoadErrors> {
    let load =
        |(id, text): &(&str, &str)| load_as(id, &format!("scenarios/{id}"), text, &is_clause);
    gather(EMBEDDED.iter().map(load))
}

/// Every `.yaml` file in a folder and below, in order of path. A folder `targets` is left out:
/// it holds descriptions of targets.
///
/// # Errors
/// One for each file that cannot be used, or one for a folder that cannot be read.
pub fn load_dir(path: &Path) -> Result<Vec<Scenario>, LoadErrors> {
    let mut files = Vec::new();
    find(path, 0, &mut files).map_err(|error| LoadErrors(vec![error]))?;
    files.sort();
    if files.is_empty() {
        let error =
            LoadError::whole(&path.to_string_lossy(), "no scenario (*.yaml) in this folder");
        return Err(LoadErrors(vec![error]));
    }
    gather(files.iter().map(|file| read(path, file)))
}

/// One scenario file; its id is its name, or what stands after `scenarios/` in its path.
///
/// # Errors
/// The first mistake, with line, column and the nearest known word.
pub fn load_file(path: &Path) -> Result<Scenario, LoadErrors> {
    let shown = path.to_string_lossy();
    let root = shown.rfind("scenarios/").map(|at| at + "scenarios/".len());
    let root = root.map_or_else(|| path.parent().unwrap_or(path), |end| Path::new(&shown[..end]));
    read(root, path).map_err(|error| LoadErrors(vec![error]))
}

/// Whether a clause of that id is in the catalogue.
pub fn is_clause(id: &str) -> bool {
    clause_ids().any(|known| known == id)
}

/// Ids of the catalogue.
pub(crate) fn clause_ids() -> impl Iterator<Item = &'static str> {
    CLAUSES.iter().flat_map(|(_, text)| text.lines()).filter_map(|line| line.strip_prefix("- id: "))
}

fn gather(
    results: impl Iterator<Item = Result<Scenario, LoadError>>,
) -> Result<Vec<Scenario>, LoadErrors> {
    let (mut scenarios, mut errors) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(scenario) => scenarios.push(scenario),
            Err(error) => errors.push(error),
        }
    }
    scenarios.sort_by(|a: &Scenario, b| a.id.cmp(&b.id));
    if errors.is_empty() { Ok(scenarios) } else { Err(LoadErrors(errors)) }
}

fn find(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), LoadError> {
    let shown = folder.to_string_lossy();
    let wrong = |error: std::io::Error| LoadError::whole(&shown, error.to_string());
    if depth > DEPTH_MAX {
        return Err(LoadError::whole(&shown, format!("more than {DEPTH_MAX} folders deep")));
    }
    for entry in fs::read_dir(folder).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        let path = entry.path();
        let kind = entry.file_type().map_err(wrong)?;
        if kind.is_dir() {
            if entry.file_name() != "targets" {
                find(&path, depth + 1, files)?;
            }
        } else if path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") {
            files.push(path);
        }
    }
    Ok(())
}

fn read(root: &Path, path: &Path) -> Result<Scenario, LoadError> {
    let shown = path.to_string_lossy();
    let wrong = |error: std::io::Error| LoadError::whole(&shown, error.to_string());
    let size = fs::metadata(path).map_err(wrong)?.len();
    if size > BYTES_MAX as u64 {
        let message = format!("the file has {size} bytes; a scenario has at most {BYTES_MAX}");
        return Err(LoadError::whole(&shown, message));
    }
    let bytes = fs::read(path).map_err(wrong)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = String::from_utf8_lossy(good).matches('\n').count() + 1;
        LoadError::whole(&shown, format!("the file is not UTF-8 text (line {line})"))
    })?;
    let id = path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/");
    load_as(&id, &shown, &text, &is_clause)
}
