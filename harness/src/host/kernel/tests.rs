//! The observer against real loop devices, and against what the tools of each file system say.

use std::fs;

use csi_stretch_oracle::history::FsGeometry;
use rstest::rstest;

use super::*;

use crate::host::lab::{Lab, run};

const MIB: u64 = 1 << 20;

#[tokio::test]
async fn what_is_no_volume_is_said_to_be_none() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "x").unwrap();
    for (name, want) in [("none", "No such file"), ("file", "neither a folder nor a block device")]
    {
        let completion = Kernel::default().observe(&dir.path().join(name)).await;
        assert_eq!(completion.code(), Code::Unobservable);
        assert!(format!("{completion:?}").contains(want), "{completion:?}");
    }
}

#[test]
fn a_plain_folder_has_no_size_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let seen = look(dir.path()).unwrap();
    assert!(seen.shared && seen.fs.is_none() && seen.device_bytes.is_none(), "{seen:?}");
    assert!(seen.statfs.unwrap().total_bytes > 0);
    assert!(seen.notes[0].contains("no file system of its own"), "{:?}", seen.notes);
}

#[test]
fn a_mount_without_a_device_says_so() {
    let seen = look(Path::new("/proc")).unwrap();
    assert!(!seen.shared && seen.fs.is_none() && seen.device.is_none(), "{seen:?}");
    assert_eq!(seen.notes, ["proc has no block device"]);
}

/// Blocks times block size, as the tools print them.
fn told_by_tool(kind: &str, lab: &Lab) -> u64 {
    let number = |text: &str, key: &str| -> u64 {
        let rest = text.split_once(key).unwrap_or_else(|| panic!("no {key:?} in {text}")).1;
        let rest = rest.trim_start_matches([' ', '\t', ':', '=']);
        rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
    };
    match kind {
        "ext4" => {
            let text = run("dumpe2fs", &["-h", &lab.device]);
            number(&text, "Block count:") * number(&text, "Block size:")
        }
        "xfs" => {
            let text = run("xfs_info", &[&lab.at("mnt")]);
            let data = text.split_once("data ").unwrap().1;
            number(data, "blocks=") * number(data, "bsize=")
        }
        _ => {
            let text = run("btrfs", &["device", "usage", "--raw", &lab.at("mnt")]);
            number(&text, "Device size:") - number(&text, "Device slack:")
        }
    }
}

/// Growth of the file system by its own tools; ext4 offline, as that needs no special right.
fn grow(kind: &str, lab: &mut Lab) {
    match kind {
        "xfs" => drop(run("xfs_growfs", &[&lab.at("mnt")])),
        "btrfs" => drop(run("btrfs", &["filesystem", "resize", "max", &lab.at("mnt")])),
        _ => {
            lab.unmount("mnt");
            run("e2fsck", &["-fp", &lab.device]);
            run("resize2fs", &[&lab.device]);
            lab.mount(&["-t", kind], "mnt");
        }
    }
}

#[track_caller]
fn observe(lab: &Lab, kind: &str) -> (u64, FsGeometry) {
    let seen = look(Path::new(&lab.at("mnt"))).unwrap();
    assert!(!seen.shared && !seen.read_only, "{seen:?}");
    assert_eq!(seen.notes, Vec::<String>::new());
    assert_eq!(seen.device.as_deref(), Some(lab.number().as_str()));
    let fs = seen.fs.unwrap();
    assert_eq!(fs.kind, kind);
    (seen.device_bytes.unwrap(), fs)
}

