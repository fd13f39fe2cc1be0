//! Volumes as sparse files on real loop devices, with real file systems.
//!
//! The service opens it with `LoopBacking::open(folder: &Path) -> Result<LoopBacking>`; it owns
//! everything in that folder, and only loop devices whose backing file lies in it.
//!
//! Nothing is remembered in memory: every call looks at the folder, at sysfs and at the mount
//! table. Devices have no autoclear, so that they outlive a driver that is killed.

mod copy;
mod device;
mod failure;
mod grow;
mod image;
mod mount;
mod mountinfo;
mod node;
mod options;
mod place;
mod prepare;
mod publish;
mod quiesce;
mod reconcile;
mod retry;
mod show;
mod stage;
mod store;
mod sys;
mod volume;

use std::path::Path;

use self::place::Place;
use self::store::{Kind, Store};
use self::volume::Volume;
use super::{Access, Backing, FileSystem, Known, Mounting, Result, Shown, Source, Stats};

/// The backing on loop devices.
#[derive(Debug)]
pub struct LoopBacking {
    store: Store,
}

impl LoopBacking {
    /// Opens the folder that holds the images, and makes it if it is missing.
    ///
    /// # Errors
    /// The folder cannot be made or read. Devices are not touched yet, so missing privileges
    /// show at the first attach.
    pub fn open(folder: &Path) -> Result<Self> {
        Ok(Self { store: Store::open(folder)? })
    }

    /// Unmounts, detaches and removes everything of this folder, for a driver that is to leave
    /// nothing behind. The folder itself stays.
    ///
    /// # Errors
    /// The first thing that could not be removed, such as a mount in use.
    pub fn remove_everything(&self) -> Result<()> {
        reconcile::remove_everything(&self.store)
    }
}

impl Backing for LoopBacking {
    fn create(&self, id: &str, bytes: u64, source: Option<Source<'_>>) -> Result<()> {
        image::create(&self.store, id, bytes, source)
    }

    fn delete(&self, id: &str) -> Result<()> {
        image::remove(&self.store.place_of_volume(id))
    }

    fn grow_device(&self, id: &str, bytes: u64) -> Result<()> {
        grow::grow_device(self.store.existing(Kind::Volume, id)?, bytes)
    }

    fn device_bytes(&self, id: &str) -> Result<u64> {
        grow::device_bytes(&self.store, id)
    }

    fn snapshot(&self, volume: &str, snapshot: &str) -> Result<u64> {
        image::snapshot(&self.store, volume, snapshot)
    }

    fn delete_snapshot(&self, snapshot: &str) -> Result<()> {
        image::remove(&self.store.place(Kind::Snapshot, snapshot))
    }

    fn attach(&self, id: &str) -> Result<()> {
        Volume::attached(self.store.existing(Kind::Volume, id)?).map(drop)
    }

    fn detach(&self, id: &str) -> Result<()> {
        Volume::look(self.store.place_of_volume(id))?.detach()
    }

    fn stage(&self, id: &str, path: &Path, mounting: &Mounting) -> Result<()> {
        stage::stage(&self.store, id, path, mounting)
    }

    fn unstage(&self, id: &str, path: &Path) -> Result<()> {
        stage::unstage(&self.store, id, path)
    }

    fn publish(
        &self,
        id: &str,
        staged: Option<&Path>,
        target: &Path,
        readonly: bool,
        access: &Access,
    ) -> Result<()> {
        publish::publish(&self.store, id, staged, target, readonly, access)
    }

    fn unpublish(&self, id: &str, target: &Path) -> Result<()> {
        publish::unpublish(&self.store, id, target)
    }

    fn grow_fs(&self, id: &str) -> Result<Option<FileSystem>> {
        grow::grow_fs(&self.store, id)
    }

    fn file_system(&self, id: &str) -> Result<Option<FileSystem>> {
        grow::file_system(&self.store, id)
    }

    fn shows(&self, id: &str, path: &Path) -> Result<Option<Shown>> {
        show::shows(&self.store, id, path)
    }

    fn stats(&self, id: &str, path: &Path) -> Result<Stats> {
        show::stats(&self.store, id, path)
    }

    fn reconcile(&self, known: &Known) -> Result<()> {
        reconcile::reconcile(&self.store, known)
    }
}

impl Store {
    /// The place of a volume, whether it exists or not.
    fn place_of_volume(&self, id: &str) -> Place {
        self.place(Kind::Volume, id)
    }
}
