//! Sizes rounded the wrong way.

use csi_stretch_proto::csi::v1::{ControllerExpandVolumeRequest, ControllerExpandVolumeResponse};

use super::{Defect, Flaw, plant};
use crate::driver::{Driver, Reply};

const CLASS: &str = "rounding";

const GIB: i64 = 1 << 30;

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[plant!(
    WholeGib,
    "controller-capacity-in-whole-gib",
    "the reply is rounded up to whole GiB, and the volume is not",
    "gluster/gluster-csi-driver#130",
    &["controller-expand.capacity-bytes-actual"]
)];

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
