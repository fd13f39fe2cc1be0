//! btrfs.

use csi_stretch_oracle::history::FsGeometry;

use super::Fields;

/// Where the first superblock is, bytes.
pub const OFFSET: u64 = 65536;

const MAGIC: &[u8] = b"_BHRfS_M";

/// Reads the superblock: the size of the device item, which is this device's share of the file
/// system. It falls short of the device by less than a sector.
pub fn parse(block: &[u8]) -> Option<FsGeometry> {
    let f = Fields(block);
    if block.get(64..72)? != MAGIC {
        return None;
    }
    let sector_bytes = f.le32(144)?;
    let bytes = f.le64(209)?;
    Some(FsGeometry { kind: "btrfs".into(), bytes, slack_bytes: sector_bytes })
}
