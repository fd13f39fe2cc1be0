//! One volume of the workload: its ledger, its writer, and how blocks get onto it. Blocking; must
//! not know handles of volumes, nor async.

use std::{
    io,
    path::Path,
    sync::{Mutex, MutexGuard},
};

use csi_stretch_oracle::{
    action::Place,
    history::{Code, Completion, Failure, LoadReport, Outcome},
};

use super::{
    Medium,
    files::is_refused,
    guise,
    ledger::{At, Ledger},
    lock,
    pattern::{self, BLOCK_BYTES},
    writer::{Writer, is_full},
};
use crate::words::clean;

/// Blocks written with one sync.
const CHUNK_BLOCKS: u64 = 16;

/// A volume as the workload knows it.
pub struct Volume {
    ledger: Mutex<Ledger>,
    pub(super) hash: u64,
    pub(super) writer: Mutex<Option<Writer>>,
    /// One load in the foreground at a time.
    foreground: Mutex<()>,
}

impl Volume {
    pub(super) fn new(hash: u64, ledger: Ledger) -> Self {
        let (writer, foreground) = (Mutex::new(None), Mutex::new(()));
        Self { ledger: Mutex::new(ledger), hash, writer, foreground }
    }

    /// The ledger, locked; never hold it over a read or write.
    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    /// Waits for other loads in the foreground.
    pub(super) fn alone(&self) -> MutexGuard<'_, ()> {
        lock(&self.foreground)
    }

    /// Name of a ledger file below the path; none on a device.
    pub(super) fn file_name(file: u32, block: bool) -> String {
        if block { String::new() } else { format!("stretch-ledger-{file}.dat") }
    }

    /// Writes blocks one after another and acknowledges them when they are synced. Blocking.
    pub(super) fn write_blocks(
        &self,
        medium: &dyn Medium,
        path: &Path,
        block: bool,
        (file, offset): At,
        blocks: u64,
    ) -> io::Result<()> {
        let mut data = vec![0; blocks as usize * BLOCK_BYTES];
        let mut stamps = Vec::with_capacity(blocks as usize);
        for (bytes, n) in data.chunks_exact_mut(BLOCK_BYTES).zip(0_u64..) {
            let at = (file, offset + n * BLOCK_BYTES as u64);
            let (stamp, like) = {
                let mut ledger = self.ledger();
                (ledger.begin(at), ledger.guise(at))
            };
            pattern::fill(bytes, stamp);
            if let Some(like) = like {
                guise::put_on(like, bytes);
            }
            stamps.push(stamp);
        }
        medium.write(path, &Self::file_name(file, block), offset, &data)?;
        let mut ledger = self.ledger();
        for stamp in stamps {
            ledger.acknowledge(stamp);
        }
        Ok(())
    }

    /// Performs a write in the foreground. Blocking.
    pub(super) fn write(
        &self,
        medium: &dyn Medium,
        path: &Path,
        block: bool,
        blocks: u64,
        place: Place,
    ) -> Completion {
        let _alone = self.alone();
        let mut report = LoadReport::default();
        let written = if block && place == Place::End {
            self.write_end(medium, path, blocks, &mut report)
        } else {
            self.append(medium, path, block, blocks, &mut report)
        };
        report.bytes_in_ledger = self.ledger().bytes();
        match written {
            Ok(()) => Completion::Ok(Outcome::Loaded(report)),
            Err(error) => {
                let Failure { code, message } = failure(path, "write", &error);
                let (done, all) = (report.bytes_written, blocks * BLOCK_BYTES as u64);
                let message = format!("{message}; {done} of {all} bytes were acknowledged");
                Completion::Fail(Failure { code, message })
            }
        }
    }

    fn append(
        &self,
        medium: &dyn Medium,
        path: &Path,
        block: bool,
        blocks: u64,
        report: &mut LoadReport,
    ) -> io::Result<()> {
        let mut left = blocks;
        while left > 0 {
            let chunk = left.min(CHUNK_BLOCKS);
            let offset = self.take_room(chunk);
            if let Err(error) = self.write_blocks(medium, path, block, (0, offset), chunk) {
                self.give_back(offset, chunk);
                return Err(error);
            }
            report.bytes_written += chunk * BLOCK_BYTES as u64;
            left -= chunk;
        }
        Ok(())
    }

    /// The very last bytes, where a device that only seems to have grown has nothing.
    fn write_end(
        &self,
        medium: &dyn Medium,
        path: &Path,
        blocks: u64,
        report: &mut LoadReport,
    ) -> io::Result<()> {
        let size = medium.device_bytes(path)?;
        let bytes = blocks * BLOCK_BYTES as u64;
        let offset = size.checked_sub(bytes).ok_or(io::ErrorKind::StorageFull)?;
        self.write_blocks(medium, path, true, (0, offset), blocks)?;
        report.bytes_written += bytes;
        Ok(())
    }

    fn take_room(&self, blocks: u64) -> u64 {
        let mut ledger = self.ledger();
        let first = ledger.reserve(0);
        for _ in 1..blocks {
            ledger.reserve(0);
        }
        first
    }

    fn give_back(&self, offset: u64, blocks: u64) {
        let mut ledger = self.ledger();
        for n in (0..blocks).rev() {
            ledger.release(0, offset + n * BLOCK_BYTES as u64);
        }
    }
}

/// What the kernel said, in the history's words.
pub(super) fn failure(path: &Path, did: &str, error: &io::Error) -> Failure {
    let code = match error {
        error if is_full(error) => Code::NoSpace,
        error if is_refused(error) => Code::Unobservable,
        _ => Code::Io,
    };
    Failure { code, message: clean(&format!("cannot {did} {}: {error}", path.display())) }
}
