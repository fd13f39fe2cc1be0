//! The sampler: while a database runs, looks ten times a second at what it did and at the volume
//! under it, and journals the readings by the second. It looks, and changes nothing.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use csi_stretch_oracle::history::{Reading, Record, Side};
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use super::{Workers, journal::Journal};
use crate::workload::databases::Sample;

/// Time between two readings.
const EVERY: Duration = Duration::from_millis(100);
/// Readings of a line.
const CHUNK: usize = 10;

/// A sampler at work; stops when dropped.
pub(super) struct Sampler(JoinHandle<()>);

impl Sampler {
    pub fn start(workers: &Workers, journal: &Arc<Journal>, scenario: u32, side: Side) -> Self {
        let lines = Lines { journal: journal.clone(), scenario, side, open: BTreeMap::new() };
        Self(tokio::spawn(sample(workers.clone(), lines)))
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn sample(workers: Workers, mut lines: Lines) {
    let mut clock = interval(EVERY);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        clock.tick().await;
        let samples = workers.workload.samples(lines.journal.now_us());
        lines.end_all_but(&samples);
        for sample in samples {
            let seen = workers.host.observe(&sample.path).await;
            let reading = match seen.observation() {
                // Where the volume's mount has gone, the file system around it is none of its sizes.
                Some(sizes) if !sizes.shared => sample.reading.with_sizes(sizes),
                _ => sample.reading,
            };
            lines.add(&sample.volume, reading);
        }
    }
}

/// Readings that are not in the journal yet, by volume.
struct Lines {
    journal: Arc<Journal>,
    scenario: u32,
    side: Side,
    open: BTreeMap<String, Vec<Reading>>,
}

impl Lines {
    fn add(&mut self, volume: &str, reading: Reading) {
        let line = self.open.entry(volume.to_owned()).or_default();
        line.push(reading);
        if line.len() >= CHUNK {
            self.write(volume);
        }
    }

    /// A database that runs no more has a last line.
    fn end_all_but(&mut self, running: &[Sample]) {
        let over = |volume: &&String| !running.iter().any(|sample| sample.volume == **volume);
        let over: Vec<String> = self.open.keys().filter(over).cloned().collect();
        for volume in over {
            self.write(&volume);
        }
    }

    fn write(&mut self, volume: &str) {
        if let Some(readings) = self.open.remove(volume).filter(|line| !line.is_empty()) {
            let volume = volume.to_owned();
            let (scenario, side) = (self.scenario, self.side);
            self.journal.add(Record::Readings { scenario, side, volume, readings }, false);
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let open: Vec<String> = self.open.keys().cloned().collect();
        for volume in open {
            self.write(&volume);
        }
    }
}
