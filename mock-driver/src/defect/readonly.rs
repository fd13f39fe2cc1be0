//! Volumes that are published for reading only.

use std::path::Path;

use super::{Defect, Flaw, flaw::Showing, notes::Notes, plant};
use crate::backing::{Backing, BackingError, FileSystem, Mounting, Result};

const CLASS: &str = "readonly";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        Writable,
        "publish-readonly-writable",
        "a read-only publication is mounted for writing, so that it can be grown",
        "kubernetes-sigs/gcp-compute-persistent-disk-csi-driver#1088",
        &["node-publish.readonly"]
    ),
    plant!(
        ToolFails::default(),
        "node-expand-readonly-fails",
        "the node step of a read-only publication ends in INTERNAL: read-only file system",
        "container-storage-interface/spec#431",
        &["node-expand.purpose"]
    ),
    plant!(
        Forgotten::default(),
        "node-expand-readonly-counts-as-done",
        "a node step that did nothing for a read-only publication is never made up for",
        "kubernetes/kubernetes#122337",
        &["node-expand.purpose"]
    ),
];

struct Writable;

impl Flaw for Writable {
    fn show(&self, good: &dyn Backing, id: &str, showing: &Showing<'_>) -> Result<()> {
        let Showing { staged, target, access, .. } = showing;
        good.publish(id, *staged, target, false, access)
    }
}

/// Volumes that are published read-only.
#[derive(Default)]
struct ReadOnly(Notes);

impl ReadOnly {
    fn show(&self, good: &dyn Backing, id: &str, showing: &Showing<'_>) -> Result<()> {
        let Showing { staged, target, readonly, access } = showing;
        if *readonly {
            self.0.put(id, ());
        }
        good.publish(id, *staged, target, *readonly, access)
    }

    fn hide(&self, good: &dyn Backing, id: &str, target: &Path) -> Result<()> {
        self.0.take(id);
        good.unpublish(id, target)
    }
}

#[derive(Default)]
struct ToolFails(ReadOnly);

impl Flaw for ToolFails {
    fn show(&self, good: &dyn Backing, id: &str, showing: &Showing<'_>) -> Result<()> {
        self.0.show(good, id, showing)
    }

    fn hide(&self, good: &dyn Backing, id: &str, target: &Path) -> Result<()> {
        self.0.hide(good, id, target)
    }

    fn grow_fs(&self, good: &dyn Backing, id: &str) -> Result<Option<FileSystem>> {
        if self.0.0.has(id) {
            let why = "Read-only file system".into();
            return Err(BackingError::Tool { tool: "resize2fs".into(), why });
        }
        good.grow_fs(id)
    }
}

#[derive(Default)]
struct Forgotten {
    readonly: ReadOnly,
    done: Notes,
}

impl Flaw for Forgotten {
    fn show(&self, good: &dyn Backing, id: &str, showing: &Showing<'_>) -> Result<()> {
        self.readonly.show(good, id, showing)
    }

    fn hide(&self, good: &dyn Backing, id: &str, target: &Path) -> Result<()> {
        self.readonly.hide(good, id, target)
    }

    fn mount(&self, good: &dyn Backing, id: &str, path: &Path, how: &Mounting) -> Result<()> {
        let grow = how.grow && !self.done.has(id);
        good.stage(id, path, &Mounting { grow, ..how.clone() })
    }

    fn grow_fs(&self, good: &dyn Backing, id: &str) -> Result<Option<FileSystem>> {
        if self.readonly.0.has(id) {
            self.done.put(id, ());
        }
        if self.done.has(id) { good.file_system(id) } else { good.grow_fs(id) }
    }
}
