//! Loop devices: attach, find again, resize, detach.
//!
//! Names of loop devices prove nothing: a free number is reused at once. So a device is first
//! opened, then its backing file is compared by inode, and only the open descriptor is used. The
//! kernel keeps a device attached while a descriptor is open, so the check stays true.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use loopdev::{LoopControl, LoopDevice};
use nix::errno::Errno;

use super::node::{self, Node};
use super::{retry, sys};
use crate::backing::{BackingError, Result};
use crate::fs::block_device_bytes;

/// How long attaching competes for free numbers. Measured: 10 rounds with 16 at once.
const ATTACH_LIMIT: Duration = Duration::from_secs(10);
/// How long a detached device may stay open elsewhere (udev, blkid) before it counts as busy.
const DETACH_LIMIT: Duration = Duration::from_secs(5);
const SECTOR_BYTES: u64 = 512;

/// An open loop device, proven to be attached to one of our images.
#[derive(Debug)]
pub struct Device {
    handle: LoopDevice,
    /// Its names.
    pub node: Node,
    /// Whether it refuses writes.
    pub read_only: bool,
}

/// Attaches `image` to a free loop device.
///
/// # Errors
/// No permission, no loop driver, or no free device within ten seconds.
pub fn attach(image: &Path, read_only: bool) -> Result<Device> {
    let control = LoopControl::open().map_err(BackingError::io(
        "open /dev/loop-control (loop devices need root and the host's /dev)",
    ))?;
    let opening = BackingError::io(format!("open {}", image.display()));
    let file = File::options().read(true).write(!read_only).open(image).map_err(opening)?;
    let attempt = || match try_attach(&control, &file, image, read_only) {
        Err(e) if e.raw_os_error() == Some(Errno::EBUSY as i32) => None,
        done => Some(done),
    };
    match retry::until(ATTACH_LIMIT, attempt) {
        Some(Ok(device)) => proven(device, &file, image)?
            .ok_or_else(|| BackingError::Busy(format!("{} was detached at once", image.display()))),
        Some(Err(e)) => Err(BackingError::io(format!("attach {}", image.display()))(e)),
        None => Err(BackingError::Busy("every free loop device was taken by others first".into())),
    }
}

/// All devices that are attached to `image`, in the order of their numbers.
///
/// # Errors
/// Reading sysfs or opening a device failed for another reason than that it went away.
pub fn find(image: &Path) -> Result<Vec<Device>> {
    let file = match File::open(image) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(BackingError::io(format!("open {}", image.display()))(e)),
    };
    let mut found = Vec::new();
    for (node, backing) in node::attached()? {
        if backing == image
            && let Some(device) = open(&node)?
            && let Some(device) = proven(device, &file, image)?
        {
            found.push(device);
        }
    }
    Ok(found)
}

/// Detaches the device at `node` if it is still backed by `backing`, also if that file was
/// deleted. The caller made sure that nothing of it is mounted.
///
/// # Errors
/// [`BackingError::Busy`] if somebody holds it open; it goes away when they close it.
pub fn detach(node: &Node, backing: &Path) -> Result<()> {
    let Some(device) = open(node)? else { return Ok(()) };
    // Asked with the device open: from now on it cannot change its backing file.
    if node.backing_file()?.as_deref() != Some(backing) {
        return Ok(());
    }
    release(device, node, backing)
}

impl Device {
    /// Its size, bytes.
    pub fn bytes(&self) -> Result<u64> {
        self.open_file()
            .and_then(|file| block_device_bytes(&file))
            .map_err(BackingError::io(format!("read the size of {}", self.node.path.display())))
    }

    /// Opens the device a second time, as a plain file.
    pub fn open_file(&self) -> io::Result<File> {
        File::options().read(true).write(!self.read_only).open(&self.node.path)
    }

    /// Makes the device as large as its backing file, which has `image_bytes`, and proves it.
    pub fn take_size(&self, image_bytes: u64) -> Result<()> {
        let doing = || BackingError::io(format!("resize {}", self.node.path.display()));
        self.handle.set_capacity().map_err(doing())?;
        let want = image_bytes - image_bytes % SECTOR_BYTES;
        let have = self.bytes()?;
        if have == want {
            return Ok(());
        }
        let text = format!("the kernel accepted {want} bytes and the device has {have}");
        Err(doing()(io::Error::other(text)))
    }

    /// Detaches it, as [`detach`] does.
    pub fn detach(self, image: &Path) -> Result<()> {
        release(self.handle, &self.node, image)
    }
}

fn try_attach(
    control: &LoopControl,
    file: &File,
    image: &Path,
    read_only: bool,
) -> io::Result<LoopDevice> {
    let device = control.next_free()?;
    sys::configure(&device, file, image, read_only)?;
    Ok(device)
}

/// Detaching only marks; the device is gone at the last close, which need not be ours.
fn release(device: LoopDevice, node: &Node, backing: &Path) -> Result<()> {
    match device.detach() {
        Err(e) if e.raw_os_error() != Some(Errno::ENXIO as i32) => {
            return Err(BackingError::io(format!("detach {}", node.path.display()))(e));
        }
        _ => drop(device),
    }
    let gone = retry::until(DETACH_LIMIT, || match node.backing_file() {
        Ok(Some(now)) if now == backing => None,
        other => Some(other.map(drop)),
    });
    gone.unwrap_or_else(|| {
        let path = node.path.display();
        Err(BackingError::Busy(format!("a process holds {path} open: end it first")))
    })
}

/// `None` when the device file is gone.
fn open(node: &Node) -> Result<Option<LoopDevice>> {
    match LoopDevice::open(&node.path) {
        Ok(device) => Ok(Some(device)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(BackingError::io(format!("open {}", node.path.display()))(e)),
    }
}

/// `None` when the device is not (or no longer) attached to `file`.
fn proven(device: LoopDevice, file: &File, image: &Path) -> Result<Option<Device>> {
    let reading = || BackingError::io(format!("read what is behind {}", image.display()));
    let status = match sys::status(&device) {
        Ok(status) => status,
        Err(e) if e.raw_os_error() == Some(Errno::ENXIO as i32) => return Ok(None),
        Err(e) => return Err(reading()(e)),
    };
    let meta = file.metadata().map_err(reading())?;
    if (status.dev, status.inode) != (meta.dev(), meta.ino()) {
        return Ok(None);
    }
    let path = device.path().ok_or_else(|| {
        BackingError::Busy(format!("the device file of {} went away", image.display()))
    })?;
    let number = (device.major().map_err(reading())?, device.minor().map_err(reading())?);
    Ok(Some(Device { handle: device, node: Node { number, path }, read_only: status.read_only }))
}
