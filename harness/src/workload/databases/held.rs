//! One database that runs, or ran, on a volume: its engine, what that told last, and what it met when
//! it ended. Blocking; called off the runtime.

use std::mem::take;

use csi_stretch_oracle::{
    action::{Close, Database, Engine as Which},
    history::{Code, Failure, LoadReport, Mismatch, Reading, State as Doing},
};

use super::words::{ERRORS_MAX, damage, ops, recovered, trouble};
use crate::workload::engine::{
    self, Engine, Leash, Met, Place, Settings, State, Stopped, Tick, Trouble, Window,
};

/// Smaller than most data, so that what is read comes from the volume, as in a large database.
const POOL_BYTES: u64 = 16 << 20;

/// A database that runs, or ran, on a volume.
pub struct Held {
    pub kind: engine::Kind,
    pub place: Place,
    pub leash: Leash,
    pub running: Option<Box<dyn Engine>>,
    pub latest: Tick,
    /// What the last reading was made of, and latencies since.
    pub told: Tick,
    pub told_us: u64,
    pub bulk: Window,
    pub query: Window,
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
        Self::of(kind(database, seed), place)
    }

    pub fn of(kind: engine::Kind, place: Place) -> Self {
        Self {
            kind,
            place,
            leash: Leash::default(),
            running: None,
            latest: Tick::default(),
            told: Tick::default(),
            told_us: 0,
            bulk: Window::default(),
            query: Window::default(),
            engine: None,
            earlier: Vec::new(),
            kept_bytes: 0,
            verified: None,
        }
    }

    /// What opening it again did.
    pub fn open(&mut self) -> Result<Option<LoadReport>, Met> {
        if self.running.is_some() && self.look().state != State::Ended {
            return Ok(None);
        }
        (self.latest, self.told, self.told_us) = Default::default();
        let running = engine::start(&self.kind, &self.place, &self.leash)?;
        self.engine = Some(running.name().to_owned());
        let recovered = running.recovery().map(recovered).map(Box::new);
        self.running = Some(running);
        Ok(recovered.map(|recovered| LoadReport {
            engine: self.engine.clone(),
            recovered: Some(recovered),
            ..LoadReport::default()
        }))
    }

    /// `None`: none ran. The error is what broke, and not on the volume.
    pub fn close(&mut self, how: Close) -> Option<Result<LoadReport, Failure>> {
        let stopped = match (self.running.take(), how) {
            (Some(running), Close::Stop) => running.stop(),
            (Some(running), Close::Kill) => running.kill(),
            // It ended by itself, and somebody has noticed.
            (None, _) if !self.earlier.is_empty() => Stopped::default(),
            (None, _) => return None,
        };
        self.kept_bytes = self.kept_bytes.max(stopped.last.data_bytes);
        let earlier = take(&mut self.earlier);
        let met = || earlier.iter().chain(&stopped.troubles);
        if let Some(broken) = met().find(|one| matches!(one.met, Met::Lab(_))) {
            return Some(Err(trouble(broken)));
        }
        // What was read and is not what was written is damage, and no error of the volume's.
        let damaged: Vec<Mismatch> = met().filter_map(damage).take(ERRORS_MAX).collect();
        let errors = met().filter(|one| !matches!(one.met, Met::Damage(_)));
        let mut errors: Vec<Failure> = errors.take(ERRORS_MAX).map(trouble).collect();
        if how == Close::Stop && !stopped.clean && errors.is_empty() && damaged.is_empty() {
            let message = "the database did not shut down as it should".to_owned();
            errors.push(Failure { code: Code::Io, message });
        }
        let rows = stopped.last.inserted + stopped.last.updated;
        Some(Ok(LoadReport {
            engine: self.engine.clone(),
            bytes_written: rows * self.kind.slot_bytes(),
            mismatches_total: damaged.len() as u64,
            mismatches: damaged,
            errors,
            ..LoadReport::default()
        }))
    }

    /// The engine has ended because there was no room.
    pub fn ran_full(&self) -> bool {
        self.running.is_none() && self.earlier.iter().any(|one| matches!(one.met, Met::Full(_)))
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
pub fn kind(database: &Database, seed: u64) -> engine::Kind {
    let usual = Settings::default();
    let settings = Settings {
        seed,
        bulk_threads: u32::from(database.bulk),
        query_threads: u32::from(database.queries),
        row_bytes: database.row_bytes,
        update_percent: u32::from(database.updates_percent),
        batch_rows: Database::BATCH_ROWS,
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
