//! The embedded engine: a small database that writes as InnoDB does, so that a volume grows under
//! a database's writes without a server. 16 KiB pages with checksum, number and LSN; a circular
//! redo log with group commit; a doublewrite area; a buffer pool of bounded size that is written
//! back in the background; recovery on open.
//!
//! Rows have one size and live in pages by key: page = key / rows per page. There is no tree, so
//! every place of a row follows from its key, and a lost one can be located without the database.
//!
//! Read it in this order: `page`, `area` (the bytes), `redo`, `log`, `pool`, `flush`, `database`,
//! `recover`, then `serve` (its process) and `process` (who starts it), `verify` and `scan` (the
//! same while it runs). What it shares with other engines, the ledger and the loads, is in `engine/`.

use std::io;

mod area;
mod database;
mod flush;
mod log;
mod page;
mod pool;
pub mod process;
mod recover;
mod redo;
mod scan;
pub mod serve;
pub mod verify;

#[cfg(test)]
mod tests;

pub use super::engine::Settings;
use super::engine::{gate, gate::FULL_PAUSE, ledger, load, lock, rows::Shape, settings::Limits};

const LIMITS: Limits = Limits {
    row_bytes_max: page::row_bytes_max(),
    pool_bytes_min: 4 << 20,
    log_bytes_min: 1 << 20,
};

/// Says what cannot be, and what could.
fn check(settings: &Settings) -> io::Result<()> {
    settings.check(&LIMITS)?;
    let margin = log_margin(settings, &settings.shape());
    let wrong = if !settings.log_bytes.is_multiple_of(page::BYTES as u64) {
        format!("log_bytes is {}: take a multiple of 16384", settings.log_bytes)
    } else if margin > settings.log_bytes / 4 {
        format!(
            "log_bytes is {}: the commits of {} threads need {} at least; or take fewer batch_rows",
            settings.log_bytes,
            settings.threads(),
            4 * margin
        )
    } else {
        return Ok(());
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, wrong))
}

/// What all threads together may have begun to write to the log and not yet finished.
fn log_margin(settings: &Settings, shape: &Shape) -> u64 {
    let threads = u64::from(settings.threads().max(1));
    let row = redo::HEAD_BYTES as u64 + shape.slot_bytes() as u64;
    // Each row may need a page of its own.
    threads * u64::from(settings.batch_rows) * (row + redo::HEAD_BYTES as u64) + page::BYTES as u64
}
