//! The engine: the server in its own process, and the loads' threads here.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    thread::JoinHandle,
};

use super::{
    check,
    client::Client,
    home::Home,
    server::{self, Server, blame},
    table::{self, Session, Table},
    verify,
};
use crate::workload::engine::{
    Engine, Leash, Met, Place, Recovery, Scan, Settings, Stopped, Tick,
    gate::{Gate, now_us},
    ledger::Ledger,
    load::{self, Meter},
};

/// Starts the server, on a new database if none was acknowledged, and the loads.
pub fn start(settings: &Settings, place: &Place, leash: &Leash) -> Result<Box<dyn Engine>, Met> {
    check(settings, place).map_err(Met::lab)?;
    let gate = Gate::new(now_us());
    let ledger = Ledger::open(&place.ledger, &settings.shape()).map_err(Met::lab)?;
    let home = Arc::new(Home::new(place).map_err(Met::lab)?);
    let fresh = ledger.rows() == 0;
    let told = |error: io::Error| blame(&error, fresh);
    if fresh {
        home.clear()?;
        server::install(settings, &home, leash).map_err(told)?;
    } else if !home.data.is_dir() {
        let text = format!("the database is gone: no folder {}", home.data.display());
        return Err(Met::Volume(text));
    }
    let table = Arc::new(Table::new(settings.shape(), gate, ledger, &home.data));
    let started = Server::start(settings, home.clone(), table.clone(), leash);
    let (server, mut client) = started.map_err(told)?;
    let ended = |error| told(verify::why(&server, error));
    let version = client.version().map_err(ended)?;
    let name = name(&version).map_err(told)?;
    if fresh {
        table::make(&mut client).map_err(ended)?;
    }
    let recovery = (!fresh).then(|| recovery(&server.words()));
    let meter = Arc::<Meter>::default();
    let socket = home.socket();
    let mut mariadb = Mariadb { server, table, meter, loads: Vec::new(), recovery, name, socket };
    for number in 0..settings.threads() {
        mariadb.begin_load(settings, number).map_err(Met::lab)?;
    }
    Ok(Box::new(mariadb))
}

/// `MariaDB 10.11.19 (InnoDB)` from what the server calls itself.
pub fn name(version: &str) -> io::Result<String> {
    let number = version.split_once("-MariaDB").map(|(number, _)| number).ok_or_else(|| {
        let text = format!("the server is not MariaDB; it says {version:?}");
        io::Error::new(io::ErrorKind::Unsupported, text)
    })?;
    Ok(format!("MariaDB {number} (InnoDB)"))
}

/// What the server said of its start. How many pages it mended it does not always say.
pub fn recovery(words: &str) -> Recovery {
    let clean = !words.contains("Starting crash recovery");
    Recovery { clean, ..Recovery::default() }
}

/// A server under load.
struct Mariadb {
    server: Server,
    table: Arc<Table>,
    meter: Arc<Meter>,
    loads: Vec<JoinHandle<()>>,
    recovery: Option<Recovery>,
    name: String,
    socket: PathBuf,
}

impl Mariadb {
    /// The first threads are the bulk load's, and the rest the queries'.
    fn begin_load(&mut self, settings: &Settings, number: u32) -> io::Result<()> {
        let (table, meter, settings) = (self.table.clone(), self.meter.clone(), settings.clone());
        let client = Client::new(&self.socket)?;
        let thread = std::thread::Builder::new().name("load".to_owned()).spawn(move || {
            let rows = Session::new(&table, client);
            match number.checked_sub(settings.bulk_threads) {
                None => load::bulk(&settings, &rows, &meter, number),
                Some(number) => load::query(&settings, &rows, &meter, number),
            }
        })?;
        self.loads.push(thread);
        Ok(())
    }

    /// The loads are told, and have ended when this returns.
    fn end_loads(&mut self) {
        for load in self.loads.drain(..) {
            let _ = load.join();
        }
    }

    fn stopped(self, clean: bool, gone: bool) -> Stopped {
        let gate = &self.table.gate;
        if !gone {
            gate.end_with("kill the server", Met::hung());
        }
        gate.end();
        Stopped { clean, last: self.tick(), troubles: gate.troubles(0) }
    }
}

impl Engine for Mariadb {
    fn name(&self) -> &str {
        &self.name
    }

    fn recovery(&self) -> Option<&Recovery> {
        self.recovery.as_ref()
    }

    fn tick(&self) -> Tick {
        let gate = &self.table.gate;
        let (bulk, query) = self.meter.windows();
        Tick {
            at_us: gate.at_us(),
            state: gate.state(),
            inserted: self.meter.inserted.load(Ordering::Relaxed),
            read: self.meter.read.load(Ordering::Relaxed),
            updated: self.meter.updated.load(Ordering::Relaxed),
            errors: gate.errors(),
            blocked_us: gate.blocked_us(),
            data_bytes: self.table.data_bytes(),
            bulk,
            query,
        }
    }

    fn scan(&self) -> Scan {
        let (table, socket) = (self.table.clone(), self.socket.clone());
        Box::new(move || verify::scan(&table, Client::new(&socket)?))
    }

    fn stop(mut self: Box<Self>) -> Stopped {
        self.table.gate.close();
        self.end_loads();
        let clean = self.server.stop();
        let gone = self.server.end().is_some();
        self.stopped(clean, gone)
    }

    fn kill(mut self: Box<Self>) -> Stopped {
        // What the loads meet from here on is no trouble.
        self.table.gate.end();
        let gone = self.server.kill();
        self.end_loads();
        self.stopped(false, gone)
    }
}

impl Drop for Mariadb {
    fn drop(&mut self) {
        self.table.gate.end();
        self.server.kill();
        self.end_loads();
    }
}
