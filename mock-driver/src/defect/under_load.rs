//! What only a database on real devices sees: damage and stalls beside a growth that is answered OK.
//! On the memory backing there is no path to reach through, so these do nothing there.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use nix::{
    fcntl::{FallocateFlags, fallocate},
    mount::{MntFlags, umount2},
};

use super::{Defect, Flaw, Sound, flaw::Showing, notes::Notes, plant};
use crate::{
    backing::{Access, Backing, BackingError, FileSystem, Mounting, Result},
    fs::{flush_buffers, freeze, shut_down, thaw},
};

const CLASS: &str = "under-load";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        DropsLastExtent::default(),
        "growth-drops-last-extent",
        "the growth of a block volume loses what stood in the last 16 MiB of its old size",
        "openebs/mayastor-control-plane#744",
        &["controller-expand.data-kept"]
    ),
    plant!(
        ZeroesLate::default(),
        "growth-zeroes-new-range-late",
        "the new range of a block volume is zeroed when it is in use already",
        "openebs/openebs#1565",
        &["controller-expand.data-kept"]
    ),
    plant!(
        Remounts::default(),
        "growth-remounts",
        "the file system is shut down and mounted anew to be grown, whoever uses it",
        "openebs/zfs-localpv#734",
        &["node-publish.capability-usable"]
    ),
    plant!(
        BlocksWriters::default(),
        "growth-blocks-writers",
        "writers of the volume stand still for two seconds while it grows",
        "no public issue: a freeze that a growth takes and holds",
        &["slo"]
    ),
    plant!(
        StatfsStays,
        "growth-that-statfs-never-shows",
        "NodeExpandVolume answers OK, and the file system has its old size",
        "juicedata/juicefs-csi-driver#1260",
        &["node-expand.purpose"]
    ),
];

const MIB: u64 = 1 << 20;
/// More than a database of the scenarios holds in memory and would write again.
const EXTENT: u64 = 16 * MIB;
/// How long writers stand still.
const STILL: Duration = Duration::from_secs(2);
/// A database that meets an error is gone by then, and its files are closed.
const GONE: Duration = Duration::from_millis(500);

/// Where block volumes show as devices.
#[derive(Default)]
struct Devices(Notes<PathBuf>);

impl Devices {
    fn note(&self, id: &str, showing: &Showing<'_>) {
        if *showing.access == Access::Block {
            self.0.put(id, showing.target.to_owned());
        }
    }
}

/// Waits until something stands there, a minute at most.
fn wait_until_used(device: &Path, at: u64) {
    for _ in 0..600 {
        let mut block = [0; 4096];
        let looked = flush_buffers(device)
            .and_then(|()| File::open(device))
            .and_then(|file| file.read_exact_at(&mut block, at));
        if looked.is_err() || block.iter().any(|byte| *byte != 0) {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// The device does it itself, past the page cache and whoever else writes there.
fn zero(device: &Path, from: u64, to: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(device)?;
    let how = FallocateFlags::FALLOC_FL_ZERO_RANGE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
    Ok(fallocate(&file, how, from.cast_signed(), (to - from).cast_signed())?)
}

/// Loses the last extent of the old size.
#[derive(Default)]
struct DropsLastExtent(Devices);

impl Flaw for DropsLastExtent {
    fn show(&self, good: &dyn Backing, id: &str, showing: &Showing<'_>) -> Result<()> {
        self.0.note(id, showing);
        Sound.show(good, id, showing)
    }

    fn grow_device(&self, good: &dyn Backing, id: &str, bytes: u64) -> Result<()> {
        let old = good.device_bytes(id)?;
        good.grow_device(id, bytes)?;
        match self.0.0.get(id).filter(|_| bytes > old) {
            Some(device) => zero(&device, old.saturating_sub(EXTENT), old)
                .map_err(BackingError::io("drop the last extent")),
            None => Ok(()),
        }
    }
}

/// Zeroes what is new, later.
#[derive(Default)]
struct ZeroesLate(Devices);

impl Flaw for ZeroesLate {
    fn show(&self, good: &dyn Backing, id: &str, showing: &Showing<'_>) -> Result<()> {
        self.0.note(id, showing);
        Sound.show(good, id, showing)
    }

    fn grow_device(&self, good: &dyn Backing, id: &str, bytes: u64) -> Result<()> {
        let old = good.device_bytes(id)?;
        good.grow_device(id, bytes)?;
        if let Some(device) = self.0.0.get(id).filter(|_| bytes > old) {
            // A volume that is gone by then has nothing to damage.
            thread::spawn(move || {
                wait_until_used(&device, old + EXTENT + EXTENT / 2);
                let _ = zero(&device, old, bytes);
            });
        }
        Ok(())
    }
}

/// Shuts the file system down, whoever uses it, and mounts it anew.
#[derive(Default)]
struct Remounts {
    staged: Notes<(PathBuf, Mounting)>,
    shown: Notes<(PathBuf, bool, Access)>,
}

impl Flaw for Remounts {
    fn mount(&self, good: &dyn Backing, id: &str, path: &Path, how: &Mounting) -> Result<()> {
        self.staged.put(id, (path.to_owned(), how.clone()));
        good.stage(id, path, how)
    }

    fn show(&self, good: &dyn Backing, id: &str, showing: &Showing<'_>) -> Result<()> {
        let Showing { target, readonly, access, .. } = showing;
        self.shown.put(id, ((*target).to_owned(), *readonly, (*access).clone()));
        Sound.show(good, id, showing)
    }

    fn hide(&self, good: &dyn Backing, id: &str, target: &Path) -> Result<()> {
        self.shown.take(id);
        good.unpublish(id, target)
    }

    fn grow_fs(&self, good: &dyn Backing, id: &str) -> Result<Option<FileSystem>> {
        let (Some((staging, how)), Some((target, readonly, access))) =
            (self.staged.get(id), self.shown.get(id))
        else {
            return good.grow_fs(id);
        };
        let lost = || -> io::Result<()> {
            let root = File::open(&staging)?;
            for path in [&target, &staging] {
                umount2(path, MntFlags::MNT_DETACH)?;
            }
            shut_down(&root)
        };
        lost().map_err(BackingError::io("take the mounts away"))?;
        thread::sleep(GONE);
        good.stage(id, &staging, &how)?;
        good.publish(id, Some(&staging), &target, readonly, &access)?;
        good.grow_fs(id)
    }
}

/// Freezes the file system for a while.
#[derive(Default)]
struct BlocksWriters(Notes<PathBuf>);

impl Flaw for BlocksWriters {
    fn mount(&self, good: &dyn Backing, id: &str, path: &Path, how: &Mounting) -> Result<()> {
        self.0.put(id, path.to_owned());
        good.stage(id, path, how)
    }

    fn grow_fs(&self, good: &dyn Backing, id: &str) -> Result<Option<FileSystem>> {
        let grown = good.grow_fs(id)?;
        if let Some(path) = self.0.get(id) {
            let still = || -> io::Result<()> {
                let root = File::open(path)?;
                freeze(&root)?;
                thread::sleep(STILL);
                thaw(&root)
            };
            still().map_err(BackingError::io("hold the writers"))?;
        }
        Ok(grown)
    }
}

/// Grows no file system.
struct StatfsStays;

impl Flaw for StatfsStays {
    fn grow_fs(&self, good: &dyn Backing, id: &str) -> Result<Option<FileSystem>> {
        good.file_system(id)
    }
}
