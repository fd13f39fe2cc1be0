//! Files that are always whole: written aside, then renamed into place.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
};

use serde::de::DeserializeOwned;

/// What a record has to outlive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The death of the machine: file and folder are fsynced.
    Machine,
    /// The death of this process only; the kernel keeps the pages. Enough for a simulated node,
    /// which a power cut takes away whole anyway, and much cheaper.
    Process,
}

/// Replaces the file at `path`, so that at any instant it holds the old bytes or the new ones.
pub fn write_atomic(path: &Path, bytes: &[u8], durability: Durability) -> io::Result<()> {
    let aside = path.with_extension("tmp");
    let mut file = File::create(&aside)?;
    file.write_all(bytes)?;
    if durability == Durability::Machine {
        file.sync_all()?;
    }
    std::fs::rename(&aside, path)?;
    path.parent().map_or(Ok(()), |folder| sync_folder(folder, durability))
}

/// Makes renames and removals in a folder last.
pub(super) fn sync_folder(folder: &Path, durability: Durability) -> io::Result<()> {
    match durability {
        Durability::Machine => File::open(folder)?.sync_all(),
        Durability::Process => Ok(()),
    }
}

/// Reads a JSON file; the error names it.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<T> {
    let bytes = std::fs::read(path)?;
    serde_json::from_slice(&bytes).map_err(|e| {
        let text = format!("{} is no record of this version: {e}", path.display());
        io::Error::new(io::ErrorKind::InvalidData, text)
    })
}
