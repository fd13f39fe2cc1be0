//! Showing a volume at a target path, as a directory or as a device file.

use std::path::Path;

use super::mount;
use super::place::Place;
use super::prepare::forget_half_format;
use super::stage::{mount_at, taken, unmount_all};
use super::store::{Kind, Store};
use super::volume::Volume;
use crate::backing::{Access, BackingError, Mounting, Result};

/// See `Backing::publish`.
pub fn publish(
    store: &Store,
    id: &str,
    staged: Option<&Path>,
    target: &Path,
    read_only: bool,
    access: &Access,
) -> Result<()> {
    let place = store.existing(Kind::Volume, id)?;
    match (access, staged) {
        (Access::Block, _) => device_file(place, target, read_only),
        (Access::Mount(_), Some(staged)) => bound(place, staged, target, read_only),
        (Access::Mount(mounting), None) => mounted(place, target, read_only, mounting),
    }
}

/// See `Backing::unpublish`.
pub fn unpublish(store: &Store, id: &str, target: &Path) -> Result<()> {
    let place = store.place_of_volume(id);
    unmount_all(&place, target)?;
    Volume::look(place)?.detach_idle_read_only()?;
    mount::remove_target(target)
}

/// A directory, bound from where the volume is staged.
fn bound(place: Place, staged: &Path, target: &Path, read_only: bool) -> Result<()> {
    let volume = Volume::look(place)?;
    let staged = mount::resolve(staged)?;
    if !volume.topmost(&staged).is_some_and(|mount| volume.has_file_system_at(mount)) {
        return Err(BackingError::NotMounted(staged));
    }
    let target = mount::make_dir(target)?;
    match volume.topmost(&target) {
        Some(mount) if volume.has_file_system_at(mount) => {}
        Some(mount) => return Err(taken(&target, &mount.fs_type)),
        None => mount::bind(&staged, &target)?,
    }
    settle(volume.place, &target, read_only)
}

/// A directory, mounted straight from the device.
fn mounted(place: Place, target: &Path, read_only: bool, mounting: &Mounting) -> Result<()> {
    let target = mount::make_dir(target)?;
    let mut volume = Volume::attached(place)?;
    mount_at(&mut volume, &target, mounting)?;
    settle(volume.place, &target, read_only)
}

/// A device file. A read-only one is a loop device of its own that refuses writes: the kernel
/// lets root write to a device file even through a read-only bind mount.
fn device_file(place: Place, target: &Path, read_only: bool) -> Result<()> {
    let target = mount::make_file(target)?;
    let mut volume = Volume::attached(place)?;
    let place = volume.place.clone();
    let lock = place.lock()?;
    forget_half_format(&place, &volume.device(false)?.node.path)?;
    drop(lock);
    let wanted = volume.device(read_only)?.node.clone();
    match volume.topmost(&target) {
        Some(mount) if wanted.is_bound_at(mount) => return Ok(()),
        Some(mount) if volume.is_shown_by(mount) => unmount_all(&place, &target)?,
        Some(mount) => return Err(taken(&target, &mount.fs_type)),
        None => {}
    }
    mount::bind(&wanted.path, &target)
}

/// Gives the mount at `target` the mode that was asked for. It is taken away if that fails.
fn settle(place: Place, target: &Path, read_only: bool) -> Result<()> {
    let volume = Volume::look(place)?;
    let Some(mount) = volume.topmost(target) else {
        return Err(BackingError::NotMounted(target.to_owned()));
    };
    if mount.is_read_only() == read_only || mount.is_super_read_only() {
        return Ok(());
    }
    mount::set_read_only(mount, read_only).inspect_err(|_| {
        let _ = mount::unmount(target);
    })
}
