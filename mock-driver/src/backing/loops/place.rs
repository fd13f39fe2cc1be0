//! One image: its folder, its marks and its lock.
//!
//! A folder is built under another name and renamed, and renamed again before it is removed. So
//! it is there as a whole or not at all, whenever the driver is killed.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::retry;
use crate::backing::{BackingError, Result};

/// How long a tool that outlived a killed driver may work on.
const LOCK_LIMIT: Duration = Duration::from_secs(120);
const IMAGE: &str = "disk.img";

/// Where an image is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    id: String,
    folder: PathBuf,
}

/// A fact about a volume that has to survive a kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// mkfs was begun and not proven to be finished: the content is worth nothing.
    Formatting,
    /// The content is a copy and still has its original's identity.
    Copied,
}

impl Place {
    /// The place with this id and folder.
    pub fn new(id: &str, folder: PathBuf) -> Self {
        Self { id: id.to_owned(), folder }
    }

    /// The id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The image file.
    pub fn image(&self) -> PathBuf {
        self.folder.join(IMAGE)
    }

    /// Whether it was made completely and not removed.
    pub fn exists(&self) -> bool {
        self.image().is_file()
    }

    /// Size of the image, bytes.
    pub fn bytes(&self) -> Result<u64> {
        match fs::metadata(self.image()) {
            Ok(meta) => Ok(meta.len()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                Err(BackingError::Missing(self.id.clone()))
            }
            Err(e) => Err(self.failed("read the size")(e)),
        }
    }

    /// Makes the thing: `fill` writes the new image, and `marks` are set, before anything of it
    /// can be seen.
    pub fn make(&self, marks: &[Mark], fill: impl FnOnce(&File) -> Result<()>) -> Result<()> {
        self.clean_up()?;
        let new = self.beside("new");
        let made = self.build(&new, marks, fill);
        if made.is_err() {
            // The first error is the one to report; rubbish named `.new` is harmless.
            let _ = fs::remove_dir_all(&new);
        }
        made
    }

    fn build(
        &self,
        new: &Path,
        marks: &[Mark],
        fill: impl FnOnce(&File) -> Result<()>,
    ) -> Result<()> {
        fs::create_dir(new).map_err(self.failed("make the folder"))?;
        let image = new.join(IMAGE);
        let options = File::options().read(true).write(true).create_new(true).clone();
        let disk = options.open(&image).map_err(self.failed("make the image"))?;
        fill(&disk)?;
        disk.sync_all().map_err(self.failed("flush the image"))?;
        File::create(new.join("lock")).map_err(self.failed("make the lock"))?;
        for mark in marks {
            File::create(new.join(mark.name())).map_err(self.failed("set a mark"))?;
        }
        sync_dir(new)?;
        fs::rename(new, &self.folder).map_err(self.failed("finish the image"))?;
        sync_dir(&self.parent())
    }

    /// Removes the thing, and anything a killed attempt to make or remove it left.
    pub fn remove(&self) -> Result<()> {
        self.clean_up()?;
        match fs::rename(&self.folder, self.beside("gone")) {
            Ok(()) => sync_dir(&self.parent())?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(self.failed("remove the image")(e)),
        }
        self.clean_up()
    }

