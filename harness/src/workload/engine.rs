//! A database that runs on one volume while the volume grows: what every kind of engine is asked
//! and tells. An engine knows a path and nothing of CSI, and lives in a process of its own.

use std::{fmt, io, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::pages;

pub(in crate::workload) mod gate;
mod leash;
pub(in crate::workload) mod ledger;
pub(in crate::workload) mod load;
pub(in crate::workload) mod locks;
pub(in crate::workload) mod rows;
pub(in crate::workload) mod scan;
pub(in crate::workload) mod settings;
mod trouble;

pub(in crate::workload) use super::lock;
pub use leash::{Leash, kill_group};
pub use settings::Settings;
pub use trouble::{Met, Trouble};

/// A database at work. Blocking; dropping one kills it.
pub trait Engine: Send {
    /// What reports call it, with its version.
    fn name(&self) -> &str;
    /// What opening a database that was there found and did; `None`: it was made.
    fn recovery(&self) -> Option<&Recovery>;
    /// The newest counters, and the latencies since the last call of this. Cheap.
    fn tick(&self) -> Tick;
    /// Asks for a comparison of all acknowledged rows while the loads go on.
    fn scan(&self) -> Scan;
    /// Ends the loads, writes everything back and shuts down.
    fn stop(self: Box<Self>) -> Stopped;
    /// SIGKILL: whatever was not on the volume is gone.
    fn kill(self: Box<Self>) -> Stopped;
}

/// Compares, at a bounded rate, what the running engine reads with what was acknowledged when this
/// is called. Blocking. An error says that the engine ended before, and nothing of the rows.
pub type Scan = Box<dyn FnOnce() -> io::Result<Verified> + Send>;

/// Which engine, and how it is set up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The embedded one, which needs no server.
    Pages(Settings),
    /// A real server with InnoDB.
    Mariadb(Settings),
}

impl Kind {
    /// Length of a row with its head.
    pub fn slot_bytes(&self) -> u64 {
        let (Self::Pages(settings) | Self::Mariadb(settings)) = self;
        settings.shape().slot_bytes() as u64
    }
}

/// Where an engine runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// A folder on a mounted file system, or a block device.
    pub path: PathBuf,
    /// It is a block device.
    pub block: bool,
    /// File of what was acknowledged; outside of the volume. As long as it has an entry, the
    /// database is opened and never made anew.
    pub ledger: PathBuf,
    /// The volume is a copy that was made while the database ran: what was acknowledged after the
    /// ledger was copied is right as well.
    pub copied: bool,
    /// The program that serves `engine`: this one.
    pub program: PathBuf,
}

/// Starts an engine, or starts it again where it ran before: ready when this returns.
pub fn start(kind: &Kind, place: &Place, leash: &Leash) -> Result<Box<dyn Engine>, Met> {
    match kind {
        Kind::Pages(settings) => pages::process::start(settings, place, leash),
        #[cfg(feature = "mariadb")]
        Kind::Mariadb(settings) => super::mariadb::process::start(settings, place, leash),
        #[cfg(not(feature = "mariadb"))]
        Kind::Mariadb(_) => Err(no_mariadb()),
    }
}

/// Compares what the volume holds with the ledger, past this host's cache. No engine may run
/// there. An error means that nothing could be compared; a volume that lost everything is none.
pub fn verify(kind: &Kind, place: &Place, leash: &Leash) -> Result<Verified, Met> {
    match kind {
        Kind::Pages(settings) => pages::verify::verify(settings, place),
        #[cfg(feature = "mariadb")]
        Kind::Mariadb(settings) => super::mariadb::verify::verify(settings, place, leash),
        #[cfg(not(feature = "mariadb"))]
        Kind::Mariadb(_) => Err(no_mariadb()),
    }
}

#[cfg(not(feature = "mariadb"))]
fn no_mariadb() -> Met {
    Met::lab("this build has no client of MariaDB: build with the default features")
}

/// Counters since the start; the difference of two gives rates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {
    /// When, in microseconds since `start` was called.
    pub at_us: u64,
    /// What it is doing.
    pub state: State,
    /// Rows that the bulk load inserted.
    pub inserted: u64,
    /// Rows read by queries.
    pub read: u64,
    /// Rows changed, by either load.
    pub updated: u64,
    /// Errors met, those of a full volume among them.
    pub errors: u64,
    /// How long something waited for room on the volume.
    pub blocked_us: u64,
    /// Size of the data that holds acknowledged rows.
    pub data_bytes: u64,
    /// Latencies of the bulk load's commits.
    pub bulk: Window,
    /// Latencies of queries.
    pub query: Window,
}

/// What an engine is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Its loads run.
    #[default]
    Running,
    /// The volume is full, and a writer waits for room.
    Blocked,
    /// It goes on no more: told to stop, killed, or met with an error.
    Ended,
}

/// Latencies within some time: ascending microseconds, and how often each. Windows can be merged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Window(pub Vec<(u64, u64)>);

impl Window {
    /// How many were measured.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }

