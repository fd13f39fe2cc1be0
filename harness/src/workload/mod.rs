//! Worker `workload`: writes data to volumes and verifies it. Knows a path, and nothing of CSI.

use std::{
    any::Any,
    io,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use csi_stretch_oracle::{action::Load, history::Completion};

use crate::Boxed;

pub mod databases;
pub mod engine;
pub mod files;
mod guise;
pub mod ledger;
#[cfg(feature = "mariadb")]
mod mariadb;
pub mod pages;
pub mod pattern;
mod verify;
mod volume;
pub mod worker;
mod writer;

pub use files::Files;
pub use worker::Ledgers;
pub use writer::Pace;

/// Where bytes go: the real kernel, or the mock's simulated one. Blocking; called off the runtime.
///
/// `file` is a name below `path`, or empty for a block device.
pub trait Medium: Send + Sync {
    /// Writes and syncs. A file is created only by a write at offset 0: a later write to a file
    /// that is gone is an error, not a new file on whatever shows through the path now.
    fn write(&self, path: &Path, file: &str, offset: u64, data: &[u8]) -> io::Result<()>;
    /// Reads exactly `length` bytes, from the device and not from a cache of this host.
    fn read(&self, path: &Path, file: &str, offset: u64, length: usize) -> io::Result<Vec<u8>>;
    /// Size in bytes of a block device at `path`.
    fn device_bytes(&self, path: &Path) -> io::Result<u64>;
    /// Bytes that may still be written to the file system mounted at `path`.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;
    /// Keeps the file or device open, as a running workload does, until the answer is dropped.
    fn hold(&self, _path: &Path, _file: &str) -> io::Result<Box<dyn Any + Send>> {
        Ok(Box::new(()))
    }
}

/// Performs loads; keeps the ledger.
pub trait Workload: Send + Sync {
    /// `block` tells a block device (`path` is the device) from a mounted file system.
    fn perform<'a>(&'a self, load: &'a Load, path: &'a Path, block: bool) -> Boxed<'a, Completion>;
}

/// A panic elsewhere must not spread: what a lock guards is plain data.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
