//! Two times: everybody's, and the orchestrator's.

use crate::generator::orchestrator::time::At;

/// The orchestrator's clock.
#[derive(Debug)]
pub struct Clock {
    pace: u64,
    /// Everybody's, as told last; `None`: not told yet.
    real_us: Option<u64>,
    world: At,
}

impl Clock {
    pub fn new(pace: u32) -> Self {
        Self { pace: u64::from(pace.max(1)), real_us: None, world: At(0) }
    }

    /// It is so late; `waits`: nothing was under way meanwhile.
    pub fn tick(&mut self, now_us: u64, waits: bool) {
        let passed = self.real_us.map_or(0, |last| now_us.saturating_sub(last));
        let rate = if waits { self.pace } else { 1 };
        self.world = self.world.plus(passed.saturating_mul(rate));
        self.real_us = Some(now_us);
    }

    pub fn real_us(&self) -> u64 {
        self.real_us.unwrap_or(0)
    }

    /// Up to when the world may go.
    pub fn world(&self) -> At {
        self.world
    }

    /// The world has come to an event before that.
    pub fn set(&mut self, at: At) {
        self.world = at;
    }

    /// Real microseconds until then, if all only waits.
    pub fn real_until(&self, at: At) -> u64 {
        at.since(self.world).div_ceil(self.pace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_faster_only_while_all_waits() {
        let mut clock = Clock::new(100);
        clock.tick(1_000, true);
        assert_eq!(clock.world(), At(0), "its time begins when it is told for the first time");
        clock.tick(1_010, false);
        assert_eq!(clock.world(), At(10));
        clock.tick(1_020, true);
        assert_eq!(clock.world(), At(1_010));
        assert_eq!(clock.real_until(At(2_011)), 11);
    }
}
