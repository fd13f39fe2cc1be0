//! The work queue of client-go, which decides when a controller looks at an object again: a key is
//! worked on once at a time, what comes meanwhile is done afterwards, delays keep the earliest, and
//! failures double the pause. Keys are small integers.

use std::collections::VecDeque;

use super::time::{At, Span};

/// A work queue.
#[derive(Clone, Debug)]
pub struct Queue {
    first: Span,
    longest: Span,
    ready: VecDeque<u32>,
    keys: Vec<Key>,
}

#[derive(Clone, Copy, Debug)]
struct Key {
    dirty: bool,
    busy: bool,
    failures: u32,
    due: At,
}

impl Queue {
    /// The first pause after a failure, and the longest.
    pub fn new(first: Span, longest: Span) -> Self {
        Self { first, longest, ready: VecDeque::new(), keys: Vec::new() }
    }

    fn key(&mut self, key: u32) -> &mut Key {
        let index = key as usize;
        if self.keys.len() <= index {
            let idle = Key { dirty: false, busy: false, failures: 0, due: At::NEVER };
            self.keys.resize(index + 1, idle);
        }
        &mut self.keys[index]
    }

    /// Something about this object may be to do.
    pub fn add(&mut self, key: u32) {
        let state = self.key(key);
        if state.dirty {
            return;
        }
        state.dirty = true;
        if !state.busy {
            self.ready.push_back(key);
        }
    }

    /// The next object to look at; `done` must follow.
    pub fn take(&mut self) -> Option<u32> {
        let key = self.ready.pop_front()?;
        let state = self.key(key);
        (state.busy, state.dirty) = (true, false);
        Some(key)
    }

    /// Somebody has finished with it.
    pub fn done(&mut self, key: u32) {
        let state = self.key(key);
        state.busy = false;
        if state.dirty {
            self.ready.push_back(key);
        }
    }

    /// It went well: the next failure is the first one again.
    pub fn forget(&mut self, key: u32) {
        self.key(key).failures = 0;
    }

    /// Later. When to call `due`, unless that is known from an earlier, sooner delay.
    pub fn add_after(&mut self, now: At, key: u32, span: Span) -> Option<At> {
        if span == 0 {
            self.add(key);
            return None;
        }
        let state = self.key(key);
        let at = now.plus(span);
        if state.due <= at {
            return None;
        }
        state.due = at;
        Some(at)
    }

    /// Later, after another failure.
    pub fn add_failed(&mut self, now: At, key: u32) -> Option<At> {
        let (first, longest) = (self.first, self.longest);
        let state = self.key(key);
        let doubled =
            first.checked_shl(state.failures).filter(|span| span >> state.failures == first);
        state.failures = (state.failures + 1).min(63);
        let pause = doubled.unwrap_or(longest).min(longest);
        self.add_after(now, key, pause)
    }

    /// A delay that may have ended.
    pub fn due(&mut self, now: At, key: u32) {
        let state = self.key(key);
        if state.due <= now {
            state.due = At::NEVER;
            self.add(key);
        }
    }

    /// How often it failed in a row.
    pub fn failures(&self, key: u32) -> u32 {
        self.keys.get(key as usize).map_or(0, |key| key.failures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_while_a_key_is_busy_is_done_afterwards_and_once() {
        let mut queue = Queue::new(1, 8);
        queue.add(3);
        queue.add(3);
        assert_eq!(queue.take(), Some(3));
        queue.add(3);
        queue.add(3);
        assert_eq!(queue.take(), None);
        queue.done(3);
        assert_eq!(queue.take(), Some(3));
        queue.done(3);
        assert_eq!(queue.take(), None);
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_anew_after_success() {
        let mut queue = Queue::new(1, 8);
        let mut now = At(0);
        for pause in [1, 2, 4, 8, 8] {
            assert_eq!(queue.add_failed(now, 0), Some(now.plus(pause)));
            now = now.plus(pause);
            queue.due(now, 0);
            assert_eq!(queue.take(), Some(0));
            queue.done(0);
        }
        queue.forget(0);
        assert_eq!(queue.add_failed(now, 0), Some(now.plus(1)));
    }

    #[test]
    fn of_two_delays_the_earlier_one_stays() {
        let mut queue = Queue::new(1, 8);
        assert_eq!(queue.add_after(At(0), 0, 5), Some(At(5)));
        assert_eq!(queue.add_after(At(0), 0, 7), None);
        assert_eq!(queue.add_after(At(0), 0, 3), Some(At(3)));
        queue.due(At(3), 0);
        assert_eq!(queue.take(), Some(0));
        queue.done(0);
        queue.due(At(5), 0);
        assert_eq!(queue.take(), None);
    }
}
