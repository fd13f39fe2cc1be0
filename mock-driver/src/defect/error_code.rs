//! A refusal that is right, with a code that says something else.

use csi_stretch_proto::csi::v1::{
    ControllerExpandVolumeRequest, ControllerExpandVolumeResponse, NodeExpandVolumeRequest,
    NodeExpandVolumeResponse,
};
use tonic::{Code, Status};

use super::{Defect, Flaw, plant};
use crate::driver::{Driver, Reply};

const CLASS: &str = "error-code";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        UnknownIsUnknown,
        "controller-expand-not-found-is-unknown",
        "a lookup that fails in ControllerExpandVolume comes back without a code, as UNKNOWN",
        "democratic-csi/democratic-csi#295",
        &["controller-expand.err-not-found"]
    ),
    plant!(
        RangeIsInUse,
        "controller-expand-out-of-range-is-in-use",
        "a size that cannot be is answered FAILED_PRECONDITION, so that a CO waits for unpublish",
        "openebs/lvm-localpv#12",
        &["controller-expand.err-out-of-range"]
    ),
    plant!(
        NodeUnknownIsInUse,
        "node-expand-not-found-is-in-use",
        "an unknown volume is answered FAILED_PRECONDITION, after which a CO must not retry",
        "kubernetes/kubernetes#92931",
        &["node-expand.err-not-found"]
    ),
    plant!(
        RefusalsAreExhausted,
        "impossible-range-is-exhausted",
        "refusals of a range are mapped to RESOURCE_EXHAUSTED, which asks for a retry",
        "openebs/mayastor-control-plane#770",
        &["general.capacity-range.inverted-rejected", "general.capacity-range.negative-rejected"]
    ),
];

/// The same refusal with another code.
fn recoded(status: Status, from: Code, to: Code) -> Status {
    if status.code() == from { Status::new(to, status.message()) } else { status }
}

struct UnknownIsUnknown;

impl Flaw for UnknownIsUnknown {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        good.controller_expand(&request).map_err(|s| recoded(s, Code::NotFound, Code::Unknown))
    }
}

struct RangeIsInUse;

impl Flaw for RangeIsInUse {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let limited = request.capacity_range.is_some_and(|range| range.limit_bytes > 0);
        let to = if limited { Code::OutOfRange } else { Code::FailedPrecondition };
        good.controller_expand(&request).map_err(|status| recoded(status, Code::OutOfRange, to))
    }
}

struct NodeUnknownIsInUse;

impl Flaw for NodeUnknownIsInUse {
    fn node_expand(
        &self,
        good: &Driver,
        request: NodeExpandVolumeRequest,
    ) -> Reply<NodeExpandVolumeResponse> {
        good.node_expand(&request)
            .map_err(|status| recoded(status, Code::NotFound, Code::FailedPrecondition))
    }
}

struct RefusalsAreExhausted;

impl Flaw for RefusalsAreExhausted {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let range = request.capacity_range.unwrap_or_default();
        let inverted = range.limit_bytes > 0 && range.required_bytes > range.limit_bytes;
        let impossible = range.required_bytes < 0 || range.limit_bytes < 0 || inverted;
        let to = if impossible { Code::ResourceExhausted } else { Code::InvalidArgument };
        good.controller_expand(&request).map_err(|s| recoded(s, Code::InvalidArgument, to))
    }
}
