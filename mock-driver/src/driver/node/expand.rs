//! NodeExpandVolume: grows the file system to its device; for a driver without the controller's
//! EXPAND_VOLUME it is the whole expansion.

use csi_stretch_proto::csi::v1::{NodeExpandVolumeRequest, NodeExpandVolumeResponse};
use tonic::Status;

use crate::{
    backing::Shown,
    driver::{Driver, Reply, ask, capability::parse, lock, size},
    profile::{ControllerCapability, NodeCapability as N},
    state::VolumeRecord,
};

impl Driver {
    /// NodeExpandVolume. One call is enough for every path of the volume on this node.
    pub fn node_expand(
        &self,
        request: &NodeExpandVolumeRequest,
    ) -> Reply<NodeExpandVolumeResponse> {
        self.node_needs(N::ExpandVolume)?;
        let id = ask::required(&request.volume_id, "volume_id")?;
        let path = ask::path(&request.volume_path, "volume_path")?;
        // Only a hint, and volume_path says it all; but if it is there, it has to be a path.
        ask::path_if_any(&request.staging_target_path, "staging_target_path")?;
        let range = request.capacity_range.map(ask::range).transpose()?;
        let used_as = request.volume_capability.as_ref().map(|c| parse(Some(c))).transpose()?;

        let _held = self.locks.hold([lock::volume(id)])?;
        let mut record = self.volume(id)?;
        self.must_fit_if_given(&record, used_as.as_ref())?;
        let shown = self.shown_at(&record, &path)?;
        if let Some(range) = range {
            self.reach(&mut record, range)?;
        }
        if shown == Shown::FileSystem {
            self.backing.grow_fs(id)?;
        }
        Ok(NodeExpandVolumeResponse { capacity_bytes: self.capacity_reply(&record, range) })
    }

    /// Makes sure that the device is as large as asked: grows it if that is the node's task, and
    /// otherwise refuses what the controller has not done yet.
    fn reach(&self, record: &mut VolumeRecord, range: ask::Range) -> Reply<()> {
        let bytes = size::of_grown(&self.profile, range, record.bytes)?;
        if bytes == record.bytes {
            return Ok(());
        }
        if self.profile.has(ControllerCapability::ExpandVolume) {
            let text = format!(
                "the volume has {} bytes: call ControllerExpandVolume for more first",
                record.bytes
            );
            return Err(Status::out_of_range(text));
        }
        self.grow(record, bytes)
    }
}
