//! Block devices: which one, and how large (BLKGETSIZE64). Opens for reading only, and never
//! anything that is not a block device.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use nix::{libc, sys::stat};

use super::ioctl;

/// A block device as far as it can be reached.
#[derive(Debug)]
pub struct Device {
    /// Major and minor number.
    pub number: (u64, u64),
    /// Open for reading; `None`: no node, or no right to open it.
    pub file: Option<File>,
    /// Size in bytes.
    pub bytes: Option<u64>,
}

impl Device {
    /// `major:minor`.
    pub fn name(&self) -> String {
        format!("{}:{}", self.number.0, self.number.1)
    }

    /// The device behind a node.
    pub fn open(node: &Path) -> io::Result<Self> {
        let (number, file) = open_node(node)?;
        let bytes = ioctl::block_bytes(&file)?;
        Ok(Self { number, file: Some(file), bytes: Some(bytes) })
    }

    /// The device with a number, as a mount names it. `source` is the node it was mounted from,
    /// tried when the kernel's own name for the device leads nowhere.
    pub fn by_number(number: (u64, u64), source: &Path, notes: &mut Vec<String>) -> Self {
        let mut why = format!("no node of device {}:{} in /dev", number.0, number.1);
        for node in kernel_name(number).into_iter().chain([source.to_owned()]) {
            match Self::open(&node) {
                Ok(device) if device.number == number => return device,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => why = format!("cannot open {}: {error}", node.display()),
            }
        }
        let bytes = size_from_sysfs(number);
        notes.push(match bytes {
            Some(_) => format!("{why}; its size is from /sys/dev/block"),
            None => format!("size of the device not measured: {why}"),
        });
        Self { number, file: None, bytes }
    }

    /// Whether the device refuses writes; false if it cannot be asked.
    pub fn is_read_only(&self) -> bool {
        self.file.as_ref().is_some_and(|file| ioctl::block_read_only(file).unwrap_or(false))
    }
}

/// Opens a node without waiting for media or carriers, and makes sure that it is a device.
fn open_node(node: &Path) -> io::Result<((u64, u64), File)> {
    let flags = libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY;
    if !std::fs::metadata(node)?.file_type().is_block_device() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a block device"));
    }
    let file = OpenOptions::new().read(true).custom_flags(flags).open(node)?;
    let metadata = file.metadata()?;
    if !metadata.file_type().is_block_device() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a block device"));
    }
    Ok(((stat::major(metadata.rdev()), stat::minor(metadata.rdev())), file))
}

/// The node that the kernel's own name for the device stands for.
fn kernel_name(number: (u64, u64)) -> Option<PathBuf> {
    let (major, minor) = number;
    let events = std::fs::read_to_string(format!("/sys/dev/block/{major}:{minor}/uevent")).ok()?;
    let name = events.lines().find_map(|line| line.strip_prefix("DEVNAME="))?;
    Some(Path::new("/dev").join(name))
}

/// The kernel counts in sectors of 512 bytes here, whatever the device's own sectors are.
fn size_from_sysfs(number: (u64, u64)) -> Option<u64> {
    let (major, minor) = number;
    let sectors = std::fs::read_to_string(format!("/sys/dev/block/{major}:{minor}/size")).ok()?;
    sectors.trim().parse::<u64>().ok()?.checked_mul(512)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_device_is_not_opened() {
        for path in ["/dev/null", "/proc/self/mountinfo", "/"] {
            let error = Device::open(Path::new(path)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{path}");
        }
    }

    #[test]
    fn a_device_that_is_not_there_leaves_a_note() {
        let mut notes = Vec::new();
        let device = Device::by_number((4095, 7), Path::new("/nowhere"), &mut notes);
        assert_eq!((device.bytes, notes.len()), (None, 1));
        assert!(notes[0].contains("4095:7"), "{notes:?}");
    }
}
