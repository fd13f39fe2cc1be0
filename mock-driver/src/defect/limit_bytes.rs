//! `limit_bytes` that is read wrongly.

use csi_stretch_proto::csi::v1::{
    CapacityRange, ControllerExpandVolumeRequest, ControllerExpandVolumeResponse,
    NodeExpandVolumeRequest, NodeExpandVolumeResponse,
};
use tonic::Status;

use super::{Defect, Flaw, plant};
use crate::driver::{Driver, Reply};

const CLASS: &str = "limit-bytes";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        RoundedPast,
        "controller-expand-rounds-past-limit",
        "the limit is held against the size asked for, and not against the one rounded up",
        "topolvm/topolvm#844",
        &["controller-expand.result-at-most-limit"]
    ),
    plant!(
        LimitAlone,
        "controller-expand-limit-alone-fails",
        "a range with nothing but a limit is taken for a growth to 0 bytes, and fails",
        "IBM/ibm-block-csi-driver#251",
        &["controller-expand.limit-only"]
    ),
];

/// Drops a limit that is not below the minimum.
fn drop_limit(range: &mut Option<CapacityRange>) {
    if let Some(range) = range
        && range.required_bytes > 0
        && range.required_bytes <= range.limit_bytes
    {
        range.limit_bytes = 0;
    }
}

struct RoundedPast;

impl Flaw for RoundedPast {
    fn controller_expand(
        &self,
        good: &Driver,
        mut request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        drop_limit(&mut request.capacity_range);
        good.controller_expand(&request)
    }

    fn node_expand(
        &self,
        good: &Driver,
        mut request: NodeExpandVolumeRequest,
    ) -> Reply<NodeExpandVolumeResponse> {
        drop_limit(&mut request.capacity_range);
        good.node_expand(&request)
    }
}

struct LimitAlone;

impl Flaw for LimitAlone {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let reply = good.controller_expand(&request)?;
        let range = request.capacity_range.unwrap_or_default();
        if range.required_bytes == 0 && range.limit_bytes > 0 {
            return Err(Status::internal("cannot resize to 0 bytes"));
        }
        Ok(reply)
    }
}
