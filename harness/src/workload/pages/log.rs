//! The redo log at work: records are appended in memory, and whoever waits for one first writes
//! those of all (group commit). Also keeps the list of changed pages, since what the log may
//! forget depends on the oldest change that is not yet in its page.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    area::Area,
    gate::{Ended, Gate},
    ledger::{Ack, Ledger},
    lock,
    page::Shape,
    redo::{self, Checkpoint, Ring},
};
use crate::workload::engine::Met;

/// One per open database.
pub struct Log {
    shape: Shape,
    area: Arc<dyn Area>,
    bytes: u64,
    /// How much of it the writers may fill before they have to wait for a checkpoint.
    room: u64,
    epoch: u32,
    state: Mutex<State>,
    changed: Condvar,
    ledger: Arc<Ledger>,
    gate: Arc<Gate>,
    /// Groups and bytes written.
    pub groups: AtomicU64,
    pub written: AtomicU64,
}

struct State {
    /// Not yet written; the first byte is at `flushed`, unless a leader is at work.
    pending: Vec<u8>,
    acks: Vec<Ack>,
    next: u64,
    flushed: u64,
    leading: bool,
    checkpoint: Checkpoint,
    /// LSN of the first change since the page was written last, and the page.
    dirty: BTreeMap<u64, u64>,
    /// The same of pages on their way to the volume.
    flying: BTreeSet<u64>,
}

impl State {
    /// From where the log is needed.
    fn oldest(&self) -> u64 {
        let dirty = self.dirty.first_key_value().map_or(self.flushed, |(lsn, _)| *lsn);
        let flying = self.flying.first().copied().unwrap_or(self.flushed);
        dirty.min(flying).min(self.flushed)
    }
}

/// A change of a page on its way into the log.
pub struct Change<'a> {
    pub page: u64,
    pub at: u32,
    pub bytes: &'a [u8],
    /// Nothing else was changed since the page was written.
    pub first: bool,
    /// What is acknowledged once it is in the log.
    pub ack: Option<Ack>,
}

impl Log {
    /// Goes on after a checkpoint at the end of the log.
    pub fn new(
        settings: &super::Settings,
        area: Arc<dyn Area>,
        checkpoint: Checkpoint,
        ledger: Arc<Ledger>,
        gate: Arc<Gate>,
    ) -> Self {
        let shape = settings.shape();
        let state = State {
            pending: Vec::new(),
            acks: Vec::new(),
            next: checkpoint.lsn,
            flushed: checkpoint.lsn,
            leading: false,
            checkpoint,
            dirty: BTreeMap::new(),
            flying: BTreeSet::new(),
        };
        Self {
            shape,
            area,
            bytes: settings.log_bytes,
            room: settings.log_bytes - super::log_margin(settings, &shape),
            epoch: checkpoint.epoch,
            state: Mutex::new(state),
            changed: Condvar::new(),
            ledger,
            gate,
            groups: AtomicU64::new(0),
            written: AtomicU64::new(0),
        }
    }

