//! Growth of real devices and real file systems, and copies that are larger than their source.

#![cfg(feature = "loop")]

mod loop_support;

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};

use csi_stretch_mock::backing::{Access, Backing, BackingError, FsType, Source};
use loop_support::{
    Lab, MIB, SMALL, device_bytes, may_grow_mounted_ext4, mounting, mounting_as_is, pattern,
    statvfs_bytes, timed,
};
use rstest::rstest;

#[rstest]
#[case::xfs(FsType::Xfs)]
#[case::btrfs(FsType::Btrfs)]
#[case::ext4(FsType::Ext4)]
fn loop_grows_while_mounted(#[case] fs_type: FsType) {
    let Some(lab) = Lab::new() else { return };
    if fs_type == FsType::Ext4 && !may_grow_mounted_ext4() {
        println!("skipped: needs CAP_SYS_RESOURCE");
        return;
    }
    let stage = lab.staged("v1", SMALL, fs_type);
    let data = pattern(3, 3_000_000);
    fs::write(stage.join("data"), &data).unwrap();
    for bytes in [SMALL + 4 * MIB, 1024 * MIB, 1024 * MIB, 4096 * MIB] {
        let (device, usable) = (lab.backing.device_bytes("v1").unwrap(), statvfs_bytes(&stage));
        timed(&format!("{fs_type} device to {} MiB", bytes / MIB), || {
            lab.backing.grow_device("v1", bytes).unwrap();
        });
        assert_eq!(lab.backing.device_bytes("v1").unwrap(), bytes);
        let before = lab.fs("v1");
        assert_eq!(before.fills_device, device == bytes, "the device alone must not grow the rest");
        let after = timed(&format!("{fs_type} mounted to {} MiB", bytes / MIB), || {
            lab.backing.grow_fs("v1").unwrap().unwrap()
        });
        assert!(after.fills_device && after.bytes > bytes - 8 * MIB, "{after:?}");
        assert_eq!(after, lab.fs("v1"));
        assert_eq!(statvfs_bytes(&stage) > usable, device < bytes, "statvfs disagrees");
    }
    assert!(fs::read(stage.join("data")).unwrap() == data, "content changed");
    lab.backing.grow_device("v1", MIB).unwrap();
    assert_eq!(lab.backing.device_bytes("v1").unwrap(), 4096 * MIB, "it shrank");
    lab.backing.unstage("v1", &stage).unwrap();
    lab.backing.detach("v1").unwrap();
    lab.check("v1", fs_type);
}

#[test]
fn loop_mounted_ext4_without_the_capability_says_what_is_missing() {
    let Some(lab) = Lab::new() else { return };
    if may_grow_mounted_ext4() {
        println!("skipped: needs a process without CAP_SYS_RESOURCE");
        return;
    }
    let stage = lab.staged("v1", SMALL, FsType::Ext4);
    let before = lab.fs("v1").bytes;
    lab.backing.grow_device("v1", 2 * SMALL).unwrap();
    let error = lab.backing.grow_fs("v1").unwrap_err();
    assert!(matches!(error, BackingError::CannotGrow { .. }), "{error:?}");
    assert!(error.to_string().contains("CAP_SYS_RESOURCE"), "{error}");
    assert!(error.to_string().contains("stage it again"), "{error}");
    let now = lab.fs("v1");
    assert_eq!((now.bytes, now.fills_device), (before, false));
    // A repeat of what is done already does not fail for it.
    lab.backing.stage("v1", &stage, &mounting(FsType::Ext4)).unwrap();
    lab.backing.unstage("v1", &stage).unwrap();
    lab.backing.stage("v1", &stage, &mounting(FsType::Ext4)).unwrap();
    assert!(lab.fs("v1").fills_device);
    lab.retire("v1");
}

