//! What was acknowledged: for each row the last version, in a file outside of the volume. A record
//! is written before the commit counts as acknowledged, so a kill of the process loses none; the
//! file is not synced, so it is no better than this host.
//!
//! At most one version after the acknowledged one is in doubt: begun, and perhaps on the volume. A
//! row's next version is always that one, with the same bytes, so doubts never add up.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::Path,
    sync::{
        RwLock,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use super::rows::{Shape, u32_at, u64_at};

const MAGIC: [u8; 8] = *b"STRLEDG1";
/// Head (magic, space, row bytes) and each record (key, version, checksum) have the same length.
const HEAD_BYTES: usize = 32;
const RECORD_BYTES: usize = 16;

/// Key and version.
pub type Ack = (u64, u32);

/// An open ledger.
pub struct Ledger {
    file: File,
    versions: RwLock<Vec<AtomicU32>>,
    rows: AtomicU64,
}

impl Ledger {
    /// Opens the ledger of this database, or begins one.
    pub fn open(path: &Path, shape: &Shape) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let head = head(shape);
        if bytes.len() < HEAD_BYTES {
            file.set_len(0)?;
            file.write_all(&head)?;
            bytes = head.to_vec();
        } else if !bytes.starts_with(&head) {
            let text = format!("{} is the ledger of another database", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let ledger = Self { file, versions: RwLock::default(), rows: AtomicU64::new(0) };
        let records = bytes[HEAD_BYTES..].chunks_exact(RECORD_BYTES);
        if !records.remainder().is_empty() {
            // A write that was cut short acknowledged nothing.
            ledger.file.set_len((bytes.len() - records.remainder().len()) as u64)?;
        }
        for record in records {
            if u32_at(record, 12) != crc32c::crc32c(&record[..12]) {
                let text = format!("{} is damaged", path.display());
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
            ledger.remember((u64_at(record, 0), u32_at(record, 8)));
        }
        Ok(ledger)
    }

    /// Acknowledges; in the file first.
    pub fn acknowledge(&self, acks: &[Ack]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(acks.len() * RECORD_BYTES);
        for (key, version) in acks {
            let at = bytes.len();
            bytes.extend_from_slice(&key.to_le_bytes());
            bytes.extend_from_slice(&version.to_le_bytes());
            bytes.extend_from_slice(&crc32c::crc32c(&bytes[at..]).to_le_bytes());
        }
        (&self.file).write_all(&bytes)?;
        for ack in acks {
            self.remember(*ack);
        }
        Ok(())
    }

    fn remember(&self, (key, version): Ack) {
        let read = || self.versions.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        if read().len() as u64 <= key {
            let mut versions =
                self.versions.write().unwrap_or_else(std::sync::PoisonError::into_inner);
            // Room for a while, so that this lock is rare.
            let room = (key as usize + 1).next_multiple_of(1 << 16);
            if versions.len() < room {
                versions.resize_with(room, AtomicU32::default);
            }
        }
        if let Some(known) = read().get(key as usize)
            && known.fetch_max(version, Ordering::SeqCst) == 0
        {
            self.rows.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// The last acknowledged version; 0 if the row was never acknowledged.
    pub fn version(&self, key: u64) -> u32 {
        let versions = self.versions.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        versions.get(key as usize).map_or(0, |version| version.load(Ordering::SeqCst))
    }

    /// How many rows are acknowledged.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::SeqCst)
    }

    /// The first key behind all that are acknowledged.
    pub fn end(&self) -> u64 {
        let versions = self.versions.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let last = versions.iter().rposition(|version| version.load(Ordering::SeqCst) > 0);
        last.map_or(0, |last| last as u64 + 1)
    }
}

fn head(shape: &Shape) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    head[..8].copy_from_slice(&MAGIC);
    head[8..16].copy_from_slice(&shape.space.to_le_bytes());
    head[16..24].copy_from_slice(&(shape.row_bytes as u64).to_le_bytes());
    head
}
