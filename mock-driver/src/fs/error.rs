//! Why a file system could not be made, read or grown. Each text names the way out.

use std::io;
use std::path::{Path, PathBuf};

use super::tool::ToolError;
use crate::backing::FsType;

/// What can go wrong with a file system.
#[derive(Debug, thiserror::Error)]
pub enum FsError {
    /// A system call on a device, image or mount point failed.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// The verb, to read after "cannot".
        doing: &'static str,
        /// What it was done to.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// An external tool is missing, failed or took too long.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The kernel refused to grow a mounted file system.
    #[error("the kernel refused to grow the mounted {fs_type}: {source}")]
    Grow {
        /// Which file system.
        fs_type: FsType,
        /// The kernel's answer.
        source: io::Error,
    },
    /// ext4 grows mounted only for a process with this capability.
    #[error(
        "a mounted ext4 grows only for a process with CAP_SYS_RESOURCE, which this one lacks (the \
         kernel says EPERM): give the driver that capability, or unstage the volume and stage it \
         again, which grows it while unmounted"
    )]
    NeedsSysResource,
    /// Everything claimed success, and the size says otherwise.
    #[error(
        "{fs_type} is {fs_bytes} bytes on a device of {device_bytes} bytes although growing it was \
         reported as done"
    )]
    DidNotGrow {
        /// Which file system.
        fs_type: FsType,
        /// Size of the file system, bytes.
        fs_bytes: u64,
        /// Size of its device, bytes.
        device_bytes: u64,
    },
    /// The device holds something else than the caller expected.
    #[error("{} holds {found}, not {wanted}; it was left untouched", path.display())]
    Unexpected {
        /// The device or image.
        path: PathBuf,
        /// What is there.
        found: String,
        /// What was asked for.
        wanted: String,
    },
    /// The device is smaller than this file system can be.
    #[error("{fs_type} needs at least {min_bytes} bytes and the device has {device_bytes}")]
    TooSmall {
        /// Which file system.
        fs_type: FsType,
        /// Its minimum, bytes.
        min_bytes: u64,
        /// Size of the device, bytes.
        device_bytes: u64,
    },
}

impl FsError {
    /// A failed system call, with the verb that reads after "cannot".
    pub fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), source }
    }
}
