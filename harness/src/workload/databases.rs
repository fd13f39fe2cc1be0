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
    words::{completion, report, trouble},
};
use super::{
    engine::{self, Leash, Met, Place, State, Verified},
    lock,
    volume::failure,
};
use crate::host::detached;

/// Opening may have to recover, closing to write a pool back, verifying to read everything.
const LIMIT: Duration = Duration::from_secs(600);
/// A database that is to write, and finds no room for so long, will not find any: room is there
/// when a growth has been answered. Many times the pause between its attempts.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often something that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// How long whoever has a database in hand may take to notice that it was killed.
const LET_GO: Duration = Duration::from_secs(5);

/// By handle of the volume.
pub struct Databases {
    folder: PathBuf,
    seed: u64,
    held: Mutex<HashMap<String, Known>>,
}

/// A database that ran on a volume.
#[derive(Clone)]
struct Known {
    /// Locked for as long as it takes to open or to close it.
    held: Arc<Mutex<Held>>,
    /// Ends it all the same.
    leash: Leash,
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
        let known = match self.known_or_new(volume, path, block, database) {
            Ok(known) => known,
            Err(error) => return harness(format!("no ledger for {volume}: {error}")),
        };
        let what = format!("cannot open the database on {}", path.display());
        let held = known.held.clone();
        let opened = detached::run(LIMIT, move || lock(&held).open()).await;
        known.unless_cut(match opened {
            Ok(Ok(None)) => Completion::Ok(Outcome::Done),
            Ok(Ok(Some(report))) => Completion::Ok(Outcome::Loaded(report)),
            Ok(Err(met)) => completion(&what, &met),
            Err(error) => hung(&error),
        })
    }

    /// Waits for something of a running database.
    pub async fn wait(
        &self,
        volume: &str,
        path: &Path,
        block: bool,
        (until, within): (Until, Duration),
    ) -> Completion {
        let Some(known) = self.known(volume) else { return unbound(volume) };
        let begun = Instant::now();
        let written = lock(&known.held).look().data_bytes;
        let (mut room_at, mut had) = (begun, written);
        loop {
            let (tick, ran_full) = {
                let mut held = lock(&known.held);
                (held.look(), held.ran_full())
            };
            if tick.state != State::Blocked || tick.data_bytes > had {
                (room_at, had) = (Instant::now(), tick.data_bytes);
            }
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
                return known.unless_cut(known.ended_before(volume));
            }
            if room_at.elapsed() > PATIENCE {
                let message = format!("still full after {} s", PATIENCE.as_secs());
                return Completion::Fail(Failure { code: Code::DeadlineExceeded, message });
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
        let Some(known) = self.known(volume) else { return unbound(volume) };
        let held = known.held.clone();
        known.unless_cut(match detached::run(LIMIT, move || lock(&held).close(how)).await {
            Ok(Some(Ok(report))) => Completion::Ok(Outcome::Loaded(report)),
            Ok(Some(Err(broken))) => Completion::Fail(broken),
            Ok(None) => unbound(volume),
            Err(error) => hung(&error),
        })
    }

    /// Compares every acknowledged row with the ledger: what the volume holds, or, if the database
    /// runs, what that reads. `None`: no database was ever there.
    pub async fn verify(&self, volume: &str, path: &Path) -> Option<Completion> {
        let known = self.known(volume)?;
        let compared = detached::run(LIMIT, known.comparison(path)).await;
        let what = format!("cannot verify the database on {}", path.display());
        Some(known.unless_cut(match compared {
            Ok(Ok(Some(verified))) if verified.rows == 0 => {
                let message = "no row was ever acknowledged".to_owned();
                Completion::Fail(Failure { code: Code::Unobservable, message })
            }
            Ok(Ok(Some(verified))) => {
                let mut held = lock(&known.held);
                held.verified = Some(verified.bytes_intact);
                let report = report(&verified, held.kind.slot_bytes());
                let report = LoadReport { engine: held.engine.clone(), ..report };
                Completion::Ok(Outcome::Loaded(report))
            }
            Ok(Ok(None)) => known.ended_before(volume),
            Ok(Err(met)) => completion(&what, &met),
            Err(error) => hung(&error),
        }))
    }

    /// What every running database did since the last call. Cheap.
    pub fn samples(&self, now_us: u64) -> Vec<Sample> {
        let all: Vec<_> = lock(&self.held).iter().map(|(v, k)| (v.clone(), k.clone())).collect();
        let mut samples: Vec<Sample> = all
            .into_iter()
            .filter_map(|(volume, known)| {
                // A database that opens or closes is busy, and has nothing to tell.
                let mut held = known.held.try_lock().ok()?;
                held.running.as_ref()?;
                let path = held.place.path.clone();
                Some(Sample { volume, path, reading: held.reading(now_us) })
            })
            .collect();
        samples.sort_by(|a, b| a.volume.cmp(&b.volume));
        samples
    }

    /// `new` is about to be copied from `source`, and must hold what was acknowledged up to now.
    /// Without a ledger nobody could tell.
    pub fn fork(&self, source: &str, new: &str) -> io::Result<()> {
        let Some(source) = self.known(source) else { return Ok(()) };
        let source = lock(&source.held);
        let ledger = self.ledger(new);
        std::fs::copy(&source.place.ledger, &ledger)?;
        let copied = source.place.copied || source.running.is_some();
        let place = Place { ledger, copied, ..source.place.clone() };
        let mut copy = Held::of(source.kind.clone(), place);
        copy.engine.clone_from(&source.engine);
        lock(&self.held).insert(new.to_owned(), Known::new(copy));
        Ok(())
    }

    /// The volume is deleted.
    pub fn forget(&self, volume: &str) {
        lock(&self.held).remove(volume);
    }

    /// Kills what still runs, starts or stops; for the end of a scenario, however it ends.
    pub fn stop_all(&self) {
        let all: Vec<Known> = lock(&self.held).values().cloned().collect();
        for known in &all {
            known.leash.cut();
        }
        let deadline = Instant::now() + LET_GO;
        for known in &all {
            while !known.let_go() && Instant::now() < deadline {
                std::thread::sleep(LOOK);
            }
        }
    }

    fn ledger(&self, volume: &str) -> PathBuf {
        self.folder.join(format!("{volume}-{:016x}.ledger", self.seed))
    }

    fn known(&self, volume: &str) -> Option<Known> {
        lock(&self.held).get(volume).cloned()
    }

    fn known_or_new(
        &self,
        volume: &str,
        path: &Path,
        block: bool,
        database: &Database,
    ) -> io::Result<Known> {
        if let Some(known) = self.known(volume) {
            path.clone_into(&mut lock(&known.held).place.path);
            return Ok(known);
        }
        std::fs::create_dir_all(&self.folder)?;
        let place = Place {
            path: path.to_owned(),
            block,
            ledger: self.ledger(volume),
            copied: false,
            program: crate::host::this_program()?,
        };
        let seed = super::pattern::volume_hash(self.seed, volume);
        let known = Known::new(Held::new(database, place, seed));
        lock(&self.held).insert(volume.to_owned(), known.clone());
        Ok(known)
    }
}

