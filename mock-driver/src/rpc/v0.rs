//! csi.v0, in which CSI 0.3 and the growth of 2018 were spoken: the same driver behind older words.
//! What the dialect has no words for is not said. Most messages have csi.v1's types, being the same
//! on the wire.

use csi_stretch_proto::csi::{v0, v1};
use tonic::{Request, Response, Status, async_trait};
use v0::{
    controller_server::Controller, identity_server::Identity, node_server::Node,
    snapshot_status::Type as Progress,
};
use v1::{
    controller_server::Controller as ControllerV1, identity_server::Identity as IdentityV1,
    node_server::Node as NodeV1,
};

use super::Services;

/// All services, spoken as csi.v0.
#[derive(Clone)]
pub struct V0(pub Services);

type Answer<A> = Result<Response<A>, Status>;

/// Calls that are the same in both dialects.
macro_rules! same {
    ($service:ident: $($name:ident($request:ident) -> $response:ident),* $(,)?) => {
        $(
            // What `async_trait` makes of an `async fn`; it does not look into macros.
            fn $name<'a, 'b>(
                &'a self,
                request: Request<v1::$request>,
            ) -> std::pin::Pin<Box<dyn Future<Output = Answer<v1::$response>> + Send + 'b>>
            where
                'a: 'b,
                Self: 'b,
            {
                $service::$name(&self.0, request)
            }
        )*
    };
}

#[async_trait]
impl Identity for V0 {
    same!(IdentityV1:
        get_plugin_info(GetPluginInfoRequest) -> GetPluginInfoResponse,
        probe(ProbeRequest) -> ProbeResponse,
    );

    async fn get_plugin_capabilities(
        &self,
        request: Request<v1::GetPluginCapabilitiesRequest>,
    ) -> Answer<v0::GetPluginCapabilitiesResponse> {
        use v0::plugin_capability::{Service, Type, service};
        let answer = IdentityV1::get_plugin_capabilities(&self.0, request).await?.into_inner();
        let known = answer.capabilities.into_iter().filter_map(|one| match one.r#type? {
            v1::plugin_capability::Type::Service(said) => service::Type::try_from(said.r#type).ok(),
            v1::plugin_capability::Type::VolumeExpansion(_) => None,
        });
        let capability = |known: service::Type| v0::PluginCapability {
            r#type: Some(Type::Service(Service { r#type: known.into() })),
        };
        Ok(Response::new(v0::GetPluginCapabilitiesResponse {
            capabilities: known.map(capability).collect(),
        }))
    }
}

#[async_trait]
impl Controller for V0 {
    same!(ControllerV1:
        create_volume(CreateVolumeRequest) -> CreateVolumeResponse,
        delete_volume(DeleteVolumeRequest) -> DeleteVolumeResponse,
        controller_publish_volume(ControllerPublishVolumeRequest) -> ControllerPublishVolumeResponse,
        controller_unpublish_volume(ControllerUnpublishVolumeRequest)
            -> ControllerUnpublishVolumeResponse,
        delete_snapshot(DeleteSnapshotRequest) -> DeleteSnapshotResponse,
    );

    async fn validate_volume_capabilities(
        &self,
        request: Request<v0::ValidateVolumeCapabilitiesRequest>,
    ) -> Answer<v0::ValidateVolumeCapabilitiesResponse> {
        let asked = request.into_inner();
        let request = v1::ValidateVolumeCapabilitiesRequest {
            volume_id: asked.volume_id,
            volume_context: asked.volume_attributes,
            volume_capabilities: asked.volume_capabilities,
            ..Default::default()
        };
        let request = Request::new(request);
        let said = ControllerV1::validate_volume_capabilities(&self.0, request).await?.into_inner();
        Ok(Response::new(v0::ValidateVolumeCapabilitiesResponse {
            supported: said.confirmed.is_some(),
            message: said.message,
        }))
    }

    async fn list_volumes(
        &self,
        request: Request<v1::ListVolumesRequest>,
    ) -> Answer<v1::ListVolumesResponse> {
        let mut answer = ControllerV1::list_volumes(&self.0, request).await?;
        answer.get_mut().entries.iter_mut().for_each(|entry| entry.status = None);
        Ok(answer)
    }

    async fn get_capacity(
        &self,
        request: Request<v1::GetCapacityRequest>,
    ) -> Answer<v1::GetCapacityResponse> {
        let mut answer = ControllerV1::get_capacity(&self.0, request).await?;
        let said = answer.get_mut();
        (said.maximum_volume_size, said.minimum_volume_size) = (None, None);
        Ok(answer)
    }

