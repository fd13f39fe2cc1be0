//! Compares what the server reads back with the ledger, row by row. The server starts for it, which
//! recovers, and reads every page from the volume: past this host's cache, and none is in its own.

use std::{collections::HashMap, io, sync::Arc, time::Duration};

use super::{
    check,
    client::{BROKEN, Client},
    home::Home,
    process::recovery,
    server::{End, Server, Watch},
    table::{self, Row},
};
use crate::workload::engine::{
    Found, Lost, Place, Settings, Verified, ledger::Ledger, rows::Shape,
};

/// Lost rows told one by one.
const LOST_MAX: usize = 16;
/// Bytes read at once, about.
const CHUNK_BYTES: u64 = 4 << 20;

/// See [`crate::workload::engine::verify`].
pub fn verify(settings: &Settings, place: &Place) -> io::Result<Verified> {
    check(settings, place)?;
    if !place.ledger.exists() {
        let text = format!("no ledger at {}: no engine ran", place.ledger.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, text));
    }
    let ledger = Ledger::open(&place.ledger, &settings.shape())?;
    let mut verified = Verified { rows: ledger.rows(), ..Verified::default() };
    if ledger.rows() == 0 {
        return Ok(verified);
    }
    let home = Arc::new(Home::new(place)?);
    let mut judge =
        Judge { shape: settings.shape(), ledger: &ledger, copied: place.copied, next: 0 };
    if !home.data.is_dir() {
        verified.unopened = Some(format!("no folder {}", home.data.display()));
        judge.lose_rest(&Found::Unreadable("ENOENT".to_owned()), &mut verified);
        return Ok(verified);
    }
    let done = Server::start(settings, home, Arc::new(Unwatched)).and_then(|(server, client)| {
        verified.recovery = recovery(&server.words());
        let done = judge.compare(&server, client, &mut verified);
        server.stop();
        done
    });
    match done {
        Ok(()) => Ok(verified),
        // What is on the volume is such that the server ends over it.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            let why = error.to_string();
            let mut verified = Verified { unopened: Some(why.clone()), ..verified };
            judge.lose_rest(&Found::Unreadable(why), &mut verified);
            Ok(verified)
        }
        Err(error) => Err(error),
    }
}

/// For a server that only this host knows of.
pub struct Unwatched;

impl Watch for Unwatched {
    fn look(&self) {}
    fn ended(&self, _: &End) {}
}

struct Judge<'a> {
    shape: Shape,
    ledger: &'a Ledger,
    copied: bool,
    /// Rows before this key have been looked at.
    next: u64,
}

/// Why nothing can be read any more: the server's end, if that is it.
fn why(server: &Server, error: io::Error) -> io::Error {
    const PATIENCE: Duration = Duration::from_secs(5);
    server.wait(PATIENCE).map_or(error, |end| end.failure("mariadbd"))
}

impl Judge<'_> {
    fn compare(
        &mut self,
        server: &Server,
        mut client: Client,
        verified: &mut Verified,
    ) -> io::Result<()> {
        let complaint = table::complaint(&mut client);
        verified.unsound = complaint.map_err(|error| why(server, error))?;
        let step = (CHUNK_BYTES / self.shape.slot_bytes() as u64).max(1);
        let end = self.ledger.end();
        while self.next < end {
            let last = end.min(self.next + step);
            match table::read(&mut client, self.next, last) {
                Ok(rows) => self.chunk(last, &rows, verified),
                // One of them cannot be read; which, single reads tell.
                Err(_) => self.one_by_one(server, &mut client, last, verified)?,
            }
        }
        Ok(())
    }

    fn one_by_one(
        &mut self,
        server: &Server,
        client: &mut Client,
        last: u64,
        verified: &mut Verified,
    ) -> io::Result<()> {
        while self.next < last {
            match table::read(client, self.next, self.next + 1) {
                Ok(rows) => self.chunk(self.next + 1, &rows, verified),
                Err(error) if error.kind() == BROKEN => return Err(why(server, error)),
                Err(error) => {
                    let found = Found::Unreadable(crate::words::clean(&error.to_string()));
                    self.lose_until(self.next + 1, &found, verified);
                }
            }
        }
        Ok(())
    }

    /// All acknowledged rows up to a key, of which these were read.
    fn chunk(&mut self, last: u64, rows: &[Row], verified: &mut Verified) {
        let rows: HashMap<u64, &Row> = rows.iter().map(|row| (row.0, row)).collect();
        let mut scratch = Vec::new();
        for key in std::mem::replace(&mut self.next, last)..last {
            let version = self.ledger.version(key);
            if version == 0 {
                continue;
            }
            let read = rows.get(&key);
            let there = read.map_or(Ok(0), |row| table::inspect(&self.shape, row, &mut scratch));
            match there {
                Ok(there) if self.fits(there, version) => {
                    verified.rows_intact += 1;
                    verified.bytes_intact += self.shape.slot_bytes() as u64;
                }
                Ok(there) if there < version => {
                    Self::lose(key, version, Found::Older(there), verified);
                }
                Ok(there) => Self::lose(key, version, Found::Newer(there), verified),
                Err(found) => Self::lose(key, version, found, verified),
            }
        }
    }

    /// The next version was perhaps begun, and never acknowledged.
    fn fits(&self, there: u32, version: u32) -> bool {
        there == version || there == version.saturating_add(1) || self.copied && there > version
    }

    /// Those that nobody looked at yet.
    fn lose_rest(&mut self, found: &Found, verified: &mut Verified) {
        self.lose_until(self.ledger.end(), found, verified);
    }

    fn lose_until(&mut self, last: u64, found: &Found, verified: &mut Verified) {
        for key in std::mem::replace(&mut self.next, last)..last {
            match self.ledger.version(key) {
                0 => {}
                version => Self::lose(key, version, found.clone(), verified),
            }
        }
    }

    /// Where the row was only the server knows.
    fn lose(key: u64, version: u32, found: Found, verified: &mut Verified) {
        verified.lost_total += 1;
        if verified.lost.len() < LOST_MAX {
            verified.lost.push(Lost { key, version, spot: None, found });
        }
    }
}
