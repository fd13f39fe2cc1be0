//! The kernel calls that grow, freeze and measure; safe functions over open files.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

use nix::libc::{c_char, c_int};

/// Grows a mounted ext4 to this many of its blocks.
pub fn ext4_resize(mountpoint: &File, blocks: u64) -> io::Result<()> {
    #[expect(unsafe_code, reason = "ioctl EXT4_IOC_RESIZE_FS")]
    // SAFETY: the argument is a live u64, which the kernel only reads.
    checked(unsafe { raw::ext4_resize(mountpoint.as_raw_fd(), &raw const blocks) })
}

/// What the kernel says about a mounted XFS.
pub fn xfs_geometry(mountpoint: &File) -> io::Result<XfsGeometry> {
    let mut geometry = XfsGeometry::default();
    #[expect(unsafe_code, reason = "ioctl XFS_IOC_FSGEOMETRY_V1")]
    // SAFETY: the argument is a live struct of the size that is part of the ioctl's number.
    checked(unsafe { raw::xfs_geometry(mountpoint.as_raw_fd(), &raw mut geometry) })?;
    Ok(geometry)
}

/// Grows a mounted XFS to this many of its blocks; `imax_pct` stays what it was.
pub fn xfs_grow(mountpoint: &File, blocks: u64, imax_pct: u32) -> io::Result<()> {
    let grow = XfsGrow { blocks, imax_pct, pad: 0 };
    #[expect(unsafe_code, reason = "ioctl XFS_IOC_FSGROWFSDATA")]
    // SAFETY: the argument is a live struct of the size that is part of the ioctl's number.
    checked(unsafe { raw::xfs_grow(mountpoint.as_raw_fd(), &raw const grow) })
}

/// Grows the only device of a mounted btrfs to all that it has.
pub fn btrfs_resize_max(mountpoint: &File) -> io::Result<()> {
    let mut args = BtrfsVolArgs { fd: 0, name: [0; 4088] };
    for (to, from) in args.name.iter_mut().zip(b"max") {
        *to = *from as c_char;
    }
    #[expect(unsafe_code, reason = "ioctl BTRFS_IOC_RESIZE")]
    // SAFETY: the argument is a live struct of 4096 bytes; its name ends with a zero byte.
    checked(unsafe { raw::btrfs_resize(mountpoint.as_raw_fd(), &raw const args) })
}

/// Stops all writes to a mounted file system and brings it to rest on its device.
///
/// `EBUSY` means that it is frozen already.
pub fn freeze(mountpoint: &File) -> io::Result<()> {
    #[expect(unsafe_code, reason = "ioctl FIFREEZE")]
    // SAFETY: the kernel does not look at the argument.
    checked(unsafe { raw::fifreeze(mountpoint.as_raw_fd(), 0) })
}

/// Lets a frozen file system go on. `EINVAL` means that it was not frozen.
pub fn thaw(mountpoint: &File) -> io::Result<()> {
    #[expect(unsafe_code, reason = "ioctl FITHAW")]
    // SAFETY: the kernel does not look at the argument.
    checked(unsafe { raw::fithaw(mountpoint.as_raw_fd(), 0) })
}

/// Shuts a mounted XFS or ext4 down as it stands: whoever uses it meets EIO from now on.
pub fn shut_down(mountpoint: &File) -> io::Result<()> {
    let mut flags = 1;
    #[expect(unsafe_code, reason = "ioctl XFS_IOC_GOINGDOWN, and EXT4_IOC_SHUTDOWN alike")]
    // SAFETY: the argument is a live u32, which the kernel only reads; 1 writes the log first.
    checked(unsafe { raw::shut_down(mountpoint.as_raw_fd(), &raw mut flags) })
}

/// Size of a block device, bytes.
pub fn block_device_bytes(device: &File) -> io::Result<u64> {
    let mut bytes = 0_u64;
    #[expect(unsafe_code, reason = "ioctl BLKGETSIZE64")]
    // SAFETY: the argument is a live u64, which the kernel fills.
    checked(unsafe { raw::blkgetsize64(device.as_raw_fd(), (&raw mut bytes).cast()) })?;
    Ok(bytes)
}

/// Drops what the kernel caches of a block device, so that the next read sees the device itself.
pub fn flush_buffers(device: &Path) -> io::Result<()> {
    let file = File::open(device)?;
    #[expect(unsafe_code, reason = "ioctl BLKFLSBUF")]
    // SAFETY: the kernel does not look at the argument.
    checked(unsafe { raw::blkflsbuf(file.as_raw_fd(), 0) })
}

/// Makes `to` share all blocks of `from`, where their file system can.
pub fn reflink(from: &File, to: &File) -> io::Result<()> {
    #[expect(unsafe_code, reason = "ioctl FICLONE")]
    // SAFETY: the argument is an open file descriptor, passed by value.
    checked(unsafe { raw::ficlone(to.as_raw_fd(), from.as_raw_fd()) })
}

/// The first version of the kernel's answer, which every kernel gives.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct XfsGeometry {
    /// Bytes of one block.
    pub block_bytes: u32,
    rt_extent_blocks: u32,
    /// Blocks of one allocation group.
    pub ag_blocks: u32,
    ag_count: u32,
    log_blocks: u32,
    sector_bytes: u32,
    inode_bytes: u32,
    /// How much of the space inodes may take, percent.
    pub imax_pct: u32,
    /// Blocks of the data section.
    pub data_blocks: u64,
    rt_blocks: u64,
    rt_extents: u64,
    log_start: u64,
    /// The identity of the file system.
    pub uuid: [u8; 16],
    rest: [u32; 7],
}

#[repr(C)]
struct XfsGrow {
    blocks: u64,
    imax_pct: u32,
    pad: u32,
}

#[repr(C)]
struct BtrfsVolArgs {
    fd: i64,
    name: [c_char; 4088],
}

fn checked(result: nix::Result<c_int>) -> io::Result<()> {
    result.map(drop).map_err(io::Error::from)
}

mod raw {
    use super::{BtrfsVolArgs, XfsGeometry, XfsGrow, c_int};

    nix::ioctl_write_ptr!(ext4_resize, b'f', 16, u64);
    nix::ioctl_read!(xfs_geometry, b'X', 100, XfsGeometry);
    nix::ioctl_write_ptr!(xfs_grow, b'X', 110, XfsGrow);
    nix::ioctl_write_ptr!(btrfs_resize, 0x94, 3, BtrfsVolArgs);
    nix::ioctl_write_int_bad!(
        fifreeze,
        nix::request_code_readwrite!(b'X', 119, size_of::<c_int>())
    );
    nix::ioctl_write_int_bad!(fithaw, nix::request_code_readwrite!(b'X', 120, size_of::<c_int>()));
    nix::ioctl_read!(shut_down, b'X', 125, u32);
    nix::ioctl_write_int_bad!(ficlone, nix::request_code_write!(0x94, 9, size_of::<c_int>()));
    nix::ioctl_read!(blkgetsize64, 0x12, 114, usize);
    nix::ioctl_write_int_bad!(blkflsbuf, nix::request_code_none!(0x12, 97));

    // The kernel's numbers carry these sizes; a wrong field would give ENOTTY at best.
    const _: () = assert!(size_of::<XfsGeometry>() == 112);
    const _: () = assert!(size_of::<XfsGrow>() == 16);
    const _: () = assert!(size_of::<BtrfsVolArgs>() == 4096);
}
