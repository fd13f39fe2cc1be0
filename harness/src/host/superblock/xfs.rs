//! XFS.

use csi_stretch_oracle::history::FsGeometry;

use super::Fields;

const MAGIC: u64 = 0x5846_5342; // "XFSB"
/// mkfs.xfs leaves off a last allocation group smaller than this.
const MKFS_GROUP_BYTES_MIN: u64 = 16 << 20;

/// Reads the first bytes of the device.
pub fn parse(block: &[u8]) -> Option<FsGeometry> {
    let f = Fields(block);
    if f.be32(0)? != MAGIC {
        return None;
    }
    geometry(f.be32(4)?, f.be64(8)?, f.be32(84)?)
}

/// From block size in bytes, data blocks, and blocks per allocation group.
///
/// With a last group that is not full, more blocks would have gone into it: at most one block is
/// left. With a full one, a rest too small for a group of its own is left off: below 64 blocks
/// when the kernel grows it, below 16 MiB when mkfs.xfs makes it.
pub fn geometry(block_bytes: u64, blocks: u64, group_blocks: u64) -> Option<FsGeometry> {
    if block_bytes == 0 || group_blocks == 0 {
        return None;
    }
    let bytes = blocks.checked_mul(block_bytes)?;
    let full = blocks.is_multiple_of(group_blocks);
    let slack_bytes = if full { MKFS_GROUP_BYTES_MIN } else { block_bytes };
    Some(FsGeometry { kind: "xfs".into(), bytes, slack_bytes })
}
