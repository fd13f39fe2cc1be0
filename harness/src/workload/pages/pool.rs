//! The buffer pool: so many pages in memory and no more. A page that was changed stays until the
//! flusher has written it; of the others, those not used for a while make way.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use super::{
    FULL_PAUSE,
    gate::{Ended, Gate},
    lock,
    page::Page,
};

/// Pages in memory.
pub struct Pool {
    capacity: usize,
    map: Mutex<Map>,
    /// A page may make way that could not before.
    freed: Condvar,
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Map {
    frames: HashMap<u64, Arc<Frame>>,
    /// Who is asked next to make way.
    clock: VecDeque<u64>,
}

/// One page in memory.
pub struct Frame {
    /// `None` if it could not be read.
    pub page: Mutex<Option<Box<Page>>>,
    /// Changed, and not yet written: with the page locked only.
    pub dirty: AtomicBool,
    /// How many copies are on their way to the volume.
    pub writing: AtomicU32,
    used: AtomicBool,
}

impl Pool {
    pub fn new(capacity: usize, gate: Arc<Gate>) -> Self {
        Self { capacity, map: Mutex::default(), freed: Condvar::new(), gate }
    }

    /// The page, read by `load` if it is not here. `E` is what `load` says went wrong.
    pub fn get<E: From<Ended>>(
        &self,
        number: u64,
        load: impl FnOnce() -> Result<Box<Page>, E>,
    ) -> Result<Arc<Frame>, E> {
        let mut map = lock(&self.map);
        while !map.frames.contains_key(&number) && map.frames.len() >= self.capacity {
            if self.gate.has_ended() {
                return Err(Ended.into());
            }
            if !map.make_way() {
                let waited = self.freed.wait_timeout(map, FULL_PAUSE);
                map = waited.unwrap_or_else(std::sync::PoisonError::into_inner).0;
            }
        }
        if let Some(frame) = map.frames.get(&number) {
            frame.used.store(true, Ordering::Relaxed);
            let frame = frame.clone();
            drop(map);
            let mut held = lock(&frame.page);
            if held.is_none() {
                // Whoever read it first had no luck; perhaps this time.
                *held = Some(load()?);
            }
            drop(held);
            return Ok(frame);
        }
        let frame = Arc::new(Frame {
            page: Mutex::new(None),
            dirty: AtomicBool::new(false),
            writing: AtomicU32::new(0),
            used: AtomicBool::new(true),
        });
        // Locked before anybody can find it: they wait for the page to be read.
        let mut held = lock(&frame.page);
        map.frames.insert(number, frame.clone());
        map.clock.push_back(number);
        drop(map);
        *held = Some(load()?);
        drop(held);
        Ok(frame)
    }

    /// A page that is here.
    pub fn peek(&self, number: u64) -> Option<Arc<Frame>> {
        lock(&self.map).frames.get(&number).cloned()
    }

    /// Something was written: who waits for a place may find one.
    pub fn notify(&self) {
        self.freed.notify_all();
    }

    pub fn capacity(&self) -> usize {
        self.capacity
    }
}

impl Map {
    /// Whether a page went. Twice round the clock: the first time takes the marks of use away.
    fn make_way(&mut self) -> bool {
        for _ in 0..2 * self.clock.len() {
            let Some(number) = self.clock.pop_front() else { return false };
            let Some(frame) = self.frames.get(&number) else { continue };
            // Nobody else can take hold of it while the map is locked.
            let held = Arc::strong_count(frame) > 1;
            let needed =
                frame.dirty.load(Ordering::SeqCst) || frame.writing.load(Ordering::SeqCst) > 0;
            if held || needed || frame.used.swap(false, Ordering::Relaxed) {
                self.clock.push_back(number);
            } else {
                self.frames.remove(&number);
                return true;
            }
        }
        false
    }
}
