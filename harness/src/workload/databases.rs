//! The databases of one scenario and side: opened, watched, waited for, closed and compared with
//! their ledgers. Each ledger is a file outside of the volume.

mod held;
mod words;

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use csi_stretch_oracle::{
    action::{Close, Database, Until},
    history::{Code, Completion, Failure, LoadReport, Outcome, Reading},
};
use nix::sys::statvfs;

use self::{
    held::Held,
    words::{report, trouble},
};
use super::{
    engine::{self, Place, State},
    volume::{failure, lock},
};
use crate::host::detached;

/// Opening may have to recover, closing to write a pool back, verifying to read everything.
const LIMIT: Duration = Duration::from_secs(600);
/// How often something that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// By handle of the volume.
pub struct Databases {
    folder: PathBuf,
    seed: u64,
    held: Mutex<HashMap<String, Arc<Mutex<Held>>>>,
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
