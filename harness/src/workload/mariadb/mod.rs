//! The engine `mariadb`: the same two loads as the embedded engine's, on a real server with InnoDB. The
//! server is MariaDB's own, found on this host and started by the harness: a private data directory on
//! the volume, a unix socket elsewhere, no network, no service of the system.
//!
//! A full volume has two documented outcomes, and both are accepted: the server answers error 1114, and
//! the writer waits for room; or it aborts, and the engine has ended until it is started again.
//! Either way every acknowledged row has to be there afterwards.
//!
//! Read it in this order: `home` (folders), `server` (its process), `client`, `table` (rows in SQL),
//! `process` (the engine), `verify`.

use std::io;

mod client;
mod home;
pub mod process;
mod server;
mod table;
pub mod verify;

#[cfg(test)]
mod tests;

use super::engine::{Place, Settings, settings::Limits};

const LIMITS: Limits =
    Limits { row_bytes_max: 1 << 20, pool_bytes_min: 8 << 20, log_bytes_min: 4 << 20 };
/// Placeholders of one statement, by the protocol.
const PLACEHOLDERS_MAX: u32 = u16::MAX as u32;
/// One commit of the bulk load is one packet.
const BATCH_BYTES_MAX: u64 = 256 << 20;

/// Says what cannot be, and what could.
fn check(settings: &Settings, place: &Place) -> io::Result<()> {
    settings.check(&LIMITS)?;
    let rows_max = PLACEHOLDERS_MAX / table::COLUMNS;
    let bytes = u64::from(settings.batch_rows) * u64::from(settings.row_bytes);
    let wrong = if place.block {
        format!(
            "MariaDB keeps its data in files, and {} is a block device: take the engine `pages`",
            place.path.display()
        )
    } else if settings.batch_rows > rows_max {
        format!("batch_rows is {}: MariaDB takes {rows_max} at most", settings.batch_rows)
    } else if bytes > BATCH_BYTES_MAX {
        format!("batch_rows times row_bytes is {bytes}: MariaDB takes {BATCH_BYTES_MAX} at most")
    } else {
        return Ok(());
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, wrong))
}