impl Known {
    fn new(held: Held) -> Self {
        let leash = held.leash.clone();
        Self { held: Arc::new(Mutex::new(held)), leash }
    }

    /// What the harness ends itself, at its own end, proves nothing.
    fn unless_cut(&self, completion: Completion) -> Completion {
        if !self.leash.is_cut() {
            return completion;
        }
        let message = "the run was interrupted, and the database killed".to_owned();
        Completion::Info(Failure { code: Code::Interrupted, message })
    }

    /// Blocking. Nothing: the engine ended before.
    fn comparison(
        &self,
        path: &Path,
    ) -> impl FnOnce() -> Result<Option<Verified>, Met> + Send + 'static {
        let (known, path) = (self.clone(), path.to_owned());
        move || {
            let mut held = lock(&known.held);
            let running = held.look().state != State::Ended;
            if let Some(engine) = held.running.as_ref().filter(|_| running) {
                let scan = engine.scan();
                // It goes on meanwhile, and is looked at.
                drop(held);
                return Ok(scan().ok());
            }
            let place = Place { path, ..held.place.clone() };
            let kind = held.kind.clone();
            drop(held);
            engine::verify(&kind, &place, &known.leash).map(Some)
        }
    }

    /// Something was asked of a database that does not run any more.
    fn ended_before(&self, volume: &str) -> Completion {
        let mut held = lock(&self.held);
        held.look();
        let ended = held.earlier.last().map(trouble);
        let code = ended.as_ref().map_or(Code::Io, |ended| ended.code);
        let why = ended.map(|ended| format!(": {}", ended.message)).unwrap_or_default();
        let message = format!("the database on {volume} ended before that{why}");
        Completion::Fail(Failure { code, message })
    }

    /// Whether it is gone, or nobody has it in hand any more.
    fn let_go(&self) -> bool {
        let Ok(mut held) = self.held.try_lock() else { return false };
        held.running = None;
        true
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

#[cfg(test)]
mod tests {
    use super::*;

    fn databases() -> (tempfile::TempDir, Databases) {
        let folder = tempfile::tempdir().unwrap();
        let databases = Databases::new(folder.path().join("ledgers"), 3);
        databases.known_or_new("vol", folder.path(), false, &Database::default()).unwrap();
        (folder, databases)
    }

    #[test]
    fn a_copy_without_a_ledger_is_told() {
        let (_folder, databases) = databases();
        assert!(databases.fork("vol", "copy").is_err(), "there is none yet");
        assert!(databases.known("copy").is_none());
        std::fs::write(databases.ledger("vol"), "").unwrap();
        databases.fork("vol", "copy").unwrap();
        assert!(databases.ledger("copy").exists() && databases.known("copy").is_some());
        databases.fork("other", "copy of it").unwrap();
    }

    /// What the harness breaks is not the driver's, and what it ends itself is nobody's.
    #[tokio::test]
    async fn whose_it_is_decides_what_is_told() {
        let (folder, databases) = databases();
        let close = databases.close("vol", Close::Stop).await;
        assert_eq!(close.code(), Code::Unbound);
        let known = databases.known("vol").unwrap();
        let ends = |met: Met| {
            let trouble = engine::Trouble { at_us: 0, doing: "run".into(), met, page: None };
            lock(&known.held).earlier = vec![trouble];
        };
        let within = (Until::Full, Duration::from_secs(5));
        for (met, code) in
            [(Met::Lab("killed".into()), Code::Harness), (Met::Volume("EIO".into()), Code::Io)]
        {
            ends(met);
            let path = folder.path();
            assert_eq!(databases.wait("vol", path, false, within).await.code(), code);
        }
        ends(Met::Lab("killed".into()));
        assert_eq!(databases.close("vol", Close::Stop).await.code(), Code::Harness);
        ends(Met::Full("ENOSPC".into()));
        let Completion::Ok(Outcome::Loaded(report)) = databases.close("vol", Close::Stop).await
        else {
            panic!("a full volume is no failure of the end");
        };
        assert_eq!(report.errors[0].code, Code::NoSpace);
        ends(Met::Volume("EIO".into()));
        databases.stop_all();
        assert_eq!(databases.close("vol", Close::Stop).await.code(), Code::Interrupted);
    }
}
