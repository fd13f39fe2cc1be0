//! One simulated disk, a volume's or a snapshot's: its facts and its contents.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};

use super::{content::Content, log::Log, node::Mount};
use crate::{
    backing::{BackingError, FileSystem, FsType, Inodes, Mounting, Result, Stats},
    state::{Durability, Table},
};

/// One byte in this many of a file system is metadata.
const METADATA_SHARE: u64 = 64;
/// What a file costs besides its bytes.
const FILE_BYTES: u64 = 4096;
/// One inode for this many bytes.
const INODE_BYTES: u64 = 16 << 10;
/// Inodes that a new file system uses itself.
const INODES_USED: u64 = 11;

/// What is known of a disk besides its contents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// Size of the disk, bytes.
    pub bytes: u64,
    /// The file system on it.
    pub fs: Option<Formatted>,
    /// The number of its device while it is attached.
    pub device: Option<u64>,
    /// Where it is visible.
    pub mounts: BTreeMap<PathBuf, Mount>,
}

/// A simulated file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Formatted {
    fs_type: FsType,
    bytes: u64,
}

/// A place that disks are kept in: a table of facts, and a folder with a log of contents for each
/// disk that was written to.
#[derive(Debug, Clone)]
pub struct Shelf {
    facts: Arc<Mutex<Table<Meta>>>,
    folder: PathBuf,
}

/// A disk on its shelf.
#[derive(Debug)]
pub struct Disk {
    /// Change it with [`Disk::change`], or it will not last.
    pub meta: Meta,
    /// Change it with [`Disk::write`].
    pub content: Content,
    id: String,
    shelf: Shelf,
    log: Log,
}

impl Shelf {
    /// Opens (or makes) the shelf at `folder`, with the disks on it.
    pub fn open(folder: &Path) -> Result<(Self, Vec<(String, Disk)>)> {
        let what = || BackingError::io(format!("cannot open {}", folder.display()));
        std::fs::create_dir_all(folder).map_err(what())?;
        let facts = Table::open(&folder.with_extension("ndjson"), Durability::Process);
        let facts: Table<Meta> = facts.map_err(what())?;
        let held: Vec<_> = facts.iter().map(|(id, meta)| (id.clone(), meta.clone())).collect();
        let shelf = Self { facts: Arc::new(Mutex::new(facts)), folder: folder.into() };
        shelf.remove_orphans().map_err(what())?;
        let open = |(id, meta): (String, Meta)| -> Result<(String, Disk)> {
            let (log, content) = Log::open(&shelf.log_of(&id)).map_err(what())?;
            Ok((id.clone(), Disk { meta, content, id, shelf: shelf.clone(), log }))
        };
        let disks = held.into_iter().map(open).collect::<Result<_>>()?;
        Ok((shelf, disks))
    }

    /// Makes a disk. It is there once its facts are.
    pub fn create(&self, id: &str, meta: Meta, content: Content) -> Result<Disk> {
        let what = || BackingError::io(format!("cannot make the disk {id}"));
        let log = Log::create(&self.log_of(id), &content).map_err(what())?;
        self.set(id, &meta).map_err(what())?;
        Ok(Disk { meta, content, id: id.into(), shelf: self.clone(), log })
    }

    fn log_of(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.log"))
    }

    fn facts(&self) -> MutexGuard<'_, Table<Meta>> {
        // Every change is a whole step, so a panic elsewhere leaves the table sound.
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, id: &str, meta: &Meta) -> std::io::Result<()> {
        let written = self.facts().put(id, meta.clone())?;
        written.last()
    }

    /// What a driver that was killed was making or removing.
    fn remove_orphans(&self) -> std::io::Result<()> {
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let id = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let is_log = path.extension().is_some_and(|x| x == "log");
            if !is_log || self.facts().get(id).is_none() {
                std::fs::remove_file(&path)?;
            }
        }
        Ok(())
    }
}

