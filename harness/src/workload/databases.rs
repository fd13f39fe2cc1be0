//! The databases of one scenario and side: opened, watched, waited for, closed and compared with
//! their ledgers. Each ledger is a file outside of the volume.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use csi_stretch_oracle::{
    action::{Close, Database, Engine as Kind, Until},
    history::{
        Code, Completion, Failure, LoadReport, Mismatch, Ops, Outcome, Reading, Rows,
        State as Doing,
    },
};
use nix::sys::statvfs;

use super::{
    engine::{
        self, Engine, Found, Lost, Place, Settings, State, Stopped, Tick, Trouble, Verified, Window,
    },
    volume::{failure, lock},
};
use crate::host::detached;

/// Opening may have to recover, closing to write a pool back, verifying to read everything.
const LIMIT: Duration = Duration::from_secs(600);
/// How often something that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// Smaller than most data, so that what is read comes from the volume, as in a large database.
const POOL_BYTES: u64 = 16 << 20;
/// Errors kept word by word.
const ERRORS_MAX: usize = 16;

/// By handle of the volume.
pub struct Databases {
    folder: PathBuf,
    seed: u64,
    held: Mutex<HashMap<String, Arc<Mutex<Held>>>>,
}

/// A database that runs, or ran, on a volume.
struct Held {
    kind: engine::Kind,
    place: Place,
    running: Option<Box<dyn Engine>>,
    latest: Tick,
    /// What the last reading was made of, and latencies since.
    told: Tick,
    told_us: u64,
    bulk: Window,
    query: Window,
    row_bytes: u64,
    /// What the engine called itself when it ran last.
    engine: Option<String>,
    /// What an engine met that ended by itself.
    earlier: Vec<Trouble>,
    /// Acknowledged data when the last engine ended: the next one has it, and tells so late.
    kept_bytes: u64,
    /// Bytes that the last comparison found right.
    verified: Option<u64>,
}

/// A database at work: on which volume, where, and what it did since the last reading.
pub struct Sample {
    /// Handle of the volume.
    pub volume: String,
    /// Where it is mounted, or the device file.
    pub path: PathBuf,
    /// Without sizes of the volume.
    pub reading: Reading,
}

impl Databases {
    /// None yet; `folder` is for their ledgers.
    pub fn new(folder: PathBuf, seed: u64) -> Self {
        Self { folder, seed, held: Mutex::default() }
    }

    /// Opens the database, recovering what is there, and starts its loads.
    pub async fn open(
        &self,
        volume: &str,
        path: &Path,
        block: bool,
        database: &Database,
    ) -> Completion {
        let held = match self.held(volume, path, block, database) {
            Ok(held) => held,
            Err(error) => return harness(format!("no ledger for {volume}: {error}")),
        };
        let work = move || lock(&held).open();
        completion(detached::run(LIMIT, work).await, path, "open the database on")
    }

