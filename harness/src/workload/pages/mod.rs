//! The embedded engine: a small database that writes as InnoDB does, so that a volume grows under
//! a database's writes without a server. 16 KiB pages with checksum, number and LSN; a circular
//! redo log with group commit; a doublewrite area; a buffer pool of bounded size that is written
//! back in the background; recovery on open.
//!
//! Rows have one size and live in pages by key: page = key / rows per page. There is no tree, so
//! every place of a row follows from its key, and a lost one can be located without the database.
//!
//! Read it in this order: `page`, `area` (the bytes), `ledger` (what was acknowledged), `redo`, `log`,
//! `pool`, `flush`, `database`, `recover`, `load`, then `serve` (its process) and `process` (who
//! starts it), `verify`.

use std::{io, time::Duration};

use serde::{Deserialize, Serialize};

mod area;
mod database;
mod flush;
mod gate;
mod ledger;
mod load;
mod log;
mod page;
mod pool;
pub mod process;
mod recover;
mod redo;
pub mod serve;
pub mod verify;

#[cfg(test)]
mod tests;

/// How the database is made and loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Contents of rows follow from it, and pages carry it: give each volume its own.
    pub seed: u64,
    /// Threads that insert rows at the end of the data.
    pub bulk_threads: u32,
    /// Threads that read and change single rows all over the data.
    pub query_threads: u32,
    /// Bytes of a row's contents.
    pub row_bytes: u32,
    /// Rows of one commit of the bulk load.
    pub batch_rows: u32,
    /// Of a hundred queries, how many change their row.
    pub update_percent: u32,
    /// Most rows the bulk load inserts in a second; 0 is as many as it can.
    pub bulk_rate: u32,
    /// Most queries in a second; 0 is as many as it can.
    pub query_rate: u32,
    /// Memory for pages.
    pub pool_bytes: u64,
    /// Size of the redo log.
    pub log_bytes: u64,
    /// Once the data has this size, the bulk load changes random rows and inserts no more.
    pub data_bytes_max: Option<u64>,
    /// Write pages to the doublewrite area first.
    pub doublewrite: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            bulk_threads: 4,
            query_threads: 4,
            row_bytes: 1000,
            batch_rows: 16,
            update_percent: 20,
            bulk_rate: 0,
            query_rate: 0,
            pool_bytes: 64 << 20,
            log_bytes: 32 << 20,
            data_bytes_max: None,
            doublewrite: true,
        }
    }
}

/// Least size of the redo log and of the pool.
const LOG_BYTES_MIN: u64 = 1 << 20;
const POOL_BYTES_MIN: u64 = 4 << 20;
const THREADS_MAX: u32 = 64;

impl Settings {
    /// Says what cannot be, and what could.
    pub fn check(&self) -> io::Result<()> {
        let shape = self.shape();
        let most = page::row_bytes_max();
        let threads = self.bulk_threads.saturating_add(self.query_threads);
        let wrong = if self.row_bytes == 0 || self.row_bytes as usize > most {
            format!("row_bytes is {}, and a page takes 1 to {most}", self.row_bytes)
        } else if !(1..=THREADS_MAX).contains(&threads) {
            format!(
                "bulk_threads and query_threads are {threads} together: take 1 to {THREADS_MAX}"
            )
        } else if self.batch_rows == 0 {
            "batch_rows is 0: a commit has one row at least".to_owned()
        } else if self.update_percent > 100 {
            format!("update_percent is {}: take 0 to 100", self.update_percent)
        } else if self.pool_bytes < POOL_BYTES_MIN {
            format!("pool_bytes is {}: take {POOL_BYTES_MIN} or more", self.pool_bytes)
        } else if self.log_bytes < LOG_BYTES_MIN
            || !self.log_bytes.is_multiple_of(page::BYTES as u64)
        {
            format!(
                "log_bytes is {}: take a multiple of 16384, {LOG_BYTES_MIN} or more",
                self.log_bytes
            )
        } else if self.log_margin(&shape) > self.log_bytes / 4 {
            format!(
                "log_bytes is {}: the commits of {threads} threads need {} at least; or take fewer batch_rows",
                self.log_bytes,
                4 * self.log_margin(&shape)
            )
        } else {
            return Ok(());
        };
        Err(io::Error::new(io::ErrorKind::InvalidInput, wrong))
    }

    fn shape(&self) -> page::Shape {
        page::Shape { space: self.seed, row_bytes: self.row_bytes as usize }
    }

    /// What all threads together may have begun to write to the log and not yet finished.
    fn log_margin(&self, shape: &page::Shape) -> u64 {
        let threads = u64::from(self.bulk_threads.saturating_add(self.query_threads).max(1));
        let row = redo::HEAD_BYTES as u64 + shape.slot_bytes() as u64;
        // Each row may need a page of its own.
        threads * u64::from(self.batch_rows) * (row + redo::HEAD_BYTES as u64) + page::BYTES as u64
    }
}

/// How long a full volume is left alone before the next try.
const FULL_PAUSE: Duration = Duration::from_millis(50);

/// A panic elsewhere must not spread: what a lock guards is plain data.
fn lock<T: ?Sized>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