impl Disk {
    /// Removes the disk. It is gone once its facts are.
    pub fn delete(self) -> Result<()> {
        let what = || BackingError::io(format!("cannot remove the disk {}", self.id));
        let gone = self.shelf.facts().remove(&self.id);
        gone.and_then(crate::state::Written::last).map_err(what())?;
        self.log.remove().map_err(what())
    }

    /// Changes the facts, and makes the change last; on failure nothing is changed.
    pub fn change(&mut self, change: impl FnOnce(&mut Meta)) -> Result<()> {
        let mut meta = self.meta.clone();
        change(&mut meta);
        if meta != self.meta {
            let what = BackingError::io("cannot save a disk's facts");
            self.shelf.set(&self.id, &meta).map_err(what)?;
            self.meta = meta;
        }
        Ok(())
    }

    /// Stores bytes; room was checked before.
    pub fn write(&mut self, file: &str, offset: u64, data: &[u8]) -> Result<()> {
        let what = || BackingError::io("cannot save a disk's contents");
        self.log.append(file, offset, data).map_err(what())?;
        self.content.write(file, offset, data);
        self.log.compact(&self.content).map_err(what())
    }

    /// What a copy starts with; the bytes are shared until either side overwrites them.
    pub fn copy(&self) -> (Option<Formatted>, Content) {
        (self.meta.fs, self.content.clone())
    }

    /// Refuses to take away what is visible somewhere.
    pub fn must_be_idle(&self) -> Result<()> {
        match self.meta.mounts.keys().next() {
            Some(path) => Err(BackingError::Busy(format!("visible at {}", path.display()))),
            None => Ok(()),
        }
    }

    /// Gets the disk ready to be mounted: formatted if it is blank, grown if that is wanted.
    pub fn prepare(&mut self, mounting: &Mounting) -> Result<()> {
        if self.meta.device.is_none() {
            return Err(BackingError::Invalid("the volume is not attached".into()));
        }
        let wanted = mounting.fs_type;
        let foreign = |found: &str| BackingError::WrongFileSystem { found: found.into(), wanted };
        match self.meta.fs {
            Some(fs) if fs.fs_type != wanted => return Err(foreign(fs.fs_type.name())),
            Some(_) => {}
            None if self.content.file_count() > 0 => return Err(foreign("raw data")),
            None => {
                let fs = Formatted { fs_type: wanted, bytes: self.meta.bytes };
                self.change(|meta| meta.fs = Some(fs))?;
            }
        }
        if mounting.grow { self.grow_fs() } else { Ok(()) }
    }

    /// Grows the file system to the disk.
    pub fn grow_fs(&mut self) -> Result<()> {
        self.change(|meta| {
            if let Some(fs) = &mut meta.fs {
                fs.bytes = meta.bytes;
            }
        })
    }

    /// What is on the disk.
    pub fn file_system(&self) -> Option<FileSystem> {
        let disk = self.meta.bytes;
        self.meta.fs.map(|Formatted { fs_type, bytes }| FileSystem {
            fs_type,
            bytes,
            fills_device: bytes == disk,
        })
    }

    /// Usage; without a file system only the total says something.
    pub fn stats(&self) -> Stats {
        let Some(fs) = self.meta.fs else {
            return Stats { total_bytes: self.meta.bytes, ..Stats::default() };
        };
        let total_bytes = fs.bytes - fs.bytes / METADATA_SHARE;
        let files = self.content.file_count();
        let used_bytes = (self.content.stored_bytes() + files * FILE_BYTES).min(total_bytes);
        let total = (fs.bytes / INODE_BYTES).max(INODES_USED);
        let used = (INODES_USED + files).min(total);
        Stats {
            total_bytes,
            used_bytes,
            available_bytes: total_bytes - used_bytes,
            inodes: Some(Inodes { total, used, available: total - used }),
        }
    }

    /// Bytes that a write takes which are not held yet.
    pub fn new_bytes(&self, file: &str, offset: u64, length: u64) -> u64 {
        match self.content.file(file) {
            Some(held) => length - held.held_bytes(offset, length),
            None => length.saturating_add(FILE_BYTES),
        }
    }
}
