//! A simulation of a node: devices, file systems and mounts as data.
//!
//! Behaves as the loop backing does, but needs no privileges and touches nothing outside its
//! folder. There it keeps all it knows, contents included, so that a driver which was killed
//! finds its volumes and mounts again. It is a model of what CSI can see, and proves nothing
//! about a kernel: file systems always grow online, and never break.

mod content;
mod disk;
mod log;
mod node;
mod view;

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    Access, Backing, BackingError, FileSystem, Known, Mounting, Observed, Result, Shown, Source,
    Stats,
};
use disk::{Disk, Meta};
use node::{Mount, Node};

/// Volumes that exist only as data in a folder.
#[derive(Debug)]
pub struct MemoryBacking {
    node: Mutex<Node>,
}

impl MemoryBacking {
    /// Opens (or makes) the simulation in `folder`, which it owns.
    pub fn open(folder: &Path) -> Result<Self> {
        Ok(Self { node: Mutex::new(Node::load(folder)?) })
    }

    fn node(&self) -> MutexGuard<'_, Node> {
        // Every change is a whole step, so a panic elsewhere leaves the data sound.
        self.node.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backing for MemoryBacking {
    fn create(&self, id: &str, bytes: u64, source: Option<Source<'_>>) -> Result<()> {
        let mut node = self.node();
        let (fs, content) = match source {
            None => (None, content::Content::default()),
            Some(Source::Snapshot(from)) => node.snapshot(from)?.copy(),
            Some(Source::Volume(from)) => node.volume(from)?.copy(),
        };
        node.must_hold(content.stored_bytes())?;
        let meta = Meta { bytes, fs, ..Meta::default() };
        node.add_volume(id, meta, content)
    }

    fn delete(&self, id: &str) -> Result<()> {
        let mut node = self.node();
        let Some(disk) = node.volumes.get(id) else { return Ok(()) };
        disk.must_be_idle()?;
        node.volumes.remove(id).map_or(Ok(()), Disk::delete)
    }

    fn grow_device(&self, id: &str, bytes: u64) -> Result<()> {
        self.node().volume_mut(id)?.change(|meta| meta.bytes = meta.bytes.max(bytes))
    }

    fn device_bytes(&self, id: &str) -> Result<u64> {
        Ok(self.node().volume(id)?.meta.bytes)
    }

    fn snapshot(&self, volume: &str, snapshot: &str) -> Result<u64> {
        let mut node = self.node();
        let source = node.volume(volume)?;
        let bytes = source.meta.bytes;
        let (fs, content) = source.copy();
        node.must_hold(content.stored_bytes())?;
        let meta = Meta { bytes, fs, ..Meta::default() };
        node.add_snapshot(snapshot, meta, content)?;
        Ok(bytes)
    }

    fn delete_snapshot(&self, snapshot: &str) -> Result<()> {
        self.node().snapshots.remove(snapshot).map_or(Ok(()), Disk::delete)
    }

    fn attach(&self, id: &str) -> Result<()> {
        let mut node = self.node();
        if node.volume(id)?.meta.device.is_none() {
            let device = node.next_device();
            node.volume_mut(id)?.change(|meta| meta.device = Some(device))?;
        }
        Ok(())
    }

    fn detach(&self, id: &str) -> Result<()> {
        let mut node = self.node();
        let Some(disk) = node.volumes.get_mut(id) else { return Ok(()) };
        disk.must_be_idle()?;
        if disk.meta.device.is_some() { disk.change(|meta| meta.device = None) } else { Ok(()) }
    }

    fn stage(&self, id: &str, path: &Path, mounting: &Mounting) -> Result<()> {
        let mut node = self.node();
        node.must_be_free(id, path)?;
        node.volume_mut(id)?.prepare(mounting)?;
        node.mount(id, path, Mount { shown: Shown::FileSystem.into(), read_only: false })
    }

    fn unstage(&self, id: &str, path: &Path) -> Result<()> {
        self.node().unmount(id, path)
    }

    fn publish(
        &self,
        id: &str,
        staged: Option<&Path>,
        target: &Path,
        read_only: bool,
        access: &Access,
    ) -> Result<()> {
        let mut node = self.node();
        node.must_be_free(id, target)?;
        let shown = match (access, staged) {
            (Access::Block, _) => Shown::Device,
            (Access::Mount(_), Some(staged)) => {
                if !node.volume(id)?.meta.mounts.contains_key(staged) {
                    return Err(BackingError::NotMounted(staged.into()));
                }
                Shown::FileSystem
            }
            (Access::Mount(mounting), None) => {
                node.volume_mut(id)?.prepare(mounting)?;
                Shown::FileSystem
            }
        };
        node.mount(id, target, Mount { shown: shown.into(), read_only })
    }

    fn unpublish(&self, id: &str, target: &Path) -> Result<()> {
        self.node().unmount(id, target)
    }

    fn grow_fs(&self, id: &str) -> Result<Option<FileSystem>> {
        let mut node = self.node();
        let disk = node.volume_mut(id)?;
        disk.grow_fs()?;
        Ok(disk.file_system())
    }

    fn file_system(&self, id: &str) -> Result<Option<FileSystem>> {
        Ok(self.node().volume(id)?.file_system())
    }

    fn shows(&self, id: &str, path: &Path) -> Result<Option<Shown>> {
        Ok(self.node().volume(id)?.meta.mounts.get(path).map(|mount| mount.shown.into()))
    }

    fn stats(&self, id: &str, path: &Path) -> Result<Stats> {
        let node = self.node();
        let disk = node.volume(id)?;
        if !disk.meta.mounts.contains_key(path) {
            return Err(BackingError::NotMounted(path.into()));
        }
        Ok(disk.stats())
    }

    fn reconcile(&self, known: &Known) -> Result<()> {
        self.node().reconcile(known)
    }

    fn observe(&self, path: &Path) -> Result<Observed> {
        self.node().observe(path)
    }

    fn write(&self, path: &Path, file: &str, offset: u64, data: &[u8]) -> Result<()> {
        self.node().write(path, file, offset, data)
    }

    fn read(&self, path: &Path, file: &str, offset: u64, length: u64) -> Result<Vec<u8>> {
        self.node().read(path, file, offset, length)
    }
}
