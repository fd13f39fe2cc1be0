//! Growth: the image and its device first, the file system on it second, and what it came to.

use std::fs::File;
use std::path::Path;

use super::mount;
use super::options::Options;
use super::place::{Mark, Place};
use super::prepare::{forget_half_format, renew_identity};
use super::store::{Kind, Store};
use super::volume::Volume;
use crate::backing::{FileSystem, Result};
use crate::fs::tool::Tools;
use crate::fs::{self, Content, Geometry, inspect};

/// See `Backing::grow_device`.
pub fn grow_device(place: Place, bytes: u64) -> Result<()> {
    if place.bytes()? < bytes {
        let grow = || {
            let image = File::options().write(true).open(place.image())?;
            image.set_len(bytes)?;
            image.sync_all()
        };
        grow().map_err(place.failed("grow the image"))?;
    }
    let now = place.bytes()?;
    Volume::look(place)?.devices.iter().try_for_each(|device| device.take_size(now))
}

/// See `Backing::device_bytes`.
pub fn device_bytes(store: &Store, id: &str) -> Result<u64> {
    let volume = store.volume(id)?;
    match volume.devices.first() {
        Some(device) => device.bytes(),
        None => volume.place.bytes(),
    }
}

/// See `Backing::file_system`.
pub fn file_system(store: &Store, id: &str) -> Result<Option<FileSystem>> {
    let volume = store.volume(id)?;
    let device_bytes = device_bytes(store, id)?;
    if let Some((device, mount, fs_type)) = volume.mounted()? {
        let geometry = fs::mounted(fs_type, &mount.target, &device.node.path)?;
        return Ok(Some(describe(geometry, device_bytes)));
    }
    Ok(unmounted_geometry(&volume.place, device_bytes)?.map(|it| describe(it, device_bytes)))
}

/// See `Backing::grow_fs`.
pub fn grow_fs(store: &Store, id: &str) -> Result<Option<FileSystem>> {
    let volume = store.volume(id)?;
    if let Some((device, mount, fs_type)) = volume.mounted()? {
        let bytes = device.bytes()?;
        let geometry = fs::grow_mounted(fs_type, &mount.target, &device.node.path, bytes)?;
        return Ok(Some(describe(geometry, bytes)));
    }
    let was_attached = !volume.devices.is_empty();
    drop(volume);
    let place = store.existing(Kind::Volume, id)?;
    if unmounted_geometry(&place, place.bytes()?)?.is_none() {
        return Ok(None);
    }
    let grown = grow_unmounted(store, &place);
    if !was_attached {
        Volume::look(place)?.detach()?;
    }
    grown
}

/// Grows a file system that is mounted nowhere: by its tool, or in a mount of our own.
fn grow_unmounted(store: &Store, place: &Place) -> Result<Option<FileSystem>> {
    let mut volume = Volume::attached(place.clone())?;
    let device = volume.device(false)?;
    let (path, bytes) = (&device.node.path, device.bytes()?);
    let lock = place.lock()?;
    let tools = Tools::holding(&lock);
    forget_half_format(place, path)?;
    let Some(before) = unmounted_geometry(place, bytes)? else { return Ok(None) };
    renew_identity(place, device, &tools, before.fs_type)?;
    let after = match fs::grow_unmounted(&tools, before, path, bytes)? {
        Some(after) => after,
        None => grow_in_own_mount(store, place, before, path, bytes)?,
    };
    Ok(Some(describe(after, bytes)))
}

fn grow_in_own_mount(
    store: &Store,
    place: &Place,
    before: Geometry,
    device: &Path,
    device_bytes: u64,
) -> Result<Geometry> {
    let fs_type = before.fs_type;
    let target = mount::make_dir(&store.private_mount(place.id()))?;
    let options = Options::parse(&[], fs_type.ops().mount_data());
    mount::device(device, &target, fs_type, &options)?;
    let grown = fs::grow_mounted(fs_type, &target, device, device_bytes);
    mount::unmount(&target)?;
    mount::remove_target(&target)?;
    Ok(grown?)
}

/// What an image holds that is mounted nowhere. A half-made file system counts as none.
fn unmounted_geometry(place: &Place, bytes: u64) -> Result<Option<Geometry>> {
    if place.has(Mark::Formatting) {
        return Ok(None);
    }
    match inspect(&place.image(), bytes)? {
        Content::Fs(geometry) => Ok(Some(geometry)),
        Content::Blank | Content::Other => Ok(None),
    }
}

fn describe(geometry: Geometry, device_bytes: u64) -> FileSystem {
    FileSystem {
        fs_type: geometry.fs_type,
        bytes: geometry.total_bytes,
        fills_device: geometry.fills(device_bytes),
    }
}