    /// The latency that this part of all (0 to 1) did not exceed.
    pub fn quantile(&self, part: f64) -> Option<u64> {
        let due = (self.count() as f64 * part).ceil() as u64;
        let mut seen = 0;
        let found = self.0.iter().find(|(_, count)| {
            seen += count;
            seen >= due
        });
        found.map(|(us, _)| *us)
    }

    /// The longest.
    pub fn max(&self) -> Option<u64> {
        self.0.last().map(|(us, _)| *us)
    }

    /// Adds what another window has.
    pub fn merge(&mut self, other: &Self) {
        for (us, count) in &other.0 {
            match self.0.binary_search_by_key(us, |(us, _)| *us) {
                Ok(at) => self.0[at].1 += count,
                Err(at) => self.0.insert(at, (*us, *count)),
            }
        }
    }
}

/// How an engine ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stopped {
    /// Shut down as it should, with everything on the volume.
    pub clean: bool,
    /// Its last counters.
    pub last: Tick,
    /// The first troubles; `last.errors` counts all.
    pub troubles: Vec<Trouble>,
}

/// Lost rows that are told one by one: each of them, unless the whole volume is gone.
pub const LOST_MAX: usize = 4096;

/// What a comparison with the ledger found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// Acknowledged rows.
    pub rows: u64,
    /// Those that are as they were acknowledged, or one version on.
    pub rows_intact: u64,
    /// Their bytes.
    pub bytes_intact: u64,
    /// Rows lost or damaged.
    pub lost_total: u64,
    /// The first of them.
    pub lost: Vec<Lost>,
    /// What was made good when the database was opened.
    pub recovery: Recovery,
    /// Why it could not be opened as a database; rows were looked for all the same.
    pub unopened: Option<String>,
    /// What the database's own check says is wrong with it.
    pub unsound: Option<String>,
}

/// What opening after a crash did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// It had been shut down as it should: there was nothing to do.
    pub clean: bool,
    /// Records of the redo log that were read.
    pub records: u64,
    /// Pages that were brought up to date by them.
    pub pages: u64,
    /// Torn pages restored from the doublewrite area.
    pub restored: u64,
    /// Pages that were broken and that nothing could mend: number, byte offset, what was found.
    pub broken: Vec<(u64, u64, Found)>,
}

/// An acknowledged row that is not there as it was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// Key of the row.
    pub key: u64,
    /// The version that was acknowledged.
    pub version: u32,
    /// Where it is, if the engine can know.
    #[serde(flatten)]
    pub spot: Option<Spot>,
    /// What is there instead.
    pub found: Found,
}

/// Where a row is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    /// Number of its page.
    pub page: u64,
    /// Where the row is in the file, or on the device.
    pub offset: u64,
    /// Name of the file; empty on a block device.
    pub file: String,
}

/// What was found in place of a row or page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// Nothing but zeros.
    Zeros,
    /// A version before the acknowledged one; 0 is before the row was inserted.
    Older(u32),
    /// A version that was never begun.
    Newer(u32),
    /// A page of which some parts were written and some were not.
    Torn,
    /// Anything that does not fit its checksum.
    Checksum,
    /// A whole page of another place or database.
    Stray {
        /// Number that it has.
        page: u64,
        /// Seed of its database.
        space: u64,
    },
    /// A whole row that belongs elsewhere, or with contents nobody wrote.
    Garbage,
    /// The file or device ends before.
    PastEnd,
    /// The kernel's name of the error.
    Unreadable(String),
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zeros => write!(f, "zeros"),
            Self::Older(0) => write!(f, "a page from before the row was inserted"),
            Self::Older(version) => write!(f, "older version {version}"),
            Self::Newer(version) => write!(f, "version {version}, which nobody wrote"),
            Self::Torn => write!(f, "a torn page"),
            Self::Checksum => write!(f, "a page with a wrong checksum"),
            Self::Stray { page, space } => write!(f, "page {page} of the database of seed {space}"),
            Self::Garbage => write!(f, "contents that nobody wrote"),
            Self::PastEnd => write!(f, "past the end"),
            Self::Unreadable(error) => write!(f, "unreadable: {error}"),
        }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, version, spot, found } = self;
        write!(f, "row {key}, version {version}")?;
        if let Some(Spot { page, offset, file }) = spot {
            let file = if file.is_empty() { "the device" } else { file };
            write!(f, ", page {page} at byte {offset} of {file}")?;
        }
        write!(f, ": {found}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_merge_and_tell_quantiles() {
        let mut window = Window(vec![(10, 98), (50, 1)]);
        window.merge(&Window(vec![(20, 900), (50, 0), (7000, 1)]));
        assert_eq!(window.0, [(10, 98), (20, 900), (50, 1), (7000, 1)]);
        assert_eq!((window.count(), window.max()), (1000, Some(7000)));
        assert_eq!(
            [0.0, 0.098, 0.5, 0.999, 1.0].map(|q| window.quantile(q).unwrap()),
            [10, 10, 20, 50, 7000]
        );
        assert_eq!(Window::default().quantile(0.5), None);
    }
}
