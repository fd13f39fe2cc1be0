//! What the first block of a device looks like to a driver that guesses from its bytes how a
//! volume is used: the few sectors by which tools know a file system or a partition table. Pure.
//! They are signs only; nothing behind them is real, so a tool that is let loose on them fails, or
//! does damage that shows.

use csi_stretch_oracle::action::Guise;

use super::pattern::{self, BLOCK_BYTES, SECTOR_BYTES, Stamp};

/// Block size and number that the signs state.
const FS_BLOCK: u32 = 4096;
const FS_BLOCKS: u32 = 16384;
const UUID: [u8; 16] = *b"stretch-guise-01";

/// Overwrites the sectors that make up the guise.
pub(super) fn put_on(guise: Guise, block: &mut [u8]) {
    for (sector, sign) in signs(guise) {
        if let Some(bytes) = sector_of(block, sector) {
            bytes.copy_from_slice(&sign);
        }
    }
}

/// Puts the stamp back where the guise is whole, so that what remains to be found is damage.
pub(super) fn take_off(guise: Guise, block: &mut [u8], stamp: Stamp) {
    let mut stamped = vec![0; BLOCK_BYTES];
    pattern::fill(&mut stamped, stamp);
    for (sector, sign) in signs(guise) {
        let under = sector_of(&mut stamped, sector);
        if let (Some(bytes), Some(under)) = (sector_of(block, sector), under)
            && *bytes == sign
        {
            bytes.copy_from_slice(under);
        } else if let Some(bytes) = sector_of(block, sector) {
            // Not what was written, whatever it says of itself.
            bytes[0] ^= 0xff;
        }
    }
}

fn sector_of(block: &mut [u8], sector: usize) -> Option<&mut [u8]> {
    block.chunks_exact_mut(SECTOR_BYTES).nth(sector)
}

type Sign = [u8; SECTOR_BYTES];

fn signs(guise: Guise) -> Vec<(usize, Sign)> {
    let blank = [0; SECTOR_BYTES];
    match guise {
        Guise::Zeros => (0..BLOCK_BYTES / SECTOR_BYTES).map(|sector| (sector, blank)).collect(),
        Guise::Gpt => {
            let entries = (2..34).map(|sector| (sector, blank));
            [(0, protective_mbr()), (1, gpt_header())].into_iter().chain(entries).collect()
        }
        Guise::Ext4 => vec![(0, blank), (1, blank), (2, ext4()), (3, blank)],
        Guise::Xfs => vec![(0, xfs())],
    }
}

fn put(sign: &mut Sign, at: usize, bytes: &[u8]) {
    if let Some(room) = sign.get_mut(at..at + bytes.len()) {
        room.copy_from_slice(bytes);
    }
}

/// One partition of type EE over the whole disk, and the boot signature.
fn protective_mbr() -> Sign {
    let mut sign = [0; SECTOR_BYTES];
    put(&mut sign, 446, &[0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff, 1, 0, 0, 0]);
    put(&mut sign, 458, &u32::MAX.to_le_bytes());
    put(&mut sign, 510, &[0x55, 0xaa]);
    sign
}

/// A header with an empty table of 128 entries of 128 bytes.
fn gpt_header() -> Sign {
    let mut sign = [0; SECTOR_BYTES];
    put(&mut sign, 0, b"EFI PART");
    put(&mut sign, 8, &0x0001_0000_u32.to_le_bytes());
    put(&mut sign, 12, &92_u32.to_le_bytes());
    put(&mut sign, 24, &1_u64.to_le_bytes());
    put(&mut sign, 32, &131_071_u64.to_le_bytes());
    put(&mut sign, 40, &34_u64.to_le_bytes());
    put(&mut sign, 48, &131_038_u64.to_le_bytes());
    put(&mut sign, 56, &UUID);
    put(&mut sign, 72, &2_u64.to_le_bytes());
    put(&mut sign, 80, &128_u32.to_le_bytes());
    put(&mut sign, 84, &128_u32.to_le_bytes());
    put(&mut sign, 88, &crc32(&[0; 128 * 128]).to_le_bytes());
    let sum = crc32(&sign[..92]);
    put(&mut sign, 16, &sum.to_le_bytes());
    sign
}

