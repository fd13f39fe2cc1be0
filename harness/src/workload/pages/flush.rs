//! Writes changed pages back: a batch goes to the doublewrite area first, then each page to its
//! place, so that a page torn by a crash can be restored. Then the log may forget them.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    area::Areas,
    gate::{Ended, Gate},
    lock,
    log::Log,
    page::{self, u64_at},
    pool::{Frame, Pool},
};
use crate::workload::files::Aligned;

/// Pages of one batch.
pub const BATCH_PAGES: usize = 64;
/// Below these there is no hurry: percent of the log, and changed pages as a part of the pool.
const LOG_PERCENT: u64 = 25;
const POOL_PART: usize = 4;
/// Even with no hurry, changes get to their pages once in so long.
const PERIOD: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(5);

/// Copies of pages on their way to the volume.
pub struct Batch {
    memory: Aligned,
    pages: usize,
    number: u64,
}

impl Batch {
    /// Batches have ascending numbers, and only the newest can be torn.
    pub fn new(number: u64) -> Self {
        Self { memory: Aligned::new(BATCH_PAGES * page::BYTES), pages: 0, number }
    }

    pub fn add(&mut self, bytes: &[u8; page::BYTES]) {
        let at = self.pages * page::BYTES;
        if let Some(place) = self.memory.bytes_mut().get_mut(at..at + page::BYTES) {
            place.copy_from_slice(bytes);
            page::seal(place, self.number);
            self.pages += 1;
        }
    }

    /// Of this batch.
    pub fn number(&self) -> u64 {
        self.number
    }

    pub fn is_full(&self) -> bool {
        self.pages == BATCH_PAGES
    }

    fn bytes(&self) -> &[u8] {
        &self.memory.bytes()[..self.pages * page::BYTES]
    }

    /// Everything is on the volume when this returns.
    pub fn write(&self, areas: &Areas, double: bool) -> io::Result<()> {
        if double {
            areas.double.write(0, self.bytes())?;
            areas.double.sync()?;
        }
        for page in self.bytes().chunks_exact(page::BYTES) {
            areas.data.write(u64_at(page, 8) * page::BYTES as u64, page)?;
        }
        areas.data.sync()
    }

    /// Begins the next one.
    pub fn clear(&mut self) {
        self.pages = 0;
        self.number += 1;
    }
}

/// The background thread's work.
pub struct Flusher {
    pub areas: Arc<Areas>,
    pub log: Arc<Log>,
    pub pool: Arc<Pool>,
    pub gate: Arc<Gate>,
    pub batch: Batch,
    pub double: bool,
    /// Pages written.
    pub written: Arc<AtomicU64>,
}

impl Flusher {
    /// Until `closed`; then everything is written, and the log says that nothing is left to do.
    pub fn run(mut self, closed: &std::sync::atomic::AtomicBool) -> Result<(), Ended> {
        let mut last = Instant::now();
        while !closed.load(Ordering::SeqCst) {
            if self.gate.has_ended() {
                return Err(Ended);
            }
            let (dirty, percent) = self.log.debt();
            if percent >= LOG_PERCENT || dirty >= self.pool.capacity() / POOL_PART {
                self.step()?;
                last = Instant::now();
            } else if last.elapsed() >= PERIOD {
                // What is changed now, and not what changes meanwhile.
                let until = self.log.next();
                while self.log.oldest(1).first().is_some_and(|(lsn, _)| *lsn < until)
                    && !closed.load(Ordering::SeqCst)
                {
                    self.step()?;
                }
                self.log.checkpoint(false)?;
                last = Instant::now();
            } else {
                std::thread::sleep(PAUSE);
            }
        }
        while self.log.debt().0 > 0 {
            self.step()?;
        }
        self.log.flush(self.log.next())?;
        self.log.checkpoint(true)
    }

    /// One batch.
    fn step(&mut self) -> Result<(), Ended> {
        let mut due = self.log.oldest(BATCH_PAGES);
        // Ascending places are the shortest way.
        due.sort_unstable_by_key(|(_, page)| *page);
        let mut taken: Vec<((u64, u64), Arc<Frame>)> = Vec::with_capacity(due.len());
        let mut newest = 0;
        for change in due {
            let Some(frame) = self.pool.peek(change.1) else { continue };
            {
                let held = lock(&frame.page);
                let Some(page) = held.as_ref() else { continue };
                newest = newest.max(page.lsn());
                self.batch.add(&page.0);
                frame.writing.store(true, Ordering::SeqCst);
                frame.dirty.store(false, Ordering::SeqCst);
            }
            taken.push((change, frame));
        }
        // No page gets to the volume before its log.
        self.log.flush(newest)?;
        let (batch, areas, double) = (&self.batch, &*self.areas, self.double);
        self.gate.pass("write pages", || batch.write(areas, double))?;
        self.written.fetch_add(taken.len() as u64, Ordering::Relaxed);
        self.batch.clear();
        for (_, frame) in &taken {
            frame.writing.store(false, Ordering::SeqCst);
        }
        self.pool.notify();
        self.log.settle(taken.iter().map(|(change, _)| change.0));
        if self.log.debt().1 >= LOG_PERCENT / 2 { self.log.checkpoint(false) } else { Ok(()) }
    }
}
