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
/// How much of the log a checkpoint has to free.
const CHECKPOINT_PERCENT: u64 = 6;
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

    /// Begins another one.
    pub fn begin(&mut self, number: u64) {
        self.pages = 0;
        self.number = number;
    }
}

/// The background thread's work.
pub struct Flusher {
    areas: Arc<Areas>,
    log: Arc<Log>,
    pool: Arc<Pool>,
    gate: Arc<Gate>,
    double: bool,
    /// Pages written.
    pub written: Arc<AtomicU64>,
    number: u64,
    taken: Option<Taken>,
    spare: Option<Batch>,
}

impl Flusher {
    /// The next batch has this number.
    pub fn new(
        areas: Arc<Areas>,
        log: Arc<Log>,
        pool: Arc<Pool>,
        gate: Arc<Gate>,
        double: bool,
        number: u64,
    ) -> Self {
        let written = Arc::default();
        Self { areas, log, pool, gate, double, written, number, taken: None, spare: None }
    }

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
                while self.log.debt().0 > 0
                    && self.log.oldest() < until
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

    /// One batch; and takes the next, so that the log is past it when its turn comes.
    fn step(&mut self) -> Result<(), Ended> {
        let taken = self.taken.take().or_else(|| self.take());
        self.taken = self.take();
        let Some(Taken { batch, changes, newest }) = taken else { return Ok(()) };
        // No page gets to the volume before its log.
        self.log.flush(newest)?;
        let (areas, double) = (&*self.areas, self.double);
        self.gate.pass("write pages", || batch.write(areas, double))?;
        self.written.fetch_add(changes.len() as u64, Ordering::Relaxed);
        for (_, frame) in &changes {
            frame.writing.fetch_sub(1, Ordering::SeqCst);
        }
        self.pool.notify();
        self.log.settle(changes.iter().map(|(lsn, _)| *lsn));
        self.spare = Some(batch);
        // Each costs a sync, so it has to be worth it.
        if self.log.forgettable() >= CHECKPOINT_PERCENT {
            self.log.checkpoint(false)
        } else {
            Ok(())
        }
    }

    /// Copies the pages changed longest ago.
    fn take(&mut self) -> Option<Taken> {
        let mut due = self.log.take_oldest(BATCH_PAGES);
        if due.is_empty() {
            return None;
        }
        // Ascending places are the shortest way.
        due.sort_unstable_by_key(|(_, page)| *page);
        let mut batch = self.spare.take().unwrap_or_else(|| Batch::new(0));
        batch.begin(self.number);
        self.number += 1;
        let (mut changes, mut newest) = (Vec::with_capacity(due.len()), 0);
        for (lsn, number) in due {
            // A changed page stays in the pool, so each is there.
            let Some(frame) = self.pool.peek(number) else { continue };
            {
                let held = lock(&frame.page);
                let Some(page) = held.as_ref() else { continue };
                newest = newest.max(page.lsn());
                batch.add(&page.0);
                frame.writing.fetch_add(1, Ordering::SeqCst);
                frame.dirty.store(false, Ordering::SeqCst);
            }
            changes.push((lsn, frame));
        }
        Some(Taken { batch, changes, newest })
    }
}

/// Pages on their way.
struct Taken {
    batch: Batch,
    /// LSN of the first change, and the page in memory.
    changes: Vec<(u64, Arc<Frame>)>,
    newest: u64,
}
