//! The driver's memory: a record of each volume and snapshot, on disk before any reply.
//!
//! Knows nothing of CSI's rules, nor of how a volume is made.

mod record;
mod table;

pub use record::{
    Capability, Kind, Publication, SnapshotRecord, SourceRecord, Staged, Target, VolumeRecord,
    VolumeState, fresh_id,
};
pub use table::{Durability, Table, Written};

use std::{
    io,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The folder of the records, in that of the driver's state.
pub const FOLDER: &str = "records";

/// The records of all volumes and snapshots. Reads come from memory; every change is on disk
/// when the method returns.
#[derive(Debug)]
pub struct Store {
    tables: Mutex<Tables>,
}

#[derive(Debug)]
struct Tables {
    volumes: Table<VolumeRecord>,
    snapshots: Table<SnapshotRecord>,
    sequence: u64,
}

/// The pool is too small for what was asked.
#[derive(Debug, PartialEq, Eq)]
pub struct PoolFull {
    /// Bytes that are left.
    pub free_bytes: u64,
}

impl Store {
    /// Opens (or makes) the records of the driver whose state is in `folder`.
    pub fn open(folder: &Path, durability: Durability) -> io::Result<Self> {
        let folder = folder.join(FOLDER);
        std::fs::create_dir_all(&folder)?;
        let volumes: Table<VolumeRecord> = Table::open(&folder.join("volumes.ndjson"), durability)?;
        let snapshots: Table<SnapshotRecord> =
            Table::open(&folder.join("snapshots.ndjson"), durability)?;
        let used = volumes.values().map(|v| v.sequence);
        let sequence = used.chain(snapshots.values().map(|s| s.sequence)).max().unwrap_or(0);
        Ok(Self { tables: Mutex::new(Tables { volumes, snapshots, sequence }) })
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
        let mut tables = self.tables();
        let before = tables.volumes.get(&record.id).map_or(0, VolumeRecord::reserved_bytes);
        let all = tables.volumes.values();
        let others = all.fold(0_u64, |sum, v| sum.saturating_add(v.reserved_bytes())) - before;
        let wanted = record.reserved_bytes();
        if pool > 0 && wanted > before && others.saturating_add(wanted) > pool {
            let free_bytes = pool.saturating_sub(others.saturating_add(before));
            return Ok(Err(PoolFull { free_bytes }));
        }
        let written = tables.volumes.put(&record.id, record.clone())?;
        drop(tables);
        written.last().map(Ok)
    }

    /// Writes a volume's record.
    pub fn put_volume(&self, record: &VolumeRecord) -> io::Result<()> {
        self.put_volume_within(record, 0).map(|_| ())
    }

    /// Writes a snapshot's record.
    pub fn put_snapshot(&self, record: &SnapshotRecord) -> io::Result<()> {
        let written = self.tables().snapshots.put(&record.id, record.clone())?;
        written.last()
    }

    /// Forgets a volume.
    pub fn remove_volume(&self, id: &str) -> io::Result<()> {
        let written = self.tables().volumes.remove(id)?;
        written.last()
    }

    /// Forgets a snapshot.
    pub fn remove_snapshot(&self, id: &str) -> io::Result<()> {
        let written = self.tables().snapshots.remove(id)?;
        written.last()
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        // Nothing panics while the tables are half changed, so a poisoned lock is still sound.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