    async fn controller_get_capabilities(
        &self,
        request: Request<v1::ControllerGetCapabilitiesRequest>,
    ) -> Answer<v0::ControllerGetCapabilitiesResponse> {
        use v0::controller_service_capability::{Rpc, Type, rpc};
        use v1::controller_service_capability as said;
        let answer = ControllerV1::controller_get_capabilities(&self.0, request).await?;
        let known = answer.into_inner().capabilities.into_iter().filter_map(|one| {
            let said::Type::Rpc(said::Rpc { r#type }) = one.r#type?;
            if r#type == i32::from(said::rpc::Type::ExpandVolume) {
                return Some(rpc::Type::ResizeVolume);
            }
            rpc::Type::try_from(r#type).ok()
        });
        let capability = |known: rpc::Type| v0::ControllerServiceCapability {
            r#type: Some(Type::Rpc(Rpc { r#type: known.into() })),
        };
        Ok(Response::new(v0::ControllerGetCapabilitiesResponse {
            capabilities: known.map(capability).collect(),
        }))
    }

    async fn create_snapshot(
        &self,
        request: Request<v1::CreateSnapshotRequest>,
    ) -> Answer<v0::CreateSnapshotResponse> {
        let answer = ControllerV1::create_snapshot(&self.0, request).await?.into_inner();
        let snapshot = answer.snapshot.map(snapshot);
        Ok(Response::new(v0::CreateSnapshotResponse { snapshot }))
    }

    async fn list_snapshots(
        &self,
        request: Request<v1::ListSnapshotsRequest>,
    ) -> Answer<v0::ListSnapshotsResponse> {
        let answer = ControllerV1::list_snapshots(&self.0, request).await?.into_inner();
        let entry = |one: v1::list_snapshots_response::Entry| v0::list_snapshots_response::Entry {
            snapshot: one.snapshot.map(snapshot),
        };
        Ok(Response::new(v0::ListSnapshotsResponse {
            entries: answer.entries.into_iter().map(entry).collect(),
            next_token: answer.next_token,
        }))
    }

    async fn requires_fs_resize(
        &self,
        request: Request<v0::RequiresFsResizeRequest>,
    ) -> Answer<v0::RequiresFsResizeResponse> {
        self.0
            .run(
                "requires_fs_resize",
                request,
                |r| &r.volume_id,
                |_, driver, request| {
                    let id = Some(request.volume_id.as_str()).filter(|id| !id.is_empty());
                    let used_as = request.volume_capability.as_ref();
                    let requires_fs_resize = driver.requires_fs_resize(id, used_as)?;
                    Ok(v0::RequiresFsResizeResponse { requires_fs_resize })
                },
            )
            .await
    }

    async fn controller_resize_volume(
        &self,
        request: Request<v0::ControllerResizeVolumeRequest>,
    ) -> Answer<v0::ControllerResizeVolumeResponse> {
        let asked = request.into_inner();
        let request = Request::new(v1::ControllerExpandVolumeRequest {
            volume_id: asked.volume_id,
            capacity_range: asked.capacity_range,
            secrets: asked.controller_resize_secrets,
            volume_capability: asked.volume_capability,
        });
        let said = ControllerV1::controller_expand_volume(&self.0, request).await?.into_inner();
        let capacity_bytes = said.capacity_bytes;
        Ok(Response::new(v0::ControllerResizeVolumeResponse { capacity_bytes }))
    }
}

#[async_trait]
impl Node for V0 {
    same!(NodeV1:
        node_stage_volume(NodeStageVolumeRequest) -> NodeStageVolumeResponse,
        node_unstage_volume(NodeUnstageVolumeRequest) -> NodeUnstageVolumeResponse,
        node_publish_volume(NodePublishVolumeRequest) -> NodePublishVolumeResponse,
        node_unpublish_volume(NodeUnpublishVolumeRequest) -> NodeUnpublishVolumeResponse,
        node_get_info(NodeGetInfoRequest) -> NodeGetInfoResponse,
    );

    async fn node_get_id(
        &self,
        _request: Request<v0::NodeGetIdRequest>,
    ) -> Answer<v0::NodeGetIdResponse> {
        let request = Request::new(v1::NodeGetInfoRequest {});
        let said = NodeV1::node_get_info(&self.0, request).await?.into_inner();
        Ok(Response::new(v0::NodeGetIdResponse { node_id: said.node_id }))
    }

    async fn node_get_capabilities(
        &self,
        request: Request<v1::NodeGetCapabilitiesRequest>,
    ) -> Answer<v0::NodeGetCapabilitiesResponse> {
        use v0::node_service_capability::{Rpc, Type, rpc};
        use v1::node_service_capability as said;
        let answer = NodeV1::node_get_capabilities(&self.0, request).await?;
        let known = answer.into_inner().capabilities.into_iter().filter_map(|one| {
            let said::Type::Rpc(said::Rpc { r#type }) = one.r#type?;
            if r#type == i32::from(said::rpc::Type::ExpandVolume) {
                return Some(rpc::Type::ResizeVolume);
            }
            rpc::Type::try_from(r#type).ok()
        });
        let capability = |known: rpc::Type| v0::NodeServiceCapability {
            r#type: Some(Type::Rpc(Rpc { r#type: known.into() })),
        };
        Ok(Response::new(v0::NodeGetCapabilitiesResponse {
            capabilities: known.map(capability).collect(),
        }))
    }

    async fn node_resize_volume(
        &self,
        request: Request<v0::NodeResizeVolumeRequest>,
    ) -> Answer<v0::NodeResizeVolumeResponse> {
        let asked = request.into_inner();
        let request = Request::new(v1::NodeExpandVolumeRequest {
            volume_id: asked.volume_id,
            volume_path: asked.volume_path,
            capacity_range: asked.capacity_range,
            staging_target_path: asked.staging_target_path,
            volume_capability: asked.volume_capability,
            secrets: asked.node_resize_secrets,
        });
        let said = NodeV1::node_expand_volume(&self.0, request).await?.into_inner();
        let capacity_bytes = said.capacity_bytes;
        Ok(Response::new(v0::NodeResizeVolumeResponse { capacity_bytes }))
    }
}

fn snapshot(said: v1::Snapshot) -> v0::Snapshot {
    const NANOS: i64 = 1_000_000_000;
    let nanos = |time: prost_types::Timestamp| {
        time.seconds.saturating_mul(NANOS).saturating_add(time.nanos.into())
    };
    let progress = if said.ready_to_use { Progress::Ready } else { Progress::Uploading };
    v0::Snapshot {
        size_bytes: said.size_bytes,
        id: said.snapshot_id,
        source_volume_id: said.source_volume_id,
        created_at: said.creation_time.map_or(0, nanos),
        status: Some(v0::SnapshotStatus { r#type: progress.into(), details: String::new() }),
    }
}
