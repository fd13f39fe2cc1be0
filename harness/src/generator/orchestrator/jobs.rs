//! What a controller has under way: as many jobs at once as it has workers, each with a number, on
//! keys of its queue. Must not know what a job is.

use super::{
    component::{Api, Task},
    queue::Queue,
    time::Span,
};

/// What becomes of a job after one of its steps.
#[derive(Clone, Copy, Debug)]
pub enum Next<J> {
    /// It waits for an answer, and goes on with this.
    Wait(J),
    /// There is nothing to do any more.
    Done,
    /// It is tried again after a pause, which grows.
    Failed,
    /// It is looked at again after this time.
    Later(Span),
}

impl<J> Next<J> {
    /// The same, of another thing that waits.
    pub fn map<K>(self, change: impl FnOnce(J) -> K) -> Next<K> {
        match self {
            Self::Wait(job) => Next::Wait(change(job)),
            Self::Done => Next::Done,
            Self::Failed => Next::Failed,
            Self::Later(span) => Next::Later(span),
        }
    }
}

/// The jobs of one controller.
#[derive(Debug)]
pub struct Jobs<J> {
    running: Vec<Option<J>>,
    free: Vec<u32>,
    workers: usize,
}

impl<J> Jobs<J> {
    /// At most this many at once.
    pub fn new(workers: usize) -> Self {
        Self { running: Vec::new(), free: Vec::new(), workers: workers.max(1) }
    }

    /// The next key of the queue, and a number for the job, if a worker is free; `settle` must
    /// follow.
    pub fn begin(&mut self, queue: &mut Queue) -> Option<(Task, u32)> {
        if self.free.is_empty() && self.running.len() >= self.workers {
            return None;
        }
        let key = queue.take()?;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.running.push(None);
            self.running.len() as u32 - 1
        });
        Some((Task(slot), key))
    }

    /// It goes on.
    pub fn resume(&mut self, task: Task) -> Option<J> {
        self.running.get_mut(task.0 as usize)?.take()
    }

    /// After a step: the job waits, or its worker is free and its key comes again when it should.
    pub fn settle(
        &mut self,
        queue: &mut Queue,
        api: &mut Api<'_>,
        (task, key): (Task, u32),
        next: Next<J>,
    ) {
        match next {
            Next::Wait(job) => {
                if let Some(slot) = self.running.get_mut(task.0 as usize) {
                    *slot = Some(job);
                }
                return;
            }
            Next::Done => queue.forget(key),
            Next::Failed => api.wake(queue.add_failed(api.now, key), key),
            Next::Later(span) => api.wake(queue.add_after(api.now, key, span), key),
        }
        queue.done(key);
        self.free.push(task.0);
    }
}
