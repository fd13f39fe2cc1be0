//! The open database: rows by key, over the pool and the log. Many threads use one.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
};

use super::{
    Settings,
    area::Areas,
    flush::Flusher,
    log::{Change, Log},
    page::{self, Page},
    pool::{Frame, Pool},
    recover::{self, Opened},
};
use crate::workload::engine::{
    Found, Recovery,
    gate::{Ended, Gate},
    ledger::Ledger,
    load::{Miss, Rows},
    lock,
    locks::RowLocks,
    rows::Shape,
};

/// A data file grows by so many pages at a time, or by one where there is no room for more.
const EXTENT_PAGES: u64 = 64;

/// See the module.
pub struct Database {
    pub shape: Shape,
    pub gate: Arc<Gate>,
    pub ledger: Arc<Ledger>,
    pub log: Arc<Log>,
    pub areas: Arc<Areas>,
    pub pool: Arc<Pool>,
    extent: Mutex<Extent>,
    rows: RowLocks,
    next_key: AtomicU64,
    /// Pages that the flusher wrote.
    pub written: Arc<AtomicU64>,
    flusher: Mutex<Option<JoinHandle<Result<(), Ended>>>>,
    closed: Arc<AtomicBool>,
}

struct Extent {
    /// Pages that have been made.
    made: u64,
    /// Pages that the file has room for.
    room: u64,
}

impl Database {
    /// Opens what is there, if the ledger has a row; makes a new one otherwise.
    pub fn open(
        settings: &Settings,
        areas: Areas,
        ledger: Ledger,
        gate: Arc<Gate>,
    ) -> io::Result<(Self, Recovery)> {
        let Opened { checkpoint, batch, recovery } = if ledger.rows() == 0 {
            recover::make(settings, &areas)?
        } else {
            recover::open(settings, &areas, true)
                .map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))?
        };
        let (areas, ledger) = (Arc::new(areas), Arc::new(ledger));
        let shape = settings.shape();
        let redo = areas.redo.clone();
        let log = Arc::new(Log::new(settings, redo, checkpoint, ledger.clone(), gate.clone()));
        let pool = (settings.pool_bytes / page::BYTES as u64) as usize;
        let pool = Arc::new(Pool::new(pool, gate.clone()));
        let made = ledger.end().div_ceil(shape.rows_per_page());
        let room = areas.data.bytes()? / page::BYTES as u64;
        let flusher = Flusher::new(
            areas.clone(),
            log.clone(),
            pool.clone(),
            gate.clone(),
            settings.doublewrite,
            batch,
        );
        let (written, closed) = (flusher.written.clone(), Arc::<AtomicBool>::default());
        let end = closed.clone();
        let flusher = std::thread::Builder::new()
            .name("flusher".to_owned())
            .spawn(move || flusher.run(&end))?;
        let database = Self {
            shape,
            gate,
            log,
            areas,
            pool,
            extent: Mutex::new(Extent { made, room }),
            rows: RowLocks::default(),
            next_key: AtomicU64::new(ledger.end()),
            ledger,
            written,
            flusher: Mutex::new(Some(flusher)),
            closed,
        };
        Ok((database, recovery))
    }

    /// Writes everything back; whether that was possible. No load may run any more.
    pub fn close(&self) -> bool {
        self.gate.close();
        self.closed.store(true, Ordering::SeqCst);
        let flusher = lock(&self.flusher).take();
        flusher.is_some_and(|flusher| matches!(flusher.join(), Ok(Ok(()))))
    }

    /// Size of the data that holds acknowledged rows.
    pub fn data_bytes(&self) -> u64 {
        self.ledger.end().div_ceil(self.shape.rows_per_page()) * page::BYTES as u64
    }

    /// Writes a version of a row into its page and the log; the LSN to wait for.
    fn put(&self, key: u64, version: u32, row: &mut Vec<u8>) -> Result<u64, Miss> {
        let (number, at) = self.shape.place(key);
        self.shape.fill(key, version, row);
        let frame = self.frame(number)?;
        let mut held = lock(&frame.page);
        let Some(page) = held.as_mut() else { return Err(Miss::Damaged) };
        page.0[at..at + row.len()].copy_from_slice(row);
        Ok(self.log_change(&frame, page, at as u32, row, Some((key, version))))
    }

    /// The change of a locked page.
    fn log_change(
        &self,
        frame: &Frame,
        page: &mut Page,
        at: u32,
        bytes: &[u8],
        ack: Option<(u64, u32)>,
    ) -> u64 {
        let first = !frame.dirty.swap(true, Ordering::SeqCst);
        let lsn = self.log.append(&Change { page: page.number(), at, bytes, first, ack });
        page.set_lsn(lsn);
        lsn
    }

    fn frame(&self, number: u64) -> Result<Arc<Frame>, Miss> {
        self.pool.get(number, || match recover::read(&self.areas, number, &self.shape) {
            Ok(Ok(page)) => Ok(page),
            Ok(Err(found)) => {
                self.gate.damaged("read page", &found, Some((number, self.areas.offset(number))));
                Err(Miss::Damaged)
            }
            Err(error) => {
                self.gate.fail("read page", &error);
                Err(Miss::Ended)
            }
        })
    }

    /// Makes all pages up to this one. Waits here if the volume is full.
    fn make_pages(&self, last: u64) -> Result<(), Ended> {
        let mut extent = lock(&self.extent);
        while extent.made <= last {
            if extent.made >= extent.room {
                extent.room = self.gate.pass("extend data", || self.extend(extent.made))?;
            }
            let number = extent.made;
            let frame = self.pool.get(number, || Ok(Page::blank(number, self.shape.space)))?;
            if let Some(page) = lock(&frame.page).as_mut() {
                self.log_change(&frame, page, 0, &[], None);
            }
            extent.made += 1;
        }
        Ok(())
    }

    /// Gives the data room for one page at least; how many it has room for then.
    fn extend(&self, made: u64) -> io::Result<u64> {
        let bytes = |pages: u64| pages * page::BYTES as u64;
        let grown = self.areas.data.extend(bytes(made + EXTENT_PAGES));
        grown.or_else(|_| self.areas.data.extend(bytes(made + 1)))?;
        Ok(self.areas.data.bytes()? / page::BYTES as u64)
    }
}

