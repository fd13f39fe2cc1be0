//! OK, and the file system is as small as before.

use super::{Defect, Flaw, plant};
use crate::backing::{Backing, FileSystem, Result};

const CLASS: &str = "fs-not-grown";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[plant!(
    Untouched,
    "node-expand-leaves-fs",
    "NodeExpandVolume answers OK and leaves the file system as it was",
    "kubernetes-csi/csi-driver-host-path#226",
    &["node-expand.purpose"]
)];

struct Untouched;

impl Flaw for Untouched {
    fn grow_fs(&self, good: &dyn Backing, id: &str) -> Result<Option<FileSystem>> {
        good.file_system(id)
    }
}
