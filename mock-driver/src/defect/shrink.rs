//! Volumes that become smaller.

use csi_stretch_proto::csi::v1::{ControllerExpandVolumeRequest, ControllerExpandVolumeResponse};

use super::{
    Defect, Flaw,
    notes::{required, size},
    plant,
};
use crate::driver::{Driver, Reply};

const CLASS: &str = "shrink";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[plant!(
    LimitTaken,
    "controller-expand-limit-below-size-taken",
    "a limit below the present size is answered with OK and that limit as the size",
    "percona/percona-xtradb-cluster-operator#2118",
    &["controller-expand.never-shrinks"]
)];

struct LimitTaken;

impl Flaw for LimitTaken {
    fn controller_expand(
        &self,
        good: &Driver,
        mut request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let present = size(good, &request.volume_id).unwrap_or(0);
        let limit = request.capacity_range.map_or(0, |range| range.limit_bytes);
        let asked = required(request.capacity_range.as_ref());
        if limit < 1 || limit >= present || !(0..=limit).contains(&asked) {
            return good.controller_expand(&request);
        }
        if let Some(range) = &mut request.capacity_range {
            range.limit_bytes = 0;
        }
        let reply = good.controller_expand(&request)?;
        Ok(ControllerExpandVolumeResponse { capacity_bytes: limit, ..reply })
    }
}
