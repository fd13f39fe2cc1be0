//! A backing whose work goes through a flaw. What tells the truth about the simulated node
//! (`observe`, `read`, `write`) and what mends after a crash does not.

use std::{path::Path, sync::Arc};

use super::flaw::{Flaw, Showing};
use crate::backing::{
    Access, Backing, FileSystem, Known, Mounting, Observed, Result, Shown, Source, Stats,
};

/// Storage with a defect.
pub struct Flawed {
    /// Does it right.
    pub good: Box<dyn Backing>,
    /// Does it wrong.
    pub flaw: Arc<dyn Flaw>,
}

impl Flawed {
    fn good(&self) -> &dyn Backing {
        self.good.as_ref()
    }
}

impl Backing for Flawed {
    fn create(&self, id: &str, bytes: u64, source: Option<Source<'_>>) -> Result<()> {
        self.flaw.make_storage(self.good(), id, bytes, source)
    }

    fn delete(&self, id: &str) -> Result<()> {
        self.good.delete(id)
    }

    fn grow_device(&self, id: &str, bytes: u64) -> Result<()> {
        self.flaw.grow_device(self.good(), id, bytes)
    }

    fn device_bytes(&self, id: &str) -> Result<u64> {
        self.good.device_bytes(id)
    }

    fn snapshot(&self, volume: &str, snapshot: &str) -> Result<u64> {
        self.flaw.cut_snapshot(self.good(), volume, snapshot)
    }

    fn delete_snapshot(&self, snapshot: &str) -> Result<()> {
        self.good.delete_snapshot(snapshot)
    }

    fn attach(&self, id: &str) -> Result<()> {
        self.flaw.attach(self.good(), id)
    }

    fn detach(&self, id: &str) -> Result<()> {
        self.flaw.detach(self.good(), id)
    }

    fn stage(&self, id: &str, path: &Path, mounting: &Mounting) -> Result<()> {
        self.flaw.mount(self.good(), id, path, mounting)
    }

    fn unstage(&self, id: &str, path: &Path) -> Result<()> {
        self.flaw.unmount(self.good(), id, path)
    }

    fn publish(
        &self,
        id: &str,
        staged: Option<&Path>,
        target: &Path,
        readonly: bool,
        access: &Access,
    ) -> Result<()> {
        self.flaw.show(self.good(), id, &Showing { staged, target, readonly, access })
    }

    fn unpublish(&self, id: &str, target: &Path) -> Result<()> {
        self.flaw.hide(self.good(), id, target)
    }

    fn grow_fs(&self, id: &str) -> Result<Option<FileSystem>> {
        self.flaw.grow_fs(self.good(), id)
    }

    fn file_system(&self, id: &str) -> Result<Option<FileSystem>> {
        self.good.file_system(id)
    }

    fn shows(&self, id: &str, path: &Path) -> Result<Option<Shown>> {
        self.good.shows(id, path)
    }

    fn stats(&self, id: &str, path: &Path) -> Result<Stats> {
        self.flaw.usage(self.good(), id, path)
    }

    fn reconcile(&self, known: &Known) -> Result<()> {
        self.good.reconcile(known)
    }

    fn observe(&self, path: &Path) -> Result<Observed> {
        self.good.observe(path)
    }

    fn write(&self, path: &Path, file: &str, offset: u64, data: &[u8]) -> Result<()> {
        self.good.write(path, file, offset, data)
    }

    fn read(&self, path: &Path, file: &str, offset: u64, length: u64) -> Result<Vec<u8>> {
        self.good.read(path, file, offset, length)
    }
}
