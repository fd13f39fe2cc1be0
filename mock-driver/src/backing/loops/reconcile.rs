//! After a kill: finds in the kernel and in the folder what is ours, keeps what the records
//! promise, removes the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::mountinfo::{self, Mount};
use super::node::{self, Node};
use super::store::{Kind, Store};
use super::volume::Volume;
use super::{device, grow, mount};
use crate::backing::{BackingError, Known, Result};
use crate::fs::thaw;

/// See `Backing::reconcile`.
pub fn reconcile(store: &Store, known: &Known) -> Result<()> {
    let promised = promised_paths(store, known)?;
    for id in store.ids(Kind::Volume)? {
        store.place(Kind::Volume, &id).wait_for_tools()?;
    }
    for (node, backing) in node::attached()? {
        if backing.starts_with(store.root()) {
            keep_or_drop(&node, &backing, promised.get(&backing))?;
        }
    }
    let volumes = known.volumes.iter().map(|volume| volume.id.as_str()).collect();
    drop_images(store, Kind::Volume, &volumes)?;
    let snapshots = known.snapshots.iter().map(String::as_str).collect();
    drop_images(store, Kind::Snapshot, &snapshots)?;
    drop_private_mounts(store)?;
    for volume in &known.volumes {
        let place = store.place(Kind::Volume, &volume.id);
        if place.exists() {
            grow::grow_device(place.clone(), volume.bytes)?;
            Volume::look(place)?.detach_idle_read_only()?;
        }
    }
    Ok(())
}

/// Removes every mount, device and image of this folder, and the folders in it.
pub fn remove_everything(store: &Store) -> Result<()> {
    reconcile(store, &Known::default())?;
    for name in ["volumes", "snapshots", "mnt"] {
        let folder = store.root().join(name);
        fs::remove_dir(&folder)
            .map_err(BackingError::io(format!("remove {}", folder.display())))?;
    }
    Ok(())
}

/// For each image that may stay, the paths at which it may be mounted.
fn promised_paths(store: &Store, known: &Known) -> Result<BTreeMap<PathBuf, BTreeSet<PathBuf>>> {
    let mut promised = BTreeMap::new();
    for volume in &known.volumes {
        let paths = volume.paths.iter().map(|path| mount::resolve(path));
        let image = store.place(Kind::Volume, &volume.id).image();
        promised.insert(image, paths.collect::<Result<_>>()?);
    }
    Ok(promised)
}

/// Takes away the mounts of a device that nobody promised, and the device if nobody did.
fn keep_or_drop(node: &Node, backing: &Path, promised: Option<&BTreeSet<PathBuf>>) -> Result<()> {
    let mounts = mountinfo::mounts().map_err(BackingError::io("read the mount table"))?;
    // The last made first: it may lie on or in an earlier one.
    for mount in mounts.iter().rev().filter(|mount| node.is_shown_by(mount)) {
        unfreeze(node, mount)?;
        if promised.is_none_or(|paths| !paths.contains(&mount.target)) {
            tracing::info!(target = %mount.target.display(), "unmount what no record promises");
            mount::unmount(&mount.target)?;
        }
    }
    if promised.is_none() {
        tracing::info!(device = %node.path.display(), "detach what no record promises");
        device::detach(node, backing)?;
    }
    Ok(())
}

/// A driver that was killed while it copied left the file system frozen: every writer hangs.
fn unfreeze(node: &Node, mount: &Mount) -> Result<()> {
    if !node.has_file_system_at(mount) {
        return Ok(());
    }
    let target = mount.target.display();
    let doing = || BackingError::io(format!("thaw the file system at {target}"));
    match thaw(&File::open(&mount.target).map_err(doing())?) {
        Ok(()) => tracing::warn!(%target, "thawed a file system that an unfinished copy froze"),
        Err(e) if e.raw_os_error() == Some(Errno::EINVAL as i32) => {}
        Err(e) => return Err(doing()(e)),
    }
    Ok(())
}

fn drop_images(store: &Store, kind: Kind, known: &BTreeSet<&str>) -> Result<()> {
    for id in store.ids(kind)? {
        let place = store.place(kind, &id);
        if known.contains(id.as_str()) {
            place.clean_up()?;
        } else {
            tracing::info!(id, ?kind, "remove what no record promises");
            place.remove()?;
        }
    }
    Ok(())
}

fn drop_private_mounts(store: &Store) -> Result<()> {
    let folder = store.root().join("mnt");
    let listing = || BackingError::io(format!("list {}", folder.display()));
    for entry in fs::read_dir(&folder).map_err(listing())? {
        mount::remove_target(&entry.map_err(listing())?.path())?;
    }
    Ok(())
}
