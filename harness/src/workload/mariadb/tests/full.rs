//! A full volume: the server waits or aborts, and after growth every acknowledged row is there.

use super::rig::{Rig, until};
use crate::{
    host::lab::{Lab, run},
    workload::engine::{State, Stopped},
};

const MIB: u64 = 1 << 20;

/// A volume on which the database itself has room, and its rows do not for long.
fn small(kind: &str) -> Option<(Lab, Rig)> {
    let mut lab = Lab::new(kind, 300 * MIB)?;
    lab.mount(&[], "volume");
    let rig = Rig::on(&lab.at("volume"))?;
    let free = nix::sys::statvfs::statvfs(lab.at("volume").as_str()).unwrap();
    let free = free.blocks_free() * free.fragment_size();
    let ballast = std::fs::File::create(lab.at("volume/ballast")).unwrap();
    let flags = nix::fcntl::FallocateFlags::empty();
    nix::fcntl::fallocate(&ballast, flags, 0, (free - 96 * MIB) as i64).unwrap();
    Some((lab, rig))
}

/// Either documented outcome; which is said.
fn outcome(stopped: &Stopped) {
    let aborted = stopped.troubles.iter().any(|it| it.met.words().starts_with("aborted at ENOSPC"));
    let waited = stopped.troubles.iter().any(|it| it.met.words().starts_with("ENOSPC (error 1"));
    println!("at ENOSPC the server {}", if aborted { "aborted" } else { "waited" });
    assert!(aborted || waited && stopped.last.blocked_us > 0, "{stopped:?}");
}

#[test]
fn loop_full_xfs_grows_online_and_no_row_is_lost() {
    let Some((lab, rig)) = small("xfs") else { return };
    let engine = rig.start();
    let full = until("a full volume", &*engine, |tick| tick.state != State::Running);
    lab.resize(500 * MIB);
    run("xfs_growfs", &[&lab.at("volume")]);
    let later = until("rows after the growth, or the end", &*engine, |tick| {
        tick.state == State::Ended || tick.inserted > full.inserted + 200
    });
    let stopped = engine.stop();
    outcome(&stopped);
    assert_eq!(later.state == State::Ended, !stopped.clean, "{stopped:?}");
    let verified = rig.verify_whole();
    assert_eq!(verified.rows, stopped.last.inserted);
    let again = rig.start();
    until("rows after the next start", &*again, |tick| tick.inserted > 200);
    assert!(again.stop().clean);
    rig.verify_whole();
}

#[test]
fn loop_full_ext4_grows_offline_and_no_row_is_lost() {
    let Some((mut lab, mut rig)) = small("ext4") else { return };
    // With large rows, and some patience, the server aborts more often than not.
    (rig.settings.row_bytes, rig.settings.batch_rows) = (500_000, 1);
    rig.settings.bulk_threads = 4;
    let engine = rig.start();
    until("the end, or a long wait for room", &*engine, |tick| {
        tick.state == State::Ended || tick.blocked_us > 8_000_000
    });
    let stopped = engine.kill();
    outcome(&stopped);
    lab.unmount("volume");
    lab.resize(500 * MIB);
    run("e2fsck", &["-fp", &lab.device]);
    run("resize2fs", &[&lab.device]);
    lab.mount(&[], "volume");
    let verified = rig.verify_whole();
    assert_eq!(verified.rows, stopped.last.inserted);
    let again = rig.start();
    until("rows after the growth", &*again, |tick| tick.inserted > 40);
    assert!(again.stop().clean);
    rig.verify_whole();
}
