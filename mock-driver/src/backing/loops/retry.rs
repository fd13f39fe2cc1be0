//! Trying again while something is busy, for a bounded time, never in step with others.

use std::hash::{BuildHasher, RandomState};
use std::thread;
use std::time::{Duration, Instant};

const PAUSE_MIN: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// Calls `attempt` until it is `Some`, at most for `limit`; the pauses grow and are jittered.
pub fn until<T>(limit: Duration, mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    let mut pause = PAUSE_MIN;
    loop {
        if let Some(done) = attempt() {
            return Some(done);
        }
        if Instant::now() >= deadline {
            return None;
        }
        thread::sleep(jittered(pause));
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Between half of `pause` and all of it.
fn jittered(pause: Duration) -> Duration {
    // Every RandomState has fresh keys: enough randomness to get out of step, and no crate.
    let part = RandomState::new().hash_one(0_u8) % 512;
    pause / 2 + pause.mul_f64(part as f64 / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_at_the_first_answer() {
        let mut calls = 0;
        let answer = until(Duration::from_secs(5), || {
            calls += 1;
            (calls == 3).then_some(calls)
        });
        assert_eq!(answer, Some(3));
    }

    #[test]
    fn gives_up_at_the_limit_but_tries_once() {
        let mut calls = 0;
        assert_eq!(
            until(Duration::ZERO, || -> Option<()> {
                calls += 1;
                None
            }),
            None
        );
        assert_eq!(calls, 1);
    }

    #[test]
    fn jitter_stays_within_its_half() {
        let pause = Duration::from_millis(10);
        for _ in 0..1000 {
            assert!((pause / 2..=pause).contains(&jittered(pause)));
        }
    }
}
