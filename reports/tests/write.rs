//! Writing: all files or a clear reason, and never half a file.

use std::{env, fs, path::PathBuf, process};

use csi_stretch_reports::{Format, write_all};

use crate::fixture;

/// A folder of this test's own, gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("csi-stretch-reports-{}-{name}", process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn writes_all_four_and_leaves_nothing_else() {
    let folder = Folder::new("all");
    let deep = folder.0.join("run/1");
    for report in [fixture::rich(), fixture::clean()] {
        write_all(&report, &deep).unwrap();
    }
    let mut names: Vec<_> =
        fs::read_dir(&deep).unwrap().map(|one| one.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["junit.xml", "report.html", "report.json", "summary.md"]);
    let json = fs::read_to_string(deep.join("report.json")).unwrap();
    assert!(json.contains("tidy.csi.example"), "the second report replaced the first");
}

#[test]
fn says_where_and_why_when_the_folder_is_a_file() {
    let folder = Folder::new("file");
    let path = folder.0.join("out");
    fs::write(&path, "in the way").unwrap();
    let error = write_all(&fixture::clean(), &path).unwrap_err().to_string();
    assert!(error.contains(path.to_str().unwrap()) && error.contains("os error"), "{error}");
}

#[test]
fn says_where_and_why_when_a_target_cannot_be_replaced() {
    let folder = Folder::new("target");
    fs::create_dir_all(folder.0.join("report.html/busy")).unwrap();
    let error = write_all(&fixture::clean(), &folder.0).unwrap_err().to_string();
    assert!(error.starts_with("cannot rename to ") && error.contains("report.html"), "{error}");
    let parts = fs::read_dir(&folder.0)
        .unwrap()
        .filter(|one| one.as_ref().unwrap().file_name().to_string_lossy().ends_with(".part"));
    assert_eq!(parts.count(), 0, "no part file stays");
}

#[test]
fn file_names_are_those_of_the_design() {
    let names: Vec<_> = Format::ALL.iter().map(|format| format.file_name()).collect();
    assert_eq!(names, ["report.json", "report.html", "junit.xml", "summary.md"]);
}
