//! The names of a loop device, and what sysfs and the mount table say under them.
//!
//! Knows nothing of open devices: what it says may be outdated as soon as it is said. Before
//! anything is changed, [`super::device`] looks again with the device open.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::stat::{major, minor};

use super::mountinfo::Mount;
use crate::backing::{BackingError, Result};

const SYS_BLOCK: &str = "/sys/block";
const DELETED: &[u8] = b" (deleted)";

/// A loop device, attached or not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node {
    /// Device number, major and minor.
    pub number: (u32, u32),
    /// Its device file.
    pub path: PathBuf,
}

/// Every attached loop device of this machine with its backing file.
///
/// # Errors
/// sysfs cannot be read.
pub fn attached() -> Result<Vec<(Node, PathBuf)>> {
    let listing = || BackingError::io(format!("list {SYS_BLOCK}"));
    let mut all = Vec::new();
    for entry in fs::read_dir(SYS_BLOCK).map_err(listing())? {
        let name = entry.map_err(listing())?.file_name();
        if !name.as_encoded_bytes().starts_with(b"loop") {
            continue;
        }
        let path = Path::new("/dev").join(name);
        if let Some(backing) = backing_file(&path)?
            && let Some(number) = number(&path)
        {
            all.push((Node { number, path }, backing));
        }
    }
    all.sort_unstable();
    Ok(all)
}

impl Node {
    /// The file behind it as the kernel names it now; `None` when there is none.
    pub fn backing_file(&self) -> Result<Option<PathBuf>> {
        backing_file(&self.path)
    }

    /// Whether `mount` shows this device's file system or its device file.
    pub fn is_shown_by(&self, mount: &Mount) -> bool {
        self.has_file_system_at(mount) || self.is_bound_at(mount)
    }

    /// Whether `mount` shows this device's file system. btrfs has device numbers of its own.
    pub fn has_file_system_at(&self, mount: &Mount) -> bool {
        mount.device == self.number || (mount.fs_type == "btrfs" && mount.source == self.path)
    }

    /// Whether `mount` is this device's file, bound to another place.
    pub fn is_bound_at(&self, mount: &Mount) -> bool {
        // Only names that fit are looked at: a dead network mount would hang the look.
        mount.root.file_name() == self.path.file_name()
            && fs::metadata(&mount.target).is_ok_and(|meta| {
                let number = (major(meta.rdev()) as u32, minor(meta.rdev()) as u32);
                meta.file_type().is_block_device() && number == self.number
            })
    }
}

fn number(path: &Path) -> Option<(u32, u32)> {
    let text = fs::read_to_string(sys(path)?.join("dev")).ok()?;
    let (major, minor) = text.trim_end().split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn backing_file(path: &Path) -> Result<Option<PathBuf>> {
    let Some(sys) = sys(path) else { return Ok(None) };
    let path = sys.join("loop/backing_file");
    match fs::read(&path) {
        Ok(mut name) => {
            for ending in [b"\n".as_slice(), DELETED] {
                name.truncate(name.strip_suffix(ending).map_or(name.len(), <[u8]>::len));
            }
            Ok(Some(OsString::from_vec(name).into()))
        }
        // Not attached, or torn down between listing and reading.
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) if e.raw_os_error() == Some(Errno::ENODEV as i32) => Ok(None),
        Err(e) => Err(BackingError::io(format!("read {}", path.display()))(e)),
    }
}

fn sys(path: &Path) -> Option<PathBuf> {
    Some(Path::new(SYS_BLOCK).join(path.file_name()?))
}
