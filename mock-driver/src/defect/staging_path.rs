//! NodeExpandVolume that mistakes one path for the other.

use csi_stretch_proto::csi::v1::{
    NodeExpandVolumeRequest, NodeExpandVolumeResponse, NodePublishVolumeRequest,
    NodePublishVolumeResponse, NodeUnpublishVolumeRequest, NodeUnpublishVolumeResponse,
};
use tonic::Status;

use super::{
    Defect, Flaw,
    notes::{Notes, is_block, size},
    plant,
};
use crate::{
    driver::{Driver, Reply},
    profile::{ControllerCapability, Profile},
};

const CLASS: &str = "staging-path";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        NeedsStagingPath,
        "node-expand-needs-staging-path",
        "the volume's metadata is found by staging_target_path alone, which is optional",
        "ceph/ceph-csi#3624",
        &["node-expand.staging-path-optional"]
    ),
    plant!(
        BlockPathTaken,
        "node-expand-block-path-taken-for-staging",
        "for a block volume volume_path is taken for the staging path, and nothing is there",
        "democratic-csi/democratic-csi#513",
        &["node-expand.implemented"]
    ),
    plant!(
        PublishedPathMissed,
        "node-expand-published-path-missed",
        "the device is looked up at volume_path; at a target path none is found, and OK is said",
        "hpe-storage/csi-driver#220",
        &["node-expand.purpose"]
    ),
    plant!(
        StagedOnlyRefused::default(),
        "node-expand-staged-only-refused",
        "the node step fails on a volume that is staged and not published",
        "aleofreddi/csi-sanlock-lvm#41",
        &["node-expand.implemented"]
    ),
    plant!(
        RepeatAborted::default(),
        "node-expand-repeat-aborted",
        "a repeated node step is answered ABORTED although nothing is pending",
        "ceph/ceph-csi#1426",
        &["node-expand.idempotent", "node-expand.idempotent-after-lost-reply"]
    ),
    plant!(
        LongPathRefused,
        "node-expand-long-path-refused",
        "volume_path has to have fewer than 128 bytes",
        "no public issue: the limit of CSI 1.3, which 1.4 lifted for paths",
        &["node-expand.path-length-128", "node-expand.path-length-os"]
    ),
];

struct LongPathRefused;

impl Flaw for LongPathRefused {
    fn node_expand(
        &self,
        good: &Driver,
        request: NodeExpandVolumeRequest,
    ) -> Reply<NodeExpandVolumeResponse> {
        if request.volume_path.len() >= 128 {
            return Err(Status::invalid_argument("volume_path is too long"));
        }
        good.node_expand(&request)
    }
}

struct NeedsStagingPath;

impl Flaw for NeedsStagingPath {
    fn node_expand(
        &self,
        good: &Driver,
        request: NodeExpandVolumeRequest,
    ) -> Reply<NodeExpandVolumeResponse> {
        let known = size(good, &request.volume_id).is_some();
        if known && !request.volume_path.is_empty() && request.staging_target_path.is_empty() {
            return Err(Status::internal("cannot read image-meta.json: no such file"));
        }
        good.node_expand(&request)
    }
}

struct BlockPathTaken;

impl Flaw for BlockPathTaken {
    /// Only where the node does it all, a block volume needs its step.
    fn profile(&self, profile: &mut Profile) {
        profile.controller.remove(&ControllerCapability::ExpandVolume);
    }

    fn node_expand(
        &self,
        good: &Driver,
        request: NodeExpandVolumeRequest,
    ) -> Reply<NodeExpandVolumeResponse> {
        let block = is_block(request.volume_capability.as_ref());
        let both = !request.staging_target_path.is_empty() && request.capacity_range.is_some();
        if block && both && request.volume_path != request.staging_target_path {
            return Err(Status::internal("volume_path is not the staging path"));
        }
        good.node_expand(&request)
    }
}

struct PublishedPathMissed;

impl Flaw for PublishedPathMissed {
    fn node_expand(
        &self,
        good: &Driver,
        request: NodeExpandVolumeRequest,
    ) -> Reply<NodeExpandVolumeResponse> {
        let staging = &request.staging_target_path;
        let known = size(good, &request.volume_id);
        match known {
            Some(capacity_bytes)
                if !staging.is_empty()
                    && !request.volume_path.is_empty()
                    && request.volume_path != *staging
                    && request.capacity_range.is_some_and(|r| r.limit_bytes == 0) =>
            {
                Ok(NodeExpandVolumeResponse { capacity_bytes })
            }
            _ => good.node_expand(&request),
        }
    }
}

/// Volumes that are published.
#[derive(Default)]
struct StagedOnlyRefused(Notes);

impl Flaw for StagedOnlyRefused {
    fn publish(
        &self,
        good: &Driver,
        request: NodePublishVolumeRequest,
    ) -> Reply<NodePublishVolumeResponse> {
        let reply = good.publish(&request)?;
        self.0.put(&request.volume_id, ());
        Ok(reply)
    }

    fn unpublish(
        &self,
        good: &Driver,
        request: NodeUnpublishVolumeRequest,
    ) -> Reply<NodeUnpublishVolumeResponse> {
        self.0.take(&request.volume_id);
        good.unpublish(&request)
    }

    fn node_expand(
        &self,
        good: &Driver,
        request: NodeExpandVolumeRequest,
    ) -> Reply<NodeExpandVolumeResponse> {
        let reply = good.node_expand(&request)?;
        if !self.0.has(&request.volume_id) {
            return Err(Status::internal("cannot check whether the file system is mounted"));
        }
        Ok(reply)
    }
}

#[derive(Default)]
struct RepeatAborted(Notes<NodeExpandVolumeRequest>);

impl Flaw for RepeatAborted {
    fn unpublish(
        &self,
        good: &Driver,
        request: NodeUnpublishVolumeRequest,
    ) -> Reply<NodeUnpublishVolumeResponse> {
        self.0.take(&request.volume_id);
        good.unpublish(&request)
    }

    fn node_expand(
        &self,
        good: &Driver,
        request: NodeExpandVolumeRequest,
    ) -> Reply<NodeExpandVolumeResponse> {
        if self.0.get(&request.volume_id).as_ref() == Some(&request) {
            return Err(Status::aborted("an operation is pending for this volume"));
        }
        let reply = good.node_expand(&request)?;
        self.0.put(&request.volume_id.clone(), request);
        Ok(reply)
    }
}
