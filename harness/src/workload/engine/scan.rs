//! The pace of a comparison while the loads go on: it is there to see what a growth does to them, and
//! must not be what slows them down.

use std::time::{Duration, Instant};

/// Bytes of rows compared in a second, at most.
const BYTES_PER_SECOND: u64 = 64 << 20;

/// Rests after a piece that was begun then: so long as it took at least, and as the rate wants.
pub fn rest(begun: Instant, bytes: u64) {
    let took = begun.elapsed();
    let due = Duration::from_secs_f64(bytes as f64 / BYTES_PER_SECOND as f64);
    std::thread::sleep(took.max(due.saturating_sub(took)));
}
