//! Failures of a file system in the terms of a backing.

use std::io;

use nix::errno::Errno;

use crate::backing::BackingError;
use crate::fs::FsError;

impl From<FsError> for BackingError {
    fn from(error: FsError) -> Self {
        match error {
            FsError::NeedsSysResource => {
                let fs_type = crate::backing::FsType::Ext4;
                Self::CannotGrow { fs_type, why: error.to_string() }
            }
            FsError::Grow { fs_type, source } if is_storage_trouble(&source) => {
                Self::io(format!("grow the mounted {fs_type}"))(source)
            }
            FsError::Grow { fs_type, source } => {
                Self::CannotGrow { fs_type, why: format!("the kernel says: {source}") }
            }
            FsError::Tool(error) => {
                Self::Tool { tool: error.program().to_owned(), why: error.to_string() }
            }
            FsError::TooSmall { .. } => Self::Invalid(error.to_string()),
            FsError::Io { doing, path, source } => {
                Self::io(format!("cannot {doing} {}", path.display()))(source)
            }
            FsError::DidNotGrow { .. } | FsError::Unexpected { .. } => {
                Self::io("use the file system")(io::Error::other(error.to_string()))
            }
        }
    }
}

/// Errors that say nothing about the state the file system is in.
fn is_storage_trouble(error: &io::Error) -> bool {
    const TROUBLE: [Errno; 3] = [Errno::EIO, Errno::ENOSPC, Errno::ENOMEM];
    error.raw_os_error().is_some_and(|code| TROUBLE.contains(&Errno::from_raw(code)))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::backing::FsType;

    #[rstest]
    #[case::read_only(Errno::EROFS, "cannot grow")]
    #[case::not_allowed(Errno::EPERM, "cannot grow")]
    #[case::disk_full(Errno::ENOSPC, "no space")]
    #[case::broken_disk(Errno::EIO, "grow the mounted")]
    fn a_refusal_is_told_from_trouble(#[case] errno: Errno, #[case] begins: &str) {
        let error = FsError::Grow { fs_type: FsType::Xfs, source: errno.into() };
        let text = BackingError::from(error).to_string();
        assert!(text.starts_with(begins), "{text}");
    }
}
