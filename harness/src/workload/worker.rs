//! The workload: writes blocks that say who they are, remembers which were acknowledged, and
//! reads them back. Knows paths and volumes' handles; must not know how volumes come and go.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use csi_stretch_oracle::{
    action::Load,
    history::{Code, Completion, Failure, Outcome},
};

use super::{
    Medium, Workload,
    databases::{Databases, Sample},
    ledger::Ledger,
    lock,
    pattern::{self, BLOCK_BYTES},
    verify,
    volume::Volume,
    writer::{Job, Pace, Writer},
};
use crate::{Boxed, host::detached};

/// Every load has this long, and a second more for each [`SLOWEST_BYTES_PER_SECOND`].
const LIMIT: Duration = Duration::from_secs(60);
const SLOWEST_BYTES_PER_SECOND: u64 = 2 << 20;

/// Every volume's ledger in one scenario instance and side.
pub struct Ledgers {
    shared: Arc<Shared>,
    databases: Databases,
    pace: Pace,
}

pub(super) struct Shared {
    seed: u64,
    medium: Arc<dyn Medium>,
    volumes: Mutex<HashMap<String, Arc<Volume>>>,
    closed: AtomicBool,
}

impl Ledgers {
    /// No volume yet. Blocks of another `seed` are strangers: give each scenario instance and
    /// side its own, or a mix-up between two instances goes unseen.
    pub fn new(seed: u64, medium: Arc<dyn Medium>) -> Self {
        let shared =
            Shared { seed, medium, volumes: Mutex::default(), closed: AtomicBool::new(false) };
        let databases = Databases::new(PathBuf::new(), seed);
        Self { shared: Arc::new(shared), databases, pace: Pace::default() }
    }

    /// Background writers work at this pace.
    #[must_use]
    pub fn with_pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Databases keep their ledgers in this folder.
    #[must_use]
    pub fn with_folder(mut self, folder: PathBuf) -> Self {
        self.databases = Databases::new(folder, self.shared.seed);
        self
    }

    /// `new` was made from `source` and must hold what that held at this moment. Call it before
    /// the call that copies is sent. A snapshot can be given a name of its own, to be forked
    /// again when it is restored. An error: nobody could say what the copy has to hold.
    pub fn fork(&self, source: &str, new: &str) -> io::Result<()> {
        self.databases.fork(source, new)?;
        let from = self.shared.volume(source);
        let hash = pattern::volume_hash(self.shared.seed, new);
        let running = lock(&from.writer).is_some();
        let ledger = from.ledger().copy(hash, running);
        lock(&self.shared.volumes).insert(new.to_owned(), Arc::new(Volume::new(hash, ledger)));
        Ok(())
    }

    /// What each running database did since the last call. Cheap.
    pub fn samples(&self, now_us: u64) -> Vec<Sample> {
        self.databases.samples(now_us)
    }

    /// The volume is deleted; one of the same name starts empty. Stops its writer.
    pub fn forget(&self, volume: &str) {
        if let Some(volume) = lock(&self.shared.volumes).remove(volume) {
            *lock(&volume.writer) = None;
        }
        self.databases.forget(volume);
    }

    /// Tells every background writer to stop, and kills databases; for the end of a scenario,
    /// however it ends.
    pub fn stop_all(&self) {
        self.databases.stop_all();
        for volume in lock(&self.shared.volumes).values() {
            *lock(&volume.writer) = None;
        }
    }

    async fn carry_out(&self, load: &Load, path: &Path, block: bool) -> Completion {
        match load {
            Load::Write { volume, bytes, place, like, .. } => {
                let blocks = bytes.div_ceil(BLOCK_BYTES as u64).max(1);
                let (volume, place) = (self.shared.volume(volume), *place);
                if like.is_some() && block {
                    volume.ledger().disguise(*like);
                }
                let medium = self.shared.medium.clone();
                let path = path.to_owned();
                let work = move || volume.write(&*medium, &path, block, blocks, place);
                timed(*bytes, work).await
            }
            Load::Verify { volume, .. } => {
                let volume = self.shared.volume(volume);
                let (shared, path) = (self.shared.clone(), path.to_owned());
                let bytes = volume.ledger().bytes();
                let rows = self.databases.verify(load.volume(), &path).await;
                let blocks = timed(bytes, move || verify::run(&shared, &volume, &path, block));
                match rows {
                    Some(rows) if bytes == 0 => rows,
                    Some(rows) => both(rows, blocks.await),
                    None => blocks.await,
                }
            }
            Load::Start { volume: name, .. } => self.start(name, path, block).await,
            Load::Stop { volume } => self.stop(volume).await,
            Load::Open { volume, database, .. } => {
                self.databases.open(volume, path, block, database).await
            }
            Load::Await { volume, until, within_ms, .. } => {
                let until = (*until, Duration::from_millis(*within_ms));
                self.databases.wait(volume, path, block, until).await
            }
            Load::Close { volume, how } => self.databases.close(volume, *how).await,
        }
    }

