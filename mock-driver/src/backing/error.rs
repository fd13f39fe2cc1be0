//! Why a backing could not do what it was asked, in terms a CSI service can turn into a code.

use std::{io, path::PathBuf};

use super::FsType;

/// The result of a backing's method.
pub type Result<T, E = BackingError> = std::result::Result<T, E>;

/// A failure of a backing.
#[derive(Debug, thiserror::Error)]
pub enum BackingError {
    /// The storage of a volume or snapshot that a record promises is gone.
    #[error("the storage of `{0}` is missing from the state folder")]
    Missing(String),
    /// The disk under the volumes (or the simulated file system) is full.
    #[error("no space left: {0}")]
    NoSpace(String),
    /// Something still uses the volume.
    #[error("in use: {0}")]
    Busy(String),
    /// Nothing, or nothing of this volume, is mounted there.
    #[error("no volume is mounted at {}", .0.display())]
    NotMounted(PathBuf),
    /// No such file on the simulated file system.
    #[error("no file is called `{0}`")]
    NoFile(String),
    /// The path cannot take the volume (a foreign mount, a file where a directory is due).
    #[error("cannot use {}: {why}", path.display())]
    Path {
        /// The path as given.
        path: PathBuf,
        /// What is wrong with it, and what would do.
        why: String,
    },
    /// The volume holds another file system than the one asked for; it is never reformatted.
    #[error("holds {found}, asked for {wanted}: use the fs_type it was first staged with")]
    WrongFileSystem {
        /// What is on the device.
        found: String,
        /// What was asked for.
        wanted: FsType,
    },
    /// The file system cannot grow in the state it is in (kernel, privileges, read-only).
    #[error("cannot grow {fs_type} now: {why}")]
    CannotGrow {
        /// Which file system.
        fs_type: FsType,
        /// Why, and what would help.
        why: String,
    },
    /// A write through a read-only publication.
    #[error("{} is read-only", .0.display())]
    ReadOnly(PathBuf),
    /// A read past the end, or a write past the end of a device.
    #[error("past the end: {0}")]
    OutOfRange(String),
    /// An argument that makes no sense, such as a file name on a block volume.
    #[error("{0}")]
    Invalid(String),
    /// This backing does not offer the operation at all.
    #[error("{0}")]
    Unsupported(&'static str),
    /// A tool of the system failed or is not installed.
    #[error("{tool} failed: {why}")]
    Tool {
        /// The program's name.
        tool: String,
        /// Its last words, or why it did not start.
        why: String,
    },
    /// A system call failed in a way that has no case of its own.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// What the kernel said.
        source: io::Error,
    },
}

impl BackingError {
    /// For `map_err`: names what was being done; a full disk becomes `NoSpace`.
    pub fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull => Self::NoSpace(format!("{what}: {source}")),
            _ => Self::Io { what, source },
        }
    }
}
