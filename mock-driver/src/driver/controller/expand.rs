//! ControllerExpandVolume: grows the storage, and the file system too where the profile says so.

use csi_stretch_proto::csi::v1::{
    ControllerExpandVolumeRequest, ControllerExpandVolumeResponse, VolumeCapability,
};
use tonic::Status;

use crate::{
    driver::{
        Driver, Reply, ask,
        capability::parse,
        lock, size,
        status::{pool_full, store_failed},
    },
    profile::{CapacityReply, ControllerCapability as C, GrowFsAt, NodeCapability},
    state::{Capability, VolumeRecord, VolumeState},
};

impl Driver {
    /// ControllerExpandVolume.
    pub fn controller_expand(
        &self,
        request: &ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        self.needs(C::ExpandVolume)?;
        let id = ask::required(&request.volume_id, "volume_id")?;
        let Some(range) = request.capacity_range else {
            return Err(Status::invalid_argument("capacity_range is missing"));
        };
        let range = ask::range(range)?;
        let used_as = request.volume_capability.as_ref().map(|c| parse(Some(c))).transpose()?;

        let _held = self.locks.hold([lock::volume(id)])?;
        let mut record = self.volume(id)?;
        self.must_fit_if_given(&record, used_as.as_ref())?;
        let bytes = size::of_grown(&self.profile, range, record.bytes)?;
        if bytes > record.bytes {
            self.must_be_free_to_grow(&record)?;
            self.grow(&mut record, bytes)?;
        }
        let as_mount = used_as.as_ref().map_or(record.can_mount(), |c| c.mount().is_some());
        if as_mount && self.profile.grows_fs_at(GrowFsAt::Controller) {
            self.backing.grow_fs(id)?;
        }
        Ok(ControllerExpandVolumeResponse {
            capacity_bytes: self.capacity_reply(&record, Some(range)),
            node_expansion_required: as_mount && self.node_has_work(&record)?,
        })
    }

    /// The size that an expansion's answer gives, bytes; 0 leaves it out.
    pub(in crate::driver) fn capacity_reply(
        &self,
        record: &VolumeRecord,
        range: Option<ask::Range>,
    ) -> i64 {
        let bytes = match (self.profile.capacity_reply, range.map(|range| range.required)) {
            (CapacityReply::Asked, None) => 0,
            // A volume of which less was asked for is still as large as it is.
            (CapacityReply::Asked, Some(asked))
                if asked > 0 && self.profile.round_up(asked) == Some(record.bytes) =>
            {
                asked
            }
            _ => record.bytes,
        };
        i64::try_from(bytes).unwrap_or(i64::MAX)
    }

    /// With OFFLINE only, a volume grows while no node has it.
    fn must_be_free_to_grow(&self, record: &VolumeRecord) -> Reply<()> {
        let in_use = record.is_on_node() || !record.published.is_empty();
        if self.profile.offline_only() && in_use {
            let text = "volumes of this driver grow OFFLINE only: take it off all nodes first";
            return Err(Status::failed_precondition(text));
        }
        Ok(())
    }

    /// Grows storage and device. The size is promised in the record before the work begins, so a
    /// start after SIGKILL finishes it.
    pub(in crate::driver) fn grow(&self, record: &mut VolumeRecord, bytes: u64) -> Reply<()> {
        record.state = VolumeState::Growing(bytes);
        let put = self.store.put_volume_within(record, self.profile.pool.0);
        put.map_err(|e| store_failed(&e))?.map_err(pool_full)?;
        let grown = self.backing.grow_device(&record.id, bytes);
        record.bytes = match &grown {
            Ok(()) => bytes,
            // Half-way is possible; what is there is what counts.
            Err(_) => self.backing.device_bytes(&record.id).unwrap_or(0).max(record.bytes),
        };
        record.state = VolumeState::Ready;
        self.save(record)?;
        Ok(grown?)
    }

    /// RequiresFSResize of csi.v0, asked before a growth: whether the node will have to follow one.
    /// Without a volume, about the driver as a whole.
    pub fn requires_fs_resize(
        &self,
        id: Option<&str>,
        used_as: Option<&VolumeCapability>,
    ) -> Reply<bool> {
        self.needs(C::ExpandVolume)?;
        let used_as = used_as.map(|given| parse(Some(given))).transpose()?;
        let record = id.map(|id| self.volume(id)).transpose()?;
        let can_mount = record.as_ref().is_none_or(VolumeRecord::can_mount);
        let as_mount = used_as.as_ref().map_or(can_mount, |one| one.mount().is_some());
        Ok(as_mount && self.node_grows() && !self.profile.grows_fs_at(GrowFsAt::Controller))
    }

    /// Whether NodeExpandVolume still has to grow the file system. True as long as it is smaller
    /// than its device, so a retry does not lose the demand; true also while there is none yet,
    /// for then nothing is known of the node but that it may have to act.
    fn node_has_work(&self, record: &VolumeRecord) -> Reply<bool> {
        if !self.node_grows() {
            return Ok(false);
        }
        Ok(match self.backing.file_system(&record.id)? {
            Some(fs) => !fs.fills_device,
            None => !self.profile.grows_fs_at(GrowFsAt::Controller),
        })
    }

    fn node_grows(&self) -> bool {
        self.profile.node_has(NodeCapability::ExpandVolume)
            && self.profile.grows_fs_at(GrowFsAt::NodeExpand)
    }

    /// Refuses growth of a volume for a use that it was not created for.
    pub(in crate::driver) fn must_fit_if_given(
        &self,
        record: &VolumeRecord,
        used_as: Option<&Capability>,
    ) -> Reply<()> {
        used_as.map_or(Ok(()), |used_as| self.must_fit_kind(&record.capabilities, used_as))
    }
}
