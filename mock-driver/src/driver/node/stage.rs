//! NodeStageVolume and NodeUnstageVolume.
//!
//! A block volume is staged by making its device; nothing is put at the staging path.

use csi_stretch_proto::csi::v1::{
    NodeStageVolumeRequest, NodeStageVolumeResponse, NodeUnstageVolumeRequest,
    NodeUnstageVolumeResponse,
};
use tonic::Status;

use crate::{
    driver::{Driver, Reply, ask, capability::parse, lock},
    profile::NodeCapability as N,
    state::{Staged, VolumeRecord},
};

impl Driver {
    /// NodeStageVolume.
    pub fn stage(&self, request: &NodeStageVolumeRequest) -> Reply<NodeStageVolumeResponse> {
        self.node_needs(N::StageUnstageVolume)?;
        let id = ask::required(&request.volume_id, "volume_id")?;
        let path = ask::path(&request.staging_target_path, "staging_target_path")?;
        let capability = parse(request.volume_capability.as_ref())?;
        let _held = self.locks.hold([lock::volume(id)])?;
        let mut record = self.volume(id)?;
        let wanted = Staged { path, capability, done: true };
        if record.staged.as_ref().is_some_and(|staged| !staged.done) {
            // What an earlier call could not undo goes first.
            self.undo_staging(&mut record)?;
        }
        if let Some(existing) = &record.staged {
            Self::must_be_same_staging(existing, &wanted)?;
        }
        self.must_support(&record, &wanted.capability)?;
        self.must_be_published_here(&record)?;
        self.not_taken(id, &wanted.path)?;

        let is_new = record.staged.as_ref() != Some(&wanted);
        if is_new {
            record.staged = Some(Staged { done: false, ..wanted.clone() });
            self.save(&record)?;
        }
        // Also for a repeat: the kernel may have lost the mount, and an ensure costs little.
        if let Err(failure) = self.bring_to_staging(&record, &wanted) {
            if is_new {
                self.undo_staging(&mut record)?;
            }
            return Err(failure);
        }
        if is_new {
            record.staged = Some(wanted);
            self.save(&record)?;
        }
        Ok(NodeStageVolumeResponse {})
    }

    /// NodeUnstageVolume.
    pub fn unstage(&self, request: &NodeUnstageVolumeRequest) -> Reply<NodeUnstageVolumeResponse> {
        self.node_needs(N::StageUnstageVolume)?;
        let id = ask::required(&request.volume_id, "volume_id")?;
        let path = ask::path(&request.staging_target_path, "staging_target_path")?;
        let _held = self.locks.hold([lock::volume(id)])?;
        let mut record = self.volume(id)?;
        if record.staged.as_ref().is_none_or(|staged| staged.path != path) {
            return Ok(NodeUnstageVolumeResponse {});
        }
        if let Some(target) = record.targets.keys().next() {
            let text = format!("volume `{id}` is still published at {}", target.display());
            return Err(Status::failed_precondition(text));
        }
        self.undo_staging(&mut record)?;
        Ok(NodeUnstageVolumeResponse {})
    }

    fn must_be_same_staging(existing: &Staged, wanted: &Staged) -> Reply<()> {
        if existing.path != wanted.path {
            let text = format!("the volume is staged at {}", existing.path.display());
            return Err(Status::failed_precondition(text));
        }
        if existing.capability != wanted.capability {
            let text = "the volume is staged there with another capability";
            return Err(Status::already_exists(text));
        }
        Ok(())
    }

    fn bring_to_staging(&self, record: &VolumeRecord, wanted: &Staged) -> Reply<()> {
        let mounting = self.mounting(record, &wanted.capability)?;
        self.backing.attach(&record.id)?;
        if let Some(mounting) = mounting {
            self.backing.stage(&record.id, &wanted.path, &mounting)?;
        }
        Ok(())
    }

    /// Takes the volume off its staging path, the record saying so before and after.
    pub(in crate::driver) fn undo_staging(&self, record: &mut VolumeRecord) -> Reply<()> {
        let Some(staged) = &mut record.staged else { return Ok(()) };
        let path = staged.path.clone();
        if staged.done {
            staged.done = false;
            self.save(record)?;
        }
        self.backing.unstage(&record.id, &path)?;
        record.staged = None;
        self.detach_if_idle(record)?;
        self.save(record)
    }
}
