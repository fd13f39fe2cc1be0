//! The simulated node: all disks, and the table of what is mounted where.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    content::Content,
    disk::{Disk, Meta, Shelf},
};
use crate::backing::{BackingError, Known, Result, Shown};

/// All disks together hold at most this much data, bytes; the next write finds no space.
const CONTENT_MAX: u64 = 1 << 30;

/// Disks by id, and mounts by path.
#[derive(Debug)]
pub struct Node {
    /// The volumes.
    pub volumes: HashMap<String, Disk>,
    /// The snapshots.
    pub snapshots: HashMap<String, Disk>,
    /// Which volume is at a path; each disk keeps how.
    paths: HashMap<PathBuf, String>,
    last_device: u64,
    volume_shelf: Shelf,
    snapshot_shelf: Shelf,
}

/// How a volume is visible at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// As a file system or as a device.
    pub shown: As,
    /// Whether writes are refused.
    pub read_only: bool,
}

/// [`Shown`], as it is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum As {
    /// A file system.
    FileSystem,
    /// A device.
    Device,
}

impl From<Shown> for As {
    fn from(shown: Shown) -> Self {
        match shown {
            Shown::FileSystem => Self::FileSystem,
            Shown::Device => Self::Device,
        }
    }
}

impl From<As> for Shown {
    fn from(shown: As) -> Self {
        match shown {
            As::FileSystem => Self::FileSystem,
            As::Device => Self::Device,
        }
    }
}

impl Node {
    /// Finds everything again that is in the folder.
    pub fn load(folder: &Path) -> Result<Self> {
        let (volume_shelf, volumes) = Shelf::open(&folder.join("volumes"))?;
        let (snapshot_shelf, snapshots) = Shelf::open(&folder.join("snapshots"))?;
        let (volumes, snapshots) = (HashMap::from_iter(volumes), HashMap::from_iter(snapshots));
        let mut paths = HashMap::new();
        for (id, disk) in &volumes {
            paths.extend(disk.meta.mounts.keys().map(|path| (path.clone(), id.clone())));
        }
        let last_device = volumes.values().filter_map(|d| d.meta.device).max().unwrap_or(0);
        Ok(Self { volumes, snapshots, paths, last_device, volume_shelf, snapshot_shelf })
    }

    /// Makes a volume, in place of one that was left half-made.
    pub fn add_volume(&mut self, id: &str, meta: Meta, content: Content) -> Result<()> {
        let disk = self.volume_shelf.create(id, meta, content)?;
        self.volumes.insert(id.into(), disk);
        Ok(())
    }

    /// Makes a snapshot, in place of one that was left half-made.
    pub fn add_snapshot(&mut self, id: &str, meta: Meta, content: Content) -> Result<()> {
        let disk = self.snapshot_shelf.create(id, meta, content)?;
        self.snapshots.insert(id.into(), disk);
        Ok(())
    }

    /// A volume that has to be there.
    pub fn volume(&self, id: &str) -> Result<&Disk> {
        self.volumes.get(id).ok_or_else(|| BackingError::Missing(id.into()))
    }

    /// A volume that has to be there.
    pub fn volume_mut(&mut self, id: &str) -> Result<&mut Disk> {
        self.volumes.get_mut(id).ok_or_else(|| BackingError::Missing(id.into()))
    }

    /// A snapshot that has to be there.
    pub fn snapshot(&self, id: &str) -> Result<&Disk> {
        self.snapshots.get(id).ok_or_else(|| BackingError::Missing(id.into()))
    }

    /// A device number that nothing has.
    pub fn next_device(&mut self) -> u64 {
        self.last_device += 1;
        self.last_device
    }

    /// Refuses data that the simulation is not meant to hold.
    pub fn must_hold(&self, more: u64) -> Result<()> {
        let disks = self.volumes.values().chain(self.snapshots.values());
        let stored: u64 = disks.map(|disk| disk.content.stored_bytes()).sum();
        if stored.saturating_add(more) > CONTENT_MAX {
            let text = format!("the memory backing holds at most {CONTENT_MAX} bytes of data");
            return Err(BackingError::NoSpace(text));
        }
        Ok(())
    }

    /// Refuses a path that shows another volume.
    pub fn must_be_free(&self, id: &str, path: &Path) -> Result<()> {
        match self.paths.get(path) {
            Some(other) if other != id => Err(BackingError::Path {
                path: path.into(),
                why: "another volume is mounted there".into(),
            }),
            _ => Ok(()),
        }
    }

    /// Shows a volume at a path, which is free or shows it already.
    pub fn mount(&mut self, id: &str, path: &Path, mount: Mount) -> Result<()> {
        self.volume_mut(id)?.change(|meta| {
            meta.mounts.insert(path.into(), mount);
        })?;
        self.paths.insert(path.into(), id.into());
        Ok(())
    }

    /// Takes a volume away from a path.
    pub fn unmount(&mut self, id: &str, path: &Path) -> Result<()> {
        let Some(disk) = self.volumes.get_mut(id) else { return Ok(()) };
        disk.change(|meta| {
            meta.mounts.remove(path);
        })?;
        if self.paths.get(path).is_some_and(|at| at == id) {
            self.paths.remove(path);
        }
        Ok(())
    }

    /// The volume that is visible at a path or, for a file system, at a folder above it; with
    /// the path it is mounted at.
    pub fn seen_at<'a>(&'a self, path: &'a Path) -> Result<(&'a str, &'a Path, Mount)> {
        let missing = || BackingError::NotMounted(path.into());
        let found = path.ancestors().find_map(|at| self.paths.get_key_value(at));
        let (at, id) = found.ok_or_else(missing)?;
        let mount = *self.volume(id)?.meta.mounts.get(at).ok_or_else(missing)?;
        if mount.shown == As::Device && at != path {
            return Err(missing());
        }
        Ok((id, at, mount))
    }

    /// Removes what no record names, and grows what is smaller than promised.
    pub fn reconcile(&mut self, known: &Known) -> Result<()> {
        let promised: HashMap<_, _> = known.volumes.iter().map(|v| (v.id.as_str(), v)).collect();
        let ids: Vec<String> = self.volumes.keys().cloned().collect();
        for id in ids {
            let paths: Vec<PathBuf> = self.volume(&id)?.meta.mounts.keys().cloned().collect();
            let volume = promised.get(id.as_str());
            for path in paths {
                if !volume.is_some_and(|v| v.paths.contains(&path)) {
                    self.unmount(&id, &path)?;
                }
            }
            match (volume, self.volumes.get_mut(&id)) {
                (Some(v), Some(disk)) => disk.change(|m| m.bytes = m.bytes.max(v.bytes))?,
                _ => self.volumes.remove(&id).map_or(Ok(()), Disk::delete)?,
            }
        }
        let orphan = |id: &String| !known.snapshots.contains(id);
        for id in self.snapshots.keys().filter(|id| orphan(id)).cloned().collect::<Vec<_>>() {
            self.snapshots.remove(&id).map_or(Ok(()), Disk::delete)?;
        }
        Ok(())
    }
}
