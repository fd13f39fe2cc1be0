//! ext2, ext3 and ext4.

use csi_stretch_oracle::history::FsGeometry;

use super::Fields;

/// Where the first superblock is, bytes.
pub const OFFSET: u64 = 1024;

const MAGIC: u64 = 0xef53;
const INCOMPAT_64BIT: u64 = 0x80;
/// Blocks that a last group needs beyond its own tables, or it is left off (e2fsprogs and kernel).
const LAST_GROUP_BLOCKS_MIN: u64 = 50;
/// mke2fs and resize2fs round sizes down to the page size; 4 KiB on most machines, 64 KiB at most.
const PAGE_BYTES: u64 = 4096;

/// Reads the 1024 bytes at [`OFFSET`].
pub fn parse(block: &[u8]) -> Option<FsGeometry> {
    let f = Fields(block);
    if f.le16(56)? != MAGIC {
        return None;
    }
    let block_bytes = 1024_u64.checked_shl(u32::try_from(f.le32(24)?).ok()?)?;
    let per_group = f.le32(32)?;
    if !(1024..=65536).contains(&block_bytes) || per_group == 0 {
        return None;
    }
    let wide = f.le32(96)? & INCOMPAT_64BIT != 0;
    let high = if wide { f.le32(336)? } else { 0 };
    let blocks = high << 32 | f.le32(4)?;
    let bytes = blocks.checked_mul(block_bytes)?;
    let slack_bytes = slack(&f, blocks, block_bytes, wide)?;
    Some(FsGeometry { kind: "ext4".into(), bytes, slack_bytes })
}

/// With a last group that is not full, more blocks would have gone into it: only rounding is
/// left. With a full one, a rest too small for a group of its own is left off.
fn slack(f: &Fields<'_>, blocks: u64, block_bytes: u64, wide: bool) -> Option<u64> {
    let cluster_bytes = 1024_u64.checked_shl(u32::try_from(f.le32(28)?).ok()?)?;
    let rounding = block_bytes.max(PAGE_BYTES).max(cluster_bytes.min(1 << 30));
    let per_group = f.le32(32)?;
    let in_groups = blocks.saturating_sub(f.le32(20)?);
    if !in_groups.is_multiple_of(per_group) {
        return Some(rounding);
    }
    let dynamic = f.le32(76)? > 0;
    let inode_bytes = if dynamic { f.le16(88)? } else { 128 };
    let inode_blocks = (f.le32(40)? * inode_bytes).div_ceil(block_bytes);
    let descriptor_bytes = if wide { f.le16(254)?.max(32) } else { 32 };
    let descriptors = ((in_groups / per_group + 1) * descriptor_bytes).div_ceil(block_bytes);
    let tables = 3 + inode_blocks + descriptors + f.le16(206)?;
    let least = (tables + LAST_GROUP_BLOCKS_MIN).min(per_group);
    Some((least * block_bytes).max(rounding))
}
