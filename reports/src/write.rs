//! Puts the files of a report into a folder, each whole or not at all: a reader, or a CI job that
//! uploads while we write, never sees half a file.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    process,
};

use csi_stretch_oracle::report::Report;

use crate::{Format, RenderError, render, render_all};

/// Why the files are not there. Names the path and the system's reason.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Nothing was written in this format.
    #[error("cannot render {format}: {source}")]
    Render {
        /// Which one.
        format: Format,
        /// Why.
        source: RenderError,
    },
    /// The system refused.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// `create folder`, `write`, `rename to`.
        what: &'static str,
        /// What it was about.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// Writes `report.json`, `report.html`, `junit.xml` and `summary.md` into `dir`, which is created
/// if need be. Renders all before it writes any; an existing file is replaced at once (rename).
pub fn write_all(report: &Report, dir: &Path) -> Result<(), WriteError> {
    let texts =
        render_all(report).map_err(|(format, source)| WriteError::Render { format, source })?;
    fs::create_dir_all(dir).map_err(refused("create folder", dir))?;
    texts.iter().try_for_each(|(format, text)| replace(&dir.join(format.file_name()), text))
}

/// Writes one format to a file of any name; its folder is created if need be.
pub fn write(report: &Report, format: Format, path: &Path) -> Result<(), WriteError> {
    let text = render(report, format).map_err(|source| WriteError::Render { format, source })?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(refused("create folder", folder))?;
    }
    replace(path, &text)
}

/// Writes beside the target, makes it durable, then renames.
fn replace(path: &Path, text: &str) -> Result<(), WriteError> {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.part", process::id()));
    let part = path.with_file_name(name);
    let written = fill(&part, text)
        .map_err(refused("write", path))
        .and_then(|()| fs::rename(&part, path).map_err(refused("rename to", path)));
    if written.is_err() {
        // The first error is the one to tell; a part file that cannot be removed adds nothing.
        let _ = fs::remove_file(&part);
    }
    written
}

fn fill(part: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(part)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn refused(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> WriteError {
    let path = path.to_owned();
    move |source| WriteError::Io { what, path, source }
}
