//! What is declared is not what is done.

use csi_stretch_proto::csi::v1::{
    ControllerExpandVolumeRequest, ControllerExpandVolumeResponse, CreateVolumeRequest,
    CreateVolumeResponse, GetPluginCapabilitiesRequest, GetPluginCapabilitiesResponse,
};
use tonic::Status;

use super::{
    Defect, Flaw,
    notes::{Notes, declaring_offline, size},
    plant,
};
use crate::{
    backing::{Backing, Result},
    driver::{Driver, Reply},
};

const CLASS: &str = "capability-mismatch";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        OfflineDeclared,
        "offline-declared-online-done",
        "OFFLINE is declared, and volumes in use grow all the same",
        "kubernetes-sigs/alibaba-cloud-csi-driver#1774",
        &["controller-expand.err-in-use"]
    ),
    plant!(
        GrowsOnAttach::default(),
        "online-declared-grows-on-attach",
        "ONLINE is declared, and the node's device has the new size after the next attach",
        "linode/linode-blockstorage-csi-driver#382",
        &[
            "controller-expand.capacity-bytes-actual",
            "controller-expand.purpose",
            "node-expand.purpose"
        ]
    ),
    plant!(
        OtherInstance::default(),
        "expand-knows-own-volumes-only",
        "ControllerExpandVolume answers NOT_FOUND for volumes that another process has made",
        "democratic-csi/democratic-csi#524",
        &["controller-expand.idempotent-after-restart", "controller-expand.implemented"]
    ),
];

struct OfflineDeclared;

impl Flaw for OfflineDeclared {
    fn get_plugin_capabilities(
        &self,
        good: &Driver,
        _: GetPluginCapabilitiesRequest,
    ) -> Reply<GetPluginCapabilitiesResponse> {
        Ok(declaring_offline(good.plugin_capabilities()))
    }
}

/// Volumes that are attached, and sizes that wait for the next time.
#[derive(Default)]
struct GrowsOnAttach {
    attached: Notes,
    waiting: Notes<u64>,
}

impl Flaw for GrowsOnAttach {
    fn attach(&self, good: &dyn Backing, id: &str) -> Result<()> {
        good.attach(id)?;
        if !self.attached.has(id)
            && let Some(bytes) = self.waiting.take(id)
        {
            good.grow_device(id, bytes)?;
        }
        self.attached.put(id, ());
        Ok(())
    }

    fn detach(&self, good: &dyn Backing, id: &str) -> Result<()> {
        good.detach(id)?;
        self.attached.take(id);
        Ok(())
    }

    fn grow_device(&self, good: &dyn Backing, id: &str, bytes: u64) -> Result<()> {
        if self.attached.has(id) {
            self.waiting.put(id, bytes);
            return Ok(());
        }
        good.grow_device(id, bytes)
    }
}

/// Volumes created by this process.
#[derive(Default)]
struct OtherInstance(Notes);

impl Flaw for OtherInstance {
    fn create_volume(
        &self,
        good: &Driver,
        request: CreateVolumeRequest,
    ) -> Reply<CreateVolumeResponse> {
        let reply = good.create_volume(request)?;
        if let Some(volume) = &reply.volume {
            self.0.put(&volume.volume_id, ());
        }
        Ok(reply)
    }

    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let known = self.0.has(&request.volume_id);
        if !known && size(good, &request.volume_id).is_some() {
            return Err(Status::not_found("no such volume on this node"));
        }
        good.controller_expand(&request)
    }
}