impl Rows for Database {
    fn gate(&self) -> &Gate {
        &self.gate
    }

    fn bytes_with(&self, rows: u64) -> u64 {
        (self.end() + rows).div_ceil(self.shape.rows_per_page()) * page::BYTES as u64
    }

    fn insert(&self, rows: u64) -> Result<u64, Miss> {
        let first = self.next_key.fetch_add(rows, Ordering::SeqCst);
        self.log.wait_for_room()?;
        self.make_pages(self.shape.place(first + rows - 1).0)?;
        let mut end = 0;
        let mut scratch = Vec::new();
        for key in first..first + rows {
            end = self.put(key, 1, &mut scratch)?;
        }
        self.log.flush(end)?;
        Ok(rows)
    }

    fn update(&self, keys: &mut Vec<u64>) -> Result<u64, Ended> {
        // Before any row is held: whoever makes room may need it.
        self.log.wait_for_room()?;
        let held = self.rows.hold(keys);
        let (mut done, mut end) = (0, 0);
        let mut scratch = Vec::new();
        for key in keys {
            let version = self.ledger.version(*key);
            if version == 0 {
                continue;
            }
            match self.put(*key, version.saturating_add(1), &mut scratch) {
                Ok(lsn) => (done, end) = (done + 1, lsn),
                Err(Miss::Damaged) => {}
                Err(Miss::Ended) => return Err(Ended),
            }
        }
        self.log.flush(end)?;
        drop(held);
        Ok(done)
    }

    fn read(&self, key: u64) -> Result<bool, Miss> {
        let before = self.ledger.version(key);
        if before == 0 {
            return Ok(false);
        }
        let (number, at) = self.shape.place(key);
        let frame = self.frame(number)?;
        let row = match lock(&frame.page).as_ref() {
            Some(page) => page.0[at..at + self.shape.slot_bytes()].to_vec(),
            None => return Err(Miss::Damaged),
        };
        let found = self.shape.version(key, &row, &mut Vec::new());
        // One more may be on its way.
        let most = self.ledger.version(key).saturating_add(1);
        let wrong = match found {
            Ok(version) if version < before => Found::Older(version),
            Ok(version) if version > most => Found::Newer(version),
            Ok(_) => return Ok(true),
            Err(found) => found,
        };
        self.gate.damaged(
            "read row",
            &wrong,
            Some((number, self.areas.offset(number) + at as u64)),
        );
        Err(Miss::Damaged)
    }

    fn end(&self) -> u64 {
        self.next_key.load(Ordering::SeqCst)
    }
}
