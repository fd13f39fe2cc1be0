//! A database on a volume: which engine, which loads, and what a scenario waits for.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A database with two loads at once: a bulk insert that eats space, and surge queries by key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Database {
    /// Which one.
    pub engine: Engine,
    /// Connections that insert rows.
    pub bulk: u8,
    /// Connections that read and update rows by key.
    pub queries: u8,
    /// Size of a row, bytes.
    pub row_bytes: u32,
    /// Of a hundred queries so many are updates.
    pub updates_percent: u8,
    /// Rows inserted a second at most; `None`: as fast as it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// No more than this much data is inserted, bytes; `None`: until the volume is full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_max: Option<u64>,
}

/// What writes and reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// The embedded one: pages, redo log, doublewrite, as InnoDB has them. Needs no server.
    #[default]
    Pages,
    /// A MariaDB server of its own, its data directory on the volume.
    Mariadb,
}

/// How a database comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Close {
    /// Shut down, with everything on the volume.
    Stop,
    /// SIGKILL.
    Kill,
}

/// What a scenario waits for, while a database runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Until {
    /// So many percent of the file system, or device, are used: an autoscaler's trigger.
    Used(u8),
    /// A writer waits for room: the volume is full. An engine that ends there counts, too.
    Full,
    /// This much more was acknowledged than at the beginning of the wait, bytes.
    Written(u64),
}

impl Default for Database {
    fn default() -> Self {
        Self {
            engine: Engine::Pages,
            bulk: 2,
            queries: 4,
            row_bytes: 1024,
            updates_percent: 20,
            rate: None,
            bytes_max: None,
        }
    }
}

impl Database {
    /// Rows of one commit of the bulk insert: an operation of that load.
    pub const BATCH_ROWS: u32 = 16;
}

impl Engine {
    /// Every engine, for listings and gates.
    pub const ALL: [Self; 2] = [Self::Pages, Self::Mariadb];

    /// The offer of a host that can run it.
    pub fn offer(self) -> &'static str {
        match self {
            Self::Pages => "database.pages",
            Self::Mariadb => "database.mariadb",
        }
    }

    /// The least size of a block device that it works on, bytes: room for its log, and some data.
    pub fn block_bytes_min(self) -> i64 {
        match self {
            Self::Pages => 40 << 20,
            Self::Mariadb => 0,
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pages => "pages",
            Self::Mariadb => "mariadb",
        })
    }
}
