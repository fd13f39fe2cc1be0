//! One database that runs, or ran, on a volume: its engine, what that told last, and what it met when
//! it ended. Blocking; called off the runtime.

use std::{io, mem::take};

use csi_stretch_oracle::{
    action::{Close, Database, Engine as Which},
    history::{Code, Failure, LoadReport, Mismatch, Reading, State as Doing},
};

use super::words::{ERRORS_MAX, damage, ops, trouble};
use crate::workload::engine::{
    self, Engine, Place, Settings, State, Stopped, Tick, Trouble, Window,
};

/// Smaller than most data, so that what is read comes from the volume, as in a large database.
const POOL_BYTES: u64 = 16 << 20;

/// A database that runs, or ran, on a volume.
pub struct Held {
    pub kind: engine::Kind,
    pub place: Place,
    pub running: Option<Box<dyn Engine>>,
    pub latest: Tick,
    /// What the last reading was made of, and latencies since.
    pub told: Tick,
    pub told_us: u64,
    pub bulk: Window,
    pub query: Window,
    pub row_bytes: u64,
    /// What the engine called itself when it ran last.
    pub engine: Option<String>,
    /// What an engine met that ended by itself.
    pub earlier: Vec<Trouble>,
    /// Acknowledged data when the last engine ended: the next one has it, and tells so late.
    pub kept_bytes: u64,
    /// Bytes that the last comparison found right.
    pub verified: Option<u64>,
}
impl Held {
    pub fn new(database: &Database, place: Place, seed: u64) -> Self {
        Self::of(kind(database, seed), place, u64::from(database.row_bytes))
    }

    pub fn of(kind: engine::Kind, place: Place, row_bytes: u64) -> Self {
        Self {
            kind,
            place,
            running: None,
            latest: Tick::default(),
            told: Tick::default(),
            told_us: 0,
            bulk: Window::default(),
            query: Window::default(),
            row_bytes,
            engine: None,
            earlier: Vec::new(),
            kept_bytes: 0,
            verified: None,
        }
    }

    pub fn open(&mut self) -> io::Result<()> {
        if self.running.is_some() && self.look().state != State::Ended {
            return Ok(());
        }
        (self.latest, self.told, self.told_us) = Default::default();
        let running = engine::start(&self.kind, &self.place)?;
        self.engine = Some(running.name().to_owned());
        self.running = Some(running);
        Ok(())
    }

    pub fn close(&mut self, how: Close) -> Option<LoadReport> {
        let stopped = match (self.running.take(), how) {
            (Some(running), Close::Stop) => running.stop(),
            (Some(running), Close::Kill) => running.kill(),
            // It ended by itself, and somebody has noticed.
            (None, _) if !self.earlier.is_empty() => Stopped::default(),
            (None, _) => return None,
        };
        self.kept_bytes = self.kept_bytes.max(stopped.last.data_bytes);
        let earlier = take(&mut self.earlier);
        // What was read and is not what was written is damage, and no error of the volume's.
        let met = || earlier.iter().chain(&stopped.troubles);
        let damaged: Vec<Mismatch> = met().filter_map(damage).take(ERRORS_MAX).collect();
        let mut errors: Vec<Failure> =
            met().filter(|met| met.page.is_none()).take(ERRORS_MAX).map(trouble).collect();
        if how == Close::Stop && !stopped.clean && errors.is_empty() && damaged.is_empty() {
            let message = "the database did not shut down as it should".to_owned();
            errors.push(Failure { code: Code::Io, message });
        }
        let bytes_written = (stopped.last.inserted + stopped.last.updated) * self.row_bytes;
        Some(LoadReport {
            engine: self.engine.clone(),
            bytes_written,
            bytes_in_ledger: stopped.last.data_bytes,
            mismatches_total: damaged.len() as u64,
            mismatches: damaged,
            errors,
            ..LoadReport::default()
        })
    }

    /// The engine has ended because there was no room.
    pub fn ran_full(&self) -> bool {
        self.running.is_none() && self.earlier.iter().any(|met| met.error.contains("ENOSPC"))
    }

    /// The newest counters. Latencies are kept for the next reading.
    pub fn look(&mut self) -> Tick {
        match &self.running {
            Some(running) => {
                let mut tick = running.tick();
                self.bulk.merge(&take(&mut tick.bulk));
                self.query.merge(&take(&mut tick.query));
                tick.data_bytes = tick.data_bytes.max(self.kept_bytes);
                self.latest = tick;
            }
            None => self.latest.state = State::Ended,
        }
        // What it met is told once it is gone.
        if self.latest.state == State::Ended
            && let Some(ended) = self.running.take()
        {
            self.earlier.extend(ended.stop().troubles);
            self.kept_bytes = self.latest.data_bytes;
        }
        self.latest.clone()
    }

    pub fn reading(&mut self, now_us: u64) -> Reading {
        let tick = self.look();
        let since = |new: u64, old: u64| new.saturating_sub(old);
        let errors = since(tick.errors, self.told.errors);
        let (bulk, query) = (take(&mut self.bulk), take(&mut self.query));
        let reading = Reading {
            at_us: now_us,
            span_us: if self.told_us == 0 { tick.at_us } else { now_us - self.told_us },
            bulk: ops(&bulk, errors),
            query: ops(&query, 0),
            state: match tick.state {
                State::Running => Doing::Running,
                State::Blocked => Doing::Blocked,
                State::Ended => Doing::Ended,
            },
            blocked_us: since(tick.blocked_us, self.told.blocked_us),
            data_bytes: Some(tick.data_bytes),
            verified_bytes: self.verified,
            ..Reading::default()
        };
        (self.told, self.told_us) = (tick, now_us);
        reading
    }
}

/// How the engine is set up for what the scenario asks.
fn kind(database: &Database, seed: u64) -> engine::Kind {
    let usual = Settings::default();
    let settings = Settings {
        seed,
        bulk_threads: u32::from(database.bulk),
        query_threads: u32::from(database.queries),
        row_bytes: database.row_bytes,
        update_percent: u32::from(database.updates_percent),
        bulk_rate: database.rate.unwrap_or(0),
        query_rate: 0,
        data_bytes_max: database.bytes_max,
        pool_bytes: POOL_BYTES,
        ..usual
    };
    match database.engine {
        Which::Pages => engine::Kind::Pages(settings),
        Which::Mariadb => engine::Kind::Mariadb(settings),
    }
}
