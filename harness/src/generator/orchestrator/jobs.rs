//! What a controller has under way: as many jobs at once as it has workers, each with a number.

use super::component::Task;

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

    /// A number for another job, if a worker is free.
    pub fn open(&mut self) -> Option<Task> {
        if let Some(slot) = self.free.pop() {
            return Some(Task(slot));
        }
        if self.running.len() >= self.workers {
            return None;
        }
        self.running.push(None);
        Some(Task(self.running.len() as u32 - 1))
    }

    /// It waits for something.
    pub fn park(&mut self, task: Task, job: J) {
        if let Some(slot) = self.running.get_mut(task.0 as usize) {
            *slot = Some(job);
        }
    }

    /// It goes on.
    pub fn resume(&mut self, task: Task) -> Option<J> {
        self.running.get_mut(task.0 as usize)?.take()
    }

    /// It has ended.
    pub fn close(&mut self, task: Task) {
        self.free.push(task.0);
    }
}
