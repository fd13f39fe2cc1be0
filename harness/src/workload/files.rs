//! The real kernel as a medium: files on mounted volumes, and block devices. Reads go to the
//! device and not to this host's cache, or a verification would only test the cache.

use std::{
    any::Any,
    fs::{File, OpenOptions},
    io,
    os::{
        fd::OwnedFd,
        unix::fs::{FileExt, FileTypeExt, OpenOptionsExt},
    },
    path::Path,
};

use nix::{
    errno::Errno,
    fcntl::{OFlag, PosixFadviseAdvice, openat, posix_fadvise},
    libc,
    sys::{stat::Mode, statvfs},
};

use super::Medium;

/// Alignment that O_DIRECT asks of memory; no device asks for more than a page.
const ALIGN: usize = 4096;

/// Files and devices of this kernel.
#[derive(Clone, Copy, Debug, Default)]
pub struct Files;

impl Medium for Files {
    fn write(&self, path: &Path, file: &str, offset: u64, data: &[u8]) -> io::Result<()> {
        if file.is_empty() {
            let device = Device::open(path, true)?;
            device.write(offset, data)?;
            return device.file.sync_all();
        }
        let create = if offset == 0 { OFlag::O_CREAT } else { OFlag::empty() };
        let file = open_file(path, file, OFlag::O_WRONLY | create)?;
        file.write_all_at(data, offset)?;
        file.sync_all()?;
        // The name of a new file is kept by its folder.
        if offset == 0 { File::open(path)?.sync_all() } else { Ok(()) }
    }

    fn read(&self, path: &Path, file: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        if file.is_empty() {
            return Device::open(path, false)?.read(offset, length);
        }
        let file = open_file(path, file, OFlag::O_RDONLY)?;
        read_past_cache(&file, offset, length)
    }

    fn device_bytes(&self, path: &Path) -> io::Result<u64> {
        let mut device = Device::open(path, false)?.file;
        // The end of a device is its size, and seeking to it needs no ioctl.
        io::Seek::seek(&mut device, io::SeekFrom::End(0))
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        refuse_link(path)?;
        let said = statvfs::statvfs(path)?;
        Ok(said.blocks_available().saturating_mul(said.fragment_size()))
    }

    fn hold(&self, path: &Path, file: &str) -> io::Result<Box<dyn Any + Send>> {
        Ok(Box::new(if file.is_empty() {
            Device::open(path, false)?.file
        } else {
            open_file(path, file, OFlag::O_RDONLY)?
        }))
    }
}

/// Opens a plain file of our own right below a folder; follows no link and waits for no pipe that
/// a driver may have put there.
pub(super) fn open_file(folder: &Path, name: &str, flags: OFlag) -> io::Result<File> {
    if name.contains('/') || name == ".." {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not the name of a file"));
    }
    refuse_link(folder)?;
    let careful = OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW;
    let below = nix::fcntl::open(folder, careful | OFlag::O_DIRECTORY, Mode::empty())?;
    let mode = Mode::S_IRUSR | Mode::S_IWUSR;
    let file: OwnedFd = openat(&below, name, flags | careful, mode)?;
    let file = File::from(file);
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain file"));
    }
    Ok(file)
}

/// A driver may have put a link where it publishes: to another host's folder, to the disk of this
/// one. The harness runs as root and writes through none.
fn refuse_link(path: &Path) -> io::Result<()> {
    if std::fs::symlink_metadata(path)?.is_symlink() {
        return Err(io::Error::new(io::ErrorKind::Unsupported, LINK));
    }
    Ok(())
}

const LINK: &str = "it is a symbolic link, and the harness reads and writes through none";

/// The error of [`refuse_link`]: nothing was tried, so nothing is known of the volume.
pub(super) fn is_refused(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported && error.raw_os_error().is_none()
}

/// Writes back and drops what this host has cached, so that the read has to ask the device.
fn read_past_cache(file: &File, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    // A file system that has failed may refuse; then the read below tells what is left of it.
    let _ = file.sync_data();
    posix_fadvise(file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
    let mut data = vec![0; length];
    file.read_exact_at(&mut data, offset)?;
    Ok(data)
}

/// A block device; says whether it is past the page cache, which not every device can be.
pub(super) fn open_device(node: &Path, write: bool, direct: bool) -> io::Result<(File, bool)> {
    refuse_link(node)?;
    if !std::fs::metadata(node)?.file_type().is_block_device() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a block device"));
    }
    let open = |flags: i32| {
        let flags = flags | libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOFOLLOW;
        OpenOptions::new().read(true).write(write).custom_flags(flags).open(node)
    };
    if !direct {
        return Ok((open(0)?, false));
    }
    match open(libc::O_DIRECT) {
        Ok(file) => Ok((file, true)),
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Ok((open(0)?, false)),
        Err(error) => Err(error),
    }
}

/// A block device, past the page cache where it can be.
struct Device {
    file: File,
    direct: bool,
}

impl Device {
    fn open(node: &Path, write: bool) -> io::Result<Self> {
        let (file, direct) = open_device(node, write, true)?;
        Ok(Self { file, direct })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if !self.direct {
            return self.file.write_all_at(data, offset);
        }
        let mut aligned = Aligned::new(data.len());
        aligned.bytes_mut().copy_from_slice(data);
        self.file.write_all_at(aligned.bytes(), offset)
    }

    fn read(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        if !self.direct {
            return read_past_cache(&self.file, offset, length);
        }
        let mut aligned = Aligned::new(length);
        self.file.read_exact_at(aligned.bytes_mut(), offset)?;
        Ok(aligned.bytes().to_vec())
    }
}

/// Memory that O_DIRECT takes.
pub(super) struct Aligned {
    memory: Vec<u8>,
    start: usize,
    length: usize,
}

impl Aligned {
    pub fn new(length: usize) -> Self {
        let memory = vec![0; length + ALIGN];
        let start = memory.as_ptr().align_offset(ALIGN);
        Self { memory, start, length }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.length]
    }

    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.length]
    }
}

/// The kernel's short name of an error, `EIO`; other errors in words.
pub fn errno_name(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => format!("{:?}", Errno::from_raw(number)),
        None if error.kind() == io::ErrorKind::UnexpectedEof => "past the end".to_owned(),
        None => crate::words::clean(&error.to_string()),
    }
}
