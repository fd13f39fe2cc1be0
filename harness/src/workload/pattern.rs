//! Blocks that say who they are. Each sector of a block names its volume, place and write, so a
//! wrong one tells what happened to it. Pure; must not know files, ledgers or time.

use std::{fmt, sync::OnceLock};

/// Length of a block, bytes.
pub const BLOCK_BYTES: usize = 64 << 10;
/// Length of a sector, the smallest part that a disk writes whole, bytes.
pub const SECTOR_BYTES: usize = 512;
/// Sectors in a block.
pub const SECTORS: usize = BLOCK_BYTES / SECTOR_BYTES;

const MAGIC: [u8; 8] = *b"STRETCH1";
const SUM_AT: usize = SECTOR_BYTES - 4;
const NOISE_BYTES: usize = 1 << 20;

/// Who a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// From [`volume_hash`].
    pub volume: u64,
    /// Number of the ledger file; 0 on a block device.
    pub file: u32,
    /// Where the block begins in that file or device, bytes.
    pub offset: u64,
    /// Which write of this place, from 1.
    pub count: u32,
}

/// What is in a sector that should hold a stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sector {
    /// One that was accepted.
    Right,
    /// Nothing but zeros.
    Zeros,
    /// Whole, in its place, and of another write.
    OtherWrite(u32),
    /// Whole, and of another place or volume.
    Strange(Stamp),
    /// Anything else.
    Garbage,
}

/// What is wrong with a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// First wrong byte, from the beginning of the block.
    pub start: usize,
    /// Bytes from there to the last wrong one.
    pub length: usize,
    /// Wrong sectors.
    pub sectors: usize,
    /// The first wrong sector.
    pub first: Sector,
    /// Every sector is wrong in the same way.
    pub uniform: bool,
}

/// A number for a volume that other volumes and other seeds do not share.
pub fn volume_hash(seed: u64, volume: &str) -> u64 {
    volume.bytes().fold(mix(seed), |hash, byte| mix(hash ^ u64::from(byte)))
}

/// The block that a stamp stands for, always the same.
pub fn fill(block: &mut [u8], stamp: Stamp) {
    for (number, sector) in block.chunks_exact_mut(SECTOR_BYTES).enumerate() {
        fill_sector(sector, stamp, number as u16);
    }
}

/// Compares a block with what may be in it; `None` is no damage.
pub fn inspect(block: &[u8], place: Stamp, accept: &dyn Fn(Stamp) -> bool) -> Option<Damage> {
    let mut damage: Option<Damage> = None;
    let mut seen = 0;
    for (number, bytes) in block.chunks(SECTOR_BYTES).enumerate() {
        seen += 1;
        let sector = classify(bytes, place, number as u16, accept);
        if sector == Sector::Right {
            continue;
        }
        let at = number * SECTOR_BYTES;
        let new = Damage { start: at, length: 0, sectors: 0, first: sector, uniform: true };
        let damage = damage.get_or_insert(new);
        damage.length = at + bytes.len() - damage.start;
        damage.sectors += 1;
        damage.uniform &= same_kind(damage.first, sector);
    }
    damage.map(|damage| Damage { uniform: damage.uniform && damage.sectors == seen, ..damage })
}

fn classify(bytes: &[u8], place: Stamp, number: u16, accept: &dyn Fn(Stamp) -> bool) -> Sector {
    if bytes.iter().all(|byte| *byte == 0) {
        return Sector::Zeros;
    }
    match read_sector(bytes) {
        Some((stamp, at)) if at == number && accept(stamp) => Sector::Right,
        Some((stamp, at)) => {
            let here = Stamp { count: stamp.count, ..place };
            if stamp == here && at == number {
                Sector::OtherWrite(stamp.count)
            } else {
                Sector::Strange(stamp)
            }
        }
        None => Sector::Garbage,
    }
}

/// Sectors of one strange block differ in nothing but their number.
fn same_kind(a: Sector, b: Sector) -> bool {
    a == b
}

fn fill_sector(sector: &mut [u8], stamp: Stamp, number: u16) {
    sector[0..8].copy_from_slice(&MAGIC);
    sector[8..16].copy_from_slice(&stamp.volume.to_le_bytes());
    sector[16..24].copy_from_slice(&stamp.offset.to_le_bytes());
    sector[24..28].copy_from_slice(&stamp.file.to_le_bytes());
    sector[28..32].copy_from_slice(&stamp.count.to_le_bytes());
    sector[32..34].copy_from_slice(&number.to_le_bytes());
    sector[34..36].fill(0);
    let place = u64::from(stamp.file) << 32 | u64::from(stamp.count);
    let start = mix(stamp.volume ^ mix(stamp.offset + u64::from(number)) ^ mix(place)) as usize;
    let start = start % (NOISE_BYTES - SECTOR_BYTES);
    sector[36..SUM_AT].copy_from_slice(&noise()[start..start + SUM_AT - 36]);
    let sum = crc32c::crc32c(&sector[..SUM_AT]);
    sector[SUM_AT..].copy_from_slice(&sum.to_le_bytes());
}

/// Bytes that no storage can make smaller. Each sector copies a part of them: they are many enough
/// that parts which overlap lie far from each other.
fn noise() -> &'static [u8] {
    static NOISE: OnceLock<Vec<u8>> = OnceLock::new();
    NOISE.get_or_init(|| {
        let mut state = 0;
        let words = (0..NOISE_BYTES / 8).map(|_| {
            state = mix(state);
            state.to_le_bytes()
        });
        words.flatten().collect()
    })
}

