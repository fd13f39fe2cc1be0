//! A retry that meets the first attempt.

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

const CLASS: &str = "timeout-retry";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        StillInProgress::default(),
        "controller-expand-repeat-in-progress",
        "a repeated growth is answered ABORTED, for the first one is never taken for finished",
        "GoogleCloudPlatform/lustre-csi-driver#241",
        &["controller-expand.idempotent", "controller-expand.idempotent-after-lost-reply"]
    ),
    plant!(
        Throttled::default(),
        "second-growth-throttled",
        "a second growth of a volume is answered UNAVAILABLE for as long as the volume lives",
        "kubernetes-sigs/aws-ebs-csi-driver#1148",
        &["general.error.grpc-status"]
    ),
];

/// Ranges asked for and reached.
#[derive(Default)]
struct StillInProgress(Notes<Option<CapacityRange>>);

impl Flaw for StillInProgress {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let there = size(good, &request.volume_id).is_some();
        if there && self.0.get(&request.volume_id) == Some(request.capacity_range) {
            return Err(Status::aborted("the expansion is already in progress"));
        }
        let reply = good.controller_expand(&request)?;
        self.0.put(&request.volume_id, request.capacity_range);
        Ok(reply)
    }
}

/// Volumes that have grown.
#[derive(Default)]
struct Throttled(Notes);

impl Flaw for Throttled {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let asked = required(request.capacity_range.as_ref());
        let grows = size(good, &request.volume_id).is_some_and(|size| asked > size);
        if grows && self.0.has(&request.volume_id) {
            return Err(Status::unavailable("RequestLimitExceeded"));
        }
        let reply = good.controller_expand(&request)?;
        if grows {
            self.0.put(&request.volume_id, ());
        }
        Ok(reply)
    }
}
