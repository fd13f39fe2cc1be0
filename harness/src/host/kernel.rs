//! The real node: measures what this kernel shows at a path.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileTypeExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use csi_stretch_oracle::history::{Code, Completion, Failure, Observation, Outcome, Statfs};
use nix::{libc, sys::statvfs};

use super::{
    Observer, detached,
    device::Device,
    geometry,
    mountinfo::{self, Mount},
};
use crate::Boxed;

/// Looks through this process's eyes, so it must run in the mount namespace of the node.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    limit: Duration,
}

impl Kernel {
    /// Gives up on a mount that does not answer after `limit`.
    pub fn new(limit: Duration) -> Self {
        Self { limit }
    }
}

impl Default for Kernel {
    fn default() -> Self {
        Self::new(Duration::from_secs(20))
    }
}

impl Observer for Kernel {
    fn observe<'a>(&'a self, path: &'a Path) -> Boxed<'a, Completion> {
        let owned = path.to_owned();
        Box::pin(async move {
            let seen = detached::run(self.limit, move || look(&owned)).await;
            match seen.map_err(|error| error.to_string()) {
                Ok(Ok(seen)) => Completion::Ok(Outcome::Observation(Box::new(seen))),
                Ok(Err(why)) | Err(why) => Completion::Fail(Failure {
                    code: Code::Unobservable,
                    message: format!("{}: {why}", path.display()),
                }),
            }
        })
    }
}

/// Measures what is visible at `path`; an error is one sentence without the path.
pub fn look(path: &Path) -> Result<Observation, String> {
    let real = path.canonicalize().map_err(words)?;
    let kind = real.metadata().map_err(words)?.file_type();
    if kind.is_block_device() {
        look_at_device(&real).map_err(words)
    } else if kind.is_dir() {
        look_at_folder(&real)
    } else {
        Err("neither a folder nor a block device, so it has no size of its own".into())
    }
}

fn look_at_device(node: &Path) -> io::Result<Observation> {
    let device = Device::open(node)?;
    Ok(Observation {
        device_bytes: device.bytes,
        device: Some(device.name()),
        read_only: device.is_read_only(),
        ..Observation::default()
    })
}

fn look_at_folder(folder: &Path) -> Result<Observation, String> {
    let mounts = mountinfo::read().map_err(words)?;
    let statfs = Some(statfs(folder).map_err(words)?);
    match mountinfo::at(&mounts, folder) {
        Some(mount) if !mount.is_part() => look_at_mount(mount, statfs).map_err(words),
        Some(mount) => Ok(shared(statfs, mount, &mount.root)),
        None => match mountinfo::around(&mounts, folder) {
            Some(mount) => Ok(shared(statfs, mount, folder)),
            None => Err("not in any mount that this process can see".into()),
        },
    }
}

/// A folder of somebody else's file system: nothing about its size says anything of the volume.
fn shared(statfs: Option<Statfs>, mount: &Mount, folder: &Path) -> Observation {
    let note = format!(
        "no file system of its own: folder {} of the {} on {}",
        folder.display(),
        mount.fs_type,
        mount.source.display()
    );
    let read_only = mount.is_read_only();
    Observation { statfs, read_only, shared: true, notes: vec![note], ..Observation::default() }
}

fn look_at_mount(mount: &Mount, statfs: Option<Statfs>) -> io::Result<Observation> {
    let mut notes = Vec::new();
    let flags = libc::O_CLOEXEC | libc::O_DIRECTORY | libc::O_NONBLOCK;
    let root = OpenOptions::new().read(true).custom_flags(flags).open(&mount.point)?;
    let device = behind(mount, &root, &mut notes);
    if device.is_none() {
        notes.push(format!("{} has no block device", mount.fs_type));
    }
    let measure = |device| geometry::measure(mount, &root, device, &mut notes);
    let fs = device.as_ref().and_then(measure);
    Ok(Observation {
        device_bytes: device.as_ref().and_then(|device| device.bytes),
        device: device.map(|device| device.name()),
        fs,
        statfs,
        read_only: mount.is_read_only(),
        shared: false,
        notes,
    })
}

/// The device of a mount. btrfs has no number of its own, so it is asked for its devices.
fn behind(mount: &Mount, root: &File, notes: &mut Vec<String>) -> Option<Device> {
    if mount.number.0 != 0 {
        return Some(Device::by_number(mount.number, &mount.source, notes));
    }
    if mount.fs_type != "btrfs" {
        return None;
    }
    if let Some(name) = mount.subvolume().filter(|name| name != "/") {
        let name = name.display();
        notes.push(format!("btrfs subvolume {name}: sizes are those of the whole file system"));
    }
    let members = match geometry::ask_btrfs(root) {
        Ok(found) => found.members,
        Err(error) => {
            notes.push(format!("btrfs does not tell its devices ({error}); taken from the mount"));
            vec![mount.source.clone()]
        }
    };
    joined(&members, notes)
}

/// One device; of several, the first with the size of all.
fn joined(members: &[PathBuf], notes: &mut Vec<String>) -> Option<Device> {
    let mut all: Option<Device> = None;
    for node in members {
        match (Device::open(node), &mut all) {
            (Ok(device), None) => all = Some(device),
            (Ok(device), Some(all)) => {
                all.bytes = Some(all.bytes.unwrap_or(0) + device.bytes.unwrap_or(0));
                notes.push(format!("the size includes that of {}", node.display()));
            }
            (Err(error), _) => {
                notes.push(format!("size of the device not measured: {}: {error}", node.display()));
            }
        }
    }
    all
}

fn statfs(folder: &Path) -> io::Result<Statfs> {
    let said = statvfs::statvfs(folder)?;
    let bytes = |blocks: u64| blocks.saturating_mul(said.fragment_size());
    Ok(Statfs {
        total_bytes: bytes(said.blocks()),
        available_bytes: bytes(said.blocks_available()),
    })
}

#[expect(clippy::needless_pass_by_value, reason = "made for map_err")]
fn words(error: io::Error) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests;
