//! Compares what the server reads back with the ledger, row by row. The server starts for it, which
//! recovers, and reads every page from the volume: past this host's cache, and none is in its own.
//! Or, while it runs, it is asked beside its loads.

use std::{
    collections::HashMap,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    check,
    client::{BROKEN, Client},
    home::Home,
    process::recovery,
    server::{End, Server, Watch, blame},
    table::{self, Row, Table},
};
use crate::workload::engine::{
    Found, LOST_MAX, Leash, Lost, Met, Place, Settings, Verified, ledger::Ledger, rows::Shape,
    scan::rest,
};

/// Bytes read at once, about.
const CHUNK_BYTES: u64 = 4 << 20;

/// See [`crate::workload::engine::verify`].
pub fn verify(settings: &Settings, place: &Place, leash: &Leash) -> Result<Verified, Met> {
    check(settings, place).map_err(Met::lab)?;
    if !place.ledger.exists() {
        return Err(Met::lab(format!("no ledger at {}: no engine ran", place.ledger.display())));
    }
    let ledger = Ledger::open(&place.ledger, &settings.shape()).map_err(Met::lab)?;
    let mut verified = Verified { rows: ledger.rows(), ..Verified::default() };
    if ledger.rows() == 0 {
        return Ok(verified);
    }
    let home = Arc::new(Home::new(place).map_err(Met::lab)?);
    let mut judge =
        Judge { shape: settings.shape(), ledger: &ledger, copied: place.copied, next: 0 };
    if !home.data.is_dir() {
        verified.unopened = Some(format!("no folder {}", home.data.display()));
        judge.lose_rest(&Found::Unreadable("ENOENT".to_owned()), &mut verified);
        return Ok(verified);
    }
    let started = Server::start(settings, home, Arc::new(Unwatched), leash);
    let done = started.and_then(|(server, client)| {
        verified.recovery = recovery(&server.words());
        let done = judge.whole(&server, client, &mut verified);
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
        Err(error) => Err(blame(&error, false)),
    }
}

/// The same while the loads go on, through the server that runs. How it ends is told by whoever
/// watches it.
pub fn scan(table: &Table, mut client: Client) -> io::Result<Verified> {
    let mut judge = Judge { shape: table.shape, ledger: &table.ledger, copied: false, next: 0 };
    let mut verified = Verified::default();
    let end = table.ledger.end();
    while judge.next < end && !table.gate.is_closing() {
        let begun = Instant::now();
        let (first, last) = (judge.next, end.min(judge.next + judge.step()));
        judge.chunk(&mut client, last, &mut verified)?;
        rest(begun, (last - first) * table.shape.slot_bytes() as u64);
    }
    verified.rows = verified.rows_intact + verified.lost_total;
    if judge.next < end { Err(BROKEN.into()) } else { Ok(verified) }
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
pub fn why(server: &Server, error: io::Error) -> io::Error {
    const PATIENCE: Duration = Duration::from_secs(5);
    server.wait(PATIENCE).map_or(error, |end| end.failure("mariadbd"))
}

impl Judge<'_> {
    fn whole(
        &mut self,
        server: &Server,
        mut client: Client,
        verified: &mut Verified,
    ) -> io::Result<()> {
        let complaint = table::complaint(&mut client);
        verified.unsound = complaint.map_err(|error| why(server, error))?;
        let end = self.ledger.end();
        while self.next < end {
            let last = end.min(self.next + self.step());
            self.chunk(&mut client, last, verified).map_err(|error| why(server, error))?;
        }
        Ok(())
    }

    /// Keys that are read at once.
    fn step(&self) -> u64 {
        (CHUNK_BYTES / self.shape.slot_bytes() as u64).max(1)
    }

    /// Rows up to a key. An error says that the server does not answer any more.
    fn chunk(&mut self, client: &mut Client, last: u64, verified: &mut Verified) -> io::Result<()> {
        if self.some(client, last, verified).is_ok() {
            return Ok(());
        }
        // One of them cannot be read; which, single reads tell.
        while self.next < last {
            match self.some(client, self.next + 1, verified) {
                Ok(()) => {}
                Err(error) if error.kind() == BROKEN => return Err(error),
                Err(error) => {
                    let found = Found::Unreadable(crate::words::clean(&error.to_string()));
                    self.lose_until(self.next + 1, &found, verified);
                }
            }
        }
        Ok(())
    }

    /// All acknowledged rows up to a key, in one statement.
    fn some(&mut self, client: &mut Client, last: u64, verified: &mut Verified) -> io::Result<()> {
        // Noted before they are read: what is acknowledged later may be there or not.
        let versions: Vec<u32> = (self.next..last).map(|key| self.ledger.version(key)).collect();
        let rows = table::read(client, self.next, last)?;
        let rows: HashMap<u64, &Row> = rows.iter().map(|row| (row.0, row)).collect();
        let mut scratch = Vec::new();
        for (key, version) in (self.next..last).zip(versions) {
            if version == 0 {
                continue;
            }
            let read = rows.get(&key);
            let there = read.map_or(Ok(0), |row| table::inspect(&self.shape, row, &mut scratch));
            match there {
                Ok(there) if self.fits(key, there, version) => {
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
        self.next = last;
        Ok(())
    }

    /// One more than is acknowledged by now was perhaps begun.
    fn fits(&self, key: u64, there: u32, version: u32) -> bool {
        let most = self.ledger.version(key).saturating_add(1);
        there >= version && (there <= most || self.copied)
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