#[rstest]
fn loop_grows_while_unmounted(
    #[values(FsType::Ext4, FsType::Xfs, FsType::Btrfs)] fs_type: FsType,
    #[values("by stage", "by grow_fs, attached", "by grow_fs, detached")] how: &str,
) {
    let Some(lab) = Lab::new() else { return };
    let stage = lab.staged("v1", SMALL, fs_type);
    let data = pattern(5, 2_000_000);
    fs::write(stage.join("data"), &data).unwrap();
    lab.backing.unstage("v1", &stage).unwrap();
    if how.ends_with("detached") {
        lab.backing.detach("v1").unwrap();
    }
    lab.backing.grow_device("v1", 1024 * MIB).unwrap();
    assert_eq!(lab.fs("v1").bytes, SMALL);
    if how == "by stage" {
        lab.backing.stage("v1", &stage, &mounting_as_is(fs_type)).unwrap();
        assert_eq!(lab.fs("v1").bytes, SMALL, "it grew though nobody asked");
        lab.backing.unstage("v1", &stage).unwrap();
    } else {
        let after = timed(&format!("{fs_type} 320 MiB to 1 GiB {how}"), || {
            lab.backing.grow_fs("v1").unwrap().unwrap()
        });
        assert!(after.fills_device, "{after:?}");
        assert_eq!(lab.traces().is_empty(), how.ends_with("detached"), "{:?}", lab.traces());
    }
    timed(&format!("{fs_type} stage {how}"), || {
        lab.backing.stage("v1", &stage, &mounting(fs_type)).unwrap();
    });
    let now = lab.fs("v1");
    assert!(now.fills_device && now.bytes > 1016 * MIB, "{now:?}");
    assert!(fs::read(stage.join("data")).unwrap() == data, "content changed");
    lab.backing.unstage("v1", &stage).unwrap();
    lab.backing.detach("v1").unwrap();
    lab.check("v1", fs_type);
}

#[test]
fn loop_a_file_system_under_another_mount_is_not_taken_for_unmounted() {
    let Some(lab) = Lab::new() else { return };
    let stage = lab.staged("v1", SMALL, FsType::Ext4);
    let flags = nix::mount::MsFlags::empty();
    nix::mount::mount(Some("none"), &stage, Some("tmpfs"), flags, None::<&str>).unwrap();
    lab.backing.grow_device("v1", 2 * SMALL).unwrap();
    let busy = |result: Result<(), BackingError>, what: &str| {
        assert!(matches!(result, Err(BackingError::Busy(_))), "{what}: {result:?}");
    };
    busy(lab.backing.grow_fs("v1").map(drop), "grow");
    busy(lab.backing.snapshot("v1", "s1").map(drop), "snapshot");
    busy(lab.backing.stage("v1", &lab.path("s2"), &mounting(FsType::Ext4)), "stage");
    busy(lab.backing.detach("v1"), "detach");
    nix::mount::umount(&stage).unwrap();
    lab.retire("v1");
}

#[test]
fn loop_a_read_only_mount_does_not_grow_and_says_so() {
    let Some(lab) = Lab::new() else { return };
    let stage = lab.path("s");
    let mut mount = mounting(FsType::Xfs);
    lab.backing.create("v1", SMALL, None).unwrap();
    mount.flags = vec!["ro".into()];
    lab.backing.stage("v1", &stage, &mount).unwrap();
    lab.backing.grow_device("v1", 2 * SMALL).unwrap();
    let error = lab.backing.grow_fs("v1").unwrap_err();
    assert!(matches!(error, BackingError::CannotGrow { .. }), "{error:?}");
    assert_eq!(lab.fs("v1").bytes, SMALL);
    lab.backing.unstage("v1", &stage).unwrap();
    lab.backing.detach("v1").unwrap();
}

#[test]
fn loop_a_block_device_grows_under_its_user_and_keeps_its_content() {
    let Some(lab) = Lab::new() else { return };
    let (rw, ro) = (lab.path("dev-rw"), lab.path("dev-ro"));
    lab.backing.create("v1", 16 * MIB, None).unwrap();
    lab.backing.attach("v1").unwrap();
    lab.backing.publish("v1", None, &rw, false, &Access::Block).unwrap();
    lab.backing.publish("v1", None, &ro, true, &Access::Block).unwrap();
    let data = pattern(9, 16 * MIB as usize);
    let user = File::options().read(true).write(true).open(&rw).unwrap();
    user.write_all_at(&data, 0).unwrap();
    timed("block 16 to 64 MiB", || lab.backing.grow_device("v1", 64 * MIB).unwrap());
    assert_eq!((device_bytes(&rw), device_bytes(&ro)), (64 * MIB, 64 * MIB));
    // The descriptor from before the growth reaches the new end.
    user.write_all_at(b"end", 64 * MIB - 3).unwrap();
    user.sync_all().unwrap();
    drop(user);
    let image = fs::read(lab.path("state/volumes/v1/disk.img")).unwrap();
    assert!(image[..data.len()] == data[..], "content changed");
    assert!(
        image[data.len()..image.len() - 3].iter().all(|byte| *byte == 0),
        "rubbish in new part"
    );
    assert_eq!(lab.backing.grow_fs("v1").unwrap(), None);
    for target in [&rw, &ro] {
        lab.backing.unpublish("v1", target).unwrap();
    }
    lab.backing.detach("v1").unwrap();
}

