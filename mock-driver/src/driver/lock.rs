//! One call at a time per volume, snapshot and name.
//!
//! A second call waits a moment (a retry then sees the first one's result); if the first takes
//! longer, it is refused with ABORTED, as CSI allows.

use std::{
    collections::HashSet,
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

use tonic::Status;

/// How long a call waits for another one before it is refused.
const PATIENCE: Duration = Duration::from_secs(1);

/// The names that are in use by some call.
#[derive(Debug, Default)]
pub struct Locks {
    held: Mutex<HashSet<String>>,
    freed: Condvar,
}

/// Holds some names until it is dropped.
#[derive(Debug)]
pub struct Held<'a> {
    locks: &'a Locks,
    keys: Vec<String>,
}

/// The lock of a volume.
pub fn volume(id: &str) -> String {
    format!("volume {id}")
}

/// The lock of a snapshot.
pub fn snapshot(id: &str) -> String {
    format!("snapshot {id}")
}

/// The lock of a name under which something is created.
pub fn name(kind: &str, name: &str) -> String {
    format!("{kind} named {name}")
}

impl Locks {
    /// Takes all of `keys` or none, so that two calls can never wait for each other.
    pub fn hold(&self, keys: impl Into<Vec<String>>) -> Result<Held<'_>, Status> {
        let keys = keys.into();
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let busy = |held: &mut HashSet<String>| keys.iter().any(|key| held.contains(key));
        let (mut held, waited) = self
            .freed
            .wait_timeout_while(held, PATIENCE, busy)
            .unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            let text = format!("another call is pending for {}", keys.join(" or "));
            return Err(Status::aborted(text));
        }
        held.extend(keys.iter().cloned());
        Ok(Held { locks: self, keys })
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut held = self.locks.held.lock().unwrap_or_else(PoisonError::into_inner);
        for key in &self.keys {
            held.remove(key);
        }
        drop(held);
        self.locks.freed.notify_all();
    }
}