    async fn start(&self, name: &str, path: &Path, block: bool) -> Completion {
        let volume = self.shared.volume(name);
        let (medium, path, pace) = (self.shared.medium.clone(), path.to_owned(), self.pace);
        let (name, shared) = (name.to_owned(), self.shared.clone());
        let started = detached::run(LIMIT, move || {
            if lock(&volume.writer).is_some() {
                return Err(harness(format!("a writer runs on {name} already")));
            }
            let writer = Writer::start(Job { volume: volume.clone(), medium, path, block, pace })?;
            // Nobody will ever stop a writer that comes to life after its run is over.
            if !shared.closed.load(Ordering::SeqCst) {
                *lock(&volume.writer) = Some(writer);
            }
            Ok(())
        });
        match started.await {
            Ok(Ok(())) => Completion::Ok(Outcome::Done),
            Ok(Err(failure)) => Completion::Fail(failure),
            Err(error) => hung(&error),
        }
    }

    async fn stop(&self, name: &str) -> Completion {
        let volume = self.shared.volume(name);
        let writer = lock(&volume.writer).take();
        let Some(done) = writer.and_then(Writer::stop) else {
            let message = format!("no writer was started on {name}");
            return Completion::Fail(Failure { code: Code::Unbound, message });
        };
        match tokio::time::timeout(LIMIT, done).await {
            Ok(Ok(mut report)) => {
                report.bytes_in_ledger = volume.ledger().bytes();
                Completion::Ok(Outcome::Loaded(report))
            }
            Ok(Err(_)) => Completion::Fail(harness(format!("the writer on {name} broke"))),
            Err(_) => hung(&detached::DetachedError::Timeout(LIMIT)),
        }
    }
}

impl Workload for Ledgers {
    fn perform<'a>(&'a self, load: &'a Load, path: &'a Path, block: bool) -> Boxed<'a, Completion> {
        Box::pin(self.carry_out(load, path, block))
    }
}

impl Drop for Ledgers {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        self.stop_all();
    }
}

impl Shared {
    /// The volume of that name, new if need be.
    fn volume(&self, name: &str) -> Arc<Volume> {
        let new = || {
            let hash = pattern::volume_hash(self.seed, name);
            Arc::new(Volume::new(hash, Ledger::new(hash)))
        };
        lock(&self.volumes).entry(name.to_owned()).or_insert_with(new).clone()
    }

    /// What a hash in a block stands for.
    pub(super) fn name_of(&self, hash: u64) -> String {
        let volumes = lock(&self.volumes);
        let found = volumes.iter().find(|(_, volume)| volume.hash == hash);
        found.map_or_else(|| "an unknown volume".to_owned(), |(name, _)| name.clone())
    }

    pub(super) fn medium(&self) -> &dyn Medium {
        &*self.medium
    }
}

/// What became of a database's rows and of the blocks beside it; a failure comes first.
fn both(rows: Completion, blocks: Completion) -> Completion {
    match (rows, blocks) {
        (Completion::Ok(Outcome::Loaded(mut rows)), Completion::Ok(Outcome::Loaded(blocks))) => {
            rows.bytes_verified += blocks.bytes_verified;
            rows.bytes_in_ledger += blocks.bytes_in_ledger;
            rows.mismatches_total += blocks.mismatches_total;
            rows.mismatches.extend(blocks.mismatches);
            Completion::Ok(Outcome::Loaded(rows))
        }
        (Completion::Ok(_), blocks) => blocks,
        (rows, _) => rows,
    }
}

fn harness(message: String) -> Failure {
    Failure { code: Code::Harness, message }
}

async fn timed(bytes: u64, work: impl FnOnce() -> Completion + Send + 'static) -> Completion {
    let limit = LIMIT + Duration::from_secs(bytes / SLOWEST_BYTES_PER_SECOND);
    detached::run(limit, work).await.unwrap_or_else(|error| hung(&error))
}

/// The thread may still write: nobody can know.
fn hung(error: &detached::DetachedError) -> Completion {
    Completion::Info(Failure { code: Code::DeadlineExceeded, message: error.to_string() })
}

#[cfg(test)]
mod tests;
