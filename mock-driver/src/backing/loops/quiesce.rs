//! Holds a volume still while its image is copied.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;

use super::retry;
use super::volume::Volume;
use crate::backing::{BackingError, Result};
use crate::fs::{freeze, thaw};

/// How long another copy of the same volume may keep it frozen.
const FREEZE_LIMIT: Duration = Duration::from_secs(30);

/// Keeps a volume's file system frozen until it is dropped.
///
/// A driver that is killed meanwhile leaves it frozen; `reconcile` thaws it.
#[derive(Debug)]
pub struct Still {
    frozen: Option<File>,
}

/// Brings everything written to the volume so far into its image and stops further writes to
/// its file system. A raw block volume is flushed; its writers are not stopped.
///
/// # Errors
/// The file system cannot be frozen within 30 seconds.
pub fn quiesce(volume: &Volume) -> Result<Still> {
    let frozen = match volume.mounted()? {
        Some((_, mount, _)) if !mount.is_super_read_only() => Some(freeze_at(&mount.target)?),
        _ => None,
    };
    for device in volume.devices.iter().filter(|device| !device.read_only) {
        device
            .open_file()
            .and_then(|file| file.sync_all())
            .map_err(volume.place.failed("flush the device"))?;
    }
    Ok(Still { frozen })
}

fn freeze_at(target: &Path) -> Result<File> {
    let doing = || BackingError::io(format!("freeze the file system at {}", target.display()));
    let dir = File::open(target).map_err(doing())?;
    let attempt = || match freeze(&dir) {
        Err(e) if e.raw_os_error() == Some(Errno::EBUSY as i32) => None,
        done => Some(done),
    };
    match retry::until(FREEZE_LIMIT, attempt) {
        Some(done) => done.map_err(doing())?,
        None => return Err(doing()(io::Error::other("another program keeps it frozen"))),
    }
    Ok(dir)
}

impl Drop for Still {
    fn drop(&mut self) {
        if let Some(dir) = self.frozen.take()
            && let Err(error) = thaw(&dir)
        {
            tracing::error!(%error, "a file system stays frozen after its copy: run fsfreeze -u");
        }
    }
}
