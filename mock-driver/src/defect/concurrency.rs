//! Locks that are held too long.

use csi_stretch_proto::csi::v1::{
    ControllerExpandVolumeRequest, ControllerExpandVolumeResponse, NodeExpandVolumeRequest,
    NodeExpandVolumeResponse, NodeUnstageVolumeRequest, NodeUnstageVolumeResponse,
};
use tonic::{Code, Status};

use super::{Defect, Flaw, notes::Notes, plant};
use crate::driver::{Driver, Reply};

const CLASS: &str = "concurrency";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        LockLeaks::default(),
        "expand-lock-leaks-on-error",
        "the lock of a growth that was refused is never given back: ABORTED for ever",
        "kubernetes-csi/csi-driver-nfs#209",
        &[
            "controller-expand.err-out-of-range",
            "controller-expand.err-out-of-range-no-effect",
            "controller-expand.implemented",
            "controller-expand.offline-created-ok"
        ]
    ),
    plant!(
        UnstageLocked::default(),
        "node-lock-leaks-on-error",
        "the lock of a node step that failed keeps the volume from being unstaged",
        "ceph/ceph-csi#4648",
        &["node-unstage.implemented", "node-unstage.undoes"]
    ),
];

/// Volumes whose lock is held by nobody.
#[derive(Default)]
struct LockLeaks(Notes);

impl Flaw for LockLeaks {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        if self.0.has(&request.volume_id) {
            return Err(Status::aborted("an operation with this volume already exists"));
        }
        good.controller_expand(&request).inspect_err(|status| {
            if status.code() == Code::OutOfRange {
                self.0.put(&request.volume_id, ());
            }
        })
    }
}

/// Volumes whose lock is held by nobody.
#[derive(Default)]
struct UnstageLocked(Notes);

impl Flaw for UnstageLocked {
    fn node_expand(
        &self,
        good: &Driver,
        request: NodeExpandVolumeRequest,
    ) -> Reply<NodeExpandVolumeResponse> {
        good.node_expand(&request).inspect_err(|status| {
            if status.code() == Code::OutOfRange {
                self.0.put(&request.volume_id, ());
            }
        })
    }

    fn unstage(
        &self,
        good: &Driver,
        request: NodeUnstageVolumeRequest,
    ) -> Reply<NodeUnstageVolumeResponse> {
        if self.0.has(&request.volume_id) {
            return Err(Status::aborted("an operation with this volume already exists"));
        }
        good.unstage(&request)
    }
}
