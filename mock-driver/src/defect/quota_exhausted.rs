//! Storage that has run out.

use csi_stretch_proto::csi::v1::{
    CapacityRange, ControllerExpandVolumeRequest, ControllerExpandVolumeResponse,
    GetCapacityRequest, GetCapacityResponse, ListVolumesRequest,
};
use tonic::{Code, Status};

use super::{Defect, Flaw, notes::size, plant};
use crate::driver::{Driver, Reply};

const CLASS: &str = "quota-exhausted";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        PartialGrowth,
        "controller-expand-refused-half-way",
        "a growth for which there is no room is refused after part of it was done",
        "aleofreddi/csi-sanlock-lvm#41",
        &["controller-expand.err-out-of-range-no-effect"]
    ),
    plant!(
        QuotaCode,
        "controller-expand-quota-wrong-code",
        "what the quota does not allow is answered FAILED_PRECONDITION",
        "digitalocean/csi-digitalocean#476",
        &["controller-expand.err-out-of-range"]
    ),
    plant!(
        NegativeRoom,
        "get-capacity-negative",
        "the room left is computed from a total of 0 where none is set",
        "topolvm/topolvm#655",
        &["get-capacity.available-non-negative"]
    ),
];

fn is_refused_for_size(reply: &Reply<ControllerExpandVolumeResponse>) -> bool {
    reply.as_ref().is_err_and(|status| status.code() == Code::OutOfRange)
}

struct PartialGrowth;

impl Flaw for PartialGrowth {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let reply = good.controller_expand(&request);
        let limit = request.capacity_range.map_or(0, |range| range.limit_bytes);
        if is_refused_for_size(&reply)
            && limit == 0
            && let Some(size) = size(good, &request.volume_id)
        {
            let part = CapacityRange { required_bytes: size + (8 << 20), limit_bytes: 0 };
            let part = ControllerExpandVolumeRequest { capacity_range: Some(part), ..request };
            good.controller_expand(&part)?;
        }
        reply
    }
}

struct QuotaCode;

impl Flaw for QuotaCode {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let reply = good.controller_expand(&request);
        let limit = request.capacity_range.map_or(0, |range| range.limit_bytes);
        if is_refused_for_size(&reply) && limit == 0 {
            return Err(Status::failed_precondition("volume capacity limit exceeded"));
        }
        reply
    }
}

struct NegativeRoom;

impl Flaw for NegativeRoom {
    fn capacity(&self, good: &Driver, request: GetCapacityRequest) -> Reply<GetCapacityResponse> {
        let reply = good.capacity(&request)?;
        let volumes = good.list_volumes(&ListVolumesRequest::default())?.entries;
        let sizes = volumes.iter().filter_map(|entry| entry.volume.as_ref());
        let used: i64 = sizes.map(|volume| volume.capacity_bytes).sum();
        Ok(GetCapacityResponse { available_capacity: -used, ..reply })
    }
}
