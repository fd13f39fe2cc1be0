use std::process::Command;

use rstest::rstest;

use super::*;

/// A block with 32-bit little-endian numbers at offsets.
fn le(fields: &[(usize, u32)]) -> Vec<u8> {
    let mut block = vec![0; 1024];
    for (at, value) in fields {
        block[*at..*at + 4].copy_from_slice(&value.to_le_bytes());
    }
    block
}

#[rstest]
// 4 KiB blocks, 32768 a group; the last group is not full.
#[case::partial(&[(56, 0xef53), (24, 2), (28, 2), (32, 32768), (4, 40000)], Some((163_840_000, 4096)))]
// 1 KiB blocks from 1 on: 8 full groups; 2000 inodes of 128 bytes are 250 blocks.
#[case::full(&[(56, 0xef53), (20, 1), (32, 8192), (40, 2000), (4, 65537)], Some((65537 * 1024, (3 + 250 + 1 + 50) * 1024)))]
#[case::wide(&[(56, 0xef53), (24, 2), (28, 2), (32, 32768), (4, 1), (96, 0x80), (336, 1), (254, 64)], Some((((1 << 32) + 1) * 4096, 4096)))]
#[case::narrow_ignores_high(&[(56, 0xef53), (24, 2), (28, 2), (32, 32768), (4, 1), (336, 1)], Some((4096, 4096)))]
#[case::no_magic(&[(24, 2), (32, 32768), (4, 40000)], None)]
#[case::no_groups(&[(56, 0xef53), (24, 2), (4, 40000)], None)]
#[case::absurd_block(&[(56, 0xef53), (24, 60), (32, 32768), (4, 40000)], None)]
#[case::absurd_shift(&[(56, 0xef53), (24, 0xffff_ffff), (32, 32768), (4, 40000)], None)]
fn ext4_superblocks(#[case] fields: &[(usize, u32)], #[case] want: Option<(u64, u64)>) {
    let found = ext4::parse(&le(fields)).map(|g| (g.bytes, g.slack_bytes));
    assert_eq!(found, want);
}

#[rstest]
#[case::full(4096, 4 * 20480, 20480, Some((335_544_320, 16 << 20)))]
#[case::partial(4096, 4 * 20480 + 100, 20480, Some((335_953_920, 4096)))]
#[case::zeros(0, 0, 0, None)]
#[case::overflow(65536, u64::MAX, 7, None)]
fn xfs_geometries(
    #[case] block: u64,
    #[case] blocks: u64,
    #[case] group: u64,
    #[case] want: Option<(u64, u64)>,
) {
    let found = xfs::geometry(block, blocks, group).map(|g| (g.bytes, g.slack_bytes));
    assert_eq!(found, want);
}

#[rstest]
#[case("ext4")]
#[case("xfs")]
#[case("btrfs")]
#[case("ntfs")]
fn what_is_no_superblock_is_said_to_be_none(#[case] kind: &str) {
    let image = tempfile::tempfile().unwrap();
    assert!(read(&image, kind).is_err(), "empty file");
    image.set_len(1 << 20).unwrap();
    let error = read(&image, kind).unwrap_err().to_string();
    assert!(error.contains(kind), "{error}");
}

/// Images made by the real tools, at sizes that are odd for each.
#[rstest]
#[case::ext4(&["mkfs.ext4", "-q", "-F"], "ext4", 64 << 20, 0)]
#[case::ext4_odd(&["mkfs.ext4", "-q", "-F"], "ext4", (200 << 20) + 3000, 4096)]
#[case::ext4_rest(&["mkfs.ext4", "-q", "-F", "-b", "4096"], "ext4", (256 << 20) + (1 << 20), 3 << 20)]
#[case::ext4_1k(&["mkfs.ext4", "-q", "-F", "-b", "1024"], "ext4", (64 << 20) + 9000, 2 << 20)]
#[case::xfs(&["mkfs.xfs", "-q", "-f"], "xfs", 320 << 20, 0)]
#[case::xfs_odd(&["mkfs.xfs", "-q", "-f"], "xfs", (333 << 20) + 5000, 4096)]
#[case::btrfs(&["mkfs.btrfs", "-q", "-f"], "btrfs", 128 << 20, 0)]
#[case::btrfs_odd(&["mkfs.btrfs", "-q", "-f"], "btrfs", (128 << 20) + 5000, 4096)]
fn images_of_the_real_tools(
    #[case] mkfs: &[&str],
    #[case] kind: &str,
    #[case] size: u64,
    #[case] short_max: u64,
) {
    let image = tempfile::NamedTempFile::new().unwrap();
    image.as_file().set_len(size).unwrap();
    let made = Command::new(mkfs[0]).args(&mkfs[1..]).arg(image.path()).output();
    let Ok(made) = made else {
        println!("skipped: needs {}", mkfs[0]);
        return;
    };
    assert!(made.status.success(), "{made:?}");
    let geometry = read(image.as_file(), kind).unwrap();
    let short = size - geometry.bytes;
    assert!(short <= short_max, "{short} bytes short, {geometry:?}");
    assert!(short <= geometry.slack_bytes, "{short} bytes short, {geometry:?}");
    assert!(geometry.slack_bytes <= 16 << 20, "{geometry:?}");
}
