//! File-system sizes read from the superblock on a device or image: our own few lines per file
//! system, no tool and no library. Must not know mounts.
//!
//! `slack_bytes` is what a whole file system may fall short of its device. It is kept as small
//! as each format's rules allow, because a lie hides in it: a growth smaller than the slack
//! could be skipped unnoticed.

use std::{fs::File, io, os::unix::fs::FileExt};

use csi_stretch_oracle::history::FsGeometry;

pub mod btrfs;
pub mod ext4;
pub mod xfs;

type Parse = fn(&[u8]) -> Option<FsGeometry>;

/// Reads the superblock of a file system of that kind (the kernel's name of it).
pub fn read(device: &File, kind: &str) -> io::Result<FsGeometry> {
    let (at, parse): (u64, Parse) = match kind {
        "ext2" | "ext3" | "ext4" => (ext4::OFFSET, ext4::parse),
        "xfs" => (0, xfs::parse),
        "btrfs" => (btrfs::OFFSET, btrfs::parse),
        _ => return Err(io::Error::other(format!("no reader for superblocks of {kind}"))),
    };
    let mut block = [0; 1024];
    device.read_exact_at(&mut block, at)?;
    let wrong = || io::Error::other(format!("no {kind} superblock on the device"));
    let geometry = parse(&block).ok_or_else(wrong)?;
    Ok(FsGeometry { kind: kind.to_owned(), ..geometry })
}

/// Numbers at byte offsets; `None` past the end.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn le16(&self, at: usize) -> Option<u64> {
        self.array(at).map(u16::from_le_bytes).map(u64::from)
    }

    fn le32(&self, at: usize) -> Option<u64> {
        self.array(at).map(u32::from_le_bytes).map(u64::from)
    }

    fn le64(&self, at: usize) -> Option<u64> {
        self.array(at).map(u64::from_le_bytes)
    }

    fn be32(&self, at: usize) -> Option<u64> {
        self.array(at).map(u32::from_be_bytes).map(u64::from)
    }

    fn be64(&self, at: usize) -> Option<u64> {
        self.array(at).map(u64::from_be_bytes)
    }

    fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.0.get(at..at.checked_add(N)?)?.try_into().ok()
    }
}

#[cfg(test)]
mod tests;
