//! ControllerExpandVolume that cannot be repeated.

use csi_stretch_proto::csi::v1::{ControllerExpandVolumeRequest, ControllerExpandVolumeResponse};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};
use tonic::Status;

use super::{Defect, Flaw, plant};
use crate::driver::{Driver, Reply};

const CLASS: &str = "controller-idempotency";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[plant!(
    RepeatRefused::default(),
    "controller-expand-repeat-refused",
    "the size that the volume has by now is answered INTERNAL: the new size must be larger",
    "kubernetes/cloud-provider-openstack#1265",
    &["controller-expand.idempotent"]
)];

/// Sizes asked for and reached, by volume.
#[derive(Default)]
struct RepeatRefused(Mutex<BTreeMap<String, i64>>);

impl Flaw for RepeatRefused {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let asked = request.capacity_range.map_or(0, |range| range.required_bytes);
        let mut reached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if reached.get(&request.volume_id) == Some(&asked) {
            return Err(Status::internal("the new size must be greater than the current size"));
        }
        let reply = good.controller_expand(&request)?;
        reached.insert(request.volume_id, asked);
        Ok(reply)
    }
}
