//! The API server that sidecars and kubectl know, over the simulator's objects: list, watch, get,
//! create, update, patch, delete. So real sidecars can work where simulated ones do.
//!
//! It keeps what a simulated component looks at, and nothing else of an object. It knows no users, no
//! TLS and no defaults but those of the store, and it forgets no change as long as it lives: it is for
//! tests, not for clusters. Read it in this order: `resource` (what is served), `server` (a request
//! and its answer), `cluster` (what becomes of an object), `convert` (JSON and the simulator's
//! objects), `watch`, `patch`, `protobuf`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch as signal;

pub mod cluster;
mod convert;
mod discovery;
mod journal;
pub mod objects;
mod patch;
mod protobuf;
mod query;
pub mod refusal;
pub mod resource;
mod server;
mod watch;

use cluster::Cluster;
pub use journal::Journal;
pub use server::serve;

/// A cluster that several work on at once.
pub struct Shared {
    cluster: Mutex<Cluster>,
    version: signal::Sender<u64>,
    journal: Option<Journal>,
}

impl Shared {
    /// Tells `journal`, if there is one, of every request.
    pub fn new(cluster: Cluster, journal: Option<Journal>) -> Arc<Self> {
        let version = signal::Sender::new(cluster.store.version());
        Arc::new(Self { cluster: Mutex::new(cluster), version, journal })
    }

    /// To read. A write has to be told, so it goes through [`Shared::edit`].
    pub fn cluster(&self) -> MutexGuard<'_, Cluster> {
        self.cluster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes, and wakes who watches.
    pub fn edit<T>(&self, edit: impl FnOnce(&mut Cluster) -> T) -> T {
        let mut cluster = self.cluster();
        let done = edit(&mut cluster);
        let version = cluster.store.version();
        drop(cluster);
        self.version.send_if_modified(|told| std::mem::replace(told, version) != version);
        done
    }

    /// Wakes at the next change.
    pub fn changed(&self) -> signal::Receiver<u64> {
        self.version.subscribe()
    }
}
