//! csi.v1.Controller: attach, detach and grow; create and delete, if the driver has them.

use std::collections::HashMap;

use csi_stretch_proto::csi::v1::{
    ControllerExpandVolumeRequest, ControllerExpandVolumeResponse,
    ControllerGetCapabilitiesRequest, ControllerGetCapabilitiesResponse,
    ControllerGetVolumeRequest, ControllerGetVolumeResponse, ControllerModifyVolumeRequest,
    ControllerModifyVolumeResponse, ControllerPublishVolumeRequest,
    ControllerPublishVolumeResponse, ControllerServiceCapability, ControllerUnpublishVolumeRequest,
    ControllerUnpublishVolumeResponse, CreateSnapshotRequest, CreateSnapshotResponse,
    CreateVolumeRequest, CreateVolumeResponse, DeleteSnapshotRequest, DeleteSnapshotResponse,
    DeleteVolumeRequest, DeleteVolumeResponse, GetCapacityRequest, GetCapacityResponse,
    GetSnapshotRequest, GetSnapshotResponse, ListSnapshotsRequest, ListSnapshotsResponse,
    ListVolumesRequest, ListVolumesResponse, ValidateVolumeCapabilitiesRequest,
    ValidateVolumeCapabilitiesResponse, Volume,
    controller_server::Controller,
    controller_service_capability::{Rpc, Type, rpc},
    validate_volume_capabilities_response::Confirmed,
};
use tonic::{Request, Response, Status, async_trait};

use super::{Adapter, DEVICE, Inner, ask};
use crate::{
    Boxed,
    client::flexvolume::{Operation, Options},
};

impl Inner {
    async fn create(&self, request: CreateVolumeRequest) -> Result<CreateVolumeResponse, Status> {
        self.must_create()?;
        let name = ask::name(&request.name)?;
        if request.volume_capabilities.is_empty() {
            return Err(Status::invalid_argument("volume_capabilities is empty"));
        }
        let uses: Vec<ask::Use> = request
            .volume_capabilities
            .iter()
            .map(|one| ask::capability(Some(one)))
            .collect::<Result<_, _>>()?;
        if request.volume_content_source.is_some() {
            let text = "volume_content_source: FlexVolume neither clones nor restores";
            return Err(Status::invalid_argument(text));
        }
        let none = ask::Range { required: 0, limit: 0 };
        let range = request.capacity_range.map_or(Ok(none), |range| ask::range(Some(range)))?;
        let _turn = self.turn(name).await?;
        let options = Options {
            volume: name,
            fs_type: uses.first().map_or("", |one| &one.fs_type),
            readonly: false,
            limit: range.limit,
            user: Some(&request.parameters),
        };
        let bytes = range.required.to_string();
        let answer = self.call(Operation::CreateVolume, &[&options.json(), &bytes]).await?;
        let volume_id = answer.volume_name.filter(|id| !id.is_empty());
        let volume_id = volume_id.unwrap_or_else(|| name.to_owned());
        let bytes = answer.volume_new_size.unwrap_or(range.required);
        self.sizes().insert(volume_id.clone(), bytes);
        let capacity_bytes = bytes.try_into().unwrap_or(i64::MAX);
        // The user's options are due in each later call, and CSI hands the context back there.
        let volume_context = request.parameters;
        let volume = Volume { capacity_bytes, volume_id, volume_context, ..Volume::default() };
        Ok(CreateVolumeResponse { volume: Some(volume) })
    }

    async fn delete(&self, request: DeleteVolumeRequest) -> Result<DeleteVolumeResponse, Status> {
        self.must_create()?;
        let volume = ask::required(&request.volume_id, "volume_id")?;
        let _turn = self.turn(volume).await?;
        self.call(Operation::DeleteVolume, &[volume]).await?;
        self.sizes().remove(volume);
        Ok(DeleteVolumeResponse {})
    }

    fn must_create(&self) -> Result<(), Status> {
        if self.driver.capabilities().create_delete {
            return Ok(());
        }
        let text = "FlexVolume neither creates nor deletes volumes, and this driver does not say \
                    that it can";
        Err(Status::unimplemented(text))
    }

    fn must_attach(&self) -> Result<(), Status> {
        if self.driver.capabilities().attach {
            return Ok(());
        }
        Err(Status::unimplemented("the driver says that nothing is attached"))
    }

