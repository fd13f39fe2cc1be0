//! The engine's own process: takes its order and later `stop` as lines, tells what happens as lines.
//! When the one who ordered goes away, it ends on the spot.

use std::{
    io::{self, BufRead, Write},
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use nix::sys::signal::{Signal, raise};
use serde::{Deserialize, Serialize};

use super::{
    Settings,
    area::Areas,
    database::Database,
    gate::Gate,
    ledger::Ledger,
    load::{self, Meter},
};
use crate::workload::engine::{Recovery, Tick, Trouble};

/// Between two lines with counters.
const PERIOD: Duration = Duration::from_millis(100);
/// The word that asks for a clean end.
pub const STOP: &str = "stop";

/// The first line that the process reads.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    /// How the database is made and loaded.
    pub settings: Settings,
    /// As in [`crate::workload::engine::Place`].
    pub path: PathBuf,
    /// As there.
    pub block: bool,
    /// As there.
    pub ledger: PathBuf,
    /// When `start` was called, by the clock that all processes share; without it, now.
    #[serde(default)]
    pub begun_us: Option<u64>,
}

/// A line that the process writes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// It could not be opened.
    Refused(String),
    /// The loads begin.
    Ready(Ready),
    /// Something went wrong.
    Trouble(Trouble),
    /// The counters.
    Tick(Box<Progress>),
    /// The last line; whether everything is on the volume.
    Ended {
        /// As in [`crate::workload::engine::Stopped`].
        clean: bool,
    },
}

/// How it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// Pages go past the page cache.
    pub direct: bool,
    /// What opening did.
    pub recovery: Recovery,
}

/// Counters of the loads, and of the writing behind them.
#[derive(Debug, Serialize, Deserialize)]
pub struct Progress {
    /// Of the loads.
    #[serde(flatten)]
    pub tick: Tick,
    /// Pages written to their places.
    pub pages_written: u64,
    /// Writes of the log, each synced.
    pub log_groups: u64,
    /// Bytes of those.
    pub log_bytes: u64,
}

/// Serves until told to stop; whether everything is on the volume then.
pub fn serve() -> io::Result<bool> {
    let mut first = String::new();
    io::stdin().lock().read_line(&mut first)?;
    let order: Order = serde_json::from_str(&first).map_err(|error| {
        io::Error::new(io::ErrorKind::InvalidInput, format!("the order: {error}"))
    })?;
    super::check(&order.settings)?;
    let begun = order.begun_us.unwrap_or_else(super::gate::now_us);
    let gate = Arc::new(Gate::new(begun));
    obey(gate.clone())?;
    match open(&order, &gate) {
        Ok((database, ready)) => run(&order.settings, &database, ready),
        Err(error) => {
            tell(&Line::Refused(error.to_string()))?;
            Ok(false)
        }
    }
}

fn open(order: &Order, gate: &Arc<Gate>) -> io::Result<(Database, Ready)> {
    let settings = &order.settings;
    let ledger = Ledger::open(&order.ledger, &settings.shape())?;
    let make = ledger.rows() == 0;
    let areas = Areas::open(&order.path, order.block, settings.log_bytes, make)?;
    let direct = areas.direct;
    let (database, recovery) = Database::open(settings, areas, ledger, gate.clone())?;
    Ok((database, Ready { direct, recovery }))
}

/// Listens to whoever started this process.
fn obey(gate: Arc<Gate>) -> io::Result<()> {
    let listen = move || {
        for line in io::stdin().lock().lines() {
            if line.is_ok_and(|line| line.trim() == STOP) {
                gate.close();
            }
        }
        // Nobody is there any more: what counts is to hold the volume no longer.
        if !gate.has_ended() {
            let _ = raise(Signal::SIGKILL);
        }
    };
    std::thread::Builder::new().name("obey".to_owned()).spawn(listen).map(drop)
}

fn run(settings: &Settings, database: &Database, ready: Ready) -> io::Result<bool> {
    tell(&Line::Ready(ready))?;
    let meter = Meter::default();
    let mut told = 0;
    std::thread::scope(|scope| -> io::Result<()> {
        let meter = &meter;
        let mut threads = Vec::new();
        for number in 0..settings.bulk_threads {
            threads.push(scope.spawn(move || load::bulk(settings, database, meter, number)));
        }
        for number in 0..settings.query_threads {
            threads.push(scope.spawn(move || load::query(settings, database, meter, number)));
        }
        while !threads.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            std::thread::sleep(PERIOD);
            let said = report(database, meter, &mut told);
            if said.is_err() {
                database.gate.close();
            }
            said?;
        }
        Ok(())
    })?;
    let clean = database.close();
    database.gate.end();
    report(database, &meter, &mut told)?;
    tell(&Line::Ended { clean })?;
    Ok(clean)
}

/// Tells new troubles, and the counters.
fn report(database: &Database, meter: &Meter, told: &mut usize) -> io::Result<()> {
    let gate = &database.gate;
    for trouble in gate.troubles(*told) {
        *told += 1;
        tell(&Line::Trouble(trouble))?;
    }
    let (bulk, query) = meter.windows();
    let tick = Tick {
        at_us: gate.at_us(),
        state: gate.state(),
        inserted: meter.inserted.load(Ordering::Relaxed),
        read: meter.read.load(Ordering::Relaxed),
        updated: meter.updated.load(Ordering::Relaxed),
        errors: gate.errors(),
        blocked_us: gate.blocked_us(),
        data_bytes: database.data_bytes(),
        bulk,
        query,
    };
    tell(&Line::Tick(Box::new(Progress {
        tick,
        pages_written: database.written.load(Ordering::Relaxed),
        log_groups: database.log.groups.load(Ordering::Relaxed),
        log_bytes: database.log.written.load(Ordering::Relaxed),
    })))
}

fn tell(line: &Line) -> io::Result<()> {
    let mut text = serde_json::to_string(line).map_err(io::Error::other)?;
    text.push('\n');
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
