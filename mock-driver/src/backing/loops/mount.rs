//! Mounting, binding and unmounting by system call. Whether it is needed is the caller's look
//! into [`super::mountinfo`].

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::slice;
use std::time::Duration;

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::mountinfo::Mount;
use super::options::Options;
use super::retry;
use crate::backing::{BackingError, FsType, Result};

/// How long an unmount may find the mount in use before that is the answer.
const UNMOUNT_LIMIT: Duration = Duration::from_secs(5);
const NOTHING: Option<&str> = None;

/// Mounts a device's file system.
pub fn device(device: &Path, target: &Path, fs_type: FsType, options: &Options) -> Result<()> {
    mount(Some(device), target, Some(fs_type.name()), options.flags, Some(options.data.as_str()))
        .map_err(|errno| failed(format!("mount {fs_type} at {}", target.display()), errno))
}

/// Shows at `target` what is at `source`.
pub fn bind(source: &Path, target: &Path) -> Result<()> {
    mount(Some(source), target, NOTHING, MsFlags::MS_BIND, NOTHING)
        .map_err(|errno| failed(format!("bind to {}", target.display()), errno))
}

/// Lets one mount refuse writes or take them, whatever other mounts of the same file system do.
/// Its other options, such as `nosuid`, stay: a remount drops the ones that it does not repeat.
pub fn set_read_only(now: &Mount, read_only: bool) -> Result<()> {
    let mut flags = Options::parse(slice::from_ref(&now.options), "").flags;
    flags |= MsFlags::MS_REMOUNT | MsFlags::MS_BIND;
    flags.set(MsFlags::MS_RDONLY, read_only);
    mount(NOTHING, &now.target, NOTHING, flags, NOTHING)
        .map_err(|errno| failed(format!("remount {}", now.target.display()), errno))
}

/// Unmounts the topmost mount at `target`. Never lazily: a lazy unmount says that a volume is
/// free while writers go on.
///
/// # Errors
/// [`BackingError::Busy`] when it is still in use after five seconds.
pub fn unmount(target: &Path) -> Result<()> {
    let attempt = || match umount2(target, MntFlags::UMOUNT_NOFOLLOW) {
        Err(Errno::EBUSY) => None,
        // Somebody else unmounted it.
        Err(Errno::EINVAL | Errno::ENOENT) => Some(Ok(())),
        done => Some(done),
    };
    match retry::until(UNMOUNT_LIMIT, attempt) {
        Some(Ok(())) => Ok(()),
        Some(Err(errno)) => Err(failed(format!("unmount {}", target.display()), errno)),
        None => Err(BackingError::Busy(format!(
            "{} is still in use: end the processes that have files open there",
            target.display()
        ))),
    }
}

/// Makes a directory to mount at, with its parents, and names it as the kernel would.
pub fn make_dir(target: &Path) -> Result<PathBuf> {
    match fs::create_dir_all(target) {
        Ok(()) => resolve(target),
        Err(_) if !target.is_dir() && target.exists() => Err(BackingError::Path {
            path: target.to_owned(),
            why: "it is not a directory; a mounted volume needs one".into(),
        }),
        Err(e) => Err(BackingError::io(format!("make {}", target.display()))(e)),
    }
}

/// Makes an empty file to bind a device file to, with its parents.
pub fn make_file(target: &Path) -> Result<PathBuf> {
    if target.is_dir() {
        return Err(BackingError::Path {
            path: target.to_owned(),
            why: "it is a directory; a block volume needs a file, or nothing".into(),
        });
    }
    let doing = || BackingError::io(format!("make {}", target.display()));
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).map_err(doing())?;
    }
    match File::options().write(true).create_new(true).open(target) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(doing()(e)),
        _ => resolve(target),
    }
}

/// The path without symbolic links, as mountinfo has it; the path itself where nothing is.
pub fn resolve(path: &Path) -> Result<PathBuf> {
    match fs::canonicalize(path) {
        Ok(resolved) => Ok(resolved),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(path.to_owned()),
        Err(e) => Err(BackingError::io(format!("look at {}", path.display()))(e)),
    }
}

/// Removes the empty directory or file that a volume was shown at.
pub fn remove_target(target: &Path) -> Result<()> {
    let doing = || BackingError::io(format!("remove {}", target.display()));
    let meta = match fs::symlink_metadata(target) {
        Ok(meta) => meta,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(doing()(e)),
    };
    let foreign = |why: &str| BackingError::Path { path: target.to_owned(), why: why.into() };
    if meta.is_dir() {
        return match fs::remove_dir(target) {
            Err(e) if e.kind() == io::ErrorKind::DirectoryNotEmpty => {
                Err(foreign("it holds files that are not the volume's; move them away"))
            }
            done => done.map_err(doing()),
        };
    }
    if !meta.is_file() || meta.len() > 0 {
        return Err(foreign("it is not an empty file that a volume was shown at; move it away"));
    }
    fs::remove_file(target).map_err(doing())
}

fn failed(what: String, errno: Errno) -> BackingError {
    BackingError::io(what)(io::Error::from(errno))
}
