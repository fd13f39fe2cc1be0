//! Volumes that are full and then grow, and devices without a file system.

use std::{path::Path, process::Command};

use csi_stretch::workload::engine::{Met, Settings, State};
use csi_stretch_oracle::action;

use crate::rig::{Rig, until};

/// A loop device over a sparse file of the rig, and perhaps a mount; undone in reverse.
struct Volume {
    image: std::path::PathBuf,
    device: String,
    mounted: Option<std::path::PathBuf>,
}

impl Volume {
    fn new(rig: &Rig, bytes: u64, kind: &str) -> Option<Self> {
        if !nix::unistd::geteuid().is_root() || !Path::new("/dev/loop-control").exists() {
            println!("skipped: needs root and /dev/loop-control");
            return None;
        }
        let image = rig.dir.path().join("image");
        std::fs::File::create(&image).unwrap().set_len(bytes).unwrap();
        if !kind.is_empty() && Command::new(format!("mkfs.{kind}")).arg("-V").output().is_err() {
            println!("skipped: needs mkfs.{kind}");
            return None;
        }
        let path = image.to_str().unwrap();
        // Another process may take the free device first.
        let device = (0..20).find_map(|_| tool("losetup", &["--find", "--show", path]));
        let mut volume = Self { device: device.unwrap(), image, mounted: None };
        if !kind.is_empty() {
            tool(&format!("mkfs.{kind}"), &["-q", "-f", &volume.device]).unwrap();
            let at = rig.place.path.clone();
            tool("mount", &["-t", kind, &volume.device, at.to_str().unwrap()]).unwrap();
            volume.mounted = Some(at);
        }
        Some(volume)
    }

    fn grow(&self, bytes: u64) {
        std::fs::File::options().write(true).open(&self.image).unwrap().set_len(bytes).unwrap();
        tool("losetup", &["--set-capacity", &self.device]).unwrap();
        if let Some(at) = &self.mounted {
            tool("xfs_growfs", &[at.to_str().unwrap()]).unwrap();
        }
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        if let Some(at) = &self.mounted {
            tool("umount", &[at.to_str().unwrap()]);
        }
        tool("losetup", &["--detach", &self.device]);
    }
}

fn tool(name: &str, args: &[&str]) -> Option<String> {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let output = Command::new(name).args(args).env("PATH", path).output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

#[test]
fn loop_full_volume_grows_and_the_writer_goes_on() {
    let rig = Rig::new();
    // The least that mkfs.xfs takes.
    let Some(volume) = Volume::new(&rig, 300 << 20, "xfs") else { return };
    // Most of the room is taken at once, so that the test is short.
    let ballast = std::fs::File::create(rig.place.path.join("ballast")).unwrap();
    nix::fcntl::fallocate(&ballast, nix::fcntl::FallocateFlags::empty(), 0, 200 << 20).unwrap();
    let engine = rig.start();
    let full = until("a full volume", &*engine, |tick| tick.state == State::Blocked);
    let later = until("queries meanwhile", &*engine, |tick| {
        tick.read > full.read && tick.updated > full.updated && tick.blocked_us > full.blocked_us
    });
    assert_eq!(later.data_bytes, full.data_bytes);
    volume.grow(400 << 20);
    until("a writer that goes on", &*engine, |tick| {
        tick.state == State::Running && tick.data_bytes > full.data_bytes + (1 << 20)
    });
    let stopped = engine.stop();
    assert!(stopped.clean, "{stopped:?}");
    assert!(
        stopped.troubles.iter().all(|trouble| trouble.met == Met::Full("ENOSPC".into())),
        "{stopped:?}"
    );
    assert_eq!(stopped.troubles[0].doing, "extend data");
    rig.verify_whole();
}

#[test]
fn loop_block_device_is_filled_grows_and_is_killed() {
    let mut rig = Rig::new();
    let Some(volume) = Volume::new(&rig, 8 << 20, "") else { return };
    (rig.place.path, rig.place.block) = (volume.device.clone().into(), true);
    let engine = rig.start();
    let full = until("a full device", &*engine, |tick| tick.state == State::Blocked);
    volume.grow(12 << 20);
    until("a writer that goes on", &*engine, |tick| tick.data_bytes > full.data_bytes + (1 << 20));
    engine.kill();
    let verified = rig.verify_whole();
    // A row's bytes are where they are said to be.
    let offset = 16384 + (1 << 20) + (1 << 20) + 16384 * 70;
    let device = std::fs::File::options().write(true).open(&volume.device).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&device, &[0; 16384], offset).unwrap();
    device.sync_all().unwrap();
    let damaged = rig.verify();
    assert_eq!(damaged.rows, verified.rows);
    let spot = damaged.lost[0].spot.as_ref().unwrap();
    assert_eq!((spot.page, spot.offset / 16384 * 16384), (70, offset));
    assert_eq!(spot.file, "");
}

/// What a scenario is told a block device needs is enough for the database that it gets.
#[test]
fn loop_the_least_block_device_has_room_for_rows() {
    let mut rig = Rig::new();
    let least = action::Engine::Pages.block_bytes_min().cast_unsigned();
    let Some(volume) = Volume::new(&rig, least, "") else { return };
    (rig.place.path, rig.place.block) = (volume.device.clone().into(), true);
    rig.settings = Settings { seed: 11, ..Settings::default() };
    let engine = rig.start();
    until("rows", &*engine, |tick| tick.data_bytes > 1 << 20);
    assert!(engine.stop().clean);
    rig.verify_whole();
}