/// The stamp in a whole sector, and its number in its block.
fn read_sector(bytes: &[u8]) -> Option<(Stamp, u16)> {
    let sum = u32::from_le_bytes(bytes.get(SUM_AT..SECTOR_BYTES)?.try_into().ok()?);
    if bytes[..8] != MAGIC || crc32c::crc32c(&bytes[..SUM_AT]) != sum {
        return None;
    }
    let long = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let stamp = Stamp { volume: long(8)?, offset: long(16)?, file: word(24)?, count: word(28)? };
    Some((stamp, u16::from_le_bytes(bytes.get(32..34)?.try_into().ok()?)))
}

/// The finalizer of splitmix64: cheap, and every bit of the input reaches every bit of the output.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Damage {
    /// In words; `want` is the write that should be there, `name` knows volumes by their hash.
    pub fn describe(&self, want: u32, name: &dyn Fn(u64) -> String) -> String {
        let kind = match self.first {
            Sector::Right => "right".to_owned(),
            Sector::Zeros => "zeros".to_owned(),
            Sector::OtherWrite(count) if count < want => {
                format!("stale (write {count}, want {want})")
            }
            Sector::OtherWrite(count) => format!("a later write ({count}, want {want})"),
            Sector::Strange(stamp) => Self::strange(stamp, name),
            Sector::Garbage => "garbage".to_owned(),
        };
        if self.uniform {
            return kind;
        }
        format!("torn: {} of {SECTORS} sectors are wrong, the first: {kind}", self.sectors)
    }

    fn strange(stamp: Stamp, name: &dyn Fn(u64) -> String) -> String {
        let file = if stamp.file == 0 { String::new() } else { format!(" of file {}", stamp.file) };
        format!("block of {} at {}{file}", name(stamp.volume), stamp.offset)
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x} {}@{} write {}", self.volume, self.file, self.offset, self.count)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const HERE: Stamp = Stamp { volume: 7, file: 0, offset: 65536, count: 3 };

    fn block(stamp: Stamp) -> Vec<u8> {
        let mut block = vec![0; BLOCK_BYTES];
        fill(&mut block, stamp);
        block
    }

    fn zeroed(mut block: Vec<u8>, sectors: std::ops::Range<usize>) -> Vec<u8> {
        block[sectors.start * SECTOR_BYTES..sectors.end * SECTOR_BYTES].fill(0);
        block
    }

    fn flipped(mut block: Vec<u8>, at: usize) -> Vec<u8> {
        block[at] ^= 1;
        block
    }

    fn half(first: Stamp, second: Stamp) -> Vec<u8> {
        [&block(first)[..BLOCK_BYTES / 2], &block(second)[BLOCK_BYTES / 2..]].concat()
    }

    #[rstest]
    #[case::zeros(vec![0; BLOCK_BYTES], 0, BLOCK_BYTES, "zeros")]
    #[case::stale(block(Stamp { count: 2, ..HERE }), 0, BLOCK_BYTES, "stale (write 2, want 3)")]
    #[case::later(block(Stamp { count: 9, ..HERE }), 0, BLOCK_BYTES, "a later write (9, want 3)")]
    #[case::other_volume(block(Stamp { volume: 8, ..HERE }), 0, BLOCK_BYTES, "block of v8 at 65536")]
    #[case::misplaced(block(Stamp { offset: 0, ..HERE }), 0, BLOCK_BYTES, "block of v7 at 0")]
    #[case::other_file(block(Stamp { file: 1, ..HERE }), 0, BLOCK_BYTES, "block of v7 at 65536 of file 1")]
    #[case::garbage(vec![0xa5; BLOCK_BYTES], 0, BLOCK_BYTES, "garbage")]
    #[case::hole(zeroed(block(HERE), 8..16), 4096, 4096, "torn: 8 of 128 sectors are wrong, the first: zeros")]
    #[case::half_old(half(HERE, Stamp { count: 2, ..HERE }), 32768, 32768, "torn: 64 of 128 sectors are wrong, the first: stale (write 2, want 3)")]
    #[case::one_bit(
        flipped(block(HERE), 1000),
        512,
        512,
        "torn: 1 of 128 sectors are wrong, the first: garbage"
    )]
    #[case::last_byte(flipped(block(HERE), BLOCK_BYTES - 1), BLOCK_BYTES - 512, 512, "torn: 1 of 128 sectors are wrong, the first: garbage")]
    fn damage_is_named_and_located(
        #[case] found: Vec<u8>,
        #[case] start: usize,
        #[case] length: usize,
        #[case] says: &str,
    ) {
        let damage = inspect(&found, HERE, &|stamp| stamp == HERE).unwrap();
        assert_eq!((damage.start, damage.length), (start, length));
        assert_eq!(damage.describe(HERE.count, &|hash| format!("v{hash}")), says);
    }

    #[test]
    fn a_sector_in_another_sectors_place_is_damage() {
        let mut found = block(HERE);
        found.copy_within(0..SECTOR_BYTES, SECTOR_BYTES);
        let damage = inspect(&found, HERE, &|stamp| stamp == HERE).unwrap();
        assert_eq!((damage.start, damage.sectors), (SECTOR_BYTES, 1));
    }

    #[test]
    fn the_right_block_is_whole_and_always_the_same() {
        assert_eq!(inspect(&block(HERE), HERE, &|stamp| stamp == HERE), None);
        assert_eq!(block(HERE), block(HERE));
        assert_ne!(block(HERE), block(Stamp { count: 4, ..HERE }));
    }

    #[test]
    fn volumes_and_seeds_do_not_share_a_hash() {
        let all = [(1, "v"), (2, "v"), (1, "w"), (1, ""), (1, "vv")];
        let hashes: std::collections::BTreeSet<u64> =
            all.iter().map(|(seed, name)| volume_hash(*seed, name)).collect();
        assert_eq!(hashes.len(), all.len());
        assert_eq!(volume_hash(1, "v"), volume_hash(1, "v"));
    }
}
