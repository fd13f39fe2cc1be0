//! Blocking work that may never end. A dead mount can hold a thread in the kernel for ever; such
//! a thread is left behind, where a runtime's own pool would wait for it at shutdown.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tokio::sync::oneshot;

/// Threads that may be stuck at once before new work is refused.
const STUCK_MAX: usize = 512;

static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum DetachedError {
    /// The work goes on, but nobody waits for it any more.
    #[error("the kernel gave no answer within {0:?}: is a mount or device dead?")]
    Timeout(Duration),
    /// Too many threads are under way.
    #[error(
        "{STUCK_MAX} operations hang in the kernel already: find the dead mount or device first"
    )]
    Stuck,
    /// No thread could be started.
    #[error("cannot start a thread: {0}")]
    Spawn(#[from] std::io::Error),
    /// The work panicked.
    #[error("the harness broke while it looked; please report this")]
    Broken,
}

/// Runs `work` on a thread of its own and waits at most `limit` for it.
pub async fn run<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, DetachedError> {
    let counted = Counted::new()?;
    let (send, receive) = oneshot::channel();
    std::thread::Builder::new().name("blocking".into()).spawn(move || {
        let result = work();
        drop(counted);
        // The other end is gone after the time limit; then nobody wants the result.
        let _ = send.send(result);
    })?;
    match tokio::time::timeout(limit, receive).await {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(_)) => Err(DetachedError::Broken),
        Err(_) => Err(DetachedError::Timeout(limit)),
    }
}

/// One thread under way, until dropped.
struct Counted;

impl Counted {
    fn new() -> Result<Self, DetachedError> {
        let mine = Self;
        if UNDER_WAY.fetch_add(1, Ordering::Relaxed) >= STUCK_MAX {
            return Err(DetachedError::Stuck);
        }
        Ok(mine)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        UNDER_WAY.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_done_waited_for_and_given_up() {
        assert_eq!(run(Duration::from_secs(5), || 7).await.unwrap(), 7);
        let slow = run(Duration::from_millis(20), || std::thread::sleep(Duration::from_secs(1)));
        assert!(matches!(slow.await, Err(DetachedError::Timeout(_))));
    }
}
