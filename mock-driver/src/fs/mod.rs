//! The three file systems the driver can put on a volume, one file each.
//!
//! This part knows on-disk facts, the kernel's grow ioctls and which tool does the rest. It must
//! not know what a volume, a request or a loop device is: it is given a path or an open file.
//!
//! Sizes are always read back from the superblock or the kernel. A tool's exit status is never
//! taken as proof, because `resize2fs` and `xfs_growfs` exit 0 when they did nothing.

mod btrfs;
mod bytes;
mod error;
mod ext4;
pub mod inspect;
mod ioctl;
pub mod tool;
mod xfs;

use std::fs::File;
use std::path::Path;

pub use error::FsError;
pub use inspect::{Content, inspect};
pub use ioctl::{block_device_bytes, flush_buffers, freeze, reflink, shut_down, thaw};
use tool::Tools;

use crate::backing::FsType;

impl FsType {
    /// The type with the name that mount(2) uses, if it is one of ours.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fs_type| fs_type.name() == name)
    }

    /// What this file system can do.
    pub fn ops(self) -> &'static dyn FileSystemOps {
        match self {
            Self::Ext4 => &ext4::Ext4,
            Self::Xfs => &xfs::Xfs,
            Self::Btrfs => &btrfs::Btrfs,
        }
    }
}

/// What a superblock says about its file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Which file system it is.
    pub fs_type: FsType,
    /// Size of one block, bytes.
    pub block_bytes: u64,
    /// Size of the whole file system, bytes.
    pub total_bytes: u64,
    /// Size of one block group or allocation group, bytes; 0 where there is none.
    pub group_bytes: u64,
    /// The identity that the kernel tells file systems apart by.
    pub uuid: [u8; 16],
}

/// What one kind of file system can do. `device` is a block device or an image file.
pub trait FileSystemOps: Sync {
    /// Smallest device that mkfs accepts, bytes.
    fn min_bytes(&self) -> u64;

    /// A last group smaller than this may be left out, bytes; 0 where there are no groups.
    fn smallest_group_bytes(&self) -> u64;

    /// Options for mount(2) that every mount of this kind gets.
    fn mount_data(&self) -> &'static str;

    /// Reads the geometry out of the first [`inspect::HEAD_BYTES`] of a device.
    fn parse(&self, head: &[u8]) -> Option<Geometry>;

