//! Create, stage, publish and back, on real devices; and that everything may be repeated.

#![cfg(feature = "loop")]

mod loop_support;

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;

use csi_stretch_mock::backing::{Access, Backing, BackingError, FsType, Shown};
use loop_support::{
    Lab, MIB, SMALL, device_bytes, mounted, mounting, mounting_as_is, pattern, timed,
};
use nix::errno::Errno;
use rstest::rstest;

#[rstest]
#[case::ext4(FsType::Ext4)]
#[case::xfs(FsType::Xfs)]
#[case::btrfs(FsType::Btrfs)]
fn loop_a_volume_lives_and_every_step_may_be_repeated(#[case] fs_type: FsType) {
    let Some(lab) = Lab::new() else { return };
    let (stage, target) = (lab.path("stage"), lab.path("pods/a/mount"));
    let backing = &lab.backing;
    let twice = |what: &str, step: &dyn Fn()| {
        timed(&format!("{fs_type} {what}"), step);
        timed(&format!("{fs_type} {what} again"), step);
    };
    twice("create", &|| backing.create("v1", SMALL, None).unwrap());
    twice("attach", &|| backing.attach("v1").unwrap());
    twice("stage", &|| backing.stage("v1", &stage, &mounting(fs_type)).unwrap());
    twice("publish", &|| {
        backing.publish("v1", Some(&stage), &target, false, &mounted(fs_type)).unwrap();
    });
    fs::write(target.join("file"), b"kept").unwrap();
    assert_eq!(fs::read(stage.join("file")).unwrap(), b"kept");
    assert_eq!(backing.shows("v1", &target).unwrap(), Some(Shown::FileSystem));
    let stats = backing.stats("v1", &target).unwrap();
    assert!(stats.total_bytes > SMALL / 2 && stats.total_bytes <= SMALL, "{stats:?}");
    assert!(stats.available_bytes > 0 && stats.used_bytes < stats.total_bytes, "{stats:?}");
    assert_eq!(stats.inodes.is_some(), fs_type != FsType::Btrfs);
    assert!(lab.fs("v1").fills_device);
    assert!(matches!(backing.detach("v1"), Err(BackingError::Busy(_))));
    assert!(matches!(backing.delete("v1"), Err(BackingError::Busy(_))));
    twice("unpublish", &|| backing.unpublish("v1", &target).unwrap());
    assert!(!target.exists());
    twice("unstage", &|| backing.unstage("v1", &stage).unwrap());
    assert!(stage.is_dir());
    twice("detach", &|| backing.detach("v1").unwrap());
    lab.check("v1", fs_type);
    // A second life: nothing is formatted again.
    backing.stage("v1", &stage, &mounting(fs_type)).unwrap();
    assert_eq!(fs::read(stage.join("file")).unwrap(), b"kept");
    backing.unstage("v1", &stage).unwrap();
    backing.detach("v1").unwrap();
    twice("delete", &|| backing.delete("v1").unwrap());
    assert!(matches!(backing.attach("v1"), Err(BackingError::Missing(_))));
}

#[rstest]
#[case::staged(true)]
#[case::straight(false)]
fn loop_read_only_holds_while_another_target_is_writable(#[case] with_stage: bool) {
    let Some(lab) = Lab::new() else { return };
    let stage = lab.path("stage");
    let (rw, ro) = (lab.path("rw"), lab.path("ro"));
    let access = mounted(FsType::Ext4);
    lab.backing.create("v1", SMALL, None).unwrap();
    lab.backing.attach("v1").unwrap();
    if with_stage {
        lab.backing.stage("v1", &stage, &mounting(FsType::Ext4)).unwrap();
    }
    let staged = with_stage.then_some(stage.as_path());
    lab.backing.publish("v1", staged, &ro, true, &access).unwrap();
    lab.backing.publish("v1", staged, &rw, false, &access).unwrap();
    lab.backing.publish("v1", staged, &ro, true, &access).unwrap();
    fs::write(rw.join("file"), b"x").unwrap();
    let refused = fs::write(ro.join("file"), b"y").unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(Errno::EROFS as i32));
    assert_eq!(fs::read(ro.join("file")).unwrap(), b"x");
    for target in [&rw, &ro] {
        lab.backing.unpublish("v1", target).unwrap();
    }
    lab.backing.unstage("v1", &stage).unwrap();
    lab.backing.detach("v1").unwrap();
}

