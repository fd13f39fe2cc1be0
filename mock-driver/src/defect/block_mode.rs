//! Block volumes that are treated as if the driver owned what is on them.

use csi_stretch_proto::{
    control::v1::{ReadRequest, WriteRequest},
    csi::v1::{
        ControllerExpandVolumeRequest, ControllerExpandVolumeResponse, NodeExpandVolumeRequest,
        NodeExpandVolumeResponse, NodePublishVolumeRequest, NodePublishVolumeResponse,
        NodeStageVolumeRequest, NodeStageVolumeResponse,
    },
};
use tonic::Status;

use super::{
    Defect, Flaw,
    notes::{Notes, is_block, size},
    plant,
};
use crate::driver::{Driver, Reply};

const CLASS: &str = "block-mode";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        ResizeFs,
        "node-expand-block-resizefs",
        "NodeExpandVolume looks for a file system on a block volume and fails to find one",
        "openebs/zfs-localpv#280",
        &[
            "node-expand.capacity-range-optional",
            "node-expand.implemented",
            "node-expand.staging-path-optional"
        ]
    ),
    plant!(
        ContentRefused::default(),
        "node-expand-block-with-content-refused",
        "NodeExpandVolume fails for a block volume that is not blank: probably partitions",
        "truenas/truenas-csi#60",
        &["node-expand.implemented"]
    ),
    plant!(
        ContentChanged::default(),
        "node-expand-block-content-changed",
        "what is on a block volume is taken for a file system of the driver's, and resized",
        "kubernetes/cloud-provider-openstack#2694",
        &[
            "controller-expand.data-kept",
            "create-volume.larger-than-source",
            "node-expand.block-content-untouched"
        ]
    ),
    plant!(
        NeedsStagingFile,
        "node-expand-block-needs-staging-path",
        "the node step of a block volume looks for a file at the staging path, given or not",
        "hpe-storage/csi-driver#113",
        &["node-expand.staging-path-optional"]
    ),
    plant!(
        RestageFails::default(),
        "node-stage-grown-block-fails",
        "a block volume that has grown gets a file system resize when it is staged again",
        "ceph/ceph-csi#3945",
        &["node-stage.implemented"]
    ),
];

/// A driver that wants a node step for block volumes, too.
fn asking(
    good: &Driver,
    request: &ControllerExpandVolumeRequest,
) -> Reply<ControllerExpandVolumeResponse> {
    let reply = good.controller_expand(request)?;
    let node_expansion_required =
        reply.node_expansion_required || is_block(request.volume_capability.as_ref());
    Ok(ControllerExpandVolumeResponse { node_expansion_required, ..reply })
}

struct ResizeFs;

impl Flaw for ResizeFs {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        asking(good, &request)
    }

    fn node_expand(
        &self,
        good: &Driver,
        request: NodeExpandVolumeRequest,
    ) -> Reply<NodeExpandVolumeResponse> {
        let reply = good.node_expand(&request)?;
        if is_block(request.volume_capability.as_ref()) {
            return Err(Status::internal("resize of format  is not supported"));
        }
        Ok(reply)
    }
}

/// Where block volumes are published.
#[derive(Default)]
struct Targets(Notes<String>);

impl Targets {
    fn publish(
        &self,
        good: &Driver,
        request: &NodePublishVolumeRequest,
    ) -> Reply<NodePublishVolumeResponse> {
        let reply = good.publish(request)?;
        if is_block(request.volume_capability.as_ref()) {
            self.0.put(&request.volume_id, request.target_path.clone());
        }
        Ok(reply)
    }

    /// The path of a block volume on which a superblock's place is not blank.
    fn with_content(&self, good: &Driver, id: &str) -> Option<String> {
        let path = self.0.get(id)?;
        let (file, offset, length) = (String::new(), SUPERBLOCK, 64);
        let read = good.read(&ReadRequest { path: path.clone(), file, offset, length }).ok()?;
        read.data.iter().any(|byte| *byte != 0).then_some(path)
    }
}

const SUPERBLOCK: i64 = 1024;

#[derive(Default)]
struct ContentRefused(Targets);

impl Flaw for ContentRefused {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        asking(good, &request)
    }

    fn publish(
        &self,
        good: &Driver,
        request: NodePublishVolumeRequest,
    ) -> Reply<NodePublishVolumeResponse> {
        self.0.publish(good, &request)
    }

    fn node_expand(
        &self,
        good: &Driver,
        request: NodeExpandVolumeRequest,
    ) -> Reply<NodeExpandVolumeResponse> {
        let reply = good.node_expand(&request)?;
        match self.0.with_content(good, &request.volume_id) {
            None => Ok(reply),
            Some(path) => {
                let text = format!("{path}: unknown data, probably partitions, is not supported");
                Err(Status::internal(text))
            }
        }
    }
}

#[derive(Default)]
struct ContentChanged(Targets);

impl Flaw for ContentChanged {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        asking(good, &request)
    }

    fn publish(
        &self,
        good: &Driver,
        request: NodePublishVolumeRequest,
    ) -> Reply<NodePublishVolumeResponse> {
        self.0.publish(good, &request)
    }

    fn node_expand(
        &self,
        good: &Driver,
        request: NodeExpandVolumeRequest,
    ) -> Reply<NodeExpandVolumeResponse> {
        let reply = good.node_expand(&request)?;
        if let Some(path) = self.0.with_content(good, &request.volume_id) {
            // The number of blocks in an ext4 superblock.
            let blocks = u32::try_from(reply.capacity_bytes >> 12).unwrap_or(u32::MAX);
            let (offset, data) = (SUPERBLOCK + 4, blocks.to_le_bytes().to_vec());
            good.write(&WriteRequest { path, file: String::new(), offset, data })?;
        }
        Ok(reply)
    }
}

struct NeedsStagingFile;

impl Flaw for NeedsStagingFile {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let block = is_block(request.volume_capability.as_ref());
        let reply = good.controller_expand(&request)?;
        // This driver, rightly, has a node step for block volumes as well.
        let node_expansion_required = block || reply.node_expansion_required;
        Ok(ControllerExpandVolumeResponse { node_expansion_required, ..reply })
    }

    fn node_expand(
        &self,
        good: &Driver,
        request: NodeExpandVolumeRequest,
    ) -> Reply<NodeExpandVolumeResponse> {
        let block = is_block(request.volume_capability.as_ref());
        if block && request.staging_target_path.is_empty() {
            return Err(Status::invalid_argument("no device file at the staging path"));
        }
        good.node_expand(&request)
    }
}

/// Volumes that have grown.
#[derive(Default)]
struct RestageFails(Notes);

impl Flaw for RestageFails {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let before = size(good, &request.volume_id);
        let reply = good.controller_expand(&request)?;
        if before.is_some_and(|before| before < reply.capacity_bytes) {
            self.0.put(&request.volume_id, ());
        }
        Ok(reply)
    }

    fn stage(
        &self,
        good: &Driver,
        request: NodeStageVolumeRequest,
    ) -> Reply<NodeStageVolumeResponse> {
        if is_block(request.volume_capability.as_ref()) && self.0.has(&request.volume_id) {
            return Err(Status::internal("resizefs failed: no file system on the device"));
        }
        good.stage(&request)
    }
}
