//! A driver in this process on a socket of its own, and requests that are right to begin with.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    time::Duration,
};

use csi_stretch_mock::{BackingKind, Dialect, Options, Profile, ServeError, serve};
use csi_stretch_proto::{
    control::v1::{self as control, control_client::ControlClient},
    csi::v1::{
        self as csi, CapacityRange, VolumeCapability, VolumeContentSource,
        controller_client::ControllerClient,
        identity_client::IdentityClient,
        node_client::NodeClient,
        volume_capability::{AccessMode, AccessType, BlockVolume, MountVolume, access_mode::Mode},
        volume_content_source::{SnapshotSource, Type as SourceType, VolumeSource},
    },
};
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle};
use tonic::{
    Code, Status,
    transport::{Channel, Endpoint},
};

pub const MIB: i64 = 1 << 20;
pub const NODE: &str = "node-1";

/// Clients of one driver.
#[derive(Clone)]
pub struct Clients {
    pub identity: IdentityClient<Channel>,
    pub controller: ControllerClient<Channel>,
    pub node: NodeClient<Channel>,
    pub control: ControlClient<Channel>,
    /// Where staging and target paths go.
    pub paths: PathBuf,
}

/// A running driver.
pub struct Rig {
    pub c: Clients,
    pub folder: TempDir,
    profile: Profile,
    backing: BackingKind,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), ServeError>>,
}

impl Rig {
    /// Starts a memory driver on a new folder.
    pub async fn start(profile: &str) -> Self {
        Self::start_on(BackingKind::Memory, profile).await
    }

    pub async fn start_on(backing: BackingKind, profile: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let profile = Profile::parse(profile).unwrap();
        let (stop, task) = launch(folder.path(), backing, profile.clone(), false);
        let c = connect(folder.path()).await;
        Self { c, folder, profile, backing, stop: Some(stop), task }
    }

    /// Ends the driver and starts a new one on the same folder.
    pub async fn restart(&mut self) {
        self.end().await.unwrap();
        let (stop, task) = launch(self.folder.path(), self.backing, self.profile.clone(), false);
        (self.stop, self.task) = (Some(stop), task);
        self.c = connect(self.folder.path()).await;
    }

    /// Ends the driver, then starts and ends one that removes everything.
    pub async fn clear(mut self) {
        self.end().await.unwrap();
        let (stop, task) = launch(self.folder.path(), self.backing, self.profile.clone(), true);
        (self.stop, self.task) = (Some(stop), task);
        connect(self.folder.path()).await;
        self.end().await.unwrap();
        let left: Vec<_> = std::fs::read_dir(self.folder.path().join("state"))
            .map(|entries| entries.map(|e| e.unwrap().file_name()).collect())
            .unwrap_or_default();
        assert!(left.is_empty(), "left in the state folder: {left:?}");
    }

    async fn end(&mut self) -> Result<(), ServeError> {
        drop(self.stop.take());
        (&mut self.task).await.unwrap()
    }
}

fn launch(
    folder: &Path,
    backing: BackingKind,
    profile: Profile,
    remove_on_exit: bool,
) -> (oneshot::Sender<()>, JoinHandle<Result<(), ServeError>>) {
    let (stop, stopped) = oneshot::channel::<()>();
    let options = Options {
        listen: endpoint(folder),
        tls: None,
        state_dir: folder.join("state"),
        backing,
        dialect: Dialect::V1,
        profile,
        remove_on_exit,
        defect: None,
    };
    let task = tokio::spawn(async move {
        serve(options, async {
            let _ = stopped.await;
        })
        .await
    });
    (stop, task)
}

pub fn endpoint(folder: &Path) -> String {
    format!("unix://{}", folder.join("csi.sock").display())
}