    async fn attach(
        &self,
        request: ControllerPublishVolumeRequest,
    ) -> Result<ControllerPublishVolumeResponse, Status> {
        self.must_attach()?;
        let volume = ask::required(&request.volume_id, "volume_id")?;
        let node = ask::required(&request.node_id, "node_id")?;
        let used = ask::capability(request.volume_capability.as_ref())?;
        if request.readonly {
            return Err(Status::invalid_argument("PUBLISH_READONLY is not declared"));
        }
        let _turn = self.turn(volume).await?;
        let options = Options {
            volume,
            fs_type: &used.fs_type,
            readonly: used.reader,
            limit: 0,
            user: Some(&request.volume_context),
        };
        let answer = self.call_if_any(Operation::Attach, &[&options.json(), node]).await?;
        let device = answer.and_then(|answer| answer.device).filter(|device| !device.is_empty());
        let publish_context = device.map(|device| (DEVICE.to_owned(), device));
        Ok(ControllerPublishVolumeResponse {
            publish_context: publish_context.into_iter().collect(),
        })
    }

    async fn detach(
        &self,
        request: ControllerUnpublishVolumeRequest,
    ) -> Result<ControllerUnpublishVolumeResponse, Status> {
        self.must_attach()?;
        let volume = ask::required(&request.volume_id, "volume_id")?;
        // "All nodes" are the one that the adapter knows of.
        let node = if request.node_id.is_empty() { &self.node_id } else { &request.node_id };
        let node = ask::required(node, "node_id")?;
        let _turn = self.turn(volume).await?;
        self.call_if_any(Operation::Detach, &[volume, node]).await?;
        Ok(ControllerUnpublishVolumeResponse {})
    }

    async fn validate(
        &self,
        request: ValidateVolumeCapabilitiesRequest,
    ) -> Result<ValidateVolumeCapabilitiesResponse, Status> {
        let volume = ask::required(&request.volume_id, "volume_id")?;
        if request.volume_capabilities.is_empty() {
            return Err(Status::invalid_argument("volume_capabilities is empty"));
        }
        self.must_exist(volume).await?;
        for one in &request.volume_capabilities {
            if let Err(why) = ask::capability(Some(one)) {
                let message = why.message().to_owned();
                return Ok(ValidateVolumeCapabilitiesResponse { confirmed: None, message });
            }
        }
        let confirmed = Confirmed {
            volume_context: request.volume_context,
            volume_capabilities: request.volume_capabilities,
            parameters: request.parameters,
            mutable_parameters: HashMap::new(),
        };
        let message = String::new();
        Ok(ValidateVolumeCapabilitiesResponse { confirmed: Some(confirmed), message })
    }

    async fn expand(
        &self,
        request: ControllerExpandVolumeRequest,
    ) -> Result<ControllerExpandVolumeResponse, Status> {
        self.must_grow()?;
        let volume = ask::required(&request.volume_id, "volume_id")?;
        let range = ask::range(request.capacity_range)?;
        let used = request.volume_capability.as_ref().map(|one| ask::capability(Some(one)));
        let used = used.transpose()?;
        let _turn = self.turn(volume).await?;
        let options = Options {
            volume,
            fs_type: used.as_ref().map_or("", |one| &one.fs_type),
            readonly: false,
            limit: range.limit,
            user: None,
        };
        let path = self.path_of(volume);
        let (json, wanted) = (options.json(), range.wanted().to_string());
        let old = self.old_size(volume);
        let answer = self.call(Operation::ExpandVolume, &[&json, &path, &wanted, &old]).await?;
        // Without a word about the size, it is the one that was asked for.
        let bytes = answer.volume_new_size.unwrap_or(range.wanted());
        self.sizes().insert(volume.to_owned(), bytes);
        if bytes < range.required {
            let text = format!("expandvolume: it said Success, and that the size is {bytes} bytes");
            return Err(Status::internal(text));
        }
        if range.limit > 0 && bytes > range.limit {
            return Err(Status::out_of_range(format!("the volume has {bytes} bytes")));
        }
        Ok(ControllerExpandVolumeResponse {
            capacity_bytes: bytes.try_into().unwrap_or(i64::MAX),
            node_expansion_required: self.driver.capabilities().requires_fs_resize,
        })
    }

    /// A path where the volume is published, if it is.
    fn path_of(&self, volume: &str) -> String {
        let published = self.published();
        let path = published.iter().find(|(_, here)| *here == volume).map(|(path, _)| path);
        path.map(|path| path.display().to_string()).unwrap_or_default()
    }

