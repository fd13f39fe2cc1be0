//! Growth in the wrong state: in use, taken down, or between the two steps.

use std::{collections::BTreeSet, path::Path};

use csi_stretch_proto::csi::v1::{
    ControllerExpandVolumeRequest, ControllerExpandVolumeResponse, GetPluginCapabilitiesRequest,
    GetPluginCapabilitiesResponse, NodePublishVolumeRequest, NodePublishVolumeResponse,
    NodeStageVolumeRequest, NodeStageVolumeResponse, NodeUnstageVolumeRequest,
    NodeUnstageVolumeResponse,
};
use tonic::{Code, Status};

use super::{
    Defect, Flaw,
    notes::{Notes, declaring_offline, size},
    plant,
};
use crate::{
    backing::{Backing, FileSystem, Mounting, Result},
    driver::{Driver, Reply},
    profile::{Expansion, Profile},
};

const CLASS: &str = "online-vs-offline";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        InUseWrongCode,
        "offline-in-use-wrong-code",
        "the refusal of a volume in use does not say FAILED_PRECONDITION, so nobody takes it down",
        "strimzi/strimzi-kafka-operator#5234",
        &["controller-expand.err-in-use"]
    ),
    plant!(
        InUseGrown::default(),
        "offline-in-use-grown-all-the-same",
        "FAILED_PRECONDITION comes after the storage of the volume in use has grown",
        "kubernetes-sigs/vsphere-csi-driver#162",
        &["controller-expand.err-in-use-no-effect"]
    ),
    plant!(
        DetachedRefused::default(),
        "detached-growth-refused",
        "a volume that was in use and is on no node any more is refused for having no node",
        "kubernetes-csi/external-resizer#491",
        &[
            "controller-expand.idempotent-after-lost-reply",
            "controller-expand.implemented",
            "controller-expand.offline-created-ok",
            "controller-expand.online-any-time-sp"
        ]
    ),
    plant!(
        StageAfterGrowth::default(),
        "stage-after-offline-growth-refused",
        "a volume that grew while it was taken down cannot be staged again",
        "kubernetes-sigs/azuredisk-csi-driver#714",
        &["node-stage.implemented"]
    ),
    plant!(
        RestageLosesStep::default(),
        "restage-loses-node-step",
        "a volume staged anew between the two steps counts as grown, and the node does nothing",
        "strimzi/strimzi-kafka-operator#11279",
        &["node-expand.purpose"]
    ),
];

struct InUseWrongCode;

impl Flaw for InUseWrongCode {
    fn profile(&self, profile: &mut Profile) {
        profile.expansion = BTreeSet::from([Expansion::Offline]);
    }

    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        good.controller_expand(&request).map_err(|status| match status.code() {
            Code::FailedPrecondition => Status::aborted(status.message()),
            _ => status,
        })
    }
}

/// Volumes that are published.
#[derive(Default)]
struct InUseGrown(Notes);

impl Flaw for InUseGrown {
    fn get_plugin_capabilities(
        &self,
        good: &Driver,
        _: GetPluginCapabilitiesRequest,
    ) -> Reply<GetPluginCapabilitiesResponse> {
        Ok(declaring_offline(good.plugin_capabilities()))
    }

    fn publish(
        &self,
        good: &Driver,
        request: NodePublishVolumeRequest,
    ) -> Reply<NodePublishVolumeResponse> {
        let reply = good.publish(&request)?;
        self.0.put(&request.volume_id, ());
        Ok(reply)
    }

    fn unstage(
        &self,
        good: &Driver,
        request: NodeUnstageVolumeRequest,
    ) -> Reply<NodeUnstageVolumeResponse> {
        self.0.take(&request.volume_id);
        good.unstage(&request)
    }

    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let before = size(good, &request.volume_id);
        let reply = good.controller_expand(&request)?;
        let grows = before.is_some_and(|before| before < reply.capacity_bytes);
        if grows && self.0.has(&request.volume_id) {
            return Err(Status::failed_precondition("only offline expansion is supported"));
        }
        Ok(reply)
    }
}

/// Volumes that were staged and are not any more.
#[derive(Default)]
struct DetachedRefused(Notes);

impl Flaw for DetachedRefused {
    fn unstage(
        &self,
        good: &Driver,
        request: NodeUnstageVolumeRequest,
    ) -> Reply<NodeUnstageVolumeResponse> {
        let reply = good.unstage(&request)?;
        self.0.put(&request.volume_id, ());
        Ok(reply)
    }

    fn stage(
        &self,
        good: &Driver,
        request: NodeStageVolumeRequest,
    ) -> Reply<NodeStageVolumeResponse> {
        self.0.take(&request.volume_id);
        good.stage(&request)
    }

    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        if self.0.has(&request.volume_id) {
            return Err(Status::internal("the volume is not attached to any node"));
        }
        good.controller_expand(&request)
    }
}

/// Volumes that were staged once, with their size when they were taken down.
#[derive(Default)]
struct StageAfterGrowth(Notes<i64>);

impl Flaw for StageAfterGrowth {
    fn unstage(
        &self,
        good: &Driver,
        request: NodeUnstageVolumeRequest,
    ) -> Reply<NodeUnstageVolumeResponse> {
        let reply = good.unstage(&request)?;
        if let Some(bytes) = size(good, &request.volume_id) {
            self.0.put(&request.volume_id, bytes);
        }
        Ok(reply)
    }

    fn stage(
        &self,
        good: &Driver,
        request: NodeStageVolumeRequest,
    ) -> Reply<NodeStageVolumeResponse> {
        let was = self.0.get(&request.volume_id);
        if was.is_some() && was != size(good, &request.volume_id) {
            return Err(Status::internal("the device does not match its last geometry"));
        }
        good.stage(&request)
    }
}

/// Volumes that wait for their node step, and those that were unstaged meanwhile.
#[derive(Default)]
struct RestageLosesStep {
    due: Notes,
    lost: Notes,
}

impl Flaw for RestageLosesStep {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let reply = good.controller_expand(&request)?;
        self.lost.take(&request.volume_id);
        if reply.node_expansion_required {
            self.due.put(&request.volume_id, ());
        }
        Ok(reply)
    }

    fn unstage(
        &self,
        good: &Driver,
        request: NodeUnstageVolumeRequest,
    ) -> Reply<NodeUnstageVolumeResponse> {
        if self.due.take(&request.volume_id).is_some() {
            self.lost.put(&request.volume_id, ());
        }
        good.unstage(&request)
    }

    fn mount(&self, good: &dyn Backing, id: &str, path: &Path, how: &Mounting) -> Result<()> {
        let grow = how.grow && !self.lost.has(id);
        good.stage(id, path, &Mounting { grow, ..how.clone() })
    }

    fn grow_fs(&self, good: &dyn Backing, id: &str) -> Result<Option<FileSystem>> {
        if self.lost.has(id) {
            return good.file_system(id);
        }
        self.due.take(id);
        good.grow_fs(id)
    }
}
