//! The three areas of a database: data, doublewrite and redo log. Three files of a folder, or three
//! parts of a block device. Data goes past the page cache where the medium allows it.

use std::{
    fs::File,
    io,
    os::{fd::AsFd, unix::fs::FileExt},
    path::Path,
    sync::Arc,
};

use nix::{
    errno::Errno,
    fcntl::{FallocateFlags, OFlag, PosixFadviseAdvice, fallocate, posix_fadvise},
};

use super::{
    flush::BATCH_PAGES,
    page::{self, Page},
    redo,
};
use crate::workload::files;

/// Names of the files.
const DATA: &str = "pages.data";
const DOUBLE: &str = "pages.double";
const REDO: &str = "pages.redo";

/// A run of bytes that can be written.
pub trait Area: Send + Sync {
    /// All of `into`, or an error; [`io::ErrorKind::UnexpectedEof`] past the end.
    fn read(&self, offset: u64, into: &mut [u8]) -> io::Result<()>;
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()>;
    /// What was written before stays, whatever happens.
    fn sync(&self) -> io::Result<()>;
    /// Where it ends.
    fn bytes(&self) -> io::Result<u64>;
    /// Makes room up to this end, or says ENOSPC.
    fn extend(&self, bytes: u64) -> io::Result<()>;
    /// Drops what this host has cached.
    fn forget(&self) -> io::Result<()>;
}

/// Where a database is.
pub struct Areas {
    pub data: Arc<dyn Area>,
    pub double: Arc<dyn Area>,
    pub redo: Arc<dyn Area>,
    /// Name of the file of `data`, and where in that file or device it begins.
    pub file: String,
    pub base: u64,
}

impl Areas {
    /// Opens what is there; `make` creates files, and empties those that are there.
    pub fn open(path: &Path, block: bool, log_bytes: u64, make: bool) -> io::Result<Self> {
        let double = (BATCH_PAGES * page::BYTES) as u64;
        let redo = redo::area_bytes(log_bytes);
        if block {
            let part = |base, limit, direct| Part::device(path, base, limit, direct);
            return Ok(Self {
                data: Arc::new(part(redo + double, None, true)?),
                double: Arc::new(part(redo, Some(double), true)?),
                redo: Arc::new(part(0, Some(redo), false)?),
                file: String::new(),
                base: redo + double,
            });
        }
        let areas = Self {
            data: Arc::new(Part::file(path, DATA, true, make)?),
            double: Arc::new(Part::file(path, DOUBLE, true, make)?),
            redo: Arc::new(Part::file(path, REDO, false, make)?),
            file: DATA.to_owned(),
            base: 0,
        };
        if make {
            // Names of new files are kept by their folder.
            File::open(path)?.sync_all()?;
        }
        Ok(areas)
    }

    /// Byte offset of a page in its file or device, as people look for it.
    pub fn offset(&self, page: u64) -> u64 {
        self.base + page * page::BYTES as u64
    }
}

/// A file, or a part of a device.
struct Part {
    file: File,
    base: u64,
    /// A part of fixed size; without one it has all the rest.
    limit: Option<u64>,
    block: bool,
    direct: bool,
}

impl Part {
    fn device(path: &Path, base: u64, limit: Option<u64>, direct: bool) -> io::Result<Self> {
        let (file, direct) = files::open_device(path, true, direct)?;
        Ok(Self { file, base, limit, block: true, direct })
    }

    fn file(folder: &Path, name: &str, direct: bool, make: bool) -> io::Result<Self> {
        let flags =
            OFlag::O_RDWR | if make { OFlag::O_CREAT | OFlag::O_TRUNC } else { OFlag::empty() };
        let open = |flags| files::open_file(folder, name, flags);
        let (file, direct) = match if direct { open(flags | OFlag::O_DIRECT) } else { open(flags) }
        {
            Err(error) if error.raw_os_error() == Some(nix::libc::EINVAL) => (open(flags)?, false),
            opened => (opened?, direct),
        };
        Ok(Self { file, base: 0, limit: None, block: false, direct })
    }

    /// A write into a device's part must not run over into the next.
    fn check_end(&self, offset: u64, length: usize) -> io::Result<()> {
        match self.limit {
            Some(limit) if offset + length as u64 > limit => Err(Errno::ENOSPC.into()),
            _ => Ok(()),
        }
    }

    /// For media that know nothing of allocation: zeros, as large a piece at a time as a batch.
    fn write_zeros(&self, mut from: u64, to: u64) -> io::Result<()> {
        let zeros = Page::zeroed();
        while from < to {
            let length = (to - from).min(page::BYTES as u64);
            self.file.write_all_at(&zeros.0[..length as usize], from)?;
            from += length;
        }
        Ok(())
    }
}

impl Area for Part {
    fn read(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(into, self.base + offset)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.check_end(offset, data.len())?;
        self.file.write_all_at(data, self.base + offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn bytes(&self) -> io::Result<u64> {
        let end = if self.block {
            // The end of a device is its size, and seeking to it needs no ioctl.
            io::Seek::seek(&mut &self.file, io::SeekFrom::End(0))?
        } else {
            self.file.metadata()?.len()
        };
        let rest = end.saturating_sub(self.base);
        Ok(self.limit.map_or(rest, |limit| rest.min(limit)))
    }

    fn extend(&self, bytes: u64) -> io::Result<()> {
        let now = self.bytes()?;
        if bytes <= now {
            return Ok(());
        }
        if self.block {
            return Err(Errno::ENOSPC.into());
        }
        let (from, length) = (now as i64, (bytes - now) as i64);
        match fallocate(self.file.as_fd(), FallocateFlags::empty(), from, length) {
            Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => self.write_zeros(now, bytes),
            done => Ok(done?),
        }
    }

    fn forget(&self) -> io::Result<()> {
        if self.direct {
            return Ok(());
        }
        // A file system that has failed may refuse; reading will tell what is left of it.
        let _ = self.file.sync_data();
        Ok(posix_fadvise(&self.file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?)
    }
}
