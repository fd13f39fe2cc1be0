//! Volumes that become smaller.

use csi_stretch_proto::csi::v1::{ControllerExpandVolumeRequest, ControllerExpandVolumeResponse};

use super::{
    Defect, Flaw,
    notes::{Notes, required, size},
    plant,
};
use crate::{
    backing::{Backing, Result, Source},
    driver::{Driver, Reply},
};

const CLASS: &str = "shrink";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        SmallerTaken::default(),
        "controller-expand-smaller-shrinks",
        "a request for less than there is makes a volume that is down smaller",
        "strimzi/strimzi-kafka-operator#11910",
        &["controller-expand.never-shrinks"]
    ),
    plant!(
        LimitTaken,
        "controller-expand-limit-below-size-taken",
        "a limit below the present size is answered with OK and that limit as the size",
        "percona/percona-xtradb-cluster-operator#2118",
        &["controller-expand.never-shrinks"]
    ),
    plant!(
        FallsBack::default(),
        "restage-falls-back-to-first-size",
        "a volume that is taken down and up again has the size it was created with",
        "seaweedfs/seaweedfs-csi-driver#150",
        &[
            "controller-expand.data-kept",
            "controller-expand.never-shrinks",
            "controller-expand.purpose",
            "node-expand.purpose",
            "node-unstage.stays-grown"
        ]
    ),
];

/// Makes the storage of a volume that is down so large, whatever is lost.
fn resize(good: &dyn Backing, id: &str, bytes: u64) -> Result<()> {
    let aside = format!("{id}-aside");
    good.create(&aside, bytes, Some(Source::Volume(id)))?;
    good.create(id, bytes, Some(Source::Volume(&aside)))?;
    good.delete(&aside)
}

#[derive(Default)]
struct SmallerTaken {
    up: Notes,
    smaller: Notes<u64>,
}

impl Flaw for SmallerTaken {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let reply = good.controller_expand(&request)?;
        let asked = required(request.capacity_range.as_ref());
        if asked >= reply.capacity_bytes || asked == 0 || self.up.has(&request.volume_id) {
            return Ok(reply);
        }
        self.smaller.put(&request.volume_id, asked.unsigned_abs());
        Ok(ControllerExpandVolumeResponse { capacity_bytes: asked, ..reply })
    }

    fn attach(&self, good: &dyn Backing, id: &str) -> Result<()> {
        if let Some(bytes) = self.smaller.take(id) {
            resize(good, id, bytes)?;
        }
        self.up.put(id, ());
        good.attach(id)
    }

    fn detach(&self, good: &dyn Backing, id: &str) -> Result<()> {
        self.up.take(id);
        good.detach(id)
    }
}

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

/// The sizes that volumes were made with, bytes.
#[derive(Default)]
struct FallsBack(Notes<u64>);

impl Flaw for FallsBack {
    fn make_storage(
        &self,
        good: &dyn Backing,
        id: &str,
        bytes: u64,
        source: Option<Source<'_>>,
    ) -> Result<()> {
        self.0.put(id, bytes);
        good.create(id, bytes, source)
    }

    fn detach(&self, good: &dyn Backing, id: &str) -> Result<()> {
        good.detach(id)?;
        match self.0.get(id) {
            Some(first) if good.device_bytes(id)? > first => resize(good, id, first),
            _ => Ok(()),
        }
    }
}
