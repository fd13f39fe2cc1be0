//! Files that commands read: the clause catalogue, scenarios, a run.

use std::path::{Path, PathBuf};

use csi_stretch_oracle::{
    clause::{Catalogue, Clause},
    judge::judge,
    report::{Report, SCHEMA},
};

use super::outcome::Failure;
use crate::{
    runner::journal,
    scenario::{self, Scenario},
};

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

/// The report of a run, given its folder, its report.json, or a history.ndjson to judge.
pub fn report(path: &Path) -> Result<Report, Failure> {
    if path.is_dir() {
        return report_json(&path.join("report.json"));
    }
    if path.extension().is_some_and(|extension| extension == "ndjson") {
        let records = journal::read(path).map_err(Failure::usage)?;
        return Ok(judge(records, &catalogue()?));
    }
    report_json(path)
}

/// Reads a report of this build's schema.
fn report_json(path: &Path) -> Result<Report, Failure> {
    let text = std::fs::read(path)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
    let report: Report = serde_json::from_slice(&text)
        .map_err(|error| Failure::usage(format!("{} is no report: {error}", path.display())))?;
    if report.schema != SCHEMA {
        let text = format!(
            "{} has the schema `{}`; this build reads `{SCHEMA}`",
            path.display(),
            report.schema
        );
        return Err(Failure::usage(text));
    }
    Ok(report)
}
