//! csi-resizer's slow set: claims whose expansion cannot work are tried again after a long time
//! only. Its clean-up runs every 100 ms, which decides between one attempt and two each time.

use super::time::{At, MILLISECOND, Span};

const CLEANUP: Span = 100 * MILLISECOND;

/// The set, by claim.
#[derive(Clone, Debug)]
pub struct SlowSet {
    retention: Span,
    started: At,
    since: Vec<At>,
}

impl SlowSet {
    /// Entries stay this long.
    pub fn new(started: At, retention: Span) -> Self {
        Self { retention, started, since: Vec::new() }
    }

    /// When it was put in, unless the clean-up has removed it since.
    fn entry(&self, now: At, key: u32) -> Option<At> {
        let since = *self.since.get(key as usize)?;
        let expired = since.plus(self.retention).plus(1).next_tick(CLEANUP, self.started);
        (since != At::NEVER && now < expired).then_some(since)
    }

    /// It is in, and not for too long.
    pub fn contains(&self, now: At, key: u32) -> bool {
        self.remaining(now, key) > 0
    }

    /// How long it is still in.
    pub fn remaining(&self, now: At, key: u32) -> Span {
        self.entry(now, key).map_or(0, |since| since.plus(self.retention).since(now))
    }

    /// Puts it in; one that is there, expired or not, keeps its time.
    pub fn add(&mut self, now: At, key: u32) {
        if self.entry(now, key).is_none() {
            let index = key as usize;
            if self.since.len() <= index {
                self.since.resize(index + 1, At::NEVER);
            }
            self.since[index] = now;
        }
    }

    /// Takes it out.
    pub fn remove(&mut self, key: u32) {
        if let Some(since) = self.since.get_mut(key as usize) {
            *since = At::NEVER;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::orchestrator::time::SECOND;

    #[test]
    fn an_expired_entry_keeps_its_time_until_the_next_clean_up() {
        let mut set = SlowSet::new(At(0), SECOND);
        let added = At(50 * MILLISECOND);
        set.add(added, 0);
        let expired = added.plus(SECOND);
        assert!(set.contains(At(expired.0 - 1), 0));
        assert!(!set.contains(expired, 0));
        set.add(expired, 0);
        assert!(!set.contains(expired, 0), "still the old entry");
        let cleaned = At(1100 * MILLISECOND);
        set.add(cleaned, 0);
        assert_eq!(set.remaining(cleaned, 0), SECOND);
        set.remove(0);
        assert!(!set.contains(cleaned, 0));
        assert!(!set.contains(cleaned, 7));
    }
}
