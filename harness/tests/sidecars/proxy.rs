//! Stands between a sidecar and its driver, and keeps what was asked and answered. One for each
//! sidecar, so that it is known who called.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use csi_stretch_proto::csi::v1::{
    controller_client::ControllerClient,
    controller_server::{Controller, ControllerServer},
    identity_client::IdentityClient,
    identity_server::{Identity, IdentityServer},
    *,
};
use tokio::{net::UnixListener, runtime::Runtime};
use tokio_stream::wrappers::UnixListenerStream;
use tonic::{Code, Request, Response, Status, async_trait, transport::Channel};

/// A call and its answer, as far as they are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub method: &'static str,
    /// `required_bytes`, where the call has it.
    pub bytes: i64,
    /// The access mode, where the call has one.
    pub mode: i32,
    pub code: Code,
}

pub type Calls = Arc<Mutex<Vec<Call>>>;

/// Serves at `listen` until the runtime ends.
pub fn start(runtime: &Runtime, listen: PathBuf, driver: Channel) -> Calls {
    let calls = Calls::default();
    let proxy = Proxy { driver, calls: Arc::clone(&calls) };
    let _entered = runtime.enter();
    let listener = UnixListener::bind(listen).unwrap();
    runtime.spawn(
        tonic::transport::Server::builder()
            .add_service(IdentityServer::new(proxy.clone()))
            .add_service(ControllerServer::new(proxy))
            .serve_with_incoming(UnixListenerStream::new(listener)),
    );
    calls
}

#[derive(Clone)]
struct Proxy {
    driver: Channel,
    calls: Calls,
}

/// What of a request is compared.
trait Asked {
    fn bytes(&self) -> i64 {
        0
    }
    fn mode(&self) -> i32 {
        0
    }
}

fn required(range: Option<&CapacityRange>) -> i64 {
    range.map_or(0, |range| range.required_bytes)
}

fn access(capability: Option<&VolumeCapability>) -> i32 {
    capability.and_then(|capability| capability.access_mode).map_or(0, |mode| mode.mode)
}

impl Asked for CreateVolumeRequest {
    fn bytes(&self) -> i64 {
        required(self.capacity_range.as_ref())
    }
    fn mode(&self) -> i32 {
        access(self.volume_capabilities.first())
    }
}

impl Asked for ControllerExpandVolumeRequest {
    fn bytes(&self) -> i64 {
        required(self.capacity_range.as_ref())
    }
    fn mode(&self) -> i32 {
        access(self.volume_capability.as_ref())
    }
}

impl Asked for ControllerPublishVolumeRequest {
    fn mode(&self) -> i32 {
        access(self.volume_capability.as_ref())
    }
}

macro_rules! nothing_asked {
    ($($request:ident),*) => { $(impl Asked for $request {})* };
}

nothing_asked!(
    GetPluginInfoRequest,
    GetPluginCapabilitiesRequest,
    ProbeRequest,
    DeleteVolumeRequest,
    ControllerUnpublishVolumeRequest,
    ValidateVolumeCapabilitiesRequest,
    ListVolumesRequest,
    GetCapacityRequest,
    ControllerGetCapabilitiesRequest,
    CreateSnapshotRequest,
    DeleteSnapshotRequest,
    ListSnapshotsRequest,
    GetSnapshotRequest,
    ControllerGetVolumeRequest,
    ControllerModifyVolumeRequest
);

/// Each call goes on as it is, and so does its answer.
macro_rules! forwarded {
    ($service:ident by $client:ident: $($method:ident $name:literal ($request:ident) -> $response:ident;)*) => {
        #[async_trait]
        impl $service for Proxy { $(
            async fn $method(
                &self,
                request: Request<$request>,
            ) -> Result<Response<$response>, Status> {
                let (bytes, mode) = (request.get_ref().bytes(), request.get_ref().mode());
                let mut client = $client::new(self.driver.clone());
                let answer = client.$method(request.into_inner()).await;
                let code = answer.as_ref().map_or_else(Status::code, |_| Code::Ok);
                self.calls.lock().unwrap().push(Call { method: $name, bytes, mode, code });
                answer
            }
        )* }
    };
}

forwarded! { Identity by IdentityClient:
    get_plugin_info "GetPluginInfo" (GetPluginInfoRequest) -> GetPluginInfoResponse;
    get_plugin_capabilities "GetPluginCapabilities" (GetPluginCapabilitiesRequest)
        -> GetPluginCapabilitiesResponse;
    probe "Probe" (ProbeRequest) -> ProbeResponse;
}

forwarded! { Controller by ControllerClient:
    create_volume "CreateVolume" (CreateVolumeRequest) -> CreateVolumeResponse;
    delete_volume "DeleteVolume" (DeleteVolumeRequest) -> DeleteVolumeResponse;
    controller_publish_volume "ControllerPublishVolume" (ControllerPublishVolumeRequest)
        -> ControllerPublishVolumeResponse;
    controller_unpublish_volume "ControllerUnpublishVolume" (ControllerUnpublishVolumeRequest)
        -> ControllerUnpublishVolumeResponse;
    validate_volume_capabilities "ValidateVolumeCapabilities"
        (ValidateVolumeCapabilitiesRequest) -> ValidateVolumeCapabilitiesResponse;
    list_volumes "ListVolumes" (ListVolumesRequest) -> ListVolumesResponse;
    get_capacity "GetCapacity" (GetCapacityRequest) -> GetCapacityResponse;
    controller_get_capabilities "ControllerGetCapabilities"
        (ControllerGetCapabilitiesRequest) -> ControllerGetCapabilitiesResponse;
    create_snapshot "CreateSnapshot" (CreateSnapshotRequest) -> CreateSnapshotResponse;
    delete_snapshot "DeleteSnapshot" (DeleteSnapshotRequest) -> DeleteSnapshotResponse;
    list_snapshots "ListSnapshots" (ListSnapshotsRequest) -> ListSnapshotsResponse;
    get_snapshot "GetSnapshot" (GetSnapshotRequest) -> GetSnapshotResponse;
    controller_expand_volume "ControllerExpandVolume" (ControllerExpandVolumeRequest)
        -> ControllerExpandVolumeResponse;
    controller_get_volume "ControllerGetVolume" (ControllerGetVolumeRequest)
        -> ControllerGetVolumeResponse;
    controller_modify_volume "ControllerModifyVolume" (ControllerModifyVolumeRequest)
        -> ControllerModifyVolumeResponse;
}
