//! The questions that only ioctl answers. Every one reads; none changes anything.

#![expect(unsafe_code, reason = "ioctl has no safe interface")]

use std::{ffi::c_int, fs::File, io, os::fd::AsRawFd};

/// A reply buffer with the alignment of the kernel's structures.
#[repr(C, align(8))]
pub struct Words<const N: usize>([u8; N]);

impl<const N: usize> Words<N> {
    fn zeroed() -> Self {
        Self([0; N])
    }

    /// The `u32` at a byte offset.
    pub fn u32(&self, at: usize) -> u32 {
        u32::from_ne_bytes(self.bytes(at))
    }

    /// The `u64` at a byte offset.
    pub fn u64(&self, at: usize) -> u64 {
        u64::from_ne_bytes(self.bytes(at))
    }

    /// The bytes from an offset up to the first NUL.
    pub fn text(&self, at: usize) -> &[u8] {
        self.0[at..].split(|byte| *byte == 0).next().unwrap_or_default()
    }

    fn bytes<const M: usize>(&self, at: usize) -> [u8; M] {
        std::array::from_fn(|n| self.0[at + n])
    }
}

/// `struct xfs_fsop_geom_v4`.
pub type XfsGeometry = Words<112>;
/// `struct btrfs_ioctl_fs_info_args`.
pub type BtrfsInfo = Words<1024>;
/// `struct btrfs_ioctl_dev_info_args`.
pub type BtrfsDevice = Words<4096>;

mod raw {
    use super::{BtrfsDevice, BtrfsInfo, XfsGeometry, c_int};

    // The number says size_t, the kernel writes 64 bits.
    const GETSIZE64: nix::libc::c_ulong =
        nix::request_code_read!(0x12, 114, size_of::<usize>()) as nix::libc::c_ulong;
    nix::ioctl_read_bad!(blkgetsize64, GETSIZE64, u64);
    nix::ioctl_read_bad!(blkroget, nix::request_code_none!(0x12, 94), c_int);
    nix::ioctl_read!(xfs_geometry, b'X', 124, XfsGeometry);
    nix::ioctl_read!(btrfs_info, 0x94, 31, BtrfsInfo);
    nix::ioctl_readwrite!(btrfs_device, 0x94, 30, BtrfsDevice);
}

/// Size of a block device, bytes.
pub fn block_bytes(device: &File) -> io::Result<u64> {
    let mut bytes = 0;
    // SAFETY: the kernel writes one u64 and `bytes` is one, alive during the call.
    unsafe { raw::blkgetsize64(device.as_raw_fd(), &raw mut bytes) }?;
    Ok(bytes)
}

/// Whether a block device refuses writes.
pub fn block_read_only(device: &File) -> io::Result<bool> {
    let mut flag: c_int = 0;
    // SAFETY: the kernel writes one int and `flag` is one, alive during the call.
    unsafe { raw::blkroget(device.as_raw_fd(), &raw mut flag) }?;
    Ok(flag != 0)
}

/// XFS_IOC_FSGEOMETRY_V4 on a file or folder of a mounted XFS.
pub fn xfs_geometry(root: &File) -> io::Result<XfsGeometry> {
    let mut reply = XfsGeometry::zeroed();
    // SAFETY: the kernel writes at most the size that is part of the number, which is `reply`'s.
    unsafe { raw::xfs_geometry(root.as_raw_fd(), &raw mut reply) }?;
    Ok(reply)
}

/// BTRFS_IOC_FS_INFO on a file or folder of a mounted btrfs.
pub fn btrfs_info(root: &File) -> io::Result<BtrfsInfo> {
    let mut reply = BtrfsInfo::zeroed();
    // SAFETY: as for `xfs_geometry`.
    unsafe { raw::btrfs_info(root.as_raw_fd(), &raw mut reply) }?;
    Ok(reply)
}

/// BTRFS_IOC_DEV_INFO: one device of a mounted btrfs, by its number in the file system.
pub fn btrfs_device(root: &File, id: u64) -> io::Result<BtrfsDevice> {
    let mut reply = BtrfsDevice::zeroed();
    reply.0[..8].copy_from_slice(&id.to_ne_bytes());
    // SAFETY: as for `xfs_geometry`; the kernel reads the id from the first eight bytes.
    unsafe { raw::btrfs_device(root.as_raw_fd(), &raw mut reply) }?;
    Ok(reply)
}
