//! Start and end of a driver: finishes or undoes what SIGKILL cut off, and clears up if asked.

use std::path::PathBuf;

use tonic::Status;
use tracing::{info, warn};

use super::{
    Driver, Reply,
    lock::{self, Locks},
};
use crate::{
    backing::{Backing, Known, KnownVolume},
    profile::Profile,
    state::{Store, VolumeRecord, VolumeState},
};

impl Driver {
    /// A driver whose records agree with what its backing finds. A single volume that cannot be
    /// mended is left as it is, with a warning, and mended by the next call for it.
    pub fn start(profile: Profile, store: Store, backing: Box<dyn Backing>) -> Reply<Self> {
        let driver = Self { profile, store, backing, locks: Locks::default() };
        for record in driver.store.volumes() {
            let id = record.id.clone();
            warn_of(&id, driver.resume(record));
        }
        for record in driver.store.snapshots().into_iter().filter(|s| !s.done) {
            let id = record.id.clone();
            warn_of(&id, driver.erase_snapshot(record));
        }
        driver.backing.reconcile(&driver.known())?;
        for record in driver.store.volumes() {
            let id = record.id.clone();
            warn_of(&id, driver.forget_lost_mounts(record));
        }
        info!(volumes = driver.store.volumes().len(), "records agree with the backing");
        Ok(driver)
    }

    /// Removes every volume and snapshot, in use or not. Returns what could not be removed.
    pub fn remove_all(&self) -> Vec<String> {
        let mut left = Vec::new();
        for id in self.store.volumes().into_iter().map(|record| record.id) {
            let removed = self.locks.hold([lock::volume(&id)]).and_then(|_held| {
                let Some(mut record) = self.store.volume(&id) else { return Ok(()) };
                self.take_down(&mut record)?;
                self.erase(record)
            });
            if let Err(status) = removed {
                left.push(format!("volume `{id}`: {}", status.message()));
            }
        }
        for record in self.store.snapshots() {
            let id = record.id.clone();
            if let Err(status) = self.erase_snapshot(record) {
                left.push(format!("snapshot `{id}`: {}", status.message()));
            }
        }
        left
    }

    /// Brings one volume to where its record leads: half-made goes, half-grown grows, half-made
    /// and half-undone mounts are undone. None of it was acknowledged, so a repeat starts afresh.
    fn resume(&self, mut record: VolumeRecord) -> Reply<()> {
        match record.state {
            VolumeState::Creating | VolumeState::Deleting => {
                info!(volume = record.id, "removes what was half made or half removed");
                return self.erase(record);
            }
            VolumeState::Growing(bytes) => {
                info!(volume = record.id, bytes, "finishes growing");
                self.backing.grow_device(&record.id, bytes)?;
                record.bytes = bytes;
                record.state = VolumeState::Ready;
                self.save(&record)?;
            }
            VolumeState::Ready => {}
        }
        let half: Vec<PathBuf> =
            record.targets.iter().filter(|(_, t)| !t.done).map(|(p, _)| p.clone()).collect();
        for path in half {
            self.undo_target(&mut record, &path)?;
        }
        if record.staged.as_ref().is_some_and(|s| !s.done) {
            self.undo_staging(&mut record)?;
        }
        Ok(())
    }

    /// Drops mounts that are gone (a reboot), targets before the staging they came from. Whoever
    /// wants them back stages and publishes again, as after any reboot.
    fn forget_lost_mounts(&self, mut record: VolumeRecord) -> Reply<()> {
        for path in record.targets.keys().cloned().collect::<Vec<_>>() {
            if self.backing.shows(&record.id, &path)?.is_none() {
                warn!(volume = record.id, path = %path.display(), "publication is gone");
                self.undo_target(&mut record, &path)?;
            }
        }
        if let Some(staged) = &record.staged {
            let mounted = staged.capability.mount().is_some();
            if mounted && self.backing.shows(&record.id, &staged.path)?.is_none() {
                warn!(volume = record.id, path = %staged.path.display(), "staging is gone");
                self.undo_staging(&mut record)?;
            }
        }
        if record.is_on_node() {
            self.backing.attach(&record.id)?;
        }
        Ok(())
    }

    fn take_down(&self, record: &mut VolumeRecord) -> Reply<()> {
        for path in record.targets.keys().cloned().collect::<Vec<_>>() {
            self.undo_target(record, &path)?;
        }
        self.undo_staging(record)
    }

    fn known(&self) -> Known {
        let volumes = self.store.volumes().into_iter().map(|record| KnownVolume {
            paths: record
                .staged
                .iter()
                .map(|s| &s.path)
                .chain(record.targets.keys())
                .cloned()
                .collect(),
            bytes: record.bytes,
            id: record.id,
        });
        let snapshots = self.store.snapshots().into_iter().map(|s| s.id);
        Known { volumes: volumes.collect(), snapshots: snapshots.collect() }
    }
}

fn warn_of(id: &str, result: Result<(), Status>) {
    if let Err(status) = result {
        warn!(id, error = status.message(), "could not be mended at start");
    }
}
