//! Sizes rounded the wrong way.

use csi_stretch_proto::csi::v1::{
    CapacityRange, ControllerExpandVolumeRequest, ControllerExpandVolumeResponse,
    CreateVolumeRequest, CreateVolumeResponse, NodeExpandVolumeRequest, NodeExpandVolumeResponse,
};
use tonic::Status;

use super::{Defect, Flaw, plant};
use crate::driver::{Driver, Reply};

const CLASS: &str = "rounding";

const MIB: i64 = 1 << 20;
const GIB: i64 = 1 << 30;

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        CreateDown,
        "create-rounds-down",
        "CreateVolume cuts the size to whole units",
        "kubernetes-sigs/gcp-compute-persistent-disk-csi-driver#684",
        &["create-volume.capacity-range-honored", "create-volume.err-out-of-range"]
    ),
    plant!(
        ExpandDown,
        "controller-expand-rounds-down",
        "growth cuts the size to whole units, where creation rounds it up",
        "libopenstorage/openstorage#1874",
        &["controller-expand.err-out-of-range", "controller-expand.result-at-least-required"]
    ),
    plant!(
        CreateUnaligned,
        "create-unaligned-refused",
        "CreateVolume refuses a size that is no whole number of units",
        "openebs/zfs-localpv#188",
        &["create-volume.err-out-of-range", "create-volume.implemented"]
    ),
    plant!(
        WholeGib,
        "controller-capacity-in-whole-gib",
        "the reply is rounded up to whole GiB, and the volume is not",
        "gluster/gluster-csi-driver#130",
        &["controller-expand.capacity-bytes-actual"]
    ),
    plant!(
        Decimal,
        "controller-capacity-in-decimal-units",
        "the reply counts MiB and calls them MB",
        "percona/percona-xtradb-cluster-operator#1826",
        &["controller-expand.never-shrinks", "controller-expand.result-at-least-required"]
    ),
];

/// Cuts a minimum to whole units, if it has any and no limit stands with it.
fn cut(range: &mut Option<CapacityRange>) {
    if let Some(range) = range.as_mut().filter(|range| range.limit_bytes == 0) {
        range.required_bytes -= range.required_bytes.max(0) % MIB;
    }
}

struct CreateDown;

impl Flaw for CreateDown {
    fn create_volume(
        &self,
        good: &Driver,
        mut request: CreateVolumeRequest,
    ) -> Reply<CreateVolumeResponse> {
        cut(&mut request.capacity_range);
        good.create_volume(request)
    }
}

struct ExpandDown;

impl Flaw for ExpandDown {
    fn controller_expand(
        &self,
        good: &Driver,
        mut request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        cut(&mut request.capacity_range);
        good.controller_expand(&request)
    }

    fn node_expand(
        &self,
        good: &Driver,
        mut request: NodeExpandVolumeRequest,
    ) -> Reply<NodeExpandVolumeResponse> {
        cut(&mut request.capacity_range);
        good.node_expand(&request)
    }
}

struct CreateUnaligned;

impl Flaw for CreateUnaligned {
    fn create_volume(
        &self,
        good: &Driver,
        request: CreateVolumeRequest,
    ) -> Reply<CreateVolumeResponse> {
        let range = request.capacity_range.filter(|range| range.limit_bytes == 0);
        if range.is_some_and(|range| range.required_bytes % MIB > 0) {
            return Err(Status::internal("the size must be a multiple of the block size"));
        }
        good.create_volume(request)
    }
}

struct WholeGib;

impl Flaw for WholeGib {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let mut reply = good.controller_expand(&request)?;
        if request.capacity_range.is_some_and(|range| range.limit_bytes == 0) {
            let gib = reply.capacity_bytes.saturating_add(GIB - 1) / GIB;
            reply.capacity_bytes = gib.saturating_mul(GIB);
        }
        Ok(reply)
    }
}

struct Decimal;

impl Flaw for Decimal {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let reply = good.controller_expand(&request)?;
        let capacity_bytes = reply.capacity_bytes / MIB * 1_000_000;
        Ok(ControllerExpandVolumeResponse { capacity_bytes, ..reply })
    }
}