    fn controller_capabilities(&self) -> Vec<rpc::Type> {
        let can = self.driver.capabilities();
        let all = [
            (can.create_delete, rpc::Type::CreateDeleteVolume),
            (can.attach, rpc::Type::PublishUnpublishVolume),
            (self.grows, rpc::Type::ExpandVolume),
        ];
        all.into_iter().filter(|(has, _)| *has).map(|(_, capability)| capability).collect()
    }
}

/// Methods that FlexVolume has nothing for, in the form that `async_trait` gives the others.
macro_rules! unimplemented_rpcs {
    ($($method:ident($request:ty) -> $response:ty;)*) => {$(
        fn $method<'me, 'call>(
            &'me self,
            _: Request<$request>,
        ) -> Boxed<'call, Result<Response<$response>, Status>>
        where
            'me: 'call,
            Self: 'call,
        {
            let text = concat!("FlexVolume has no ", stringify!($method));
            Box::pin(std::future::ready(Err(Status::unimplemented(text))))
        }
    )*};
}

#[async_trait]
impl Controller for Adapter {
    async fn create_volume(
        &self,
        request: Request<CreateVolumeRequest>,
    ) -> Result<Response<CreateVolumeResponse>, Status> {
        let (this, request) = (self.0.clone(), request.into_inner());
        let volume = request.name.clone();
        self.carry("create_volume", &volume, async move { this.create(request).await }).await
    }

    async fn delete_volume(
        &self,
        request: Request<DeleteVolumeRequest>,
    ) -> Result<Response<DeleteVolumeResponse>, Status> {
        let (this, request) = (self.0.clone(), request.into_inner());
        let volume = request.volume_id.clone();
        self.carry("delete_volume", &volume, async move { this.delete(request).await }).await
    }

    async fn controller_publish_volume(
        &self,
        request: Request<ControllerPublishVolumeRequest>,
    ) -> Result<Response<ControllerPublishVolumeResponse>, Status> {
        let (this, request) = (self.0.clone(), request.into_inner());
        let volume = request.volume_id.clone();
        let call = async move { this.attach(request).await };
        self.carry("controller_publish_volume", &volume, call).await
    }

    async fn controller_unpublish_volume(
        &self,
        request: Request<ControllerUnpublishVolumeRequest>,
    ) -> Result<Response<ControllerUnpublishVolumeResponse>, Status> {
        let (this, request) = (self.0.clone(), request.into_inner());
        let volume = request.volume_id.clone();
        let call = async move { this.detach(request).await };
        self.carry("controller_unpublish_volume", &volume, call).await
    }

    async fn validate_volume_capabilities(
        &self,
        request: Request<ValidateVolumeCapabilitiesRequest>,
    ) -> Result<Response<ValidateVolumeCapabilitiesResponse>, Status> {
        let (this, request) = (self.0.clone(), request.into_inner());
        let volume = request.volume_id.clone();
        let call = async move { this.validate(request).await };
        self.carry("validate_volume_capabilities", &volume, call).await
    }

    async fn controller_expand_volume(
        &self,
        request: Request<ControllerExpandVolumeRequest>,
    ) -> Result<Response<ControllerExpandVolumeResponse>, Status> {
        let (this, request) = (self.0.clone(), request.into_inner());
        let volume = request.volume_id.clone();
        let call = async move { this.expand(request).await };
        self.carry("controller_expand_volume", &volume, call).await
    }

    async fn controller_get_capabilities(
        &self,
        _: Request<ControllerGetCapabilitiesRequest>,
    ) -> Result<Response<ControllerGetCapabilitiesResponse>, Status> {
        let capability = |one: rpc::Type| ControllerServiceCapability {
            r#type: Some(Type::Rpc(Rpc { r#type: one.into() })),
        };
        let capabilities = self.0.controller_capabilities().into_iter().map(capability).collect();
        Ok(Response::new(ControllerGetCapabilitiesResponse { capabilities }))
    }

    unimplemented_rpcs! {
        list_volumes(ListVolumesRequest) -> ListVolumesResponse;
        get_capacity(GetCapacityRequest) -> GetCapacityResponse;
        create_snapshot(CreateSnapshotRequest) -> CreateSnapshotResponse;
        delete_snapshot(DeleteSnapshotRequest) -> DeleteSnapshotResponse;
        list_snapshots(ListSnapshotsRequest) -> ListSnapshotsResponse;
        get_snapshot(GetSnapshotRequest) -> GetSnapshotResponse;
        controller_get_volume(ControllerGetVolumeRequest) -> ControllerGetVolumeResponse;
        controller_modify_volume(ControllerModifyVolumeRequest) -> ControllerModifyVolumeResponse;
    }
}
