//! What is visible at a path, and how full it is.

use std::path::Path;

use nix::sys::statvfs::statvfs;

use super::mount;
use super::store::Store;
use super::volume::Volume;
use crate::backing::{BackingError, Inodes, Result, Shown, Stats};

/// See `Backing::shows`.
pub fn shows(store: &Store, id: &str, path: &Path) -> Result<Option<Shown>> {
    let volume = Volume::look(store.place_of_volume(id))?;
    let target = mount::resolve(path)?;
    Ok(volume.topmost(&target).and_then(|mount| {
        if volume.has_file_system_at(mount) {
            Some(Shown::FileSystem)
        } else if volume.is_shown_by(mount) {
            Some(Shown::Device)
        } else {
            None
        }
    }))
}

/// See `Backing::stats`.
pub fn stats(store: &Store, id: &str, path: &Path) -> Result<Stats> {
    match shows(store, id, path)? {
        Some(Shown::FileSystem) => file_system_stats(path),
        Some(Shown::Device) => {
            let total_bytes = super::grow::device_bytes(store, id)?;
            Ok(Stats { total_bytes, ..Stats::default() })
        }
        None => Err(BackingError::NotMounted(path.to_owned())),
    }
}

fn file_system_stats(path: &Path) -> Result<Stats> {
    let stat = statvfs(path).map_err(|errno| {
        BackingError::io(format!("ask for the usage of {}", path.display()))(errno.into())
    })?;
    let unit = stat.fragment_size();
    // btrfs makes inodes as it needs them and counts none.
    let inodes = (stat.files() > 0).then(|| Inodes {
        total: stat.files(),
        used: stat.files().saturating_sub(stat.files_free()),
        available: stat.files_available(),
    });
    Ok(Stats {
        total_bytes: stat.blocks() * unit,
        used_bytes: stat.blocks().saturating_sub(stat.blocks_free()) * unit,
        available_bytes: stat.blocks_available() * unit,
        inodes,
    })
}