    /// Makes an empty file system over the whole device. The caller made sure that it is blank.
    fn mkfs(&self, tools: &Tools<'_>, device: &Path, device_bytes: u64) -> Result<(), FsError>;

    /// Gives an unmounted copy an identity of its own, so that it mounts beside its original.
    fn renew_uuid(&self, tools: &Tools<'_>, device: &Path) -> Result<(), FsError>;

    /// Grows an unmounted file system to the whole device, or says that this kind cannot.
    fn grow_unmounted(&self, tools: &Tools<'_>, device: &Path) -> Result<Offline, FsError>;

    /// Grows a mounted file system to the whole of its device.
    fn grow_mounted(&self, mountpoint: &File, device_bytes: u64) -> Result<(), FsError>;

    /// The geometry of a mounted file system as the kernel holds it now.
    fn mounted(&self, mountpoint: &File, device: &Path) -> Result<Geometry, FsError>;

    /// Looks for damage in an unmounted file system and changes nothing.
    fn check(&self, tools: &Tools<'_>, device: &Path) -> Result<(), FsError>;
}

/// What growing an unmounted file system came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offline {
    /// The tool ran; the caller reads the superblock.
    Done,
    /// This kind only grows while mounted.
    NeedsMount,
}

impl Geometry {
    /// Whether not one more block fits on the device.
    pub const fn is_exact(&self, device_bytes: u64) -> bool {
        self.total_bytes.saturating_add(self.block_bytes) > device_bytes
    }

    /// Whether the file system has all of its device that it can use: the rest is less than a
    /// block, or a last group too small to be one.
    pub fn fills(&self, device_bytes: u64) -> bool {
        let rest = device_bytes.saturating_sub(self.total_bytes);
        let at_group_end = self.total_bytes.checked_rem(self.group_bytes) == Some(0);
        self.is_exact(device_bytes)
            || (at_group_end && rest < self.fs_type.ops().smallest_group_bytes())
    }

    fn proven(self, device_bytes: u64) -> Result<Self, FsError> {
        if self.fills(device_bytes) {
            return Ok(self);
        }
        let Self { fs_type, total_bytes: fs_bytes, .. } = self;
        Err(FsError::DidNotGrow { fs_type, fs_bytes, device_bytes })
    }
}

/// The geometry of a mounted file system as the kernel holds it now.
///
/// # Errors
/// The mount point cannot be opened or asked.
pub fn mounted(fs_type: FsType, mountpoint: &Path, device: &Path) -> Result<Geometry, FsError> {
    let dir = File::open(mountpoint).map_err(|e| FsError::io("open", mountpoint, e))?;
    fs_type.ops().mounted(&dir, device)
}

/// Grows a mounted file system to its device and proves it.
///
/// # Errors
/// The kernel's errno, or [`FsError::DidNotGrow`] if it said yes and the size says no.
pub fn grow_mounted(
    fs_type: FsType,
    mountpoint: &Path,
    device: &Path,
    device_bytes: u64,
) -> Result<Geometry, FsError> {
    let dir = File::open(mountpoint).map_err(|e| FsError::io("open", mountpoint, e))?;
    let before = fs_type.ops().mounted(&dir, device)?;
    if before.is_exact(device_bytes) {
        return Ok(before);
    }
    fs_type.ops().grow_mounted(&dir, device_bytes)?;
    fs_type.ops().mounted(&dir, device)?.proven(device_bytes)
}

/// Grows an unmounted file system, where its kind can, and proves it.
///
/// `None` means that this kind has to be mounted first.
///
/// # Errors
/// The tool's failure, or [`FsError::DidNotGrow`] if it claimed success and the superblock says no.
pub fn grow_unmounted(
    tools: &Tools<'_>,
    before: Geometry,
    device: &Path,
    device_bytes: u64,
) -> Result<Option<Geometry>, FsError> {
    if before.is_exact(device_bytes) {
        return Ok(Some(before));
    }
    if before.fs_type.ops().grow_unmounted(tools, device)? == Offline::NeedsMount {
        return Ok(None);
    }
    inspect::geometry(device, before.fs_type)?.proven(device_bytes).map(Some)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const MIB: u64 = 1 << 20;

    #[rstest]
    #[case::exact(FsType::Ext4, 64 * MIB, 64 * MIB, true)]
    #[case::part_of_a_block(FsType::Ext4, 64 * MIB, 64 * MIB + 4095, true)]
    #[case::one_block_short(FsType::Ext4, 64 * MIB, 64 * MIB + 4096, false)]
    #[case::a_group_that_cannot_be(FsType::Ext4, 128 * MIB, 132 * MIB, true)]
    #[case::a_group_that_can_be(FsType::Ext4, 128 * MIB, 136 * MIB, false)]
    #[case::small_allocation_group(FsType::Xfs, 256 * MIB, 256 * MIB + 63 * 4096, true)]
    #[case::allocation_group(FsType::Xfs, 256 * MIB, 256 * MIB + 64 * 4096, false)]
    #[case::btrfs_has_no_groups(FsType::Btrfs, 128 * MIB, 128 * MIB + 4096, false)]
    fn a_file_system_fills_its_device(
        #[case] fs_type: FsType,
        #[case] fs_bytes: u64,
        #[case] device_bytes: u64,
        #[case] want: bool,
    ) {
        let group_bytes = if fs_type == FsType::Btrfs { 0 } else { 128 * MIB };
        let geometry = Geometry {
            fs_type,
            block_bytes: 4096,
            total_bytes: fs_bytes,
            group_bytes,
            uuid: [0; 16],
        };
        assert_eq!(geometry.fills(device_bytes), want);
        assert_eq!(geometry.proven(device_bytes).is_ok(), want);
    }
}
