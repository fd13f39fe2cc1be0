//! Statistics that do not follow the volume.

use csi_stretch_proto::csi::v1::{
    ControllerExpandVolumeRequest, ControllerExpandVolumeResponse, NodeGetVolumeStatsRequest,
    NodeGetVolumeStatsResponse, VolumeUsage, volume_usage::Unit,
};
use tonic::Status;

use super::{
    Defect, Flaw,
    notes::{Notes, size},
    plant,
};
use crate::driver::{Driver, Reply};

const CLASS: &str = "stats-stale";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        FirstTotal::default(),
        "stats-total-of-creation",
        "the total is the one of the first call, whatever the volume has become",
        "seaweedfs/seaweedfs-csi-driver#150",
        &["node-get-volume-stats.reflects-expansion"]
    ),
    plant!(
        HostTotal,
        "stats-of-the-host",
        "the numbers are those of the host's file system",
        "kubernetes/kubernetes#120997",
        &["node-get-volume-stats.reflects-expansion"]
    ),
    plant!(
        LostByGrowth::default(),
        "stats-not-found-after-growth",
        "a volume that has grown is looked up by another id, and has no statistics any more",
        "SynologyOpenSource/synology-csi#131",
        &["node-get-volume-stats.reflects-expansion"]
    ),
];

fn totals(reply: &mut NodeGetVolumeStatsResponse) -> impl Iterator<Item = &mut VolumeUsage> {
    reply.usage.iter_mut().filter(|usage| usage.unit() == Unit::Bytes)
}

/// The first totals told, bytes.
#[derive(Default)]
struct FirstTotal(Notes<i64>);

impl Flaw for FirstTotal {
    fn stats(
        &self,
        good: &Driver,
        request: NodeGetVolumeStatsRequest,
    ) -> Reply<NodeGetVolumeStatsResponse> {
        let mut reply = good.stats(&request)?;
        for usage in totals(&mut reply) {
            match self.0.get(&request.volume_id) {
                Some(first) => usage.total = first,
                None => drop(self.0.put(&request.volume_id, usage.total)),
            }
        }
        Ok(reply)
    }
}

struct HostTotal;

impl Flaw for HostTotal {
    fn stats(
        &self,
        good: &Driver,
        request: NodeGetVolumeStatsRequest,
    ) -> Reply<NodeGetVolumeStatsResponse> {
        let mut reply = good.stats(&request)?;
        for usage in totals(&mut reply) {
            usage.total = 1 << 40;
        }
        Ok(reply)
    }
}

/// Volumes that have grown.
#[derive(Default)]
struct LostByGrowth(Notes);

impl Flaw for LostByGrowth {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let before = size(good, &request.volume_id);
        let reply = good.controller_expand(&request)?;
        if before.is_some_and(|before| before < reply.capacity_bytes) {
            self.0.put(&request.volume_id, ());
        }
        Ok(reply)
    }

    fn stats(
        &self,
        good: &Driver,
        request: NodeGetVolumeStatsRequest,
    ) -> Reply<NodeGetVolumeStatsResponse> {
        if self.0.has(&request.volume_id) {
            return Err(Status::not_found("no such LUN"));
        }
        good.stats(&request)
    }
}
