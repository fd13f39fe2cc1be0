//! Reads back everything a ledger holds and names each block that is not what was acknowledged.

use std::{io, path::Path};

use csi_stretch_oracle::{
    action::Guise,
    history::{Completion, LoadReport, Mismatch, Outcome},
};

use super::{
    engine::LOST_MAX,
    files::errno_name,
    guise,
    ledger::{At, Entry},
    pattern::{self, BLOCK_BYTES, Damage, Stamp},
    volume::{Volume, failure},
    worker::Shared,
};

/// Blocks read at once.
const CHUNK_BLOCKS: usize = 16;
/// How often a block is read again because a writer changed it meanwhile.
const AGAIN_MAX: u32 = 100;

/// Verifies a volume. Blocking.
pub(super) fn run(shared: &Shared, volume: &Volume, path: &Path, block: bool) -> Completion {
    let _alone = volume.alone();
    let medium = shared.medium();
    let there = if block { medium.device_bytes(path) } else { medium.free_bytes(path) };
    if let Err(error) = there {
        return Completion::Fail(failure(path, "verify", &error));
    }
    let entries = volume.ledger().entries();
    let verifier = Verifier { shared, volume, path, block };
    let mut report = LoadReport { bytes_in_ledger: volume.ledger().bytes(), ..Default::default() };
    for run in entries.chunk_by(|a, b| follows(a.0, b.0)) {
        for chunk in run.chunks(CHUNK_BLOCKS) {
            verifier.chunk(chunk, &mut report);
        }
    }
    Completion::Ok(Outcome::Loaded(report))
}

fn follows(a: At, b: At) -> bool {
    a.0 == b.0 && a.1 + BLOCK_BYTES as u64 == b.1
}

struct Verifier<'a> {
    shared: &'a Shared,
    volume: &'a Volume,
    path: &'a Path,
    block: bool,
}

impl Verifier<'_> {
    /// Blocks that follow each other, with one read if all is well.
    fn chunk(&self, chunk: &[(At, Entry)], report: &mut LoadReport) {
        let data = chunk.first().and_then(|(at, _)| self.read(*at, chunk.len()).ok());
        for (n, (at, entry)) in chunk.iter().enumerate() {
            let read = data.as_ref().map(|data| &data[n * BLOCK_BYTES..(n + 1) * BLOCK_BYTES]);
            let right =
                read.is_some_and(|bytes| damage(bytes, *at, entry, self.guise(*at)).is_none());
            match if right { None } else { self.again(*at) } {
                None => report.bytes_verified += BLOCK_BYTES as u64,
                Some(mismatch) => {
                    report.mismatches_total += 1;
                    if report.mismatches.len() < LOST_MAX {
                        report.mismatches.push(mismatch);
                    }
                }
            }
        }
    }

    /// Reads one block again, until the ledger says the same before and after.
    fn again(&self, at: At) -> Option<Mismatch> {
        let mut entry = self.volume.ledger().entry(at)?;
        for _ in 0..AGAIN_MAX {
            let read = self.read(at, 1);
            if let Ok(bytes) = &read
                && damage(bytes, at, &entry, self.guise(at)).is_none()
            {
                return None;
            }
            let now = self.volume.ledger().entry(at)?;
            if now == entry {
                return Some(self.mismatch(at, &entry, read));
            }
            entry = now;
        }
        let what = "changes faster than it can be read".to_owned();
        Some(Mismatch { offset: at.1, length: BLOCK_BYTES as u64, page: None, what })
    }

    fn mismatch(&self, at: At, entry: &Entry, read: io::Result<Vec<u8>>) -> Mismatch {
        let whole = |what| Mismatch { offset: at.1, length: BLOCK_BYTES as u64, page: None, what };
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(error) => return whole(format!("unreadable: {}", errno_name(&error))),
        };
        match damage(&bytes, at, entry, self.guise(at)) {
            // Right at last: between two looks the disk changed its mind.
            None => whole("right only when read again".to_owned()),
            Some(damage) => Mismatch {
                offset: at.1 + damage.start as u64,
                length: damage.length as u64,
                page: None,
                what: damage.describe(entry.count, &|hash| self.shared.name_of(hash)),
            },
        }
    }

    fn guise(&self, at: At) -> Option<Guise> {
        self.volume.ledger().guise(at).filter(|_| self.block)
    }

    fn read(&self, at: At, blocks: usize) -> io::Result<Vec<u8>> {
        let name = Volume::file_name(at.0, self.block);
        let length = blocks * BLOCK_BYTES;
        let data = self.shared.medium().read(self.path, &name, at.1, length)?;
        // A medium that hands over less than it was asked for has reached the end.
        if data.len() == length { Ok(data) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

fn damage(bytes: &[u8], at: At, entry: &Entry, like: Option<Guise>) -> Option<Damage> {
    let place = Stamp { volume: entry.volume, file: at.0, offset: at.1, count: entry.count };
    let accept = |stamp| entry.accepts(at, stamp);
    match like {
        None => pattern::inspect(bytes, place, &accept),
        Some(like) => {
            // A sector in its guise is right; what it hides is put back to be inspected.
            let mut bytes = bytes.to_vec();
            guise::take_off(like, &mut bytes, place);
            pattern::inspect(&bytes, place, &accept)
        }
    }
}
