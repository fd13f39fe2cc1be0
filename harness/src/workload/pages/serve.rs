//! The engine's own process: takes its order and later `stop` as lines, tells what happens as lines.
//! When the one who ordered goes away, it ends on the spot.

use std::{
    io::{self, BufRead, Write},
    path::PathBuf,
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
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
    scan::scan,
};
use crate::workload::engine::{Met, Recovery, Tick, Trouble, Verified};

/// Between two lines with counters.
const PERIOD: Duration = Duration::from_millis(100);
/// The word that asks for a clean end.
pub const STOP: &str = "stop";
/// The word that asks for a comparison while the loads go on.
pub const SCAN: &str = "scan";

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
    Refused(Met),
    /// The loads begin.
    Ready(Ready),
    /// Something went wrong.
    Trouble(Trouble),
    /// The counters.
    Tick(Box<Progress>),
    /// What a comparison found; nothing: it was cut short by the end.
    Scanned(Option<Box<Verified>>),
    /// The last line; whether everything is on the volume.
    Ended {
        /// As in [`crate::workload::engine::Stopped`].
        clean: bool,
    },
}

/// How it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// The database was made, and not opened again.
    pub fresh: bool,
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
    let (sender, scans) = mpsc::channel();
    obey(gate.clone(), sender)?;
    match open(&order, &gate) {
        Ok((database, ready)) => run(&order.settings, &database, ready, scans),
        Err(met) => {
            tell(&Line::Refused(met))?;
            Ok(false)
        }
    }
}

fn open(order: &Order, gate: &Arc<Gate>) -> Result<(Database, Ready), Met> {
    let settings = &order.settings;
    let ledger = Ledger::open(&order.ledger, &settings.shape()).map_err(Met::lab)?;
    let fresh = ledger.rows() == 0;
    let told = |error: io::Error| Met::of(&error);
    let areas = Areas::open(&order.path, order.block, settings.log_bytes, fresh).map_err(told)?;
    let (database, recovery) =
        Database::open(settings, areas, ledger, gate.clone()).map_err(told)?;
    Ok((database, Ready { fresh, recovery }))
}

/// Listens to whoever started this process.
fn obey(gate: Arc<Gate>, scans: Sender<()>) -> io::Result<()> {
    let listen = move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            match line.trim() {
                STOP => gate.close(),
                // Nobody compares before the loads begin, or after they end.
                SCAN => _ = scans.send(()),
                _ => {}
            }
        }
        // Nobody is there any more: what counts is to hold the volume no longer.
        if !gate.has_ended() {
            let _ = raise(Signal::SIGKILL);
        }
    };
    std::thread::Builder::new().name("obey".to_owned()).spawn(listen).map(drop)
}

fn run(
    settings: &Settings,
    database: &Database,
    ready: Ready,
    scans: Receiver<()>,
) -> io::Result<bool> {
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
        scope.spawn(move || compare(database, &scans));
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

/// Compares as often as it is asked to, until the end.
fn compare(database: &Database, scans: &Receiver<()>) {
    while !database.gate.is_closing() {
        match scans.recv_timeout(PERIOD) {
            Ok(()) if tell(&Line::Scanned(scan(database).map(Box::new))).is_err() => return,
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
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
