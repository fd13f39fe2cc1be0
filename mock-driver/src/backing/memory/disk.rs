//! One simulated disk, a volume's or a snapshot's: a folder with its facts and its contents.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{content::Content, log::Log, node::Mount};
use crate::{
    backing::{BackingError, FileSystem, FsType, Inodes, Mounting, Result, Stats},
    state::{Durability, read_json, write_atomic},
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

/// A disk and its folder.
#[derive(Debug)]
pub struct Disk {
    /// Change it with [`Disk::change`], or it will not last.
    pub meta: Meta,
    /// Change it with [`Disk::write`].
    pub content: Content,
    folder: PathBuf,
    log: Log,
}

impl Disk {
    /// Makes a disk whole or not at all: aside first, then renamed into place.
    pub fn create(folder: &Path, meta: Meta, content: &Content) -> Result<Self> {
        let what = || BackingError::io(format!("cannot make {}", folder.display()));
        let aside = folder.with_extension("new");
        let _ = std::fs::remove_dir_all(&aside);
        std::fs::create_dir_all(&aside).map_err(what())?;
        let made = Log::create(&aside.join("data.log"), content)
            .and_then(|log| save(&aside, &meta).map(|()| log))
            .and_then(|log| std::fs::rename(&aside, folder).map(|()| log));
        match made {
            Ok(log) => {
                let log = log.moved_to(&folder.join("data.log"));
                Ok(Self { meta, content: content.clone(), folder: folder.into(), log })
            }
            Err(failure) => {
                let _ = std::fs::remove_dir_all(&aside);
                Err(what()(failure))
            }
        }
    }

    /// Finds a disk again.
    pub fn open(folder: &Path) -> Result<Self> {
        let what = || BackingError::io(format!("cannot open {}", folder.display()));
        let meta = read_json(&folder.join("meta.json")).map_err(what())?;
        let (log, content) = Log::open(&folder.join("data.log")).map_err(what())?;
        Ok(Self { meta, content, folder: folder.into(), log })
    }

    /// Removes the disk, whole or not at all.
    pub fn delete(self) -> Result<()> {
        let what = || BackingError::io(format!("cannot remove {}", self.folder.display()));
        let aside = self.folder.with_extension("old");
        std::fs::rename(&self.folder, &aside).map_err(what())?;
        std::fs::remove_dir_all(&aside).map_err(what())
    }

    /// Changes the facts, and makes the change last; on failure nothing is changed.
    pub fn change(&mut self, change: impl FnOnce(&mut Meta)) -> Result<()> {
        let mut meta = self.meta.clone();
        change(&mut meta);
        if meta != self.meta {
            save(&self.folder, &meta).map_err(BackingError::io("cannot save a disk's facts"))?;
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

fn save(folder: &Path, meta: &Meta) -> std::io::Result<()> {
    write_atomic(&folder.join("meta.json"), &serde_json::to_vec(meta)?, Durability::Process)
}