    fn ring(&self) -> Ring<'_> {
        Ring { area: &*self.area, bytes: self.bytes }
    }

    /// Waits until the changes of one commit fit in. Call it with no page locked: the flusher, which
    /// makes room, needs them.
    pub fn wait_for_room(&self) -> Result<(), Ended> {
        let mut state = lock(&self.state);
        while state.next - state.checkpoint.lsn >= self.room {
            if self.gate.has_ended() {
                return Err(Ended);
            }
            state = self.wait(state);
        }
        Ok(())
    }

    /// Appends a change; the LSN behind it. Call it with the page locked.
    pub fn append(&self, change: &Change) -> u64 {
        let mut state = lock(&self.state);
        let lsn = state.next;
        redo::encode(&mut state.pending, lsn, self.epoch, change.page, change.at, change.bytes);
        state.next = lsn + (redo::HEAD_BYTES + change.bytes.len()) as u64;
        state.acks.extend(change.ack);
        if change.first {
            state.dirty.insert(lsn, change.page);
        }
        state.next
    }

    /// Waits until everything before `lsn` is in the log and acknowledged; writes it, if nobody else
    /// does.
    pub fn flush(&self, lsn: u64) -> Result<(), Ended> {
        let mut state = lock(&self.state);
        while state.flushed < lsn {
            if self.gate.has_ended() {
                return Err(Ended);
            }
            if state.leading {
                state = self.wait(state);
                continue;
            }
            state.leading = true;
            let records = std::mem::take(&mut state.pending);
            let acks = std::mem::take(&mut state.acks);
            let (from, to) = (state.flushed, state.next);
            drop(state);
            let done = self.write_group(from, &records, &acks);
            state = lock(&self.state);
            state.leading = false;
            if done.is_ok() {
                state.flushed = to;
            } else {
                // Nothing can be written after a gap.
                self.gate.end();
            }
            self.changed.notify_all();
            done?;
        }
        Ok(())
    }

    fn write_group(&self, from: u64, records: &[u8], acks: &[Ack]) -> Result<(), Ended> {
        self.gate.pass("write log", || {
            // After a failed sync nobody knows what was kept: the write is part of each try.
            self.ring().write(from, records)?;
            self.area.sync()
        })?;
        self.groups.fetch_add(1, Ordering::Relaxed);
        self.written.fetch_add(records.len() as u64, Ordering::Relaxed);
        self.ledger.acknowledge(acks).map_err(|error| {
            self.gate.end_with("write ledger", Met::lab(error));
            Ended
        })
    }

    /// Waits for a little while for anything to change.
    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        // Also looks up now and then, for the end may come from elsewhere.
        let waited = self.changed.wait_timeout(state, super::FULL_PAUSE);
        waited.unwrap_or_else(std::sync::PoisonError::into_inner).0
    }

    /// Takes the pages changed longest ago, to be written.
    pub fn take_oldest(&self, pages: usize) -> Vec<(u64, u64)> {
        let mut state = lock(&self.state);
        let take = |_| state.dirty.pop_first();
        let taken: Vec<_> = (0..pages).map_while(take).collect();
        state.flying.extend(taken.iter().map(|(lsn, _)| *lsn));
        taken
    }

    /// From where the log is needed.
    pub fn oldest(&self) -> u64 {
        lock(&self.state).oldest()
    }

    /// How many pages are changed, and which part of the log is needed for them, in percent.
    pub fn debt(&self) -> (usize, u64) {
        let state = lock(&self.state);
        (
            state.dirty.len() + state.flying.len(),
            (state.next - state.checkpoint.lsn) * 100 / self.bytes,
        )
    }

    /// Which part of the log a checkpoint would free, in percent.
    pub fn forgettable(&self) -> u64 {
        let state = lock(&self.state);
        (state.oldest() - state.checkpoint.lsn) * 100 / self.bytes
    }

    /// These changes are in their pages.
    pub fn settle(&self, changes: impl Iterator<Item = u64>) {
        let mut state = lock(&self.state);
        for lsn in changes {
            state.flying.remove(&lsn);
        }
    }

    /// Lets the log forget what is in the pages. Call it only after those are synced.
    pub fn checkpoint(&self, clean: bool) -> Result<(), Ended> {
        let next = {
            let state = lock(&self.state);
            Checkpoint {
                lsn: state.oldest(),
                count: state.checkpoint.count + 1,
                epoch: self.epoch,
                clean: clean && state.oldest() == state.next,
            }
        };
        self.gate.pass("write checkpoint", || self.ring().write_checkpoint(&self.shape, &next))?;
        lock(&self.state).checkpoint = next;
        self.changed.notify_all();
        Ok(())
    }

    /// Where the log is.
    pub fn next(&self) -> u64 {
        lock(&self.state).next
    }
}
