//! How a database is made and loaded: what both engines share.

use std::io;

use serde::{Deserialize, Serialize};

use super::rows::Shape;

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

/// Threads of both loads.
const THREADS_MAX: u32 = 64;

/// What an engine can take.
pub struct Limits {
    pub row_bytes_max: usize,
    pub pool_bytes_min: u64,
    pub log_bytes_min: u64,
}

impl Settings {
    /// Says what cannot be, and what could.
    pub(in crate::workload) fn check(&self, limits: &Limits) -> io::Result<()> {
        let threads = self.threads();
        let most = limits.row_bytes_max;
        let wrong = if self.row_bytes == 0 || self.row_bytes as usize > most {
            format!("row_bytes is {}: take 1 to {most}", self.row_bytes)
        } else if !(1..=THREADS_MAX).contains(&threads) {
            format!(
                "bulk_threads and query_threads are {threads} together: take 1 to {THREADS_MAX}"
            )
        } else if self.batch_rows == 0 {
            "batch_rows is 0: a commit has one row at least".to_owned()
        } else if self.update_percent > 100 {
            format!("update_percent is {}: take 0 to 100", self.update_percent)
        } else if self.pool_bytes < limits.pool_bytes_min {
            format!("pool_bytes is {}: take {} or more", self.pool_bytes, limits.pool_bytes_min)
        } else if self.log_bytes < limits.log_bytes_min {
            format!("log_bytes is {}: take {} or more", self.log_bytes, limits.log_bytes_min)
        } else {
            return Ok(());
        };
        Err(io::Error::new(io::ErrorKind::InvalidInput, wrong))
    }

    /// Of both loads.
    pub(in crate::workload) fn threads(&self) -> u32 {
        self.bulk_threads.saturating_add(self.query_threads)
    }

    pub(in crate::workload) fn shape(&self) -> Shape {
        Shape { space: self.seed, row_bytes: self.row_bytes as usize }
    }
}
