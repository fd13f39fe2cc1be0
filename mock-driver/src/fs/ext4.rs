//! ext4: little-endian superblock at 1 KiB; grows unmounted by tool, mounted by ioctl for a
//! process with CAP_SYS_RESOURCE.

use std::fs::File;
use std::path::Path;

use nix::errno::Errno;

use super::bytes::{array, le16, le32};
use super::tool::Tools;
use super::{FileSystemOps, FsError, Geometry, Offline, inspect, ioctl};
use crate::backing::FsType;

/// The only block size we make: smaller ones limit later growth.
const BLOCK_BYTES: u64 = 4096;
/// From this size on mkfs would make a journal that dwarfs a sparse image.
const BIG_DEVICE_BYTES: u64 = 2 << 30;

const SUPERBLOCK: usize = 1024;
const MAGIC: u16 = 0xef53;
const INCOMPAT_EXTENTS: u32 = 0x40;
const INCOMPAT_64BIT: u32 = 0x80;

/// See the module.
pub struct Ext4;

impl FileSystemOps for Ext4 {
    fn min_bytes(&self) -> u64 {
        16 << 20
    }

    // A last block group that cannot hold its own tables (2 MiB of inodes, up to 4 MiB of
    // reserved descriptors, bitmaps) is left out.
    fn smallest_group_bytes(&self) -> u64 {
        8 << 20
    }

    // Otherwise the kernel writes every inode table in the background: gigabytes in a sparse
    // image, and noise while something is measured. The image reads as zeros there already.
    fn mount_data(&self) -> &'static str {
        "noinit_itable"
    }

    fn parse(&self, head: &[u8]) -> Option<Geometry> {
        let sb = head.get(SUPERBLOCK..)?;
        let incompat = le32(sb, 0x60)?;
        if le16(sb, 0x38)? != MAGIC || incompat & INCOMPAT_EXTENTS == 0 {
            return None;
        }
        let high = if incompat & INCOMPAT_64BIT == 0 { 0 } else { le32(sb, 0x150)? };
        let blocks = u64::from(le32(sb, 0x4)?) | u64::from(high) << 32;
        let block_bytes = 1024_u64.checked_shl(le32(sb, 0x18)?)?;
        Some(Geometry {
            fs_type: FsType::Ext4,
            block_bytes,
            total_bytes: blocks.checked_mul(block_bytes)?,
            group_bytes: u64::from(le32(sb, 0x20)?).checked_mul(block_bytes)?,
            uuid: array(sb, 0x68)?,
        })
    }

    // `metadata_csum_seed` makes a change of UUID one superblock write instead of a rewrite of
    // all metadata, which a power cut could tear.
    fn mkfs(&self, tools: &Tools<'_>, device: &Path, device_bytes: u64) -> Result<(), FsError> {
        let block = BLOCK_BYTES.to_string();
        let mut args = vec!["-q", "-F", "-b", &block, "-I", "256", "-i", "16384", "-m", "0"];
        args.extend(["-O", "metadata_csum,metadata_csum_seed,64bit"]);
        args.extend(["-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard"]);
        if device_bytes > BIG_DEVICE_BYTES {
            args.extend(["-J", "size=64"]);
        }
        Ok(tools.run("mkfs.ext4", &args, device)?)
    }

    fn renew_uuid(&self, tools: &Tools<'_>, device: &Path) -> Result<(), FsError> {
        repair(tools, device)?;
        Ok(tools.run("tune2fs", &["-U", "random"], device)?)
    }

    fn grow_unmounted(&self, tools: &Tools<'_>, device: &Path) -> Result<Offline, FsError> {
        repair(tools, device)?;
        tools.run("resize2fs", &[], device)?;
        Ok(Offline::Done)
    }

    fn grow_mounted(&self, mountpoint: &File, device_bytes: u64) -> Result<(), FsError> {
        let block_bytes = nix::sys::statfs::fstatfs(mountpoint)
            .map_or(BLOCK_BYTES, |stat| (stat.block_size() as u64).max(1024));
        ioctl::ext4_resize(mountpoint, device_bytes / block_bytes).map_err(|source| {
            match source.raw_os_error() {
                Some(code) if code == Errno::EPERM as i32 => FsError::NeedsSysResource,
                _ => FsError::Grow { fs_type: FsType::Ext4, source },
            }
        })
    }

    // The kernel keeps a mounted ext4's superblock in the device's page cache, so a plain read
    // of the device is up to date. statfs leaves the overhead out.
    fn mounted(&self, _mountpoint: &File, device: &Path) -> Result<Geometry, FsError> {
        inspect::geometry(device, FsType::Ext4)
    }

    fn check(&self, tools: &Tools<'_>, device: &Path) -> Result<(), FsError> {
        Ok(tools.run("e2fsck", &["-f", "-n"], device)?)
    }
}

/// Replays the journal and repairs what a killed resize2fs left behind.
///
/// `-p` refuses some of those (exit 4: 4 of 30 kills); `-y` is right then, because the only
/// writer besides the kernel was our own tool.
fn repair(tools: &Tools<'_>, device: &Path) -> Result<(), FsError> {
    const OK_OR_FIXED: [i32; 2] = [0, 1];
    match tools.run_accepting("e2fsck", &["-f", "-p"], device, &OK_OR_FIXED) {
        Err(super::tool::ToolError::Failed { status, .. }) if status.code() == Some(4) => {
            tracing::warn!(device = %device.display(), "e2fsck -p refused; repairing with -y");
            Ok(tools.run_accepting("e2fsck", &["-f", "-y"], device, &OK_OR_FIXED)?)
        }
        other => Ok(other?),
    }
}
