//! XFS: big-endian superblock at 0; grows mounted only, by ioctl.

use std::fs::File;
use std::path::Path;

use super::bytes::{array, be32, be64};
use super::tool::Tools;
use super::{FileSystemOps, FsError, Geometry, Offline, ioctl};
use crate::backing::FsType;

/// See the module.
pub struct Xfs;

impl FileSystemOps for Xfs {
    fn min_bytes(&self) -> u64 {
        300 << 20
    }

    // A last allocation group of less than 64 blocks is left out.
    fn smallest_group_bytes(&self) -> u64 {
        64 * 4096
    }

    // A copy has its original's UUID, and the kernel refuses the second of two.
    fn mount_data(&self) -> &'static str {
        "nouuid"
    }

    fn parse(&self, head: &[u8]) -> Option<Geometry> {
        if head.get(..4)? != b"XFSB" {
            return None;
        }
        let block_bytes = u64::from(be32(head, 4)?);
        if !block_bytes.is_power_of_two() || !(512..=65536).contains(&block_bytes) {
            return None;
        }
        Some(Geometry {
            fs_type: FsType::Xfs,
            block_bytes,
            total_bytes: be64(head, 8)?.checked_mul(block_bytes)?,
            group_bytes: u64::from(be32(head, 84)?).checked_mul(block_bytes)?,
            uuid: array(head, 32)?,
        })
    }

    fn mkfs(&self, tools: &Tools<'_>, device: &Path, _device_bytes: u64) -> Result<(), FsError> {
        Ok(tools.run("mkfs.xfs", &["-q", "-f", "-K"], device)?)
    }

    // Not needed: every mount has `nouuid`. Changing it would first need a mount, because
    // a frozen XFS leaves its log to be replayed.
    fn renew_uuid(&self, _tools: &Tools<'_>, _device: &Path) -> Result<(), FsError> {
        Ok(())
    }

    fn grow_unmounted(&self, _tools: &Tools<'_>, _device: &Path) -> Result<Offline, FsError> {
        Ok(Offline::NeedsMount)
    }

    fn grow_mounted(&self, mountpoint: &File, device_bytes: u64) -> Result<(), FsError> {
        let refused = |source| FsError::Grow { fs_type: FsType::Xfs, source };
        let now = ioctl::xfs_geometry(mountpoint).map_err(refused)?;
        let blocks = device_bytes / u64::from(now.block_bytes.max(512));
        ioctl::xfs_grow(mountpoint, blocks, now.imax_pct).map_err(refused)
    }

    fn mounted(&self, mountpoint: &File, device: &Path) -> Result<Geometry, FsError> {
        let now = ioctl::xfs_geometry(mountpoint)
            .map_err(|e| FsError::io("ask XFS for the geometry of", device, e))?;
        let block_bytes = u64::from(now.block_bytes);
        Ok(Geometry {
            fs_type: FsType::Xfs,
            block_bytes,
            total_bytes: now.data_blocks * block_bytes,
            group_bytes: u64::from(now.ag_blocks) * block_bytes,
            uuid: now.uuid,
        })
    }

    fn check(&self, tools: &Tools<'_>, device: &Path) -> Result<(), FsError> {
        Ok(tools.run("xfs_repair", &["-n"], device)?)
    }
}
