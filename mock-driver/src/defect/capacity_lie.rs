//! `capacity_bytes` that is not the volume's size.

use csi_stretch_proto::csi::v1::{ControllerExpandVolumeRequest, ControllerExpandVolumeResponse};

use super::{Defect, Flaw, plant};
use crate::driver::{Driver, Reply};

const CLASS: &str = "capacity-lie";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        ZeroCapacity,
        "controller-capacity-zero",
        "ControllerExpandVolume answers OK with capacity_bytes 0",
        "democratic-csi/democratic-csi#539",
        &["controller-expand.capacity-bytes-required"]
    ),
    plant!(
        Unchanged,
        "controller-expand-does-nothing",
        "ControllerExpandVolume echoes the request and grows nothing",
        "kubernetes/kubernetes#103267",
        &["controller-expand.purpose"]
    ),
];

struct ZeroCapacity;

impl Flaw for ZeroCapacity {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let reply = good.controller_expand(&request)?;
        Ok(ControllerExpandVolumeResponse { capacity_bytes: 0, ..reply })
    }
}

struct Unchanged;

impl Flaw for Unchanged {
    fn controller_expand(
        &self,
        good: &Driver,
        mut request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let asked = request.capacity_range.map_or(0, |range| range.required_bytes);
        if let Some(range) = &mut request.capacity_range {
            range.required_bytes = range.required_bytes.min(1);
        }
        let reply = good.controller_expand(&request)?;
        Ok(ControllerExpandVolumeResponse {
            capacity_bytes: reply.capacity_bytes.max(asked),
            ..reply
        })
    }
}
