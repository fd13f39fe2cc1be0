//! Puts the scenarios into the binary, so that it runs anywhere without files beside it.

use std::{
    env,
    fmt::Write,
    fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    let root =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../scenarios");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    find(&root, &mut files)?;
    files.sort();
    let mut table = String::from("&[\n");
    for file in files {
        let id = file.strip_prefix(&root).unwrap_or(&file).to_string_lossy();
        let path = file.to_string_lossy();
        writeln!(table, "    ({id:?}, include_str!({path:?})),").map_err(io::Error::other)?;
    }
    table += "]\n";
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("scenarios.rs"), table)
}

/// Scenario files below a folder; descriptions of targets are read from disk when asked for.
fn find(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "targets") {
                find(&path, files)?;
            }
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            files.push(path);
        }
    }
    Ok(())
}