    /// Removes what a killed attempt to make or remove the thing left.
    pub fn clean_up(&self) -> Result<()> {
        for suffix in ["new", "gone"] {
            match fs::remove_dir_all(self.beside(suffix)) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    return Err(self.failed("remove leftovers")(e));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether a mark is set.
    pub fn has(&self, mark: Mark) -> bool {
        self.folder.join(mark.name()).exists()
    }

    /// Sets a mark so that it survives a power cut.
    pub fn set(&self, mark: Mark) -> Result<()> {
        File::create(self.folder.join(mark.name())).map_err(self.failed("set a mark"))?;
        sync_dir(&self.folder)
    }

    /// Takes a mark away, likewise.
    pub fn clear(&self, mark: Mark) -> Result<()> {
        match fs::remove_file(self.folder.join(mark.name())) {
            Ok(()) => sync_dir(&self.folder),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(self.failed("clear a mark")(e)),
        }
    }

    /// Waits until no tool works on the volume, also none that a killed driver started, and
    /// keeps the next one away.
    pub fn lock(&self) -> Result<Flock<File>> {
        let open = || {
            File::options().write(true).create(true).truncate(false).open(self.folder.join("lock"))
        };
        let mut file = Some(open().map_err(self.failed("open the lock"))?);
        let locked = retry::until(LOCK_LIMIT, || {
            match Flock::lock(file.take()?, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => Some(Ok(lock)),
                Err((back, Errno::EWOULDBLOCK)) => {
                    file = Some(back);
                    None
                }
                Err((_, errno)) => Some(Err(io::Error::from(errno))),
            }
        });
        match locked {
            Some(Ok(lock)) => Ok(lock),
            Some(Err(e)) => Err(self.failed("lock")(e)),
            None => Err(BackingError::Busy(format!(
                "a file system tool still works on volume {}: wait for it, or end it",
                self.id
            ))),
        }
    }

    /// Waits until a tool that a killed driver started has ended.
    pub fn wait_for_tools(&self) -> Result<()> {
        if self.exists() { self.lock().map(drop) } else { Ok(()) }
    }

    /// For `map_err`: names the thing and what was done to it.
    pub fn failed(&self, doing: &str) -> impl FnOnce(io::Error) -> BackingError + use<> {
        BackingError::io(format!("{doing} of {}", self.id))
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        self.parent().join(format!("{}.{suffix}", self.id))
    }

    fn parent(&self) -> PathBuf {
        self.folder.parent().map_or_else(PathBuf::new, Path::to_owned)
    }
}

impl Mark {
    const fn name(self) -> &'static str {
        match self {
            Self::Formatting => "formatting",
            Self::Copied => "copied",
        }
    }
}

/// Makes what was done in a folder survive a power cut.
pub fn sync_dir(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|dir| dir.sync_all())
        .map_err(BackingError::io(format!("flush {}", path.display())))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;
    use crate::backing::loops::store::{Kind, Store};

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        (dir, store)
    }

    #[test]
    fn a_failed_make_leaves_nothing() {
        let (_dir, store) = store();
        let place = store.place(Kind::Volume, "v1");
        let failed = place.make(&[], |_| Err(BackingError::NoSpace("full".into())));
        assert!(matches!(failed, Err(BackingError::NoSpace(_))));
        assert!(store.ids(Kind::Volume).unwrap().is_empty());
        assert!(matches!(store.existing(Kind::Volume, "v1"), Err(BackingError::Missing(_))));
    }

    #[test]
    fn marks_are_there_from_the_first_moment_until_cleared() {
        let (_dir, store) = store();
        let place = store.place(Kind::Volume, "v1");
        place.make(&[Mark::Copied], |file| file.set_len(4096).map_err(place.failed("x"))).unwrap();
        assert_eq!(place.bytes().unwrap(), 4096);
        assert!(place.has(Mark::Copied) && !place.has(Mark::Formatting));
        place.clear(Mark::Copied).unwrap();
        place.clear(Mark::Copied).unwrap();
        assert!(!place.has(Mark::Copied));
    }

    #[test]
    fn a_lock_is_held_by_whoever_inherits_it() {
        let (_dir, store) = store();
        let place = store.place(Kind::Volume, "v1");
        place.make(&[], |_| Ok(())).unwrap();
        let lock = place.lock().unwrap();
        let mut tool = std::process::Command::new("sleep")
            .arg("0.3")
            .stdin(lock.try_clone().unwrap())
            .spawn()
            .unwrap();
        let begun = std::time::Instant::now();
        // As a kill does it: the driver's descriptor is closed, and nobody unlocks.
        let descriptor = lock.as_raw_fd();
        std::mem::forget(lock);
        nix::unistd::close(descriptor).unwrap();
        place.lock().unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(250), "the tool was not waited for");
        tool.wait().unwrap();
    }
}
