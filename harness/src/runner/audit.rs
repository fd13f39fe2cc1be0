//! The look for leaks: what is still there after everything was undone. Reads the kernel's own
//! tables; what a driver said does not count.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use csi_stretch_oracle::history::Leak;

use crate::host::mountinfo;

/// Mounts and files left below a scenario's staging and target folders. Empty folders are the
/// harness's own and are removed.
pub fn paths(staging: &Path, targets: &Path) -> Vec<Leak> {
    let mut leaks = Vec::new();
    for folder in [staging, targets] {
        leaks.extend(mounts_below(folder).into_iter().map(|path| Leak {
            kind: "mount".into(),
            what: path.display().to_string(),
            why: "still mounted when everything was undone".into(),
        }));
    }
    if leaks.is_empty() {
        leaks.extend(left_targets(targets));
        let _ = remove_empty(staging);
        let _ = remove_empty(targets);
    }
    leaks
}

/// Mount points at or below a folder, the innermost first.
pub fn mounts_below(folder: &Path) -> Vec<PathBuf> {
    let mounts = mountinfo::read().unwrap_or_default();
    let mut below: Vec<PathBuf> = mounts
        .into_iter()
        .map(|mount| mount.point)
        .filter(|point| point.starts_with(folder))
        .collect();
    below.reverse();
    below
}

/// Loop devices whose backing file is at or below a folder: device node and backing file.
pub fn loops_below(folder: &Path) -> Vec<(PathBuf, PathBuf)> {
    let Ok(entries) = fs::read_dir("/sys/block") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let backing = backing_file(&entry.path())?;
            let node = Path::new("/dev").join(entry.file_name());
            backing.starts_with(folder).then_some((node, backing))
        })
        .collect()
}

/// The file behind a loop device, by its folder in sysfs.
pub fn backing_file(sys_block: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(sys_block.join("loop/backing_file")).ok()?;
    let path = text.trim_end_matches('\n');
    Some(PathBuf::from(path.strip_suffix(" (deleted)").unwrap_or(path)))
}

/// A driver has to remove the target path when it unpublishes (node-unpublish.deletes-path).
fn left_targets(targets: &Path) -> Vec<Leak> {
    let volumes = fs::read_dir(targets).into_iter().flatten().flatten();
    let left =
        volumes.flat_map(|volume| fs::read_dir(volume.path()).into_iter().flatten().flatten());
    left.map(|entry| {
        let path = entry.path();
        let removed = fs::remove_dir(&path).or_else(|_| fs::remove_file(&path));
        let also = removed.err().map(|error| format!(" (nor could the harness: {error})"));
        Leak {
            kind: "file".into(),
            what: path.display().to_string(),
            why: format!(
                "the target path is still there after unpublication{}",
                also.unwrap_or_default()
            ),
        }
    })
    .collect()
}

/// Removes folders that hold nothing but folders. Never follows a mount or deletes a file.
fn remove_empty(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_empty(&entry.path())?;
        }
    }
    fs::remove_dir(folder)
}