#[test]
fn loop_a_block_volume_is_a_device_file() {
    let Some(lab) = Lab::new() else { return };
    let (rw, ro) = (lab.path("pods/a/dev"), lab.path("pods/b/dev"));
    lab.backing.create("v1", 8 * MIB, None).unwrap();
    lab.backing.attach("v1").unwrap();
    for _ in 0..2 {
        lab.backing.publish("v1", None, &rw, false, &Access::Block).unwrap();
        lab.backing.publish("v1", None, &ro, true, &Access::Block).unwrap();
    }
    assert_eq!((device_bytes(&rw), device_bytes(&ro)), (8 * MIB, 8 * MIB));
    assert_eq!(lab.backing.shows("v1", &rw).unwrap(), Some(Shown::Device));
    assert_eq!(lab.backing.shows("v1", &ro).unwrap(), Some(Shown::Device));
    assert_eq!(lab.backing.stats("v1", &rw).unwrap().total_bytes, 8 * MIB);
    let data = pattern(1, 70_000);
    let file = File::options().write(true).open(&rw).unwrap();
    file.write_all_at(&data, 4096).unwrap();
    file.sync_all().unwrap();
    drop(file);
    let mut back = vec![0; data.len()];
    File::open(&ro).unwrap().read_exact_at(&mut back, 4096).unwrap();
    assert!(back == data, "the read-only device shows other content");
    let refused = File::options().write(true).open(&ro).and_then(|mut file| file.write(b"x"));
    assert!(refused.is_err(), "a read-only device took a write");
    assert_eq!(lab.backing.file_system("v1").unwrap(), None);
    // Published the other way at the same place: the old one gives way.
    lab.backing.publish("v1", None, &ro, false, &Access::Block).unwrap();
    File::options().write(true).open(&ro).unwrap().write_all_at(b"x", 0).unwrap();
    for target in [&rw, &ro] {
        lab.backing.unpublish("v1", target).unwrap();
        lab.backing.unpublish("v1", target).unwrap();
        assert!(!target.exists());
    }
    lab.backing.detach("v1").unwrap();
}

#[rstest]
#[case::other_file_system(FsType::Xfs, "ext4")]
#[case::foreign_data(FsType::Ext4, "data of unknown kind")]
fn loop_what_is_on_a_device_is_never_formatted_away(#[case] wanted: FsType, #[case] found: &str) {
    let Some(lab) = Lab::new() else { return };
    let stage = lab.path("v1-stage");
    let image = lab.path("state/volumes/v1/disk.img");
    if found == "ext4" {
        lab.staged("v1", SMALL, FsType::Ext4);
        lab.backing.unstage("v1", &stage).unwrap();
    } else {
        lab.backing.create("v1", SMALL, None).unwrap();
        File::options().write(true).open(&image).unwrap().write_all_at(b"x", MIB - 1).unwrap();
    }
    let before = fs::read(&image).unwrap();
    let error = lab.backing.stage("v1", &stage, &mounting(wanted)).unwrap_err();
    assert!(matches!(error, BackingError::WrongFileSystem { .. }), "{error}");
    assert!(error.to_string().contains(found), "{error}");
    assert!(fs::read(&image).unwrap() == before, "the device was touched");
    assert_eq!(lab.backing.shows("v1", &stage).unwrap(), None);
    lab.backing.detach("v1").unwrap();
}

#[test]
fn loop_a_device_too_small_for_its_file_system_says_how_large_it_must_be() {
    let Some(lab) = Lab::new() else { return };
    lab.backing.create("v1", 64 * MIB, None).unwrap();
    let error = lab.backing.stage("v1", &lab.path("s"), &mounting(FsType::Xfs)).unwrap_err();
    assert!(error.to_string().contains("314572800"), "{error}");
    // It is still blank: another file system fits.
    lab.backing.stage("v1", &lab.path("s"), &mounting(FsType::Ext4)).unwrap();
    lab.backing.unstage("v1", &lab.path("s")).unwrap();
    lab.backing.detach("v1").unwrap();
}

#[rstest]
fn loop_the_least_size_is_enough(
    #[values(FsType::Ext4, FsType::Xfs, FsType::Btrfs)] fs_type: FsType,
) {
    let Some(lab) = Lab::new() else { return };
    let stage = lab.staged("v1", fs_type.ops().min_bytes(), fs_type);
    fs::write(stage.join("file"), pattern(1, 500_000)).unwrap();
    assert!(lab.fs("v1").fills_device);
    lab.retire("v1");
}

