//! What every RPC means: checks, idempotency, error codes, and the order of records and effects.
//!
//! Plain blocking functions from request to response, written once over [`Backing`]. Knows no
//! sockets and no runtime (`rpc` does), and not how a volume is made (the backing does).

mod ask;
mod capability;
mod controller;
mod identity;
mod lock;
mod node;
mod simulated;
mod size;
mod start;
mod status;

use std::{io, path::Path};

use tonic::Status;

use crate::{
    backing::{Backing, Mounting},
    profile::{ControllerCapability, GrowFsAt, NodeCapability, Profile},
    state::{Capability, Store, VolumeRecord},
};
use lock::Locks;
use status::store_failed;

/// The result of a call; the status carries CSI's code and a message.
pub type Reply<T> = Result<T, Status>;

/// A driver: what it declares, what it remembers, and what makes its volumes.
pub struct Driver {
    profile: Profile,
    store: Store,
    backing: Box<dyn Backing>,
    locks: Locks,
}

impl Driver {
    /// The profile it was started with.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Refuses a controller RPC whose capability is not declared.
    fn needs(&self, capability: ControllerCapability) -> Reply<()> {
        if self.profile.has(capability) {
            return Ok(());
        }
        Err(Status::unimplemented(format!("this driver does not declare {capability:?}")))
    }

    /// Refuses a node RPC whose capability is not declared.
    fn node_needs(&self, capability: NodeCapability) -> Reply<()> {
        if self.profile.node_has(capability) {
            return Ok(());
        }
        Err(Status::unimplemented(format!("this node does not declare {capability:?}")))
    }

    /// The record of a volume that clients may know of.
    fn volume(&self, id: &str) -> Reply<VolumeRecord> {
        let record = self.store.volume(id).filter(VolumeRecord::is_visible);
        record.ok_or_else(|| Status::not_found(format!("no volume has the id `{id}`")))
    }

    /// Writes a volume's record; nothing is answered before that.
    fn save(&self, record: &VolumeRecord) -> Reply<()> {
        self.store.put_volume(record).map_err(|e: io::Error| store_failed(&e))
    }

    /// How a mount capability becomes a mount of this volume: the file system asked for, else the
    /// one the volume was created for, else the one it holds, else the driver's first.
    fn mounting(&self, record: &VolumeRecord, wanted: &Capability) -> Reply<Option<Mounting>> {
        let Some((fs_type, flags)) = wanted.mount() else { return Ok(None) };
        let created = record.capabilities.iter().filter_map(Capability::mount).map(|(fs, _)| fs);
        let named = std::iter::once(fs_type).chain(created).find(|fs| !fs.is_empty());
        let fs_type = match named {
            Some(name) => self.offered_fs(name),
            None => match self.backing.file_system(&record.id)? {
                Some(held) => Some(held.fs_type),
                None => self.profile.fs_types.first().copied(),
            },
        };
        let unknown = || Status::failed_precondition("the file system is not one of this driver's");
        let direct = !self.profile.node_has(NodeCapability::StageUnstageVolume);
        let grow = self.profile.grows_fs_at(GrowFsAt::Stage)
            || (direct && self.profile.grows_fs_at(GrowFsAt::Publish));
        Ok(Some(Mounting { fs_type: fs_type.ok_or_else(unknown)?, flags: flags.to_vec(), grow }))
    }

    /// Takes the device away once nothing on the node uses the volume.
    fn detach_if_idle(&self, record: &VolumeRecord) -> Reply<()> {
        if record.is_on_node() {
            return Ok(());
        }
        Ok(self.backing.detach(&record.id)?)
    }

    /// Refuses a path that another volume occupies on this node.
    fn not_taken(&self, id: &str, path: &Path) -> Reply<()> {
        let taken = self.store.volumes().into_iter().find(|v| v.id != id && v.is_at(path));
        taken.map_or(Ok(()), |other| {
            let text = format!("{} already holds volume `{}`", path.display(), other.id);
            Err(Status::failed_precondition(text))
        })
    }
}
