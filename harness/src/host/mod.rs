//! Worker `host`: looks at devices, file systems and mounts of this kernel. OBSERVES ONLY: it
//! never makes, mounts, resizes or repairs anything, and trusts no tool's output.

use std::{
    io,
    path::{Path, PathBuf},
};

use csi_stretch_oracle::history::Completion;

use crate::Boxed;

pub mod detached;
pub mod device;
pub mod facts;
pub mod geometry;
mod ioctl;
pub mod kernel;
pub mod mountinfo;
pub mod superblock;

#[cfg(test)]
pub(crate) mod lab;

pub use kernel::Kernel;

/// This very program, to be started again: the one that runs, also when another has taken its
/// place in the file system since.
pub fn this_program() -> io::Result<PathBuf> {
    let path = std::env::current_exe()?;
    Ok(if path.exists() { path } else { "/proc/self/exe".into() })
}

/// Something that can measure what is visible at a path.
pub trait Observer: Send + Sync {
    /// `Ok(Observation)`, or `Fail(Unobservable)` with what is missing.
    fn observe<'a>(&'a self, path: &'a Path) -> Boxed<'a, Completion>;
}