/// A superblock of revision 1 with extents, half a group of inodes.
fn ext4() -> Sign {
    let mut sign = [0; SECTOR_BYTES];
    put(&mut sign, 0x00, &FS_BLOCKS.to_le_bytes());
    put(&mut sign, 0x04, &FS_BLOCKS.to_le_bytes());
    put(&mut sign, 0x0c, &(FS_BLOCKS / 2).to_le_bytes());
    put(&mut sign, 0x10, &(FS_BLOCKS - 11).to_le_bytes());
    put(&mut sign, 0x18, &2_u32.to_le_bytes());
    put(&mut sign, 0x1c, &2_u32.to_le_bytes());
    put(&mut sign, 0x20, &32768_u32.to_le_bytes());
    put(&mut sign, 0x24, &32768_u32.to_le_bytes());
    put(&mut sign, 0x28, &FS_BLOCKS.to_le_bytes());
    put(&mut sign, 0x38, &0xef53_u16.to_le_bytes());
    put(&mut sign, 0x3a, &1_u16.to_le_bytes());
    put(&mut sign, 0x4c, &1_u32.to_le_bytes());
    put(&mut sign, 0x54, &11_u32.to_le_bytes());
    put(&mut sign, 0x58, &256_u16.to_le_bytes());
    put(&mut sign, 0x5c, &0x4_u32.to_le_bytes());
    put(&mut sign, 0x60, &0x42_u32.to_le_bytes());
    put(&mut sign, 0x64, &0x1_u32.to_le_bytes());
    put(&mut sign, 0x68, &UUID);
    sign
}

/// A version 4 superblock of one allocation group.
fn xfs() -> Sign {
    let mut sign = [0; SECTOR_BYTES];
    put(&mut sign, 0, b"XFSB");
    put(&mut sign, 4, &FS_BLOCK.to_be_bytes());
    put(&mut sign, 8, &u64::from(FS_BLOCKS).to_be_bytes());
    put(&mut sign, 32, &UUID);
    put(&mut sign, 48, &8192_u64.to_be_bytes());
    put(&mut sign, 56, &128_u64.to_be_bytes());
    put(&mut sign, 80, &1_u32.to_be_bytes());
    put(&mut sign, 84, &FS_BLOCKS.to_be_bytes());
    put(&mut sign, 88, &1_u32.to_be_bytes());
    put(&mut sign, 96, &1024_u32.to_be_bytes());
    put(&mut sign, 100, &0xb4a4_u16.to_be_bytes());
    put(&mut sign, 102, &512_u16.to_be_bytes());
    put(&mut sign, 104, &256_u16.to_be_bytes());
    put(&mut sign, 106, &16_u16.to_be_bytes());
    put(&mut sign, 120, &[12, 9, 8, 4, 14, 0, 0, 25]);
    sign
}

/// The checksum of partition tables (CRC-32 of IEEE 802.3).
fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32, _| if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 };
    !bytes.iter().fold(!0, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), step))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const STAMP: Stamp = Stamp { volume: 7, file: 0, offset: 0, count: 1 };

    fn is_whole(block: &[u8], guise: Guise) -> bool {
        let mut block = block.to_vec();
        take_off(guise, &mut block, STAMP);
        pattern::inspect(&block, STAMP, &|stamp| stamp == STAMP).is_none()
    }

    #[rstest]
    #[case(Guise::Zeros, 0, &[0; 512])]
    #[case(Guise::Gpt, 512, b"EFI PART")]
    #[case(Guise::Ext4, 1024 + 0x38, &[0x53, 0xef])]
    #[case(Guise::Xfs, 0, b"XFSB")]
    fn a_guise_has_its_sign_and_any_changed_byte_shows(
        #[case] guise: Guise,
        #[case] at: usize,
        #[case] sign: &[u8],
    ) {
        let mut block = vec![0; BLOCK_BYTES];
        pattern::fill(&mut block, STAMP);
        let bare = block.clone();
        put_on(guise, &mut block);
        assert_eq!(&block[at..at + sign.len()], sign);
        assert!(is_whole(&block, guise) && !is_whole(&bare, guise));
        for byte in (0..BLOCK_BYTES).step_by(509) {
            block[byte] ^= 1;
            assert!(!is_whole(&block, guise), "byte {byte}");
            block[byte] ^= 1;
        }
    }

    #[test]
    fn the_checksum_is_the_known_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
