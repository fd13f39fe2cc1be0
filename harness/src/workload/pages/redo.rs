//! The redo log as bytes: two checkpoints, then a ring of records. A place in the log is an LSN,
//! the count of bytes ever written. Pure but for the area it reads and writes.

use std::io;

use super::{
    area::Area,
    page::{Shape, u32_at, u64_at},
};

/// Length, checksum, LSN, page, and where in the page.
pub const HEAD_BYTES: usize = 32;
const CHECKPOINT_BYTES: u64 = 4096;
/// The ring begins at a page's boundary, as what follows the area does.
const RING_BASE: u64 = (2 * CHECKPOINT_BYTES).next_multiple_of(super::page::BYTES as u64);
const MAGIC: [u8; 8] = *b"PGSREDO1";
/// The first LSN: 0 would be that of a page never written.
const BEGIN: u64 = 4096;

/// Length of the area of a log.
pub fn area_bytes(log_bytes: u64) -> u64 {
    RING_BASE + log_bytes
}

/// From where recovery has to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub lsn: u64,
    /// Grows with each one.
    pub count: u64,
    /// Which opening of the database wrote the records after it: others are left-overs.
    pub epoch: u32,
    /// Nothing follows, and every page is on the volume.
    pub clean: bool,
}

impl Checkpoint {
    /// That of a new database.
    pub fn first() -> Self {
        Self { lsn: BEGIN, count: 1, epoch: 1, clean: false }
    }
}

/// A log's area.
pub struct Ring<'a> {
    pub area: &'a dyn Area,
    pub bytes: u64,
}

impl Ring<'_> {
    /// The two pieces of a run of the ring.
    fn pieces(&self, lsn: u64, length: usize) -> [(u64, std::ops::Range<usize>); 2] {
        let at = lsn % self.bytes;
        let first = length.min((self.bytes - at) as usize);
        [(RING_BASE + at, 0..first), (RING_BASE, first..length)]
    }

    pub fn write(&self, lsn: u64, records: &[u8]) -> io::Result<()> {
        for (at, range) in self.pieces(lsn, records.len()) {
            if !range.is_empty() {
                self.area.write(at, &records[range])?;
            }
        }
        Ok(())
    }

    fn read(&self, lsn: u64, into: &mut [u8]) -> io::Result<()> {
        for (at, range) in self.pieces(lsn, into.len()) {
            if !range.is_empty() {
                self.area.read(at, &mut into[range])?;
            }
        }
        Ok(())
    }

    /// Takes turns, so that a torn one leaves the other.
    pub fn write_checkpoint(&self, shape: &Shape, checkpoint: &Checkpoint) -> io::Result<()> {
        let mut bytes = vec![0; CHECKPOINT_BYTES as usize];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&shape.space.to_le_bytes());
        bytes[16..24].copy_from_slice(&(shape.row_bytes as u64).to_le_bytes());
        bytes[24..32].copy_from_slice(&self.bytes.to_le_bytes());
        bytes[32..40].copy_from_slice(&checkpoint.lsn.to_le_bytes());
        bytes[40..48].copy_from_slice(&checkpoint.count.to_le_bytes());
        bytes[48..52].copy_from_slice(&checkpoint.epoch.to_le_bytes());
        bytes[52] = u8::from(checkpoint.clean);
        let sum = crc32c::crc32c(&bytes[..56]);
        bytes[56..60].copy_from_slice(&sum.to_le_bytes());
        self.area.write(checkpoint.count % 2 * CHECKPOINT_BYTES, &bytes)?;
        self.area.sync()
    }

    /// The newest checkpoint, or why there is none.
    pub fn read_checkpoint(&self, shape: &Shape) -> Result<Checkpoint, String> {
        let mut newest = None;
        let mut wrong = "no checkpoint in its redo log".to_owned();
        for turn in 0..2 {
            let mut bytes = vec![0; CHECKPOINT_BYTES as usize];
            if let Err(error) = self.area.read(turn * CHECKPOINT_BYTES, &mut bytes) {
                wrong = format!("its redo log cannot be read: {error}");
                continue;
            }
            let whole =
                bytes.starts_with(&MAGIC) && u32_at(&bytes, 56) == crc32c::crc32c(&bytes[..56]);
            if !whole {
                continue;
            }
            let made = (u64_at(&bytes, 8), u64_at(&bytes, 16), u64_at(&bytes, 24));
            if made != (shape.space, shape.row_bytes as u64, self.bytes) {
                "it was made with another seed, row size or log size".clone_into(&mut wrong);
                continue;
            }
            let found = Checkpoint {
                lsn: u64_at(&bytes, 32),
                count: u64_at(&bytes, 40),
                epoch: u32_at(&bytes, 48),
                clean: bytes[52] == 1,
            };
            if newest.is_none_or(|newest: Checkpoint| newest.count < found.count) {
                newest = Some(found);
            }
        }
        newest.ok_or(wrong)
    }

    /// Every record after a checkpoint, one behind the other, and where the log ends.
    pub fn read_records(&self, from: &Checkpoint) -> io::Result<(Vec<Record>, u64)> {
        // All of the ring at once: a log is small beside a volume.
        let mut bytes = vec![0; self.bytes as usize];
        self.read(from.lsn, &mut bytes)?;
        let (mut records, mut at) = (Vec::new(), 0);
        while let Some(record) = Record::decode(&bytes[at..], from.lsn + at as u64, from.epoch) {
            at += record.length();
            records.push(record);
        }
        Ok((records, from.lsn + at as u64))
    }
}

/// A change of one page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub lsn: u64,
    pub page: u64,
    /// Where in the page; 0 makes the page anew.
    pub at: u32,
    pub bytes: Vec<u8>,
}

impl Record {
    fn length(&self) -> usize {
        HEAD_BYTES + self.bytes.len()
    }

    /// Where the log is after it.
    pub fn end(&self) -> u64 {
        self.lsn + self.length() as u64
    }

    /// The page begins with this record.
    pub fn is_init(&self) -> bool {
        self.at == 0
    }

    fn decode(bytes: &[u8], lsn: u64, epoch: u32) -> Option<Self> {
        let head = bytes.get(..HEAD_BYTES)?;
        let length = u32_at(head, 0) as usize;
        let fits = length >= HEAD_BYTES && u64_at(head, 8) == lsn;
        let record = bytes.get(..length).filter(|_| fits)?;
        if u32_at(head, 4) != sum(epoch, record) {
            return None;
        }
        let (page, at) = (u64_at(head, 16), u32_at(head, 24));
        Some(Self { lsn, page, at, bytes: record[HEAD_BYTES..].to_vec() })
    }
}

/// Appends the bytes of a record.
pub fn encode(out: &mut Vec<u8>, lsn: u64, epoch: u32, page: u64, at: u32, bytes: &[u8]) {
    let start = out.len();
    out.extend_from_slice(&((HEAD_BYTES + bytes.len()) as u32).to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&lsn.to_le_bytes());
    out.extend_from_slice(&page.to_le_bytes());
    out.extend_from_slice(&at.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(bytes);
    let sum = sum(epoch, &out[start..]);
    out[start + 4..start + 8].copy_from_slice(&sum.to_le_bytes());
}

fn sum(epoch: u32, record: &[u8]) -> u32 {
    crc32c::crc32c_append(epoch, &record[8..])
}
