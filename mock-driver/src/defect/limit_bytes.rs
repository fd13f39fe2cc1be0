//! `limit_bytes` that is read wrongly.

use csi_stretch_proto::csi::v1::{ControllerExpandVolumeRequest, ControllerExpandVolumeResponse};
use tonic::Status;

use super::{Defect, Flaw, plant};
use crate::driver::{Driver, Reply};

const CLASS: &str = "limit-bytes";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[plant!(
    LimitAlone,
    "controller-expand-limit-alone-fails",
    "a range with nothing but a limit is taken for a growth to 0 bytes, and fails",
    "IBM/ibm-block-csi-driver#251",
    &["controller-expand.limit-only"]
)];

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
