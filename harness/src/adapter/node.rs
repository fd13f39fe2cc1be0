//! csi.v1.Node: mount, unmount, and grow the file system. Nothing is staged: each target has a mount
//! of its own.

use std::{io, path::Path};

use csi_stretch_proto::csi::v1::{
    NodeExpandVolumeRequest, NodeExpandVolumeResponse, NodeGetCapabilitiesRequest,
    NodeGetCapabilitiesResponse, NodeGetInfoRequest, NodeGetInfoResponse,
    NodeGetVolumeStatsRequest, NodeGetVolumeStatsResponse, NodePublishVolumeRequest,
    NodePublishVolumeResponse, NodeServiceCapability, NodeStageVolumeRequest,
    NodeStageVolumeResponse, NodeUnpublishVolumeRequest, NodeUnpublishVolumeResponse,
    NodeUnstageVolumeRequest, NodeUnstageVolumeResponse,
    node_server::Node,
    node_service_capability::{Rpc, Type, rpc},
};
use tonic::{Request, Response, Status, async_trait};
use tracing::warn;

use super::{Adapter, DEVICE, Inner, ask};
use crate::{
    client::flexvolume::{Operation, Options},
    host::mountinfo::{self, Mount},
};

impl Inner {
    async fn publish(
        &self,
        request: NodePublishVolumeRequest,
    ) -> Result<NodePublishVolumeResponse, Status> {
        let volume = ask::required(&request.volume_id, "volume_id")?;
        let path = ask::path(&request.target_path, "target_path")?;
        let used = ask::capability(request.volume_capability.as_ref())?;
        let readonly = request.readonly || used.reader;
        let target = ask::clean(path);
        let _turn = self.turn(volume).await?;
        self.must_exist(volume).await?;
        self.must_be_free(volume, &target, &used)?;
        if let Some(mount) = mounted(&target)? {
            if mount.is_read_only() != readonly {
                let text = "the volume is published at target_path with another `readonly`";
                return Err(Status::already_exists(text));
            }
            self.published().insert(target, volume.to_owned());
            return Ok(NodePublishVolumeResponse {});
        }
        let options = Options {
            volume,
            fs_type: &used.fs_type,
            readonly,
            limit: 0,
            user: Some(&request.volume_context),
        };
        let device = request.publish_context.get(DEVICE).map_or("", String::as_str);
        let is_new = make_folder(&target)?;
        if let Err(status) = self.mount(&request.target_path, device, &options.json()).await {
            // A folder that the driver has mounted something at after all stays, for it is busy.
            if is_new {
                let _ = std::fs::remove_dir(&target);
            }
            return Err(status);
        }
        self.published().insert(target, volume.to_owned());
        Ok(NodePublishVolumeResponse {})
    }

    /// Refuses another volume's target, and a second path where the mode allows one.
    fn must_be_free(&self, volume: &str, target: &Path, used: &ask::Use) -> Result<(), Status> {
        for (path, here) in self.published().iter() {
            if path == target && here != volume {
                let text = format!("`{here}` is published at target_path");
                return Err(Status::invalid_argument(text));
            }
            if path != target && here == volume && used.single {
                let path = path.display();
                let text = format!("the volume is published at {path}; its mode allows one path");
                return Err(Status::failed_precondition(text));
            }
        }
        Ok(())
    }

    async fn mount(&self, target: &str, device: &str, json: &str) -> Result<(), Status> {
        if self.driver.capabilities().attach {
            let ready = self.call_if_any(Operation::WaitForAttach, &[device, json]).await?;
            let ready = ready.and_then(|answer| answer.device).filter(|ready| !ready.is_empty());
            let device = ready.as_deref().unwrap_or(device);
            let args = [target, device, json];
            if self.call_if_any(Operation::MountDevice, &args).await?.is_some() {
                return Ok(());
            }
        }
        self.call(Operation::Mount, &[target, json]).await.map(drop)
    }