#[test]
fn loop_a_place_that_shows_something_else_is_left_alone() {
    let Some(lab) = Lab::new() else { return };
    let stage = lab.staged("v1", SMALL, FsType::Ext4);
    lab.backing.create("v2", SMALL, None).unwrap();
    lab.backing.attach("v2").unwrap();
    let file = lab.path("a-file");
    fs::write(&file, b"x").unwrap();
    let dir = lab.path("a-dir");
    fs::create_dir_all(dir.join("content")).unwrap();
    let path_error = |result: Result<(), BackingError>, what: &str| {
        assert!(matches!(result, Err(BackingError::Path { .. })), "{what}: {result:?}");
    };
    let mount = mounting(FsType::Ext4);
    path_error(lab.backing.stage("v2", &stage, &mount), "stage over another volume");
    path_error(lab.backing.unstage("v2", &stage), "unstage another volume");
    path_error(lab.backing.stage("v2", &file, &mount), "stage on a file");
    path_error(
        lab.backing.publish("v2", None, &dir, false, &Access::Block),
        "block on a directory",
    );
    path_error(lab.backing.unpublish("v2", &dir), "unpublish a directory with content");
    path_error(lab.backing.unpublish("v2", &file), "unpublish a file with content");
    let not_staged = lab.backing.publish(
        "v2",
        Some(&lab.path("no")),
        &lab.path("t"),
        false,
        &mounted(FsType::Ext4),
    );
    assert!(matches!(not_staged, Err(BackingError::NotMounted(_))), "{not_staged:?}");
    assert_eq!(lab.backing.shows("v1", &stage).unwrap(), Some(Shown::FileSystem));
    assert_eq!(lab.backing.shows("v2", &stage).unwrap(), None);
    assert_eq!(lab.backing.shows("v1", Path::new("/")).unwrap(), None);
    assert!(file.exists() && dir.join("content").exists());
    lab.backing.detach("v2").unwrap();
    lab.backing.delete("v2").unwrap();
    lab.retire("v1");
}

#[test]
fn loop_mount_options_reach_the_kernel_and_wrong_ones_fail() {
    let Some(lab) = Lab::new() else { return };
    let stage = lab.path("s");
    lab.backing.create("v1", SMALL, None).unwrap();
    let mut mount = mounting_as_is(FsType::Ext4);
    mount.flags = vec!["no-such-option".into()];
    let error = lab.backing.stage("v1", &stage, &mount).unwrap_err();
    assert!(!error.to_string().contains("no-such-option"), "options may be secret: {error}");
    mount.flags = vec!["noatime,discard".into(), "nosuid".into()];
    lab.backing.stage("v1", &stage, &mount).unwrap();
    let line = lab.traces().into_iter().find(|line| line.contains(" - ext4 ")).unwrap();
    assert!(line.contains("noatime") && line.contains("discard"), "{line}");
    // A read-only target is remounted, and keeps what is not about reading and writing.
    let target = lab.path("ro");
    lab.backing.publish("v1", Some(&stage), &target, true, &mounted(FsType::Ext4)).unwrap();
    let line = lab.traces().into_iter().find(|line| line.contains("/ro ")).unwrap();
    assert!(line.contains(" ro,nosuid,noatime"), "{line}");
    lab.backing.unpublish("v1", &target).unwrap();
    lab.backing.unstage("v1", &stage).unwrap();
    lab.backing.detach("v1").unwrap();
}

#[test]
fn loop_a_busy_mount_is_never_torn_away() {
    let Some(lab) = Lab::new() else { return };
    let stage = lab.staged("v1", SMALL, FsType::Ext4);
    let open = File::create(stage.join("open")).unwrap();
    let error = timed("unstage while a file is open", || lab.backing.unstage("v1", &stage));
    assert!(matches!(error, Err(BackingError::Busy(_))), "{error:?}");
    assert_eq!(lab.backing.shows("v1", &stage).unwrap(), Some(Shown::FileSystem));
    drop(open);
    lab.retire("v1");
}

#[test]
fn loop_many_volumes_attach_at_once() {
    let Some(lab) = Lab::new() else { return };
    timed("32 volumes attached and detached by 16 threads", || {
        std::thread::scope(|scope| {
            for thread in 0..16 {
                let backing = &lab.backing;
                scope.spawn(move || {
                    for n in 0..2 {
                        let id = format!("v{thread}-{n}");
                        backing.create(&id, MIB * (1 + thread), None).unwrap();
                        backing.attach(&id).unwrap();
                        assert_eq!(backing.device_bytes(&id).unwrap(), MIB * (1 + thread));
                        backing.detach(&id).unwrap();
                        backing.delete(&id).unwrap();
                    }
                });
            }
        });
    });
}
