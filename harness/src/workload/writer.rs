//! The writer in the background: one thread that appends and syncs, slowly enough to be kind and
//! long enough to be there while a volume grows. It holds the file open, as a workload does.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    time::Duration,
};

use csi_stretch_oracle::history::{Failure, LoadReport};
use tokio::sync::oneshot;

use super::{
    pattern::BLOCK_BYTES,
    volume::{Volume, failure},
};
use crate::workload::Medium;

/// How hard a background writer works.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Pause between two blocks.
    pub interval: Duration,
    /// Never appends more than this, bytes.
    pub bytes_max: u64,
    /// Nor more than one part in this many of what is free at the start.
    pub free_part: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { interval: Duration::from_millis(20), bytes_max: 64 << 20, free_part: 4 }
    }
}

/// Errors kept word by word.
const ERRORS_MAX: usize = 16;
/// Failures in a row after which nobody believes in recovery.
const FAILURES_MAX: u32 = 100;
/// Blocks rewritten between two tries to append to a full volume.
const REWRITES_WHILE_FULL: u32 = 50;

/// A running writer; dropping it stops it.
pub struct Writer {
    stop: Option<Sender<()>>,
    done: Option<oneshot::Receiver<LoadReport>>,
}

/// Where and how a writer writes.
pub struct Job {
    pub volume: Arc<Volume>,
    pub medium: Arc<dyn Medium>,
    pub path: PathBuf,
    pub block: bool,
    pub pace: Pace,
}

impl Writer {
    /// Writes the first block before it returns, so that a volume that cannot be written fails
    /// here. Blocking.
    pub fn start(job: Job) -> Result<Self, Failure> {
        let said = |error: &io::Error| failure(&job.path, "write", error);
        let file = u32::from(!job.block);
        let room = job.room().map_err(|error| said(&error))?;
        let mut state = State { file, room, ..State::default() };
        state.append(&job).map_err(|error| said(&error))?;
        let name = Volume::file_name(file, job.block);
        let held = job.medium.hold(&job.path, &name).map_err(|error| said(&error))?;
        let (stop, stopped) = channel();
        let (send, done) = oneshot::channel();
        let thread = std::thread::Builder::new().name("background writer".into());
        let spawned = thread.spawn(move || {
            state.run(&job, &stopped);
            drop(held);
            // Nobody listens when the run gave the writer up.
            let _ = send.send(state.report);
        });
        spawned.map_err(|error| failure(std::path::Path::new(""), "start a writer for", &error))?;
        Ok(Self { stop: Some(stop), done: Some(done) })
    }

    /// Tells it to stop, and hands over where its report will come.
    pub fn stop(mut self) -> Option<oneshot::Receiver<LoadReport>> {
        self.stop = None;
        self.done.take()
    }
}

impl Job {
    /// How many bytes may be appended.
    fn room(&self) -> io::Result<u64> {
        let free = if self.block {
            let bytes = self.medium.device_bytes(&self.path)?;
            bytes.saturating_sub(self.volume.ledger().end(0))
        } else {
            self.medium.free_bytes(&self.path)?
        };
        Ok((free / self.pace.free_part.max(1)).clamp(BLOCK_BYTES as u64, self.pace.bytes_max))
    }
}

#[derive(Default)]
struct State {
    file: u32,
    room: u64,
    /// Offsets of what it appended.
    mine: Vec<u64>,
    rewritten: usize,
    full_for: u32,
    failures: u32,
    report: LoadReport,
}

impl State {
    /// Until told to stop, or until there is no sense in going on.
    fn run(&mut self, job: &Job, stopped: &Receiver<()>) {
        while stopped.recv_timeout(job.pace.interval) == Err(RecvTimeoutError::Timeout) {
            match self.step(job) {
                Ok(()) => self.failures = 0,
                Err(error) => {
                    self.record(job, &error);
                    if is_gone(&error) || self.failures >= FAILURES_MAX {
                        return;
                    }
                }
            }
        }
    }

    fn step(&mut self, job: &Job) -> io::Result<()> {
        self.full_for = self.full_for.saturating_sub(1);
        let room = (self.mine.len() * BLOCK_BYTES) as u64 + BLOCK_BYTES as u64 <= self.room;
        if room && self.full_for == 0 { self.append(job) } else { self.rewrite(job) }
    }

    fn append(&mut self, job: &Job) -> io::Result<()> {
        let offset = job.volume.ledger().reserve(self.file);
        match self.write(job, offset) {
            Ok(()) => {
                self.mine.push(offset);
                Ok(())
            }
            Err(error) => {
                job.volume.ledger().release(self.file, offset);
                Err(error)
            }
        }
    }

    /// Goes round its own blocks, but for the first: a write at 0 would make a new file if the
    /// volume were gone from under the path.
    fn rewrite(&mut self, job: &Job) -> io::Result<()> {
        if self.mine.len() < 2 {
            return Ok(());
        }
        self.rewritten = self.rewritten % (self.mine.len() - 1) + 1;
        self.write(job, self.mine[self.rewritten])
    }

    fn write(&mut self, job: &Job, offset: u64) -> io::Result<()> {
        job.volume.write_blocks(&*job.medium, &job.path, job.block, (self.file, offset), 1)?;
        self.report.bytes_written += BLOCK_BYTES as u64;
        Ok(())
    }

    fn record(&mut self, job: &Job, error: &io::Error) {
        self.failures += 1;
        if is_full(error) {
            self.full_for = REWRITES_WHILE_FULL;
        }
        let failure = failure(&job.path, "write", error);
        let errors = &mut self.report.errors;
        if errors.len() < ERRORS_MAX && errors.last() != Some(&failure) {
            errors.push(failure);
        }
    }
}

/// ENOSPC, or a quota that says the same.
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// The path shows the volume no more.
fn is_gone(error: &io::Error) -> bool {
    use nix::libc::{ENODEV, ENOENT, ENOTCONN, ENOTDIR, ENXIO, ESTALE};
    error
        .raw_os_error()
        .is_some_and(|number| [ENODEV, ENOENT, ENOTCONN, ENOTDIR, ENXIO, ESTALE].contains(&number))
}
