//! btrfs on one device: little-endian superblock at 64 KiB; grows mounted only, by ioctl.

use std::fs::File;
use std::path::Path;

use nix::sys::statfs::fstatfs;

use super::bytes::{array, le32, le64};
use super::tool::Tools;
use super::{FileSystemOps, FsError, Geometry, Offline, inspect, ioctl};
use crate::backing::FsType;

const SUPERBLOCK: usize = 64 << 10;
const MAGIC: &[u8] = b"_BHRfS_M";

/// See the module.
pub struct Btrfs;

impl FileSystemOps for Btrfs {
    fn min_bytes(&self) -> u64 {
        110 << 20
    }

    fn smallest_group_bytes(&self) -> u64 {
        0
    }

    fn mount_data(&self) -> &'static str {
        ""
    }

    fn parse(&self, head: &[u8]) -> Option<Geometry> {
        let sb = head.get(SUPERBLOCK..)?;
        if sb.get(0x40..0x48)? != MAGIC {
            return None;
        }
        Some(Geometry {
            fs_type: FsType::Btrfs,
            block_bytes: u64::from(le32(sb, 0x90)?),
            total_bytes: le64(sb, 0x70)?,
            group_bytes: 0,
            uuid: array(sb, 0x20)?,
        })
    }

    fn mkfs(&self, tools: &Tools<'_>, device: &Path, _device_bytes: u64) -> Result<(), FsError> {
        let args = ["-q", "-f", "-K", "-d", "single", "-m", "single"];
        Ok(tools.run("mkfs.btrfs", &args, device)?)
    }

    // Changes the superblocks only (METADATA_UUID), whatever the size. The kernel refuses to
    // mount two devices with one fsid, so this has to come before the first mount of a copy.
    fn renew_uuid(&self, tools: &Tools<'_>, device: &Path) -> Result<(), FsError> {
        Ok(tools.run("btrfstune", &["-f", "-m"], device)?)
    }

    fn grow_unmounted(&self, _tools: &Tools<'_>, _device: &Path) -> Result<Offline, FsError> {
        Ok(Offline::NeedsMount)
    }

    fn grow_mounted(&self, mountpoint: &File, _device_bytes: u64) -> Result<(), FsError> {
        ioctl::btrfs_resize_max(mountpoint)
            .map_err(|source| FsError::Grow { fs_type: FsType::Btrfs, source })
    }

    // btrfs answers statfs with the size of its devices, nothing taken off; the superblock on
    // the device is only as fresh as the last commit.
    fn mounted(&self, mountpoint: &File, device: &Path) -> Result<Geometry, FsError> {
        let stat = fstatfs(mountpoint)
            .map_err(|e| FsError::io("ask btrfs for the size of", device, e.into()))?;
        let total_bytes = stat.blocks() * stat.block_size() as u64;
        Ok(Geometry { total_bytes, ..inspect::geometry(device, FsType::Btrfs)? })
    }

    fn check(&self, tools: &Tools<'_>, device: &Path) -> Result<(), FsError> {
        Ok(tools.run("btrfs", &["check", "--readonly"], device)?)
    }
}
