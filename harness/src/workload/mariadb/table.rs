//! The rows in SQL, and what the threads of the loads share. A row is its key, version, contents and
//! their checksum; the contents have key and version in them too, so a row that belongs elsewhere
//! is told from a damaged one.

use std::{
    cell::RefCell,
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use mysql_async::Value;

use super::{
    client::{AGAIN, BROKEN, Client},
    server::{End, Watch},
};
use crate::workload::engine::{
    Found, Met,
    gate::{Ended, Gate},
    ledger::{Ack, Ledger},
    load::{Miss, Rows},
    locks::RowLocks,
    rows::Shape,
};

const MAKE: [&str; 2] = [
    "CREATE DATABASE stretch",
    "CREATE TABLE stretch.kept (id BIGINT UNSIGNED PRIMARY KEY, version INT UNSIGNED NOT NULL, \
     contents MEDIUMBLOB NOT NULL, crc INT UNSIGNED NOT NULL) ENGINE=InnoDB ROW_FORMAT=DYNAMIC",
];
const FILE: &str = "stretch/kept.ibd";
/// Of a row.
pub const COLUMNS: u32 = 4;
const CHECK: &str = "CHECK TABLE stretch.kept";
const READ: &str = "SELECT id, version, contents, crc FROM stretch.kept WHERE id >= ? AND id < ?";
const UPDATE: &str = "UPDATE stretch.kept SET version = ?, contents = ?, crc = ? WHERE id = ?";
const INSERT: &str = "INSERT INTO stretch.kept (id, version, contents, crc) VALUES ";
/// A row whose commit nobody answered may be there already, and then it is the same.
const OR_SAME: &str = " ON DUPLICATE KEY UPDATE \
     version = VALUES(version), contents = VALUES(contents), crc = VALUES(crc)";
/// How long a connection may be broken while the server still runs.
const BROKEN_PATIENCE: Duration = Duration::from_secs(10);
const NAP: Duration = Duration::from_millis(10);

/// A row as the server gives it: key, version, contents, checksum.
pub type Row = (u64, u32, Vec<u8>, u32);

/// Makes the table in a fresh server.
pub fn make(client: &mut Client) -> io::Result<()> {
    MAKE.iter().try_for_each(|statement| client.say(statement))
}

/// What the server's own check has against the table.
pub fn complaint(client: &mut Client) -> io::Result<Option<String>> {
    let told: Vec<(String, String, String, String)> = client.fetch(CHECK, vec![])?;
    let wrong = told.into_iter().find(|(_, _, kind, text)| {
        matches!(kind.as_str(), "error" | "Error" | "warning" | "Warning")
            || kind == "status" && text != "OK"
    });
    Ok(wrong.map(|(_, _, kind, text)| crate::words::clean(&format!("CHECK TABLE: {kind}: {text}"))))
}

/// The rows with these keys.
pub fn read(client: &mut Client, first: u64, end: u64) -> io::Result<Vec<Row>> {
    client.fetch(READ, vec![first.into(), end.into()])
}

/// The version of a row with this key, or what is wrong with it.
pub fn inspect(shape: &Shape, row: &Row, scratch: &mut Vec<u8>) -> Result<u32, Found> {
    let (key, version, contents, crc) = row;
    if crc32c::crc32c(contents) != *crc {
        return Err(Found::Checksum);
    }
    match shape.version(*key, contents, scratch)? {
        inside if inside == *version => Ok(inside),
        _ => Err(Found::Garbage),
    }
}

/// What all threads of the loads share.
pub struct Table {
    pub shape: Shape,
    pub gate: Gate,
    pub ledger: Ledger,
    next_key: AtomicU64,
    locks: RowLocks,
    file: PathBuf,
    file_bytes: AtomicU64,
}

impl Table {
    pub fn new(shape: Shape, gate: Gate, ledger: Ledger, data: &Path) -> Self {
        Self {
            shape,
            gate,
            next_key: AtomicU64::new(ledger.end()),
            ledger,
            locks: RowLocks::default(),
            file: data.join(FILE),
            file_bytes: AtomicU64::new(0),
        }
    }

    /// Size of the table's file when it was last looked at.
    pub fn data_bytes(&self) -> u64 {
        self.file_bytes.load(Ordering::Relaxed)
    }

    fn values(&self, key: u64, version: u32) -> (Value, Value, Value) {
        let mut contents = Vec::new();
        self.shape.fill(key, version, &mut contents);
        let crc = crc32c::crc32c(&contents);
        (version.into(), contents.into(), crc.into())
    }
}

impl Watch for Table {
    fn look(&self) {
        if let Ok(file) = fs::metadata(&self.file) {
            self.file_bytes.store(file.len(), Ordering::Relaxed);
        }
    }

    fn ended(&self, end: &End) {
        self.look();
        let End { status, asked, last_words, full } = end;
        // What a kill does is no trouble.
        let wanted = *asked && (status.success() || self.gate.has_ended());
        if !wanted {
            let how = if *full { "aborted at ENOSPC" } else { "ended by itself" };
            let words = format!("{how} ({status}); it said: {last_words}");
            self.gate.end_with("run the server", end.met(words));
        }
        self.gate.end();
    }
}

/// One thread's view of the table, over its own connection.
pub struct Session<'a> {
    table: &'a Table,
    client: RefCell<Client>,
}