    /// Waits for something of a running database.
    pub async fn wait(
        &self,
        volume: &str,
        path: &Path,
        block: bool,
        (until, within): (Until, Duration),
    ) -> Completion {
        let Some(held) = self.known(volume) else { return unbound(volume) };
        let begun = Instant::now();
        let written = lock(&held).look().data_bytes;
        loop {
            let (tick, ran_full) = {
                let mut held = lock(&held);
                (held.look(), held.ran_full())
            };
            let met = match until {
                Until::Full => tick.state == State::Blocked || ran_full,
                Until::Written(bytes) => tick.data_bytes >= written.saturating_add(bytes),
                Until::Used(percent) if block => {
                    let size = device_bytes(path).unwrap_or(u64::MAX);
                    tick.data_bytes >= size / 100 * u64::from(percent)
                }
                Until::Used(percent) => match used_percent(path) {
                    Ok(used) => used >= f64::from(percent),
                    Err(error) => return failed(path, "look at the room on", &error),
                },
            };
            if met {
                return Completion::Ok(Outcome::Done);
            }
            if tick.state == State::Ended {
                let why =
                    lock(&held).earlier.last().map(|met| format!(": {}", trouble(met).message));
                let why = why.unwrap_or_default();
                let message = format!("the database on {volume} ended before that{why}");
                return Completion::Fail(Failure { code: Code::Io, message });
            }
            if begun.elapsed() > within {
                let message = format!("not within {} s", within.as_secs());
                return Completion::Fail(Failure { code: Code::DeadlineExceeded, message });
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Shuts a database down, or kills it.
    pub async fn close(&self, volume: &str, how: Close) -> Completion {
        let Some(held) = self.known(volume) else { return unbound(volume) };
        let name = volume.to_owned();
        match detached::run(LIMIT, move || lock(&held).close(how)).await {
            Ok(Some(report)) => Completion::Ok(Outcome::Loaded(report)),
            Ok(None) => unbound(&name),
            Err(error) => hung(&error),
        }
    }

    /// Compares what the volume holds with the ledger; `None`: no database was ever there.
    pub async fn verify(&self, volume: &str, path: &Path) -> Option<Completion> {
        let known = self.known(volume)?;
        let (kind, place, engine) = {
            let held = lock(&known);
            let place = Place { path: path.to_owned(), ..held.place.clone() };
            (held.kind.clone(), place, held.engine.clone())
        };
        Some(match detached::run(LIMIT, move || engine::verify(&kind, &place)).await {
            Ok(Ok(verified)) if verified.rows == 0 => {
                let message = "no row was ever acknowledged".to_owned();
                Completion::Fail(Failure { code: Code::Unobservable, message })
            }
            Ok(Ok(verified)) => {
                lock(&known).verified = Some(verified.bytes_intact);
                let report = LoadReport { engine, ..report(&verified) };
                Completion::Ok(Outcome::Loaded(report))
            }
            Ok(Err(error)) => failed(path, "verify the database on", &error),
            Err(error) => hung(&error),
        })
    }

    /// What every running database did since the last call. Cheap.
    pub fn samples(&self, now_us: u64) -> Vec<Sample> {
        let all: Vec<_> = lock(&self.held).iter().map(|(v, h)| (v.clone(), h.clone())).collect();
        let mut samples: Vec<Sample> = all
            .into_iter()
            .filter_map(|(volume, held)| {
                // A database that opens or closes is busy, and has nothing to tell.
                let mut held = held.try_lock().ok()?;
                held.running.as_ref()?;
                let path = held.place.path.clone();
                Some(Sample { volume, path, reading: held.reading(now_us) })
            })
            .collect();
        samples.sort_by(|a, b| a.volume.cmp(&b.volume));
        samples
    }

    /// `new` is about to be copied from `source`, and must hold what was acknowledged up to now.
    pub fn fork(&self, source: &str, new: &str) {
        let Some(source) = self.known(source) else { return };
        let source = lock(&source);
        let ledger = self.ledger(new);
        // Without a ledger there is nothing to compare; the run's folder is full or gone.
        if std::fs::copy(&source.place.ledger, &ledger).is_ok() {
            let copied = source.place.copied || source.running.is_some();
            let place = Place { ledger, copied, ..source.place.clone() };
            let mut copy = Held::of(source.kind.clone(), place, source.row_bytes);
            copy.engine.clone_from(&source.engine);
            lock(&self.held).insert(new.to_owned(), Arc::new(Mutex::new(copy)));
        }
    }

    /// The volume is deleted.
    pub fn forget(&self, volume: &str) {
        lock(&self.held).remove(volume);
    }

    /// Kills what still runs; for the end of a scenario, however it ends.
    pub fn stop_all(&self) {
        for held in lock(&self.held).values() {
            lock(held).running = None;
        }
    }

    fn ledger(&self, volume: &str) -> PathBuf {
        self.folder.join(format!("{volume}-{:016x}.ledger", self.seed))
    }

    fn known(&self, volume: &str) -> Option<Arc<Mutex<Held>>> {
        lock(&self.held).get(volume).cloned()
    }

    fn held(
        &self,
        volume: &str,
        path: &Path,
        block: bool,
        database: &Database,
    ) -> io::Result<Arc<Mutex<Held>>> {
        if let Some(held) = self.known(volume) {
            path.clone_into(&mut lock(&held).place.path);
            return Ok(held);
        }
        std::fs::create_dir_all(&self.folder)?;
        let place = Place {
            path: path.to_owned(),
            block,
            ledger: self.ledger(volume),
            copied: false,
            program: std::env::current_exe()?,
        };
        let seed = super::pattern::volume_hash(self.seed, volume);
        let held = Arc::new(Mutex::new(Held::new(database, place, seed)));
        lock(&self.held).insert(volume.to_owned(), held.clone());
        Ok(held)
    }
}

impl Held {
    fn new(database: &Database, place: Place, seed: u64) -> Self {
        Self::of(kind(database, seed), place, u64::from(database.row_bytes))
    }

    fn of(kind: engine::Kind, place: Place, row_bytes: u64) -> Self {
        Self {
            kind,
            place,
            running: None,
            latest: Tick::default(),
            told: Tick::default(),
            told_us: 0,
            bulk: Window::default(),
            query: Window::default(),
            row_bytes,
            engine: None,
            earlier: Vec::new(),
            kept_bytes: 0,
            verified: None,
        }
    }

    fn open(&mut self) -> io::Result<()> {
        if self.running.is_some() && self.look().state != State::Ended {
            return Ok(());
        }
        (self.latest, self.told, self.told_us) = Default::default();
        let running = engine::start(&self.kind, &self.place)?;
        self.engine = Some(running.name().to_owned());
        self.running = Some(running);
        Ok(())
    }

    fn close(&mut self, how: Close) -> Option<LoadReport> {
        let stopped = match (self.running.take(), how) {
            (Some(running), Close::Stop) => running.stop(),
            (Some(running), Close::Kill) => running.kill(),
            // It ended by itself, and somebody has noticed.
            (None, _) if !self.earlier.is_empty() => Stopped::default(),
            (None, _) => return None,
        };
        self.kept_bytes = self.kept_bytes.max(stopped.last.data_bytes);
        let earlier = std::mem::take(&mut self.earlier);
        // What was read and is not what was written is damage, and no error of the volume's.
        let met = || earlier.iter().chain(&stopped.troubles);
        let damaged: Vec<Mismatch> = met().filter_map(damage).take(ERRORS_MAX).collect();
        let mut errors: Vec<Failure> =
            met().filter(|met| met.page.is_none()).take(ERRORS_MAX).map(trouble).collect();
        if how == Close::Stop && !stopped.clean && errors.is_empty() && damaged.is_empty() {
            let message = "the database did not shut down as it should".to_owned();
            errors.push(Failure { code: Code::Io, message });
        }
        let bytes_written = (stopped.last.inserted + stopped.last.updated) * self.row_bytes;
        Some(LoadReport {
            engine: self.engine.clone(),
            bytes_written,
            bytes_in_ledger: stopped.last.data_bytes,
            mismatches_total: damaged.len() as u64,
            mismatches: damaged,
            errors,
            ..LoadReport::default()
        })
    }

    /// The engine waits for room, or has ended because there was none.
    fn ran_full(&self) -> bool {
        self.running.is_none() && self.earlier.iter().any(|met| met.error.contains("ENOSPC"))
    }

    /// The newest counters. Latencies are kept for the next reading.
    fn look(&mut self) -> Tick {
        match &self.running {
            Some(running) => {
                let mut tick = running.tick();
                self.bulk.merge(&std::mem::take(&mut tick.bulk));
                self.query.merge(&std::mem::take(&mut tick.query));
                tick.data_bytes = tick.data_bytes.max(self.kept_bytes);
                self.latest = tick;
            }
            None => self.latest.state = State::Ended,
        }
        // What it met is told once it is gone.
        if self.latest.state == State::Ended
            && let Some(ended) = self.running.take()
        {
            self.earlier.extend(ended.stop().troubles);
            self.kept_bytes = self.latest.data_bytes;
        }
        self.latest.clone()
    }

    fn reading(&mut self, now_us: u64) -> Reading {
        let tick = self.look();
        let since = |new: u64, old: u64| new.saturating_sub(old);
        let errors = since(tick.errors, self.told.errors);
        let (bulk, query) = (std::mem::take(&mut self.bulk), std::mem::take(&mut self.query));
        let reading = Reading {
            at_us: now_us,
            span_us: if self.told_us == 0 { tick.at_us } else { now_us - self.told_us },
            bulk: ops(&bulk, errors),
            query: ops(&query, 0),
            state: match tick.state {
                State::Running => Doing::Running,
                State::Blocked => Doing::Blocked,
                State::Ended => Doing::Ended,
            },
            blocked_us: since(tick.blocked_us, self.told.blocked_us),
            data_bytes: Some(tick.data_bytes),
            verified_bytes: self.verified,
            ..Reading::default()
        };
        (self.told, self.told_us) = (tick, now_us);
        reading
    }
}

/// How the engine is set up for what the scenario asks.
fn kind(database: &Database, seed: u64) -> engine::Kind {
    let usual = Settings::default();
    let settings = Settings {
        seed,
        bulk_threads: u32::from(database.bulk),
        query_threads: u32::from(database.queries),
        row_bytes: database.row_bytes,
        update_percent: u32::from(database.updates_percent),
        bulk_rate: database.rate.unwrap_or(0),
        query_rate: 0,
        data_bytes_max: database.bytes_max,
        pool_bytes: POOL_BYTES,
        ..usual
    };
    match database.engine {
        Kind::Pages => engine::Kind::Pages(settings),
        Kind::Mariadb => engine::Kind::Mariadb(settings),
    }
}

fn ops(window: &Window, errors: u64) -> Ops {
    Ops {
        done: window.count(),
        errors,
        p50_us: window.quantile(0.5).unwrap_or(0),
        p99_us: window.quantile(0.99).unwrap_or(0),
        max_us: window.max().unwrap_or(0),
    }
}

/// A page that was read, and is not what was written.
fn damage(trouble: &Trouble) -> Option<Mismatch> {
    let (page, offset) = trouble.page?;
    let what = format!("{}: {}", trouble.doing, trouble.error);
    Some(Mismatch { offset, length: 0, page: Some(page), what })
}

fn trouble(trouble: &Trouble) -> Failure {
    // A server says more than the name, and one that ended at a full volume says so.
    let code = if trouble.error.contains("ENOSPC") { Code::NoSpace } else { Code::Io };
    let at = trouble.page.map(|(page, offset)| format!(" (page {page} at byte {offset})"));
    let message = format!("{}: {}{}", trouble.doing, trouble.error, at.unwrap_or_default());
    Failure { code, message }
}

fn report(verified: &Verified) -> LoadReport {
    let mut mismatches: Vec<Mismatch> = verified.lost.iter().map(mismatch).collect();
    let unopened = verified.unopened.as_ref().map(|why| format!("cannot be opened: {why}"));
    let unsound = verified.unsound.as_ref().map(|why| format!("is unsound: {why}"));
    if let (Some(why), true) = (unopened.or(unsound), mismatches.is_empty()) {
        let what = format!("the database {why}");
        mismatches.push(Mismatch { offset: 0, length: 0, page: None, what });
    }
    LoadReport {
        bytes_verified: verified.bytes_intact,
        rows: Some(Box::new(Rows {
            acknowledged: verified.rows,
            verified: verified.rows_intact,
            lost: verified.lost_total,
        })),
        mismatches_total: verified.lost_total.max(mismatches.len() as u64),
        mismatches,
        ..LoadReport::default()
    }
}

fn mismatch(lost: &Lost) -> Mismatch {
    let found = match &lost.found {
        Found::Zeros => "zeros".to_owned(),
        Found::Older(0) => "not inserted yet".to_owned(),
        Found::Older(version) => format!("version {version}"),
        Found::Newer(version) => format!("version {version}, which was never begun"),
        Found::Torn => "a page that is written in part".to_owned(),
        Found::Checksum => "a wrong checksum".to_owned(),
        Found::Stray { page, space } => format!("page {page} of database {space:x}"),
        Found::Garbage => "a row that nobody wrote".to_owned(),
        Found::PastEnd => "nothing, past the end".to_owned(),
        Found::Unreadable(error) => format!("unreadable: {error}"),
    };
    let file = lost.spot.as_ref().map(|spot| spot.file.as_str()).unwrap_or_default();
    let place = if file.is_empty() { String::new() } else { format!(" of {file}") };
    let what =
        format!("row {}{place}, acknowledged in version {}: found {found}", lost.key, lost.version);
    let (offset, page) = match &lost.spot {
        Some(spot) => (spot.offset, Some(spot.page)),
        None => (0, None),
    };
    Mismatch { offset, length: 0, page, what }
}

/// Percent of the file system that is used, as `df` tells it.
fn used_percent(path: &Path) -> io::Result<f64> {
    let said = statvfs::statvfs(path)?;
    let (total, free) = (said.blocks() as f64, said.blocks_available() as f64);
    Ok(if total > 0.0 { (total - free) / total * 100.0 } else { 0.0 })
}

/// Size of a block device.
fn device_bytes(path: &Path) -> io::Result<u64> {
    let mut device = std::fs::File::open(path)?;
    io::Seek::seek(&mut device, io::SeekFrom::End(0))
}

fn completion(
    result: Result<io::Result<()>, detached::DetachedError>,
    path: &Path,
    doing: &str,
) -> Completion {
    match result {
        Ok(Ok(())) => Completion::Ok(Outcome::Done),
        // What the engine was asked for cannot be, or its program is not there.
        Ok(Err(error))
            if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotFound) =>
        {
            harness(format!("cannot {doing} {}: {error}", path.display()))
        }
        Ok(Err(error)) => failed(path, doing, &error),
        Err(error) => hung(&error),
    }
}

fn failed(path: &Path, doing: &str, error: &io::Error) -> Completion {
    Completion::Fail(failure(path, doing, error))
}

fn unbound(volume: &str) -> Completion {
    let message = format!("no database was started on {volume}");
    Completion::Fail(Failure { code: Code::Unbound, message })
}

fn harness(message: String) -> Completion {
    Completion::Fail(Failure { code: Code::Harness, message })
}

/// The thread may still be at it: nobody can know.
fn hung(error: &detached::DetachedError) -> Completion {
    Completion::Info(Failure { code: Code::DeadlineExceeded, message: error.to_string() })
}
