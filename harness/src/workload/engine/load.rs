//! The two loads: bulk inserts, which take room, and queries all over the data. Each runs on threads
//! of its own until the gate closes, and keeps count.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

use super::{
    Settings, Window,
    gate::{Ended, Gate},
    lock,
    rows::mix,
};

/// Latencies are kept to two digits, up to an hour.
const DIGITS: u8 = 2;
const LONGEST_US: u64 = 3_600_000_000;
/// With no row to query there is nothing to hurry for.
const PAUSE: Duration = Duration::from_millis(10);

/// A database as a thread of a load sees it. Blocking.
pub trait Rows {
    fn gate(&self) -> &Gate;
    /// The first key behind all that were ever begun.
    fn end(&self) -> u64;
    /// Size of the data with so many rows more.
    fn bytes_with(&self, rows: u64) -> u64;
    /// Inserts so many rows at the end, in one commit.
    fn insert(&self, rows: u64) -> Result<u64, Miss>;
    /// Gives each of these rows its next version, in one commit. Passes over those never
    /// acknowledged, and broken ones.
    fn update(&self, keys: &mut Vec<u64>) -> Result<u64, Ended>;
    /// Reads one row, and compares it with what was acknowledged. `false` if there is none.
    fn read(&self, key: u64) -> Result<bool, Miss>;
}

/// Why a row could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Miss {
    Ended,
    /// It is broken; the gate was told.
    Damaged,
}

impl From<Ended> for Miss {
    fn from(_: Ended) -> Self {
        Self::Ended
    }
}

/// What the loads did.
#[derive(Default)]
pub struct Meter {
    pub inserted: AtomicU64,
    pub read: AtomicU64,
    pub updated: AtomicU64,
    bulk: Mutex<Option<Histogram<u32>>>,
    query: Mutex<Option<Histogram<u32>>>,
}

impl Meter {
    fn note(load: &Mutex<Option<Histogram<u32>>>, took: Duration) {
        let mut load = lock(load);
        if load.is_none() {
            *load = Histogram::new_with_bounds(1, LONGEST_US, DIGITS).ok();
        }
        if let Some(load) = load.as_mut() {
            load.saturating_record(took.as_micros() as u64);
        }
    }

    /// The latencies since the last call: of the bulk load, and of the queries.
    pub fn windows(&self) -> (Window, Window) {
        let take = |load: &Mutex<Option<Histogram<u32>>>| {
            let mut load = lock(load);
            let Some(load) = load.as_mut() else { return Window::default() };
            let counts = load.iter_recorded();
            let counts = counts.map(|it| (it.value_iterated_to(), u64::from(it.count_at_value())));
            let window = Window(counts.collect());
            load.reset();
            window
        };
        (take(&self.bulk), take(&self.query))
    }
}

/// A thread of the bulk load, the `number`th.
pub fn bulk(settings: &Settings, rows: &impl Rows, meter: &Meter, number: u32) {
    let batch = u64::from(settings.batch_rows);
    let mut pace = Pace::new(settings.bulk_rate, batch, settings.bulk_threads);
    let mut random = Random::new(settings.seed, u64::from(number));
    while pace.wait(rows.gate()) {
        let begun = Instant::now();
        let has_room = settings.data_bytes_max.is_none_or(|most| rows.bytes_with(batch) <= most);
        let done = if has_room {
            let done = rows.insert(batch);
            done.map(|rows| meter.inserted.fetch_add(rows, Ordering::Relaxed))
        } else {
            let mut keys = (0..batch).map(|_| random.below(rows.end())).collect();
            let done = rows.update(&mut keys);
            done.map(|rows| meter.updated.fetch_add(rows, Ordering::Relaxed)).map_err(Miss::from)
        };
        match done {
            Ok(_) => Meter::note(&meter.bulk, begun.elapsed()),
            Err(Miss::Damaged) => {}
            Err(Miss::Ended) => return,
        }
    }
}

/// A thread of the queries, the `number`th.
pub fn query(settings: &Settings, rows: &impl Rows, meter: &Meter, number: u32) {
    let mut pace = Pace::new(settings.query_rate, 1, settings.query_threads);
    let mut random = Random::new(settings.seed, u64::from(number) | 1 << 32);
    while pace.wait(rows.gate()) {
        let end = rows.end();
        if end == 0 {
            std::thread::sleep(PAUSE);
            continue;
        }
        let key = random.below(end);
        let begun = Instant::now();
        let done = if random.below(100) < u64::from(settings.update_percent) {
            update(rows, meter, key).map_err(Miss::from)
        } else {
            read(rows, meter, key)
        };
        match done {
            Ok(true) => Meter::note(&meter.query, begun.elapsed()),
            // A row that is not there yet, or whose page is broken.
            Ok(false) | Err(Miss::Damaged) => {}
            Err(Miss::Ended) => return,
        }
    }
}

fn update(rows: &impl Rows, meter: &Meter, key: u64) -> Result<bool, Ended> {
    let rows = rows.update(&mut vec![key])?;
    meter.updated.fetch_add(rows, Ordering::Relaxed);
    Ok(rows > 0)
}

fn read(rows: &impl Rows, meter: &Meter, key: u64) -> Result<bool, Miss> {
    let there = rows.read(key)?;
    meter.read.fetch_add(u64::from(there), Ordering::Relaxed);
    Ok(there)
}

/// When a thread may go on.
struct Pace {
    interval: Option<Duration>,
    next: Instant,
}

impl Pace {
    /// `step` of `rate` things a second, which so many threads share.
    fn new(rate: u32, step: u64, threads: u32) -> Self {
        let seconds = step as f64 * f64::from(threads) / f64::from(rate.max(1));
        let interval = (rate > 0).then(|| Duration::from_secs_f64(seconds));
        Self { interval, next: Instant::now() }
    }

    /// Whether to go on. What was missed in a stall is not made up for.
    fn wait(&mut self, gate: &Gate) -> bool {
        const NAP: Duration = Duration::from_millis(50);
        if let Some(interval) = self.interval {
            while !gate.is_closing() {
                let rest = self.next.saturating_duration_since(Instant::now());
                if rest.is_zero() {
                    break;
                }
                std::thread::sleep(rest.min(NAP));
            }
            self.next = Instant::now().max(self.next + interval);
        }
        !gate.is_closing()
    }
}

/// The same numbers for the same seed.
struct Random(u64);

impl Random {
    fn new(seed: u64, stream: u64) -> Self {
        Self(mix(seed ^ mix(stream)))
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0) % end.max(1)
    }
}