    async fn unpublish(
        &self,
        request: NodeUnpublishVolumeRequest,
    ) -> Result<NodeUnpublishVolumeResponse, Status> {
        let volume = ask::required(&request.volume_id, "volume_id")?;
        let target = ask::clean(ask::path(&request.target_path, "target_path")?);
        let _turn = self.turn(volume).await?;
        match self.published().get(&target) {
            Some(here) if here == volume => {}
            Some(here) => {
                let text = format!("`{here}` is published at target_path");
                return Err(Status::invalid_argument(text));
            }
            None => {}
        }
        self.must_exist(volume).await?;
        if mounted(&target)?.is_some() {
            self.unmount(&request.target_path).await?;
        }
        self.published().remove(&target);
        match std::fs::remove_dir(&target) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(Status::internal(format!("cannot remove target_path: {e}")))
            }
            _ => Ok(NodeUnpublishVolumeResponse {}),
        }
    }

    /// A driver without the operation leaves it to the orchestrator.
    async fn unmount(&self, target: &str) -> Result<(), Status> {
        let attach = self.driver.capabilities().attach;
        let operation = if attach { Operation::UnmountDevice } else { Operation::Unmount };
        if self.call_if_any(operation, &[target]).await?.is_some() {
            return Ok(());
        }
        warn!(target, "the driver cannot unmount, so the adapter does");
        let failed = |e| Status::internal(format!("cannot unmount target_path: {e}"));
        nix::mount::umount(target).map_err(failed)
    }

    async fn grow(
        &self,
        request: NodeExpandVolumeRequest,
    ) -> Result<NodeExpandVolumeResponse, Status> {
        self.must_grow()?;
        if !self.driver.capabilities().requires_fs_resize {
            return Err(Status::unimplemented("expandvolume does all of it"));
        }
        let volume = ask::required(&request.volume_id, "volume_id")?;
        let path = ask::clean(ask::path(&request.volume_path, "volume_path")?);
        if let Some(capability) = &request.volume_capability {
            ask::capability(Some(capability))?;
        }
        let range = request.capacity_range.map(|range| ask::range(Some(range))).transpose()?;
        let _turn = self.turn(volume).await?;
        self.must_exist(volume).await?;
        let elsewhere = self.published().get(&path).is_some_and(|here| here != volume);
        let mount = mounted(&path)?.filter(|_| !elsewhere);
        let Some(mount) = mount else {
            return Err(Status::not_found("the volume is not published at volume_path"));
        };
        let options = Options {
            volume,
            fs_type: &mount.fs_type,
            readonly: mount.is_read_only(),
            ..Options::default()
        };
        let old = self.old_size(volume);
        // Without a range: as large as the device is.
        let wanted = range.map_or_else(|| old.clone(), |range| range.wanted().to_string());
        let (json, device) = (options.json(), mount.source.to_string_lossy());
        let args = [&json, device.as_ref(), &request.volume_path, &wanted, &old];
        let answer = self.call(Operation::ExpandFs, &args).await?;
        let bytes = answer.volume_new_size.unwrap_or_default();
        Ok(NodeExpandVolumeResponse { capacity_bytes: bytes.try_into().unwrap_or(i64::MAX) })
    }
}

fn mounted(path: &Path) -> Result<Option<Mount>, Status> {
    let failed = |e| Status::internal(format!("cannot read the mounts: {e}"));
    let mounts = mountinfo::read().map_err(failed)?;
    Ok(mountinfo::at(&mounts, path).cloned())
}

/// Whether it was not there. The folder above it is the orchestrator's.
fn make_folder(path: &Path) -> Result<bool, Status> {
    match std::fs::create_dir(path) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(false),
        Err(e) => Err(Status::internal(format!("cannot make target_path: {e}"))),
    }
}

#[async_trait]
impl Node for Adapter {
    async fn node_publish_volume(
        &self,
        request: Request<NodePublishVolumeRequest>,
    ) -> Result<Response<NodePublishVolumeResponse>, Status> {
        let (this, request) = (self.0.clone(), request.into_inner());
        let volume = request.volume_id.clone();
        let call = async move { this.publish(request).await };
        self.carry("node_publish_volume", &volume, call).await
    }

    async fn node_unpublish_volume(
        &self,
        request: Request<NodeUnpublishVolumeRequest>,
    ) -> Result<Response<NodeUnpublishVolumeResponse>, Status> {
        let (this, request) = (self.0.clone(), request.into_inner());
        let volume = request.volume_id.clone();
        let call = async move { this.unpublish(request).await };
        self.carry("node_unpublish_volume", &volume, call).await
    }

    async fn node_expand_volume(
        &self,
        request: Request<NodeExpandVolumeRequest>,
    ) -> Result<Response<NodeExpandVolumeResponse>, Status> {
        let (this, request) = (self.0.clone(), request.into_inner());
        let volume = request.volume_id.clone();
        let call = async move { this.grow(request).await };
        self.carry("node_expand_volume", &volume, call).await
    }

    async fn node_get_capabilities(
        &self,
        _: Request<NodeGetCapabilitiesRequest>,
    ) -> Result<Response<NodeGetCapabilitiesResponse>, Status> {
        let grows = self.0.grows && self.0.driver.capabilities().requires_fs_resize;
        let expand = Rpc { r#type: rpc::Type::ExpandVolume.into() };
        let expand = NodeServiceCapability { r#type: Some(Type::Rpc(expand)) };
        let capabilities = grows.then_some(expand).into_iter().collect();
        Ok(Response::new(NodeGetCapabilitiesResponse { capabilities }))
    }

    async fn node_get_info(
        &self,
        _: Request<NodeGetInfoRequest>,
    ) -> Result<Response<NodeGetInfoResponse>, Status> {
        let node_id = self.0.node_id.clone();
        Ok(Response::new(NodeGetInfoResponse { node_id, ..NodeGetInfoResponse::default() }))
    }

    async fn node_stage_volume(
        &self,
        _: Request<NodeStageVolumeRequest>,
    ) -> Result<Response<NodeStageVolumeResponse>, Status> {
        Err(Status::unimplemented("nothing is staged: STAGE_UNSTAGE_VOLUME is not declared"))
    }

    async fn node_unstage_volume(
        &self,
        _: Request<NodeUnstageVolumeRequest>,
    ) -> Result<Response<NodeUnstageVolumeResponse>, Status> {
        Err(Status::unimplemented("nothing is staged: STAGE_UNSTAGE_VOLUME is not declared"))
    }

    async fn node_get_volume_stats(
        &self,
        _: Request<NodeGetVolumeStatsRequest>,
    ) -> Result<Response<NodeGetVolumeStatsResponse>, Status> {
        Err(Status::unimplemented("GET_VOLUME_STATS is not declared"))
    }
}
