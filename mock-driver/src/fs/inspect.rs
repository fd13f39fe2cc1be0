//! What a device holds, read from its own bytes.
//!
//! This is the guard before every mkfs: only a device that is proven blank may be formatted.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::{FsError, Geometry};
use crate::backing::FsType;

/// How much of the start of a device is read: every superblock we know lies within.
pub const HEAD_BYTES: usize = 1 << 20;
/// How much of the end is read: backup partition tables and RAID labels live there.
pub const TAIL_BYTES: usize = 1 << 20;

/// What a device holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Only zeros at its start and end.
    Blank,
    /// One of our file systems.
    Fs(Geometry),
    /// Bytes that are none of our file systems.
    Other,
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => f.write_str("nothing"),
            Self::Fs(geometry) => {
                write!(f, "{} ({} bytes)", geometry.fs_type, geometry.total_bytes)
            }
            Self::Other => f.write_str("data of unknown kind"),
        }
    }
}

/// Looks at a device or image of `size` bytes.
///
/// # Errors
/// Only those of opening and reading; unknown content is [`Content::Other`].
pub fn inspect(device: &Path, size: u64) -> Result<Content, FsError> {
    let read = || -> io::Result<Content> {
        let file = File::open(device)?;
        let head = read_at(&file, 0, HEAD_BYTES)?;
        if let Some(geometry) = detect(&head) {
            return Ok(Content::Fs(geometry));
        }
        let tail = read_at(&file, size.saturating_sub(TAIL_BYTES as u64), TAIL_BYTES)?;
        let blank = head.iter().chain(&tail).all(|byte| *byte == 0);
        Ok(if blank { Content::Blank } else { Content::Other })
    };
    read().map_err(|e| FsError::io("read", device, e))
}

/// The geometry of a device that has to hold a file system of this kind.
///
/// # Errors
/// [`FsError::Unexpected`] if it holds something else.
pub fn geometry(device: &Path, fs_type: FsType) -> Result<Geometry, FsError> {
    let head = File::open(device)
        .and_then(|file| read_at(&file, 0, HEAD_BYTES))
        .map_err(|e| FsError::io("read", device, e))?;
    fs_type.ops().parse(&head).ok_or_else(|| FsError::Unexpected {
        path: device.to_owned(),
        found: detect(&head).map_or(Content::Other, Content::Fs).to_string(),
        wanted: fs_type.to_string(),
    })
}

fn detect(head: &[u8]) -> Option<Geometry> {
    FsType::ALL.into_iter().find_map(|fs_type| fs_type.ops().parse(head))
}

fn read_at(file: &File, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut data = vec![0; len];
    let mut filled = 0;
    while filled < len {
        match file.read_at(&mut data[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    data.truncate(filled);
    Ok(data)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use rstest::rstest;

    use super::*;

    const SIZE: u64 = 8 << 20;

    #[rstest]
    #[case::all_zero(0, b"", Content::Blank)]
    #[case::first_byte(0, b"x", Content::Other)]
    #[case::last_of_first_mib(HEAD_BYTES as u64 - 1, b"x", Content::Other)]
    #[case::backup_gpt(SIZE - 512, b"EFI PART", Content::Other)]
    #[case::partition_table(510, b"\x55\xaa", Content::Other)]
    #[case::half_an_xfs(0, b"XFSB", Content::Other)]
    fn only_zeros_are_blank(#[case] at: u64, #[case] data: &[u8], #[case] want: Content) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.as_file_mut().write_all(&[]).unwrap();
        file.as_file().set_len(SIZE).unwrap();
        file.as_file().write_all_at(data, at).unwrap();
        assert_eq!(inspect(file.path(), SIZE).unwrap(), want);
    }

    #[test]
    fn a_device_smaller_than_a_superblock_is_read_too() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(512).unwrap();
        assert_eq!(inspect(file.path(), 512).unwrap(), Content::Blank);
        assert!(matches!(geometry(file.path(), FsType::Xfs), Err(FsError::Unexpected { .. })));
    }
}
