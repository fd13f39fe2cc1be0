//! Gets an unmounted volume ready for its mount: formatted once, an identity of its own, and
//! (where that has to happen unmounted) grown.
//!
//! Every step can be killed at any instant and is done again, or finished, by the next call.

use std::fs::File;
use std::path::Path;

use super::device::Device;
use super::place::{Mark, Place};
use crate::backing::{BackingError, FsType, Mounting, Result};
use crate::fs::tool::Tools;
use crate::fs::{self, Content, FsError, Geometry, flush_buffers, inspect};

/// Gets the volume on `device` ready to be mounted as `mounting` says.
///
/// # Errors
/// [`BackingError::WrongFileSystem`] if the device holds anything else; it is not touched then.
pub fn prepare(place: &Place, device: &Device, mounting: &Mounting) -> Result<()> {
    let lock = place.lock()?;
    let tools = Tools::holding(&lock);
    forget_half_format(place, &device.node.path)?;
    let device_bytes = device.bytes()?;
    let geometry = match inspect(&place.image(), device_bytes)? {
        Content::Blank => format(place, device, &tools, mounting.fs_type)?,
        Content::Fs(geometry) if geometry.fs_type == mounting.fs_type => geometry,
        found => return Err(wrong(&found.to_string(), mounting.fs_type)),
    };
    renew_identity(place, device, &tools, geometry.fs_type)?;
    if mounting.grow {
        fs::grow_unmounted(&tools, geometry, &device.node.path, device_bytes)?;
    }
    Ok(())
}

/// Gives a copy an identity of its own, once, before its first mount.
pub fn renew_identity(
    place: &Place,
    device: &Device,
    tools: &Tools<'_>,
    fs_type: FsType,
) -> Result<()> {
    if place.has(Mark::Copied) {
        fs_type.ops().renew_uuid(tools, &device.node.path)?;
        place.clear(Mark::Copied)?;
    }
    Ok(())
}

/// Makes a volume blank again whose mkfs was killed. The caller holds its lock.
pub fn forget_half_format(place: &Place, device: &Path) -> Result<()> {
    if !place.has(Mark::Formatting) {
        return Ok(());
    }
    tracing::warn!(volume = place.id(), "an unfinished mkfs is thrown away");
    let blank = || {
        let bytes = std::fs::metadata(place.image())?.len();
        let image = File::options().write(true).open(place.image())?;
        image.set_len(0)?;
        image.set_len(bytes)?;
        image.sync_all()?;
        flush_buffers(device)
    };
    blank().map_err(place.failed("make the image blank"))?;
    place.clear(Mark::Formatting)
}

/// The complaint about a device that holds something else.
pub fn wrong(found: &str, wanted: FsType) -> BackingError {
    BackingError::WrongFileSystem { found: found.to_owned(), wanted }
}

/// Formats a device that was found blank.
fn format(place: &Place, device: &Device, tools: &Tools<'_>, fs_type: FsType) -> Result<Geometry> {
    let device_bytes = device.bytes()?;
    let min_bytes = fs_type.ops().min_bytes();
    if device_bytes < min_bytes {
        return Err(FsError::TooSmall { fs_type, min_bytes, device_bytes }.into());
    }
    place.set(Mark::Formatting)?;
    match make_and_prove(place, device, tools, fs_type) {
        Ok(geometry) => {
            place.clear(Mark::Formatting)?;
            place.clear(Mark::Copied)?;
            Ok(geometry)
        }
        Err(error) => {
            // A mark that stayed would cost the data of whoever uses the device raw from now on.
            forget_half_format(place, &device.node.path)?;
            Err(error)
        }
    }
}

fn make_and_prove(
    place: &Place,
    device: &Device,
    tools: &Tools<'_>,
    fs_type: FsType,
) -> Result<Geometry> {
    fs_type.ops().mkfs(tools, &device.node.path, device.bytes()?)?;
    device
        .open_file()
        .and_then(|file| file.sync_all())
        .map_err(place.failed("flush the device"))?;
    Ok(inspect::geometry(&place.image(), fs_type)?)
}
