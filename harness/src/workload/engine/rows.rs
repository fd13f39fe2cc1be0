//! What rows contain: a pure function of seed, key and version, so that whoever reads one knows every
//! byte that it must have.

use super::Found;

/// Key, version, and four bytes of nothing.
pub const HEAD_BYTES: usize = 16;

/// What decides the contents of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub space: u64,
    pub row_bytes: usize,
}

impl Shape {
    /// Length of a row with its head.
    pub fn slot_bytes(&self) -> usize {
        HEAD_BYTES + self.row_bytes
    }

    /// The only bytes a version of a row can have.
    pub fn fill(&self, key: u64, version: u32, row: &mut Vec<u8>) {
        row.clear();
        row.extend_from_slice(&key.to_le_bytes());
        row.extend_from_slice(&version.to_le_bytes());
        row.extend_from_slice(&[0; 4]);
        let mut state = mix(self.space ^ mix(key ^ mix(u64::from(version))));
        while row.len() < self.slot_bytes() {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            row.extend_from_slice(&mix(state).to_le_bytes());
        }
        row.truncate(self.slot_bytes());
    }

    /// The version in a slot that is meant for this key. Version 0 is a slot never written.
    pub fn version(&self, key: u64, slot: &[u8], scratch: &mut Vec<u8>) -> Result<u32, Found> {
        if slot.len() != self.slot_bytes() {
            return Err(Found::Garbage);
        }
        if slot.iter().all(|byte| *byte == 0) {
            return Ok(0);
        }
        let version = u32_at(slot, 8);
        self.fill(key, version, scratch);
        if version > 0 && slot == scratch.as_slice() { Ok(version) } else { Err(Found::Garbage) }
    }
}

/// The finalizer of splitmix64: every input bit changes about half of the output.
pub fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|n| bytes[at + n]))
}

pub fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|n| bytes[at + n]))
}
