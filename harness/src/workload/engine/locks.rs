//! Locks of rows: a version of a row is written by one thread at a time.

use std::sync::{Mutex, MutexGuard};

use super::lock;

/// As many rows may change at once, if no two fall on one.
const ROW_LOCKS: u64 = 1024;

/// One set per database.
pub struct RowLocks(Vec<Mutex<()>>);

impl RowLocks {
    /// Sorts the keys, drops those named twice, and holds their locks.
    pub fn hold(&self, keys: &mut Vec<u64>) -> Vec<MutexGuard<'_, ()>> {
        keys.sort_unstable();
        keys.dedup();
        // In ascending order, so that no two commits can wait for each other.
        let mut numbers: Vec<u64> = keys.iter().map(|key| key % ROW_LOCKS).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.iter().filter_map(|number| self.0.get(*number as usize)).map(lock).collect()
    }
}

impl Default for RowLocks {
    fn default() -> Self {
        Self((0..ROW_LOCKS).map(|_| Mutex::new(())).collect())
    }
}