#[rstest]
fn loop_a_larger_copy_mounts_beside_its_source(
    #[values(FsType::Ext4, FsType::Xfs, FsType::Btrfs)] fs_type: FsType,
    #[values("snapshot", "clone")] how: &str,
) {
    let Some(lab) = Lab::new() else { return };
    let stage = lab.staged("v1", SMALL, fs_type);
    let data = pattern(7, 5_000_000);
    // Written and not synced: the copy has to have it all the same.
    fs::write(stage.join("data"), &data).unwrap();
    let source = match how {
        "snapshot" => {
            let bytes = timed(&format!("{fs_type} snapshot while mounted"), || {
                lab.backing.snapshot("v1", "s1").unwrap()
            });
            assert_eq!(bytes, SMALL);
            fs::write(stage.join("later"), b"x").unwrap();
            assert_eq!(lab.backing.snapshot("v1", "s1").unwrap(), SMALL);
            Source::Snapshot("s1")
        }
        _ => Source::Volume("v1"),
    };
    timed(&format!("{fs_type} {how} to a larger volume"), || {
        lab.backing.create("v2", 1024 * MIB, Some(source)).unwrap();
    });
    let copy = lab.path("v2-stage");
    timed(&format!("{fs_type} stage the larger copy"), || {
        lab.backing.stage("v2", &copy, &mounting(fs_type)).unwrap();
    });
    let now = lab.fs("v2");
    assert!(now.fills_device && now.bytes > 1016 * MIB, "{now:?}");
    assert_eq!(lab.fs("v1").bytes, SMALL, "the source grew");
    assert!(fs::read(copy.join("data")).unwrap() == data, "content differs");
    assert!(!copy.join("later").exists(), "written after the snapshot");
    // Two file systems, not one seen twice; and the source is not frozen any more.
    fs::write(copy.join("only-in-copy"), b"x").unwrap();
    assert!(!stage.join("only-in-copy").exists());
    fs::write(stage.join("only-in-source"), b"x").unwrap();
    assert_ne!(fs::metadata(&copy).unwrap().dev(), fs::metadata(&stage).unwrap().dev());
    for (id, path) in [("v1", &stage), ("v2", &copy)] {
        lab.backing.unstage(id, path).unwrap();
        lab.backing.detach(id).unwrap();
        lab.check(id, fs_type);
    }
    // A copy of the copy, mounted together with both.
    lab.backing.create("v3", 1100 * MIB, Some(Source::Volume("v2"))).unwrap();
    for id in ["v3", "v1", "v2"] {
        lab.backing.stage(id, &lab.path(&format!("{id}-stage")), &mounting(fs_type)).unwrap();
    }
    assert!(lab.path("v3-stage/only-in-copy").exists());
    for id in ["v1", "v2", "v3"] {
        lab.retire(id);
    }
    lab.backing.delete_snapshot("s1").unwrap();
    lab.backing.delete_snapshot("s1").unwrap();
}

#[test]
fn loop_a_copy_of_a_block_volume_is_equal_byte_for_byte() {
    let Some(lab) = Lab::new() else { return };
    let target = lab.path("dev");
    // A file system that its user made, with an identity that must not be touched.
    lab.staged("v1", SMALL, FsType::Btrfs);
    lab.backing.unstage("v1", &lab.path("v1-stage")).unwrap();
    lab.backing.snapshot("v1", "s1").unwrap();
    lab.backing.create("v2", SMALL + MIB, Some(Source::Snapshot("s1"))).unwrap();
    lab.backing.publish("v2", None, &target, false, &Access::Block).unwrap();
    let source = fs::read(lab.path("state/volumes/v1/disk.img")).unwrap();
    let copy = fs::read(&target).unwrap();
    assert!(copy[..source.len()] == source[..], "content differs");
    assert!(copy[source.len()..].iter().all(|byte| *byte == 0));
    lab.backing.unpublish("v2", &target).unwrap();
    for id in ["v1", "v2"] {
        lab.backing.detach(id).unwrap();
    }
    assert!(matches!(
        lab.backing.create("v9", MIB, Some(Source::Snapshot("no-such"))),
        Err(BackingError::Missing(_))
    ));
}
