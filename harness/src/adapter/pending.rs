//! One call at a time per volume: drivers are scripts, and few of them expect two.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::OwnedMutexGuard;
use tonic::Status;

/// How long a call waits for the one before it. A repeat then sees what the first one did.
const PATIENCE: Duration = Duration::from_secs(1);

/// The volumes that calls are at.
#[derive(Debug, Default)]
pub struct Pending(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

/// The volume is this call's until it is dropped.
pub type Turn = OwnedMutexGuard<()>;

impl Pending {
    /// Waits a moment for the call before; ABORTED if it takes longer.
    pub async fn turn(&self, volume: &str) -> Result<Turn, Status> {
        let turn = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|_, turn| Arc::strong_count(turn) > 1);
            all.entry(volume.to_owned()).or_default().clone()
        };
        let aborted = |_| Status::aborted(format!("another call is pending for `{volume}`"));
        tokio::time::timeout(PATIENCE, turn.lock_owned()).await.map_err(aborted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_second_call_waits_a_moment_and_is_refused() {
        let pending = Pending::default();
        let first = pending.turn("a").await.unwrap();
        assert!(pending.turn("b").await.is_ok());
        assert_eq!(pending.turn("a").await.unwrap_err().code(), tonic::Code::Aborted);
        drop(first);
        assert!(pending.turn("a").await.is_ok());
        assert_eq!(pending.0.lock().unwrap().len(), 1, "volumes that nobody is at are forgotten");
    }
}
