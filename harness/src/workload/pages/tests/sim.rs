//! A disk in memory that remembers what was synced, and can be cut from power at any write.

use std::{
    io,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use nix::errno::Errno;
use tempfile::TempDir;

use super::super::{
    Settings,
    area::{Area, Areas},
    database::Database,
    gate::Gate,
    ledger::Ledger,
    load::{self, Meter},
    lock,
    page::BYTES,
    verify::compare,
};
use crate::workload::engine::{Verified, rows::mix};

const SECTOR: usize = 512;

/// The three areas' contents.
#[derive(Default)]
pub struct Disk {
    parts: Mutex<[Contents; 3]>,
    /// Reads, writes and syncs until the power goes; wraps far below zero when there is no cut.
    left: Mutex<Option<u64>>,
    /// Most bytes of data.
    pub capacity: AtomicU64,
}

#[derive(Default)]
struct Contents {
    now: Vec<u8>,
    synced: Vec<u8>,
    since: Vec<(usize, Vec<u8>)>,
}

impl Contents {
    fn put(bytes: &mut Vec<u8>, at: usize, data: &[u8]) {
        if bytes.len() < at + data.len() {
            bytes.resize(at + data.len(), 0);
        }
        bytes[at..at + data.len()].copy_from_slice(data);
    }
}

impl Disk {
    pub fn new() -> Arc<Self> {
        let disk = Self::default();
        disk.capacity.store(u64::MAX, Ordering::SeqCst);
        Arc::new(disk)
    }

    pub fn areas(self: &Arc<Self>) -> Areas {
        let part = |n| -> Arc<dyn Area> { Arc::new(Part { disk: self.clone(), n }) };
        Areas { data: part(0), double: part(1), redo: part(2), file: "pages.data".into(), base: 0 }
    }

    /// After so many operations nothing works any more.
    pub fn cut_after(&self, operations: u64) {
        *lock(&self.left) = Some(operations);
    }

    /// Power is back: of what was not synced, some sectors made it and some did not.
    pub fn come_back(&self, seed: u64) {
        *lock(&self.left) = None;
        let mut dice = seed;
        for part in lock(&self.parts).iter_mut() {
            for (at, data) in std::mem::take(&mut part.since) {
                for (n, sector) in data.chunks(SECTOR).enumerate() {
                    dice = mix(dice.wrapping_add(1));
                    if dice.is_multiple_of(2) {
                        Contents::put(&mut part.synced, at + n * SECTOR, sector);
                    }
                }
            }
            part.now = part.synced.clone();
        }
    }

    /// Changes the data behind the database's back.
    pub fn damage(&self, act: impl FnOnce(&mut Vec<u8>)) {
        let data = &mut lock(&self.parts)[0];
        act(&mut data.now);
        data.synced = data.now.clone();
    }

    fn operation(&self) -> io::Result<()> {
        match &mut *lock(&self.left) {
            Some(0) => Err(Errno::EIO.into()),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

struct Part {
    disk: Arc<Disk>,
    n: usize,
}

impl Part {
    fn check_room(&self, end: u64) -> io::Result<()> {
        let full = self.n == 0 && end > self.disk.capacity.load(Ordering::SeqCst);
        if full { Err(Errno::ENOSPC.into()) } else { Ok(()) }
    }
}

impl Area for Part {
    fn read(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.disk.operation()?;
        let parts = lock(&self.disk.parts);
        let at = offset as usize;
        let found = parts[self.n].now.get(at..at + into.len());
        into.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.disk.operation()?;
        self.check_room(offset + data.len() as u64)?;
        let part = &mut lock(&self.disk.parts)[self.n];
        Contents::put(&mut part.now, offset as usize, data);
        part.since.push((offset as usize, data.to_vec()));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.operation()?;
        let part = &mut lock(&self.disk.parts)[self.n];
        for (at, data) in std::mem::take(&mut part.since) {
            Contents::put(&mut part.synced, at, &data);
        }
        Ok(())
    }

    fn bytes(&self) -> io::Result<u64> {
        Ok(lock(&self.disk.parts)[self.n].now.len() as u64)
    }

    fn extend(&self, bytes: u64) -> io::Result<()> {
        self.disk.operation()?;
        self.check_room(bytes)?;
        let part = &mut lock(&self.disk.parts)[self.n];
        if part.now.len() < bytes as usize {
            part.now.resize(bytes as usize, 0);
        }
        Ok(())
    }

    fn forget(&self) -> io::Result<()> {
        Ok(())
    }
}

/// A disk, a ledger beside it, and settings that make much happen in little space.
pub struct Rig {
    pub disk: Arc<Disk>,
    pub settings: Settings,
    dir: TempDir,
}

impl Rig {
    pub fn new() -> Self {
        let settings = Settings {
            seed: 7,
            bulk_threads: 2,
            query_threads: 2,
            row_bytes: 700,
            batch_rows: 5,
            update_percent: 60,
            pool_bytes: 4 << 20,
            log_bytes: 1 << 20,
            ..Settings::default()
        };
        super::super::check(&settings).unwrap();
        Self { disk: Disk::new(), settings, dir: tempfile::tempdir().unwrap() }
    }

    pub fn ledger(&self) -> Ledger {
        let path: &Path = &self.dir.path().join("ledger");
        Ledger::open(path, &self.settings.shape()).unwrap()
    }

    pub fn open(&self) -> io::Result<Database> {
        let gate = Arc::new(Gate::new(0));
        let opened = Database::open(&self.settings, self.disk.areas(), self.ledger(), gate)?;
        Ok(opened.0)
    }

    /// Runs the loads beside `watch`, which is to end them: by closing the gate, or by waiting.
    pub fn load(&self, database: &Database, watch: impl FnOnce(&Meter)) -> Meter {
        let meter = Meter::default();
        std::thread::scope(|scope| {
            for n in 0..self.settings.bulk_threads {
                let meter = &meter;
                scope.spawn(move || load::bulk(&self.settings, database, meter, n));
            }
            for n in 0..self.settings.query_threads {
                let meter = &meter;
                scope.spawn(move || load::query(&self.settings, database, meter, n));
            }
            watch(&meter);
        });
        meter
    }

    pub fn compare(&self) -> Verified {
        compare(&self.settings, &self.disk.areas(), &self.ledger(), false)
    }

    /// A database of so many pages at least, shut down as it should.
    pub fn filled(pages: u64) -> Self {
        let rig = Self::new();
        let database = rig.open().unwrap();
        rig.load(&database, |_| {
            while database.data_bytes() < pages * BYTES as u64 {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            database.gate.close();
        });
        assert!(database.close());
        let verified = rig.compare();
        assert!(verified.recovery.clean && verified.rows > 0, "{verified:?}");
        assert_eq!((verified.lost_total, verified.rows_intact), (0, verified.rows));
        rig
    }
}

/// How often a test of chance is repeated: `CSI_STRETCH_PAGES_ROUNDS` makes it more.
pub fn rounds(least: u64) -> u64 {
    let told = std::env::var("CSI_STRETCH_PAGES_ROUNDS").ok().and_then(|text| text.parse().ok());
    told.unwrap_or(least).max(least)
}