#[rstest]
#[case::ext4("ext4", 64 * MIB, 200 * MIB)]
#[case::ext4_small("ext4", 64 * MIB, 68 * MIB)]
#[case::xfs("xfs", 320 * MIB, 500 * MIB)]
#[case::xfs_odd("xfs", 320 * MIB + 4096, 333 * MIB + 512)]
#[case::btrfs("btrfs", 128 * MIB, 300 * MIB)]
// btrfs refuses to resize to less than 256 MiB.
#[case::btrfs_odd("btrfs", 128 * MIB, 257 * MIB + 512)]
fn loop_growth_is_seen_at_each_step(#[case] kind: &str, #[case] before: u64, #[case] after: u64) {
    let Some(mut lab) = Lab::new(kind, before) else { return };
    lab.mount(&["-t", kind], "mnt");
    let (device, small) = observe(&lab, kind);
    assert_eq!(device, before);
    assert_eq!(small.bytes, told_by_tool(kind, &lab));
    assert!(device - small.bytes <= small.slack_bytes, "{small:?}");

    lab.resize(after);
    let (device, unchanged) = observe(&lab, kind);
    assert_eq!((device, unchanged.bytes), (after, small.bytes));

    grow(kind, &mut lab);
    let (device, grown) = observe(&lab, kind);
    assert_eq!(device, after);
    assert_eq!(grown.bytes, told_by_tool(kind, &lab));
    assert!(device - grown.bytes <= grown.slack_bytes, "{grown:?}");
    assert!(grown.bytes > small.bytes);
}

#[rstest]
#[case::ext4("ext4", 64 * MIB)]
#[case::xfs("xfs", 320 * MIB)]
#[case::btrfs("btrfs", 128 * MIB)]
fn loop_binds_show_a_volume_or_a_part_of_one(#[case] kind: &str, #[case] size: u64) {
    let Some(mut lab) = Lab::new(kind, size) else { return };
    lab.mount(&["-t", kind], "mnt");
    fs::create_dir(lab.at("mnt/inner")).unwrap();
    lab.bind("mnt", "whole");
    lab.bind("mnt/inner", "part");
    let whole = look(Path::new(&lab.at("whole"))).unwrap();
    assert!(!whole.shared && whole.device_bytes == Some(size), "{whole:?}");
    let part = look(Path::new(&lab.at("part"))).unwrap();
    assert!(part.shared && part.device_bytes.is_none() && part.statfs.is_some(), "{part:?}");
    let inside = look(Path::new(&lab.at("mnt/inner"))).unwrap();
    assert!(inside.shared, "{inside:?}");
    run("mount", &["-o", "remount,bind,ro", &lab.at("whole")]);
    assert!(look(Path::new(&lab.at("whole"))).unwrap().read_only);
}

#[test]
fn loop_subvolume_is_a_whole_volume() {
    let Some(mut lab) = Lab::new("btrfs", 128 * MIB) else { return };
    lab.mount(&["-t", "btrfs"], "mnt");
    run("btrfs", &["subvolume", "create", &lab.at("mnt/vol")]);
    lab.mount(&["-t", "btrfs", "-o", "subvol=vol"], "sub");
    let seen = look(Path::new(&lab.at("sub"))).unwrap();
    assert!(!seen.shared && seen.device_bytes == Some(128 * MIB), "{seen:?}");
    assert!(seen.notes[0].contains("subvolume"), "{:?}", seen.notes);
}

#[test]
fn loop_block_volume_is_a_device_bound_on_a_file() {
    let Some(mut lab) = Lab::new("", 10 * MIB) else { return };
    fs::write(lab.at("node"), "").unwrap();
    lab.bind_from(&lab.device.clone(), "node");
    let node = lab.at("node");
    let seen = look(Path::new(&node)).unwrap();
    assert_eq!((seen.device_bytes, seen.device), (Some(10 * MIB), Some(lab.number())));
    assert!(!seen.shared && !seen.read_only && seen.fs.is_none());
    lab.resize(12 * MIB);
    assert_eq!(look(Path::new(&node)).unwrap().device_bytes, Some(12 * MIB));
}

/// Attached read-only, because the flag of `blockdev --setro` outlives the attachment.
#[test]
fn loop_read_only_device_is_seen_as_one() {
    let Some(lab) = Lab::read_only(MIB) else { return };
    let seen = look(Path::new(&lab.device)).unwrap();
    assert_eq!((seen.read_only, seen.device_bytes), (true, Some(MIB)));
}
