//! What a page and a row look like, and what is wrong with one that looks otherwise. Pure.

pub use crate::workload::engine::rows::{Shape, u32_at, u64_at};
use crate::workload::engine::{Found, rows::HEAD_BYTES};

/// Length of a page.
pub const BYTES: usize = 16 << 10;
/// Checksum, magic, number, LSN, space, batch; the rest is free.
const HEADER_BYTES: usize = 64;
const MAGIC: u32 = u32::from_le_bytes(*b"PGS1");

/// Longest contents of a row.
pub const fn row_bytes_max() -> usize {
    BYTES - HEADER_BYTES - HEAD_BYTES
}

/// Where rows are.
impl Shape {
    pub fn rows_per_page(&self) -> u64 {
        ((BYTES - HEADER_BYTES) / self.slot_bytes()).max(1) as u64
    }

    /// Page of a row, and the byte in it where the row begins.
    pub fn place(&self, key: u64) -> (u64, usize) {
        let rows = self.rows_per_page();
        (key / rows, HEADER_BYTES + (key % rows) as usize * self.slot_bytes())
    }
}

/// The bytes of one page, where O_DIRECT takes them.
#[repr(C, align(4096))]
#[derive(Clone)]
pub struct Page(pub [u8; BYTES]);

impl Page {
    /// All zeros.
    pub fn zeroed() -> Box<Self> {
        Box::new(Self([0; BYTES]))
    }

    /// A page with no row.
    pub fn blank(number: u64, space: u64) -> Box<Self> {
        let mut page = Self::zeroed();
        page.0[4..8].copy_from_slice(&MAGIC.to_le_bytes());
        page.0[8..16].copy_from_slice(&number.to_le_bytes());
        page.0[24..32].copy_from_slice(&space.to_le_bytes());
        page
    }

    pub fn number(&self) -> u64 {
        u64_at(&self.0, 8)
    }

    /// Where the log was after the last change.
    pub fn lsn(&self) -> u64 {
        u64_at(&self.0, 16)
    }

    /// Which batch of the flusher wrote it.
    pub fn batch(&self) -> u64 {
        u64_at(&self.0, 32)
    }

    pub fn set_lsn(&mut self, lsn: u64) {
        self.0[16..24].copy_from_slice(&lsn.to_le_bytes());
    }
}

/// Makes a copy of a page fit to be written.
pub fn seal(page: &mut [u8], batch: u64) {
    page[32..40].copy_from_slice(&batch.to_le_bytes());
    let sum = crc32c::crc32c(&page[4..]);
    page[..4].copy_from_slice(&sum.to_le_bytes());
}

/// What is wrong with a page that was read.
pub fn inspect(page: &[u8], number: u64, shape: &Shape) -> Result<(), Found> {
    let (at, space) = (u64_at(page, 8), u64_at(page, 24));
    let whole = u32_at(page, 4) == MAGIC && u32_at(page, 0) == crc32c::crc32c(&page[4..]);
    if whole && (at, space) == (number, shape.space) {
        Ok(())
    } else if whole {
        Err(Found::Stray { page: at, space })
    } else if page.iter().all(|byte| *byte == 0) {
        Err(Found::Zeros)
    } else if is_torn(page, number, shape) {
        Err(Found::Torn)
    } else {
        Err(Found::Checksum)
    }
}

/// Every part of it was written at some time or never: the head is right or blank, and so is each
/// row, but for those that end or begin in zeros.
fn is_torn(page: &[u8], number: u64, shape: &Shape) -> bool {
    const ZEROS: [u8; 32] = [0; 32];
    let ours =
        u32_at(page, 4) == MAGIC && (u64_at(page, 8), u64_at(page, 24)) == (number, shape.space);
    let mut scratch = Vec::new();
    let first = number.saturating_mul(shape.rows_per_page());
    let written = |key: u64| {
        let at = shape.place(key).1;
        let slot = &page[at..at + shape.slot_bytes()];
        shape.version(key, slot, &mut scratch).is_ok()
            || slot.starts_with(&ZEROS)
            || slot.ends_with(&ZEROS)
    };
    (ours || page.starts_with(&ZEROS))
        && (first..first.saturating_add(shape.rows_per_page())).all(written)
}
