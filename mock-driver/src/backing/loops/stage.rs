//! Mounting a volume's file system on the node, and taking it away.

use std::path::Path;

use super::mount;
use super::options::Options;
use super::place::Place;
use super::prepare::{prepare, wrong};
use super::store::{Kind, Store};
use super::volume::Volume;
use crate::backing::{BackingError, Mounting, Result};
use crate::fs;

/// How many mounts on top of one another are taken away before that counts as a loop.
const STACKED_MAX: usize = 16;

/// See `Backing::stage`.
pub fn stage(store: &Store, id: &str, path: &Path, mounting: &Mounting) -> Result<()> {
    let place = store.existing(Kind::Volume, id)?;
    let target = mount::make_dir(path)?;
    mount_at(&mut Volume::attached(place)?, &target, mounting)
}

/// See `Backing::unstage`.
pub fn unstage(store: &Store, id: &str, path: &Path) -> Result<()> {
    unmount_all(&store.place_of_volume(id), path)
}

/// Mounts the volume at `target`, an existing directory without symbolic links, if it is not
/// mounted there already, and grows its file system if `mounting` says so.
pub fn mount_at(volume: &mut Volume, target: &Path, mounting: &Mounting) -> Result<()> {
    let fs_type = mounting.fs_type;
    if let Some((_, mount, found)) = volume.mounted()?
        && found != fs_type
    {
        return Err(wrong(&mount.fs_type, fs_type));
    }
    match volume.topmost(target) {
        Some(mount) if volume.has_file_system_at(mount) => {
            return grow_if_it_can(volume, target, mounting);
        }
        Some(mount) => return Err(taken(target, &mount.fs_type)),
        None => {}
    }
    let is_mounted = volume.mounted()?.is_some();
    let place = volume.place.clone();
    let device = volume.device(false)?;
    if !is_mounted {
        prepare(&place, device, mounting)?;
    }
    let options = Options::parse(&mounting.flags, fs_type.ops().mount_data());
    mount::device(&device.node.path, target, fs_type, &options)?;
    if is_mounted {
        return grow_if_it_can(volume, target, mounting);
    }
    grow_at(volume, target, mounting).inspect_err(|_| {
        // Nothing half done stays; the first error is the one to report.
        let _ = mount::unmount(target);
    })
}

/// Grows what is mounted at `target`, if that was asked for.
fn grow_at(volume: &mut Volume, target: &Path, mounting: &Mounting) -> Result<()> {
    if mounting.grow {
        let device = volume.device(false)?;
        fs::grow_mounted(mounting.fs_type, target, &device.node.path, device.bytes()?)?;
    }
    Ok(())
}

/// The same for a file system that was mounted before. Repeating a mount is no request to grow:
/// a kernel that refuses (ext4 without CAP_SYS_RESOURCE) must not make it fail.
fn grow_if_it_can(volume: &mut Volume, target: &Path, mounting: &Mounting) -> Result<()> {
    match grow_at(volume, target, mounting) {
        Err(BackingError::CannotGrow { why, .. }) => {
            tracing::warn!(target = %target.display(), why, "mounted already, and not grown");
            Ok(())
        }
        done => done,
    }
}

/// Unmounts everything of this volume at `path`.
///
/// # Errors
/// [`BackingError::Path`] if something else is mounted there: it is left alone.
pub fn unmount_all(place: &Place, path: &Path) -> Result<()> {
    let target = mount::resolve(path)?;
    for _ in 0..STACKED_MAX {
        // A fresh look each time: what is below becomes visible. Closed before the unmount, so
        // that this look does not hold the device.
        let volume = Volume::look(place.clone())?;
        match volume.topmost(&target) {
            None => return Ok(()),
            Some(mount) if volume.is_shown_by(mount) => {}
            Some(mount) => return Err(taken(&target, &mount.fs_type)),
        }
        drop(volume);
        mount::unmount(&target)?;
    }
    Err(BackingError::Busy(format!("something keeps mounting at {}", target.display())))
}

/// The complaint about a place that shows something else.
pub fn taken(target: &Path, fs_type: &str) -> BackingError {
    let why = format!("something else ({fs_type}) is mounted there; unmount it first");
    BackingError::Path { path: target.to_owned(), why }
}