impl<'a> Session<'a> {
    pub fn new(table: &'a Table, client: Client) -> Self {
        Self { table, client: RefCell::new(client) }
    }

    /// Until it works. A statement that is done twice does the same.
    fn pass<T>(&self, doing: &str, act: impl Fn(&mut Client) -> io::Result<T>) -> Result<T, Ended> {
        let gate = &self.table.gate;
        let mut client = self.client.borrow_mut();
        gate.pass(doing, || {
            let begun = Instant::now();
            loop {
                match act(&mut client) {
                    Err(error) if gate.has_ended() => return Err(error),
                    Err(error) if error.kind() == AGAIN => {}
                    // If the server has ended, that is told soon by whoever watches it.
                    Err(error) if error.kind() == BROKEN && begun.elapsed() < BROKEN_PATIENCE => {
                        std::thread::sleep(NAP);
                    }
                    done => return done,
                }
            }
        })
    }

    fn acknowledge(&self, acks: &[Ack]) -> Result<u64, Ended> {
        self.table.ledger.acknowledge(acks).map_err(|error| {
            self.table.gate.end_with("write ledger", Met::lab(error));
            Ended
        })?;
        Ok(acks.len() as u64)
    }

    /// Gives rows these versions in one transaction; which of them were there.
    fn put(&self, client: &mut Client, acks: &[Ack]) -> io::Result<Vec<bool>> {
        let one = acks.len() == 1;
        if !one {
            client.say("START TRANSACTION")?;
        }
        let put = |client: &mut Client| -> io::Result<Vec<bool>> {
            let mut there = Vec::with_capacity(acks.len());
            for (key, number) in acks {
                let (version, contents, crc) = self.table.values(*key, *number);
                let values = vec![version, contents, crc, (*key).into()];
                there.push(client.exec(UPDATE, values)? > 0);
            }
            if !one {
                client.say("COMMIT")?;
            }
            Ok(there)
        };
        put(client).inspect_err(|_| {
            if !one {
                let _ = client.say("ROLLBACK");
            }
        })
    }
}

impl Rows for Session<'_> {
    fn gate(&self) -> &Gate {
        &self.table.gate
    }

    fn end(&self) -> u64 {
        self.table.next_key.load(Ordering::SeqCst)
    }

    /// A file grows by more than a row at a time; the room in it is not known here.
    fn bytes_with(&self, rows: u64) -> u64 {
        self.table.look();
        self.table.data_bytes() + rows * self.table.shape.slot_bytes() as u64
    }

    fn insert(&self, rows: u64) -> Result<u64, Miss> {
        let first = self.table.next_key.fetch_add(rows, Ordering::SeqCst);
        let places = vec!["(?, ?, ?, ?)"; rows as usize].join(", ");
        let statement = format!("{INSERT}{places}{OR_SAME}");
        let values: Vec<Value> = (first..first + rows)
            .flat_map(|key| {
                let (version, contents, crc) = self.table.values(key, 1);
                [key.into(), version, contents, crc]
            })
            .collect();
        self.pass("insert rows", |client| client.exec(&statement, values.clone()))?;
        let acks: Vec<Ack> = (first..first + rows).map(|key| (key, 1)).collect();
        Ok(self.acknowledge(&acks)?)
    }

    fn update(&self, keys: &mut Vec<u64>) -> Result<u64, Ended> {
        let held = self.table.locks.hold(keys);
        let next = |key: &u64| match self.table.ledger.version(*key) {
            0 => None,
            version => Some((*key, version.saturating_add(1))),
        };
        let acks: Vec<Ack> = keys.iter().filter_map(next).collect();
        if acks.is_empty() {
            return Ok(0);
        }
        let there = self.pass("update rows", |client| self.put(client, &acks))?;
        let (done, missing): (Vec<_>, Vec<_>) =
            acks.into_iter().zip(there).partition(|(_, there)| *there);
        for ((key, _), _) in missing {
            self.table.gate.damaged(&format!("update row {key}"), &Found::Older(0), None);
        }
        let done: Vec<Ack> = done.into_iter().map(|(ack, _)| ack).collect();
        let rows = self.acknowledge(&done)?;
        drop(held);
        Ok(rows)
    }

    fn read(&self, key: u64) -> Result<bool, Miss> {
        let before = self.table.ledger.version(key);
        if before == 0 {
            return Ok(false);
        }
        let rows = self.pass("read row", |client| match read(client, key, key + 1) {
            // What the server says of damage is for the load to tell, and to go round.
            Err(error) if error.kind() == io::ErrorKind::Other => Ok(Err(error.to_string())),
            read => read.map(Ok),
        })?;
        // One more may be on its way.
        let most = self.table.ledger.version(key).saturating_add(1);
        let found = match rows.as_deref() {
            Ok([row]) => inspect(&self.table.shape, row, &mut Vec::new()),
            Ok(_) => Ok(0),
            Err(error) => Err(Found::Unreadable(crate::words::clean(error))),
        };
        let wrong = match found {
            Ok(version) if version < before => Found::Older(version),
            Ok(version) if version > most => Found::Newer(version),
            Ok(_) => return Ok(true),
            Err(found) => found,
        };
        self.table.gate.damaged(&format!("read row {key}"), &wrong, None);
        Err(Miss::Damaged)
    }
}
