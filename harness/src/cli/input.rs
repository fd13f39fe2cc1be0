//! Files that commands read: the clause catalogue, scenarios, a profile.

use std::path::PathBuf;

use csi_stretch_oracle::clause::{Catalogue, Clause};

use super::outcome::Failure;
use crate::scenario::{self, Scenario};

/// All clauses that this build knows.
pub fn catalogue() -> Result<Catalogue, Failure> {
    let mut clauses: Vec<Clause> = Vec::new();
    for (file, text) in csi_stretch_proto::CLAUSES {
        let part: Vec<Clause> = serde_saphyr::from_str(text)
            .map_err(|error| Failure::internal(format!("clauses/{file}.yaml: {error}")))?;
        clauses.extend(part);
    }
    Ok(Catalogue::new(clauses))
}

/// The scenarios of these files and folders, or the built-in ones.
pub fn scenarios(paths: &[PathBuf]) -> Result<Vec<Scenario>, Failure> {
    if paths.is_empty() {
        return scenario::embedded().map_err(Failure::internal);
    }
    let mut all = Vec::new();
    for path in paths {
        if path.is_dir() {
            all.extend(scenario::load_dir(path).map_err(Failure::usage)?);
        } else {
            all.push(scenario::load_file(path).map_err(Failure::usage)?);
        }
    }
    Ok(all)
}
