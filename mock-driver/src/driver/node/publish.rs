//! NodePublishVolume and NodeUnpublishVolume.

use std::path::Path;

use csi_stretch_proto::csi::v1::{
    NodePublishVolumeRequest, NodePublishVolumeResponse, NodeUnpublishVolumeRequest,
    NodeUnpublishVolumeResponse,
};
use tonic::Status;

use crate::{
    backing::Access,
    driver::{Driver, Reply, ask, capability::parse, lock},
    profile::{GrowFsAt, NodeCapability as N},
    state::{Target, VolumeRecord},
};

impl Driver {
    /// NodePublishVolume.
    pub fn publish(&self, request: &NodePublishVolumeRequest) -> Reply<NodePublishVolumeResponse> {
        let id = ask::required(&request.volume_id, "volume_id")?;
        let path = ask::path(&request.target_path, "target_path")?;
        let staged = ask::path_if_any(&request.staging_target_path, "staging_target_path")?;
        let capability = parse(request.volume_capability.as_ref())?;
        let _held = self.locks.hold([lock::volume(id)])?;
        let mut record = self.volume(id)?;
        if record.targets.get(&path).is_some_and(|target| !target.done) {
            // What an earlier call could not undo goes first.
            self.undo_target(&mut record, &path)?;
        }
        let staged = staged.filter(|_| self.profile.node_has(N::StageUnstageVolume));
        let wanted = Target { capability, readonly: request.readonly, staged, done: true };
        self.must_support(&record, &wanted.capability)?;
        self.must_be_published_here(&record)?;
        self.must_be_staged_for(&record, &wanted)?;
        Self::must_agree_with_others(&record, &path, &wanted)?;
        self.not_taken(id, &path)?;

        let is_new = record.targets.get(&path) != Some(&wanted);
        if is_new {
            record.targets.insert(path.clone(), Target { done: false, ..wanted.clone() });
            self.save(&record)?;
        }
        // Also for a repeat: the kernel may have lost the mount, and an ensure costs little.
        if let Err(failure) = self.bring_to_target(&record, &path, &wanted) {
            if is_new {
                self.undo_target(&mut record, &path)?;
            }
            return Err(failure);
        }
        if self.profile.grows_fs_at(GrowFsAt::Publish) && wanted.capability.mount().is_some() {
            self.backing.grow_fs(id)?;
        }
        if is_new {
            record.targets.insert(path, wanted);
            self.save(&record)?;
        }
        Ok(NodePublishVolumeResponse {})
    }

    /// NodeUnpublishVolume.
    pub fn unpublish(
        &self,
        request: &NodeUnpublishVolumeRequest,
    ) -> Reply<NodeUnpublishVolumeResponse> {
        let id = ask::required(&request.volume_id, "volume_id")?;
        let path = ask::path(&request.target_path, "target_path")?;
        let _held = self.locks.hold([lock::volume(id)])?;
        let mut record = self.volume(id)?;
        self.undo_target(&mut record, &path)?;
        Ok(NodeUnpublishVolumeResponse {})
    }

    /// With staging, a publication starts from where the volume is staged, in the same kind.
    fn must_be_staged_for(&self, record: &VolumeRecord, wanted: &Target) -> Reply<()> {
        if !self.profile.node_has(N::StageUnstageVolume) {
            return Ok(());
        }
        let wrong = |why: &str| Err(Status::failed_precondition(why));
        let Some(path) = &wanted.staged else { return wrong("staging_target_path is missing") };
        let Some(staged) = record.staged.as_ref().filter(|s| s.done && s.path == *path) else {
            return wrong("the volume is not staged at staging_target_path");
        };
        if staged.capability.mount().is_some() != wanted.capability.mount().is_some() {
            return wrong("block and mount cannot be mixed: the volume is staged as the other");
        }
        Ok(())
    }

    /// The rules for a second publication: at the same path, or at another one on this node.
    fn must_agree_with_others(record: &VolumeRecord, path: &Path, wanted: &Target) -> Reply<()> {
        let used_to_stage = record.staged.as_ref().is_some_and(|s| s.path == path);
        if used_to_stage || wanted.staged.as_deref() == Some(path) {
            let text = "target_path and staging_target_path must differ";
            return Err(Status::invalid_argument(text));
        }
        for (other_path, other) in record.targets.iter().filter(|(_, other)| other.done) {
            let there = other_path.display();
            if other_path == path {
                if other != wanted {
                    let text = format!("the volume is published at {there} in another way");
                    return Err(Status::already_exists(text));
                }
            } else if other.capability != wanted.capability {
                let text = format!("the volume is published at {there} with another capability");
                return Err(Status::failed_precondition(text));
            } else if !wanted.capability.allows_second_path() {
                let text = format!("the volume is published at {there}; its mode allows one path");
                return Err(Status::failed_precondition(text));
            }
        }
        Ok(())
    }

    fn bring_to_target(&self, record: &VolumeRecord, path: &Path, wanted: &Target) -> Reply<()> {
        let id = &record.id;
        let access =
            self.mounting(record, &wanted.capability)?.map_or(Access::Block, Access::Mount);
        let publication = record.published.get(&self.profile.node_id);
        let readonly = wanted.readonly
            || wanted.capability.is_reader()
            || publication.is_some_and(|p| p.readonly || p.capability.is_reader());
        self.backing.attach(id)?;
        self.backing.publish(id, wanted.staged.as_deref(), path, readonly, &access)?;
        if access != Access::Block
            && wanted.staged.is_some()
            && self.profile.grows_fs_at(GrowFsAt::Publish)
        {
            self.backing.grow_fs(id)?;
        }
        Ok(())
    }

    /// Takes the volume off a target path, the record saying so before and after.
    pub(in crate::driver) fn undo_target(
        &self,
        record: &mut VolumeRecord,
        path: &Path,
    ) -> Reply<()> {
        let Some(target) = record.targets.get_mut(path) else { return Ok(()) };
        if target.done {
            target.done = false;
            self.save(record)?;
        }
        self.backing.unpublish(&record.id, path)?;
        record.targets.remove(path);
        self.detach_if_idle(record)?;
        self.save(record)
    }
}
