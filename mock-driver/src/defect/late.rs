//! A node that learns late how large a device has become: shared by the classes where it does.

use super::notes::Notes;
use crate::backing::{Backing, Result};

/// Growth that the storage has promised and the node has not seen, by volume.
#[derive(Default)]
pub struct Late {
    /// Volumes that the node uses.
    up: Notes,
    /// The size promised.
    size: Notes<u64>,
}

impl Late {
    /// The node uses the volume from now on.
    pub fn up(&self, id: &str) {
        self.up.put(id, ());
    }

    /// The node uses it no more, so that the next use shows the true size.
    pub fn down(&self, good: &dyn Backing, id: &str) -> Result<()> {
        self.up.take(id);
        self.settle(good, id)
    }

    /// Grows a device, or puts it off while the node uses it.
    pub fn grow(&self, good: &dyn Backing, id: &str, bytes: u64) -> Result<()> {
        if !self.up.has(id) {
            return good.grow_device(id, bytes);
        }
        self.size.put(id, bytes);
        Ok(())
    }

    /// The size that the node does not see yet.
    pub fn unseen(&self, id: &str) -> Option<u64> {
        self.size.get(id)
    }

    /// Makes the node see it.
    pub fn settle(&self, good: &dyn Backing, id: &str) -> Result<()> {
        self.size.take(id).map_or(Ok(()), |bytes| good.grow_device(id, bytes))
    }
}
