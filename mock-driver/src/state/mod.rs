//! The driver's memory: one JSON record per volume and snapshot, on disk before any reply.
//!
//! A record is replaced whole (temporary file, rename), so SIGKILL at any instant leaves the old
//! one or the new one. Knows nothing of CSI's rules, nor of how a volume is made.

mod file;
mod record;

pub use file::{Durability, read_json, write_atomic};
pub use record::{
    Capability, Kind, Publication, SnapshotRecord, SourceRecord, Staged, Target, VolumeRecord,
    VolumeState, fresh_id,
};

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Serialize, de::DeserializeOwned};

/// The records of all volumes and snapshots. Reads come from memory; every change is on disk
/// when the method returns.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    durability: Durability,
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    volumes: BTreeMap<String, VolumeRecord>,
    snapshots: BTreeMap<String, SnapshotRecord>,
    sequence: u64,
}

/// The pool is too small for what was asked.
#[derive(Debug, PartialEq, Eq)]
pub struct PoolFull {
    /// Bytes that are left.
    pub free_bytes: u64,
}

impl Store {
    /// Opens (or makes) the records in `folder`.
    pub fn open(folder: &Path, durability: Durability) -> io::Result<Self> {
        let store =
            Self { folder: folder.into(), durability, tables: Mutex::new(Tables::default()) };
        let volumes: Vec<VolumeRecord> = store.load("volumes")?;
        let snapshots: Vec<SnapshotRecord> = store.load("snapshots")?;
        {
            let mut tables = store.tables();
            let used = volumes.iter().map(|v| v.sequence);
            tables.sequence = used.chain(snapshots.iter().map(|s| s.sequence)).max().unwrap_or(0);
            tables.volumes = volumes.into_iter().map(|v| (v.id.clone(), v)).collect();
            tables.snapshots = snapshots.into_iter().map(|s| (s.id.clone(), s)).collect();
        }
        Ok(store)
    }

    /// The record of a volume.
    pub fn volume(&self, id: &str) -> Option<VolumeRecord> {
        self.tables().volumes.get(id).cloned()
    }

    /// The record of a snapshot.
    pub fn snapshot(&self, id: &str) -> Option<SnapshotRecord> {
        self.tables().snapshots.get(id).cloned()
    }

    /// All volumes, oldest first.
    pub fn volumes(&self) -> Vec<VolumeRecord> {
        let mut all: Vec<_> = self.tables().volumes.values().cloned().collect();
        all.sort_by_key(|v| v.sequence);
        all
    }

    /// All snapshots, oldest first.
    pub fn snapshots(&self) -> Vec<SnapshotRecord> {
        let mut all: Vec<_> = self.tables().snapshots.values().cloned().collect();
        all.sort_by_key(|s| s.sequence);
        all
    }

    /// The volume that was made under a name.
    pub fn volume_named(&self, name: &str) -> Option<VolumeRecord> {
        self.tables().volumes.values().find(|v| v.name == name).cloned()
    }

    /// The snapshot that was made under a name.
    pub fn snapshot_named(&self, name: &str) -> Option<SnapshotRecord> {
        self.tables().snapshots.values().find(|s| s.name == name).cloned()
    }

    /// The next number in the order of creation; at least one higher than any in use.
    pub fn next_sequence(&self) -> u64 {
        let mut tables = self.tables();
        tables.sequence += 1;
        tables.sequence
    }

    /// The highest number given out so far.
    pub fn sequence(&self) -> u64 {
        self.tables().sequence
    }

    /// Bytes that all volumes together may come to use.
    pub fn reserved_bytes(&self) -> u64 {
        self.tables().volumes.values().fold(0, |sum, v| sum.saturating_add(v.reserved_bytes()))
    }

    /// Writes a volume's record, if all volumes then still fit in `pool` bytes (0: any number).
    /// A record that needs no more room than before always fits.
    pub fn put_volume_within(
        &self,
        record: &VolumeRecord,
        pool: u64,
    ) -> io::Result<Result<(), PoolFull>> {
        let previous = {
            let mut tables = self.tables();
            let previous = tables.volumes.get(&record.id).cloned();
            let before = previous.as_ref().map_or(0, VolumeRecord::reserved_bytes);
            let all = tables.volumes.values();
            let others = all.fold(0_u64, |sum, v| sum.saturating_add(v.reserved_bytes())) - before;
            let wanted = record.reserved_bytes();
            if pool > 0 && wanted > before && others.saturating_add(wanted) > pool {
                let free_bytes = pool.saturating_sub(others.saturating_add(before));
                return Ok(Err(PoolFull { free_bytes }));
            }
            tables.volumes.insert(record.id.clone(), record.clone());
            previous
        };
        let written = self.write("volumes", &record.id, record);
        if written.is_err() {
            let mut tables = self.tables();
            match previous {
                Some(previous) => tables.volumes.insert(record.id.clone(), previous),
                None => tables.volumes.remove(&record.id),
            };
        }
        written.map(Ok)
    }

    /// Writes a volume's record.
    pub fn put_volume(&self, record: &VolumeRecord) -> io::Result<()> {
        self.put_volume_within(record, 0).map(|_| ())
    }

    /// Writes a snapshot's record.
    pub fn put_snapshot(&self, record: &SnapshotRecord) -> io::Result<()> {
        self.write("snapshots", &record.id, record)?;
        self.tables().snapshots.insert(record.id.clone(), record.clone());
        Ok(())
    }

    /// Forgets a volume.
    pub fn remove_volume(&self, id: &str) -> io::Result<()> {
        self.erase("volumes", id)?;
        self.tables().volumes.remove(id);
        Ok(())
    }

    /// Forgets a snapshot.
    pub fn remove_snapshot(&self, id: &str) -> io::Result<()> {
        self.erase("snapshots", id)?;
        self.tables().snapshots.remove(id);
        Ok(())
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        // Nothing panics while the tables are half changed, so a poisoned lock is still sound.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn load<T: DeserializeOwned>(&self, table: &str) -> io::Result<Vec<T>> {
        let folder = self.folder.join(table);
        std::fs::create_dir_all(&folder)?;
        let mut records = Vec::new();
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|x| x == "json") {
                records.push(read_json(&path)?);
            } else {
                // The temporary file of a write that was cut off: the old record holds.
                std::fs::remove_file(&path)?;
            }
        }
        Ok(records)
    }

    fn write(&self, table: &str, id: &str, record: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_vec(record)?;
        write_atomic(&self.path(table, id), &text, self.durability)
    }

    fn erase(&self, table: &str, id: &str) -> io::Result<()> {
        match std::fs::remove_file(self.path(table, id)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(e),
            Ok(()) => file::sync_folder(&self.folder.join(table), self.durability),
        }
    }

    fn path(&self, table: &str, id: &str) -> PathBuf {
        self.folder.join(table).join(format!("{id}.json"))
    }
}