/// Connects, waiting for the driver to come up.
pub async fn connect(folder: &Path) -> Clients {
    let endpoint = Endpoint::from_shared(endpoint(folder)).unwrap();
    for _ in 0..400 {
        if let Ok(channel) = endpoint.connect().await {
            return Clients {
                identity: IdentityClient::new(channel.clone()),
                controller: ControllerClient::new(channel.clone()),
                node: NodeClient::new(channel.clone()),
                control: ControlClient::new(channel).max_decoding_message_size(16 << 20),
                paths: folder.join("paths"),
            };
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("no driver came up on {endpoint:?}");
}

/// Makes an enum of all calls, so that a table of them can be sent one by one.
macro_rules! calls {
    ($($name:ident($request:ty) = $client:ident.$method:ident),* $(,)?) => {
        #[derive(Debug, Clone)]
        pub enum Call { $($name($request)),* }

        impl Clients {
            /// Sends any call and keeps only its code and message.
            pub async fn send(&self, call: Call) -> Result<(), Status> {
                let mut c = self.clone();
                match call { $(Call::$name(r) => c.$client.$method(r).await.map(drop)),* }
            }
        }
    };
}

calls!(
    Create(csi::CreateVolumeRequest) = controller.create_volume,
    Delete(csi::DeleteVolumeRequest) = controller.delete_volume,
    Publish(csi::ControllerPublishVolumeRequest) = controller.controller_publish_volume,
    Unpublish(csi::ControllerUnpublishVolumeRequest) = controller.controller_unpublish_volume,
    Validate(csi::ValidateVolumeCapabilitiesRequest) = controller.validate_volume_capabilities,
    List(csi::ListVolumesRequest) = controller.list_volumes,
    Capacity(csi::GetCapacityRequest) = controller.get_capacity,
    ControllerCapabilities(csi::ControllerGetCapabilitiesRequest) =
        controller.controller_get_capabilities,
    Snap(csi::CreateSnapshotRequest) = controller.create_snapshot,
    DeleteSnap(csi::DeleteSnapshotRequest) = controller.delete_snapshot,
    ListSnaps(csi::ListSnapshotsRequest) = controller.list_snapshots,
    GetSnap(csi::GetSnapshotRequest) = controller.get_snapshot,
    Expand(csi::ControllerExpandVolumeRequest) = controller.controller_expand_volume,
    Get(csi::ControllerGetVolumeRequest) = controller.controller_get_volume,
    Modify(csi::ControllerModifyVolumeRequest) = controller.controller_modify_volume,
    Stage(csi::NodeStageVolumeRequest) = node.node_stage_volume,
    Unstage(csi::NodeUnstageVolumeRequest) = node.node_unstage_volume,
    NodePublish(csi::NodePublishVolumeRequest) = node.node_publish_volume,
    NodeUnpublish(csi::NodeUnpublishVolumeRequest) = node.node_unpublish_volume,
    Stats(csi::NodeGetVolumeStatsRequest) = node.node_get_volume_stats,
    NodeExpand(csi::NodeExpandVolumeRequest) = node.node_expand_volume,
    Observe(control::ObserveRequest) = control.observe,
    Write(control::WriteRequest) = control.write,
    Read(control::ReadRequest) = control.read,
);

pub fn code<T>(result: &Result<T, Status>) -> Code {
    result.as_ref().err().map_or(Code::Ok, Status::code)
}

pub fn with_mode(access_type: AccessType, mode: Mode) -> VolumeCapability {
    let access_mode = Some(AccessMode { mode: mode.into() });
    VolumeCapability { access_type: Some(access_type), access_mode }
}

pub fn mount(fs_type: &str) -> VolumeCapability {
    let mount = MountVolume { fs_type: fs_type.into(), ..MountVolume::default() };
    with_mode(AccessType::Mount(mount), Mode::SingleNodeWriter)
}

pub fn block() -> VolumeCapability {
    with_mode(AccessType::Block(BlockVolume {}), Mode::SingleNodeWriter)
}

#[expect(clippy::unnecessary_wraps, reason = "requests have an Option there")]
pub fn range(required_bytes: i64, limit_bytes: i64) -> Option<CapacityRange> {
    Some(CapacityRange { required_bytes, limit_bytes })
}

pub fn create(name: &str, capability: VolumeCapability, bytes: i64) -> csi::CreateVolumeRequest {
    csi::CreateVolumeRequest {
        name: name.into(),
        capacity_range: range(bytes, 0),
        volume_capabilities: vec![capability],
        ..csi::CreateVolumeRequest::default()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "requests have an Option there")]
pub fn from_snapshot(id: &str) -> Option<VolumeContentSource> {
    let source = SnapshotSource { snapshot_id: id.into() };
    Some(VolumeContentSource { r#type: Some(SourceType::Snapshot(source)) })
}

#[expect(clippy::unnecessary_wraps, reason = "requests have an Option there")]
pub fn from_volume(id: &str) -> Option<VolumeContentSource> {
    let source = VolumeSource { volume_id: id.into() };
    Some(VolumeContentSource { r#type: Some(SourceType::Volume(source)) })
}

pub fn expand(id: &str, bytes: i64) -> csi::ControllerExpandVolumeRequest {
    csi::ControllerExpandVolumeRequest {
        volume_id: id.into(),
        capacity_range: range(bytes, 0),
        ..csi::ControllerExpandVolumeRequest::default()
    }
}

pub fn snap(name: &str, volume: &str) -> csi::CreateSnapshotRequest {
    csi::CreateSnapshotRequest {
        name: name.into(),
        source_volume_id: volume.into(),
        ..csi::CreateSnapshotRequest::default()
    }
}

/// Every way to send a volume up and down, for one volume and one capability.
#[derive(Debug, Clone)]
pub struct Way {
    pub id: String,
    pub capability: VolumeCapability,
    pub staging: String,
    pub target: String,
}

impl Clients {
    pub fn way(&self, id: &str, capability: VolumeCapability) -> Way {
        let at = |kind: &str| self.paths.join(id).join(kind).to_str().unwrap().to_owned();
        Way { id: id.into(), capability, staging: at("staging"), target: at("target") }
    }

    /// Creates a volume and returns its id.
    pub async fn make(&self, request: csi::CreateVolumeRequest) -> String {
        let reply = self.clone().controller.create_volume(request).await.unwrap();
        reply.into_inner().volume.unwrap().volume_id
    }

    /// Controller publish, stage, node publish.
    pub async fn bring_up(&self, way: &Way) {
        for call in way.up() {
            self.send(call).await.unwrap();
        }
    }

    pub async fn take_down(&self, way: &Way) {
        for call in way.down() {
            self.send(call).await.unwrap();
        }
    }

    pub async fn observe(&self, path: &str) -> control::ObserveResponse {
        let request = control::ObserveRequest { path: path.into() };
        self.clone().control.observe(request).await.unwrap().into_inner()
    }

    pub async fn write(&self, path: &str, file: &str, offset: i64, data: &[u8]) -> Code {
        let (path, file, data) = (path.into(), file.into(), data.into());
        let request = control::WriteRequest { path, file, offset, data };
        code(&self.clone().control.write(request).await)
    }

    pub async fn read(&self, path: &str, file: &str, offset: i64, length: i64) -> Vec<u8> {
        let (path, file) = (path.into(), file.into());
        let request = control::ReadRequest { path, file, offset, length };
        self.clone().control.read(request).await.unwrap().into_inner().data
    }

    /// The size that ListVolumes shows for each volume.
    pub async fn sizes(&self) -> HashMap<String, i64> {
        let request = csi::ListVolumesRequest::default();
        let reply = self.clone().controller.list_volumes(request).await.unwrap().into_inner();
        let volumes = reply.entries.into_iter().filter_map(|entry| entry.volume);
        volumes.map(|v| (v.volume_id, v.capacity_bytes)).collect()
    }
}

impl Way {
    pub fn publish(&self) -> csi::ControllerPublishVolumeRequest {
        csi::ControllerPublishVolumeRequest {
            volume_id: self.id.clone(),
            node_id: NODE.into(),
            volume_capability: Some(self.capability.clone()),
            ..csi::ControllerPublishVolumeRequest::default()
        }
    }

    pub fn stage(&self) -> csi::NodeStageVolumeRequest {
        csi::NodeStageVolumeRequest {
            volume_id: self.id.clone(),
            staging_target_path: self.staging.clone(),
            volume_capability: Some(self.capability.clone()),
            ..csi::NodeStageVolumeRequest::default()
        }
    }

    pub fn node_publish(&self) -> csi::NodePublishVolumeRequest {
        csi::NodePublishVolumeRequest {
            volume_id: self.id.clone(),
            staging_target_path: self.staging.clone(),
            target_path: self.target.clone(),
            volume_capability: Some(self.capability.clone()),
            ..csi::NodePublishVolumeRequest::default()
        }
    }

    pub fn node_unpublish(&self) -> csi::NodeUnpublishVolumeRequest {
        let (volume_id, target_path) = (self.id.clone(), self.target.clone());
        csi::NodeUnpublishVolumeRequest { volume_id, target_path }
    }

    pub fn unstage(&self) -> csi::NodeUnstageVolumeRequest {
        let (volume_id, staging_target_path) = (self.id.clone(), self.staging.clone());
        csi::NodeUnstageVolumeRequest { volume_id, staging_target_path }
    }

    pub fn unpublish(&self) -> csi::ControllerUnpublishVolumeRequest {
        csi::ControllerUnpublishVolumeRequest {
            volume_id: self.id.clone(),
            node_id: NODE.into(),
            ..csi::ControllerUnpublishVolumeRequest::default()
        }
    }

    pub fn node_expand(&self) -> csi::NodeExpandVolumeRequest {
        csi::NodeExpandVolumeRequest {
            volume_id: self.id.clone(),
            volume_path: self.target.clone(),
            ..csi::NodeExpandVolumeRequest::default()
        }
    }

    pub fn stats(&self) -> csi::NodeGetVolumeStatsRequest {
        csi::NodeGetVolumeStatsRequest {
            volume_id: self.id.clone(),
            volume_path: self.target.clone(),
            ..csi::NodeGetVolumeStatsRequest::default()
        }
    }

    pub fn up(&self) -> [Call; 3] {
        let publish = Call::Publish(self.publish());
        [publish, Call::Stage(self.stage()), Call::NodePublish(self.node_publish())]
    }

    pub fn down(&self) -> [Call; 3] {
        let leave = Call::NodeUnpublish(self.node_unpublish());
        [leave, Call::Unstage(self.unstage()), Call::Unpublish(self.unpublish())]
    }
}
