//! A failed growth that spoils what comes after it.

use csi_stretch_proto::csi::v1::{
    CapacityRange, ControllerExpandVolumeRequest, ControllerExpandVolumeResponse,
};
use tonic::{Code, Status};

use super::{
    Defect, Flaw,
    notes::{Notes, required, size},
    plant,
};
use crate::driver::{Driver, Reply};

const CLASS: &str = "recovery-from-failed-expansion";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        StickyError::default(),
        "failed-growth-is-sticky",
        "after a growth that was refused, every other one fails with the same error",
        "longhorn/longhorn#5169",
        &["controller-expand.implemented", "controller-expand.offline-created-ok"]
    ),
    plant!(
        TargetKept::default(),
        "refused-size-kept-as-target",
        "the refused size is kept, so that a smaller growth after it is taken for reached",
        "kubernetes/kubernetes#73036",
        &["controller-expand.purpose"]
    ),
    plant!(
        PartlyGrown,
        "refused-growth-takes-effect",
        "OUT_OF_RANGE is answered when the storage has grown by its first step",
        "kubernetes-csi/external-resizer#311",
        &["controller-expand.err-out-of-range-no-effect"]
    ),
];

/// The last error of a volume.
#[derive(Default)]
struct StickyError(Notes<String>);

impl Flaw for StickyError {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        if let Some(error) = self.0.get(&request.volume_id) {
            return Err(Status::internal(format!("last expansion error: {error}")));
        }
        good.controller_expand(&request).inspect_err(|status| {
            if status.code() == Code::OutOfRange {
                self.0.put(&request.volume_id, status.message().to_owned());
            }
        })
    }
}

/// Sizes that were refused.
#[derive(Default)]
struct TargetKept(Notes<i64>);

impl Flaw for TargetKept {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let asked = required(request.capacity_range.as_ref());
        let now = size(good, &request.volume_id).unwrap_or(0);
        if asked > now && self.0.get(&request.volume_id).is_some_and(|target| asked < target) {
            return Ok(ControllerExpandVolumeResponse {
                capacity_bytes: asked,
                node_expansion_required: false,
            });
        }
        good.controller_expand(&request).inspect_err(|status| {
            if status.code() == Code::OutOfRange {
                self.0.put(&request.volume_id, asked);
            }
        })
    }
}

struct PartlyGrown;

impl Flaw for PartlyGrown {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let limited = request.capacity_range.is_some_and(|range| range.limit_bytes > 0);
        let refusal = match good.controller_expand(&request) {
            Err(status) if status.code() == Code::OutOfRange && !limited => status,
            other => return other,
        };
        let now = size(good, &request.volume_id).unwrap_or(0);
        let range = CapacityRange { required_bytes: now + 1, limit_bytes: 0 };
        let first_step = ControllerExpandVolumeRequest { capacity_range: Some(range), ..request };
        good.controller_expand(&first_step)?;
        Err(refusal)
    }
}
