//! What stands in a writer's way: a full volume, at which it waits and tries again, and errors,
//! which end the engine. Keeps the troubles and the time that was lost waiting.

use std::{
    io,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Found, Met, State, Trouble, lock};
use crate::workload::writer::is_full;

/// How long a full volume is left alone before the next try.
pub const FULL_PAUSE: Duration = Duration::from_millis(50);
/// Troubles told one by one.
const TROUBLES_MAX: usize = 16;
/// How long a full volume may still hold up a shutdown.
const CLOSING_PATIENCE: Duration = Duration::from_secs(2);

/// The engine goes on no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended;

/// One per engine.
pub struct Gate {
    /// Of the clock of [`now_us`].
    begun_us: u64,
    ended: AtomicBool,
    closing: Mutex<Option<Instant>>,
    blocked: Mutex<Blocked>,
    errors: AtomicU64,
    troubles: Mutex<Vec<Trouble>>,
}

#[derive(Default)]
struct Blocked {
    waiting: u32,
    since: Option<Instant>,
    total: Duration,
}

/// Microseconds of a clock that all processes of this host share.
pub fn now_us() -> u64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC);
    now.map_or(0, |now| now.tv_sec() as u64 * 1_000_000 + now.tv_nsec() as u64 / 1000)
}

impl Gate {
    pub fn new(begun_us: u64) -> Self {
        Self {
            begun_us,
            ended: AtomicBool::new(false),
            closing: Mutex::new(None),
            blocked: Mutex::default(),
            errors: AtomicU64::new(0),
            troubles: Mutex::default(),
        }
    }

    pub fn at_us(&self) -> u64 {
        now_us().saturating_sub(self.begun_us)
    }

    /// No load begins anything any more.
    pub fn close(&self) {
        lock(&self.closing).get_or_insert_with(Instant::now);
    }

    pub fn is_closing(&self) -> bool {
        self.has_ended() || lock(&self.closing).is_some()
    }

    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    /// Until it works. A full volume is waited for; any other error is the end.
    pub fn pass<T>(
        &self,
        doing: &str,
        mut attempt: impl FnMut() -> io::Result<T>,
    ) -> Result<T, Ended> {
        let mut waiting = None;
        loop {
            if self.has_ended() {
                return Err(Ended);
            }
            match attempt() {
                Ok(done) => return Ok(done),
                Err(error) if is_full(&error) => {
                    if waiting.is_none() {
                        self.record(doing, Met::of(&error), None);
                        waiting = Some(Wait::begin(&self.blocked));
                    }
                    if self.is_out_of_patience() {
                        return Err(Ended);
                    }
                    std::thread::sleep(FULL_PAUSE);
                }
                // What comes after the end is only its echo.
                Err(_) if self.has_ended() => return Err(Ended),
                Err(error) => {
                    self.fail(doing, &error);
                    return Err(Ended);
                }
            }
        }
    }

    /// Nothing goes on from here.
    pub fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
    }

    /// An error of the volume that ends the engine.
    pub fn fail(&self, doing: &str, error: &io::Error) {
        self.end_with(doing, Met::of(error));
    }

    /// Whatever it was, it ends the engine.
    pub fn end_with(&self, doing: &str, met: Met) {
        self.record(doing, met, None);
        self.end();
    }

    /// Damage that was met on the way: told, and gone round.
    pub fn damaged(&self, doing: &str, found: &Found, page: Option<(u64, u64)>) {
        self.record(doing, Met::Damage(found.to_string()), page);
    }

    fn record(&self, doing: &str, met: Met, page: Option<(u64, u64)>) {
        self.errors.fetch_add(1, Ordering::SeqCst);
        let mut troubles = lock(&self.troubles);
        if troubles.len() < TROUBLES_MAX {
            troubles.push(Trouble { at_us: self.at_us(), doing: doing.to_owned(), met, page });
        }
    }

    fn is_out_of_patience(&self) -> bool {
        lock(&self.closing).is_some_and(|since| since.elapsed() > CLOSING_PATIENCE)
    }

    pub fn state(&self) -> State {
        if self.has_ended() {
            State::Ended
        } else if lock(&self.blocked).waiting > 0 {
            State::Blocked
        } else {
            State::Running
        }
    }

    pub fn errors(&self) -> u64 {
        self.errors.load(Ordering::SeqCst)
    }

    /// Time in which anything waited for room.
    pub fn blocked_us(&self) -> u64 {
        let blocked = lock(&self.blocked);
        let now = blocked.since.map_or(Duration::ZERO, |since| since.elapsed());
        (blocked.total + now).as_micros() as u64
    }

    /// Those after the first `known`.
    pub fn troubles(&self, known: usize) -> Vec<Trouble> {
        lock(&self.troubles).get(known..).unwrap_or_default().to_vec()
    }
}

/// Counts as waiting until dropped.
struct Wait<'a>(&'a Mutex<Blocked>);

impl<'a> Wait<'a> {
    fn begin(blocked: &'a Mutex<Blocked>) -> Self {
        let mut now = lock(blocked);
        now.waiting += 1;
        now.since.get_or_insert_with(Instant::now);
        drop(now);
        Self(blocked)
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        let mut now = lock(self.0);
        now.waiting -= 1;
        if now.waiting == 0
            && let Some(since) = now.since.take()
        {
            now.total += since.elapsed();
        }
    }
}
