//! ControllerExpandVolume that cannot be repeated.

use csi_stretch_proto::csi::v1::{
    CapacityRange, ControllerExpandVolumeRequest, ControllerExpandVolumeResponse,
};
use tonic::Status;

use super::{
    Defect, Flaw,
    notes::{Notes, required, size},
    plant,
};
use crate::driver::{Driver, Reply};

const CLASS: &str = "controller-idempotency";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        RepeatRefused::default(),
        "controller-expand-repeat-refused",
        "the request that was just met is answered INTERNAL: the new size must be larger",
        "kubernetes/cloud-provider-openstack#1265",
        &["controller-expand.idempotent", "controller-expand.idempotent-after-lost-reply"]
    ),
    plant!(
        CurrentSizeRefused,
        "controller-expand-current-size-refused",
        "a request for the size that the volume has by its records is answered INTERNAL",
        "hetznercloud/csi-driver#614",
        &[
            "controller-expand.idempotent",
            "controller-expand.idempotent-after-lost-reply",
            "controller-expand.idempotent-after-restart"
        ]
    ),
    plant!(
        RepeatWithoutSize::default(),
        "controller-expand-repeat-without-size",
        "the early return of a repeated growth leaves capacity_bytes out",
        "openebs/lvm-localpv#481",
        &["controller-expand.capacity-bytes-required"]
    ),
];

/// Ranges asked for and reached.
#[derive(Default)]
struct RepeatRefused(Notes<Option<CapacityRange>>);

impl Flaw for RepeatRefused {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let there = size(good, &request.volume_id).is_some();
        if there && self.0.get(&request.volume_id) == Some(request.capacity_range) {
            return Err(Status::internal("the new size must be greater than the current size"));
        }
        let reply = good.controller_expand(&request)?;
        self.0.put(&request.volume_id, request.capacity_range);
        Ok(reply)
    }
}

struct CurrentSizeRefused;

impl Flaw for CurrentSizeRefused {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let (range, now) = (request.capacity_range.as_ref(), size(good, &request.volume_id));
        if now == Some(required(range)) && range.is_some_and(|range| range.limit_bytes == 0) {
            return Err(Status::internal("the volume size is too small: it must be larger"));
        }
        good.controller_expand(&request)
    }
}

/// Ranges asked for and reached.
#[derive(Default)]
struct RepeatWithoutSize(Notes<Option<CapacityRange>>);

impl Flaw for RepeatWithoutSize {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let mut reply = good.controller_expand(&request)?;
        let before = self.0.put(&request.volume_id, request.capacity_range);
        if before == Some(request.capacity_range) {
            reply.capacity_bytes = 0;
        }
        Ok(reply)
    }
}
