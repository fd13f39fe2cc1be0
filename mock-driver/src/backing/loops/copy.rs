//! Copies the content of one image into another: shared blocks where the disk can, holes kept.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::unistd::{Whence, lseek};

use crate::fs::reflink;

/// Makes `to`, an empty file, a copy of `from` that is at least `bytes` large.
///
/// # Errors
/// `ENOSPC` and what else reading and writing can give.
pub fn copy(from: &File, to: &File, bytes: u64) -> io::Result<()> {
    let source_bytes = from.metadata()?.len();
    if reflink(from, to).is_err() {
        to.set_len(source_bytes)?;
        let mut at = 0;
        while let Some((begin, end)) = next_data(from, at, source_bytes)? {
            copy_range(from, to, begin, end)?;
            at = end;
        }
    }
    to.set_len(source_bytes.max(bytes))
}

/// The next range at or after `at` that is not a hole.
fn next_data(file: &File, at: u64, end: u64) -> io::Result<Option<(u64, u64)>> {
    if at >= end {
        return Ok(None);
    }
    let begin = match lseek(file.as_fd(), at as i64, Whence::SeekData) {
        Ok(begin) => begin as u64,
        Err(Errno::ENXIO) => return Ok(None),
        // This disk knows no holes: all is data.
        Err(Errno::EINVAL) => return Ok(Some((at, end))),
        Err(e) => return Err(e.into()),
    };
    let hole = lseek(file.as_fd(), begin as i64, Whence::SeekHole)? as u64;
    Ok((begin < end).then_some((begin, hole.min(end))))
}

/// The standard library lets the kernel copy between files where it can.
fn copy_range(mut from: &File, mut to: &File, begin: u64, end: u64) -> io::Result<()> {
    from.seek(SeekFrom::Start(begin))?;
    to.seek(SeekFrom::Start(begin))?;
    let copied = io::copy(&mut from.take(end - begin), &mut to)?;
    if copied == end - begin { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileExt, MetadataExt};

    use rstest::rstest;

    use super::*;

    const MIB: u64 = 1 << 20;

    fn image(bytes: u64, data: &[(u64, u8)]) -> File {
        let file = tempfile::tempfile().unwrap();
        file.set_len(bytes).unwrap();
        for (at, byte) in data {
            file.write_all_at(&[*byte; 5000], *at).unwrap();
        }
        file
    }

    fn content(file: &File) -> Vec<u8> {
        let mut all = vec![0; file.metadata().unwrap().len() as usize];
        file.read_exact_at(&mut all, 0).unwrap();
        all
    }

    #[rstest]
    #[case::empty(&[], 8 * MIB)]
    #[case::start_and_end(&[(0, 1), (8 * MIB - 5000, 2)], 8 * MIB)]
    #[case::grown(&[(3 * MIB, 7)], 20 * MIB)]
    #[case::never_smaller(&[(3 * MIB, 7)], MIB)]
    fn a_copy_has_the_content_and_the_holes(#[case] data: &[(u64, u8)], #[case] bytes: u64) {
        let from = image(8 * MIB, data);
        let to = tempfile::tempfile().unwrap();
        copy(&from, &to, bytes).unwrap();
        let mut want = content(&from);
        want.resize(bytes.max(8 * MIB) as usize, 0);
        assert!(content(&to) == want, "content differs");
        assert!(to.metadata().unwrap().blocks() * 512 < MIB, "holes were filled");
    }
}
