//! NodeGetVolumeStats.

use csi_stretch_proto::csi::v1::{
    NodeGetVolumeStatsRequest, NodeGetVolumeStatsResponse, VolumeCondition, VolumeUsage,
    volume_usage::Unit,
};

use crate::{
    backing::{Shown, Stats},
    driver::{Driver, Reply, ask, lock},
    profile::NodeCapability as N,
};

impl Driver {
    /// NodeGetVolumeStats.
    pub fn stats(&self, request: &NodeGetVolumeStatsRequest) -> Reply<NodeGetVolumeStatsResponse> {
        self.node_needs(N::GetVolumeStats)?;
        let id = ask::required(&request.volume_id, "volume_id")?;
        let path = ask::path(&request.volume_path, "volume_path")?;
        ask::path_if_any(&request.staging_target_path, "staging_target_path")?;
        let _held = self.locks.hold([lock::volume(id)])?;
        let record = self.volume(id)?;
        let usage = match self.shown_at(&record, &path)? {
            Shown::FileSystem => of_file_system(&self.backing.stats(id, &path)?),
            Shown::Device => {
                let total = signed(self.backing.device_bytes(id)?);
                vec![VolumeUsage { total, unit: Unit::Bytes.into(), ..VolumeUsage::default() }]
            }
        };
        let volume_condition = self
            .profile
            .node_has(N::VolumeCondition)
            .then(|| VolumeCondition { abnormal: false, message: "in order".into() });
        Ok(NodeGetVolumeStatsResponse { usage, volume_condition })
    }
}

fn of_file_system(stats: &Stats) -> Vec<VolumeUsage> {
    let bytes = VolumeUsage {
        available: signed(stats.available_bytes),
        total: signed(stats.total_bytes),
        used: signed(stats.used_bytes),
        unit: Unit::Bytes.into(),
    };
    let inodes = stats.inodes.map(|inodes| VolumeUsage {
        available: signed(inodes.available),
        total: signed(inodes.total),
        used: signed(inodes.used),
        unit: Unit::Inodes.into(),
    });
    std::iter::once(bytes).chain(inodes).collect()
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
