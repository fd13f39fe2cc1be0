//! A cluster on one machine: the API server, the reference driver, the real sidecars in front of it.
//! What is left of Kubernetes is played here: who binds claims, who attaches, and the kubelet.

use std::{
    collections::HashMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use csi_stretch_proto::csi::v1::{
    CapacityRange, CreateVolumeRequest, DeleteVolumeRequest, NodeExpandVolumeRequest,
    NodePublishVolumeRequest, NodeStageVolumeRequest, NodeUnpublishVolumeRequest,
    NodeUnstageVolumeRequest, VolumeCapability,
    controller_client::ControllerClient,
    node_client::NodeClient,
    volume_capability::{AccessMode, AccessType, MountVolume},
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tonic::transport::{Channel, Endpoint};

use super::{
    Step,
    proxy::{self, Call, Calls},
    rig::{Api, JSON, MERGE},
};

pub const SIDECARS: [&str; 3] = ["csi-provisioner", "csi-attacher", "csi-resizer"];

const DRIVER: &str = "mock.csi-stretch.example";
const CLAIMS: &str = "/api/v1/namespaces/default/persistentvolumeclaims";
const CLAIM: &str = "/api/v1/namespaces/default/persistentvolumeclaims/data";
const STATUS: &str = "/api/v1/namespaces/default/persistentvolumeclaims/data/status";
const PODS: &str = "/api/v1/namespaces/default/pods";
const VOLUMES: &str = "/api/v1/persistentvolumes";
const ATTACHMENTS: &str = "/apis/storage.k8s.io/v1/volumeattachments";

const PATIENCE: Duration = Duration::from_secs(60);

const OBJECTS: &str = "
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: { name: grows }
provisioner: mock.csi-stretch.example
allowVolumeExpansion: true
reclaimPolicy: Delete
parameters: { csi.storage.k8s.io/fstype: ext4 }
---
apiVersion: storage.k8s.io/v1
kind: CSIDriver
metadata: { name: mock.csi-stretch.example }
spec: { attachRequired: true }
---
apiVersion: v1
kind: Node
metadata: { name: worker }
---
apiVersion: storage.k8s.io/v1
kind: CSINode
metadata: { name: worker }
spec: { drivers: [{ name: mock.csi-stretch.example, nodeID: node-1 }] }
";

/// Where `ci/drivers/build` puts them; the error says which have to be built. csi-provisioner has
/// libraries of its own, which take minutes more to build: without it, its part is played.
pub fn binaries() -> Result<PathBuf, String> {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from);
    let folder = target.join("drivers");
    let (_, needed) = SIDECARS.split_at(1);
    match needed.iter().find(|name| !folder.join(name).is_file()) {
        None => Ok(folder),
        Some(name) => Err(format!("needs {name}: ci/drivers/build {}", needed.join(" "))),
    }
}

pub struct Lab {
    api: Api,
    runtime: Runtime,
    driver: Channel,
    calls: HashMap<&'static str, Calls>,
    processes: Vec<Child>,
}

impl Lab {
    /// With a driver of this profile.
    pub fn start(binaries: &Path, profile: &str) -> Self {
        let api = Api::start(OBJECTS);
        let runtime = Runtime::new().unwrap();
        let mut processes = vec![mock(&api, profile)];
        let socket = api.path("driver.sock");
        wait("the driver", || std::os::unix::net::UnixStream::connect(&socket).is_ok());
        let endpoint = Endpoint::from_shared(format!("unix://{}", socket.display())).unwrap();
        let driver = runtime.block_on(endpoint.connect()).unwrap();
        let mut calls = HashMap::new();
        for name in SIDECARS.into_iter().filter(|name| binaries.join(name).is_file()) {
            let socket = api.path(&format!("{name}.sock"));
            calls.insert(name, proxy::start(&runtime, socket.clone(), driver.clone()));
            processes.push(sidecar(&api, &binaries.join(name), name, &socket));
        }
        Self { api, runtime, driver, calls, processes }
    }

    pub fn perform(&mut self, step: Step) {
        match step {
            Step::Create(size) => self.create(size),
            Step::StartPod => self.start_pod(),
            Step::EndPod => self.end_pod(),
            Step::Ask(size) => self.ask(size),
            Step::Await(size, state) => self.await_resize(size, state),
            Step::Calls(sidecar, count) => {
                let done = || self.calls(sidecar).is_some_and(|calls| calls.len() >= count);
                self.wait(&format!("call {count} of {sidecar}"), done);
            }
            Step::ExpandOnNode => self.expand_on_node(),
            Step::Delete => self.delete(),
        }
    }

    /// What a sidecar has called so far; `None` if it is not there.
    pub fn calls(&self, sidecar: &str) -> Option<Vec<Call>> {
        Some(self.calls.get(sidecar)?.lock().unwrap().clone())
    }

    /// A claim, and a volume for it.
    fn create(&self, size: &str) {
        let made = self.api.post(
            CLAIMS,
            &json!({
                "metadata": {
                    "name": "data",
                    "annotations": {
                        "volume.kubernetes.io/storage-provisioner": DRIVER,
                        "volume.beta.kubernetes.io/storage-provisioner": DRIVER,
                    },
                },
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "storageClassName": "grows",
                    "resources": { "requests": { "storage": size } },
                },
            }),
        );
        assert_eq!(made.code, 201, "{}", made.body);
        if self.calls("csi-provisioner").is_none() {
            self.provision();
        }
        self.wait("a volume", || self.find_volume().is_some());
        self.bind();
    }

    /// As csi-provisioner does it.
    fn provision(&self) {
        let claim = self.claim();
        let (uid, size) = (&claim["metadata"]["uid"], &claim["spec"]["resources"]["requests"]);
        let name = format!("pvc-{}", uid.as_str().unwrap());
        let request = CreateVolumeRequest {
            name: name.clone(),
            capacity_range: range(&size["storage"]),
            volume_capabilities: vec![capability()],
            ..CreateVolumeRequest::default()
        };
        let mut controller = ControllerClient::new(self.driver.clone());
        let reply = self.runtime.block_on(controller.create_volume(request)).unwrap().into_inner();
        let handle = reply.volume.unwrap().volume_id;
        let spec = json!({
            "capacity": size,
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "grows",
            "claimRef": { "namespace": "default", "name": "data", "uid": uid },
            "csi": { "driver": DRIVER, "volumeHandle": handle, "fsType": "ext4" },
        });
        let made = self.api.post(VOLUMES, &json!({ "metadata": { "name": name }, "spec": spec }));
        assert_eq!(made.code, 201, "{}", made.body);
    }

    /// As kube-controller-manager does it.
    fn bind(&self) {
        let volume = self.volume();
        let name = volume["metadata"]["name"].as_str().unwrap();
        assert_eq!(volume["spec"]["claimRef"]["name"], "data");
        self.merge(CLAIM, &json!({ "spec": { "volumeName": name } }));
        let status = json!({ "phase": "Bound", "capacity": volume["spec"]["capacity"] });
        self.merge(STATUS, &json!({ "status": status }));
        let path = format!("{VOLUMES}/{name}/status");
        self.merge(&path, &json!({ "status": { "phase": "Bound" } }));
    }

    /// A pod comes to the node.
    fn start_pod(&self) {
        let volume = json!({ "name": "v", "persistentVolumeClaim": { "claimName": "data" } });
        let spec = json!({ "nodeName": "worker", "volumes": [volume] });
        self.api.post(PODS, &json!({ "metadata": { "name": "pod" }, "spec": spec }));
        self.merge(&format!("{PODS}/pod/status"), &json!({ "status": { "phase": "Running" } }));
        let volume = self.volume()["metadata"]["name"].clone();
        let source = json!({ "persistentVolumeName": volume });
        let spec = json!({ "attacher": DRIVER, "nodeName": "worker", "source": source });
        self.api.post(ATTACHMENTS, &json!({ "metadata": { "name": "va" }, "spec": spec }));
        let path = format!("{ATTACHMENTS}/va");
        self.wait("an attachment", || self.api.get(&path).body["status"]["attached"] == true);
        let context = self.api.get(&path).body["status"]["attachmentMetadata"].clone();
        self.bring_up(context);
        if self.is_pending() {
            self.expand_on_node();
        }
    }

    fn bring_up(&self, context: Value) {
        let publish_context = serde_json::from_value(context).unwrap_or_default();
        let volume_context =
            serde_json::from_value(self.volume()["spec"]["csi"]["volumeAttributes"].clone());
        let stage = NodeStageVolumeRequest {
            volume_id: self.handle(),
            publish_context,
            staging_target_path: self.staging(),
            volume_capability: Some(capability()),
            secrets: HashMap::new(),
            volume_context: volume_context.unwrap_or_default(),
        };
        let publish = NodePublishVolumeRequest {
            volume_id: self.handle(),
            publish_context: stage.publish_context.clone(),
            staging_target_path: self.staging(),
            target_path: self.target(),
            volume_capability: Some(capability()),
            readonly: false,
            secrets: HashMap::new(),
            volume_context: stage.volume_context.clone(),
        };
        let mut node = NodeClient::new(self.driver.clone());
        self.runtime.block_on(async {
            node.node_stage_volume(stage).await.unwrap();
            node.node_publish_volume(publish).await.unwrap();
        });
    }

    /// The pod goes, and its volume leaves the node.
    fn end_pod(&self) {
        let (volume_id, target_path) = (self.handle(), self.target());
        let unpublish = NodeUnpublishVolumeRequest { volume_id, target_path };
        let (volume_id, staging_target_path) = (self.handle(), self.staging());
        let unstage = NodeUnstageVolumeRequest { volume_id, staging_target_path };
        let mut node = NodeClient::new(self.driver.clone());
        self.runtime.block_on(async {
            node.node_unpublish_volume(unpublish).await.unwrap();
            node.node_unstage_volume(unstage).await.unwrap();
        });
        let path = format!("{ATTACHMENTS}/va");
        assert_eq!(self.api.delete(&path).code, 200);
        self.wait("a detachment", || self.api.get(&path).code == 404);
        // Last, so that no retry of csi-resizer falls between the two.
        let path = format!("{PODS}/pod");
        let gone = self.api.request("DELETE", &path, JSON, br#"{"gracePeriodSeconds":0}"#);
        assert_eq!(gone.code, 200, "{}", gone.body);
    }

    /// A user asks for another size.
    fn ask(&self, size: &str) {
        self.merge(CLAIM, &json!({ "spec": { "resources": { "requests": { "storage": size } } } }));
    }

    /// Waits until the controller's half is done with a size, or given up.
    fn await_resize(&self, size: &str, state: &str) {
        let at = |claim: &Value| {
            claim["status"]["allocatedResources"]["storage"] == size
                && claim["status"]["allocatedResourceStatuses"]["storage"] == state
        };
        self.wait(&format!("{state} at {size}"), || at(&self.claim()));
    }

    /// As the kubelet does it while a pod has the volume.
    fn expand_on_node(&self) {
        let wanted = self.claim()["status"]["allocatedResources"]["storage"].clone();
        let resizing =
            json!({ "allocatedResourceStatuses": { "storage": "NodeResizeInProgress" } });
        self.merge(STATUS, &json!({ "status": resizing }));
        let expand = NodeExpandVolumeRequest {
            volume_id: self.handle(),
            volume_path: self.target(),
            capacity_range: range(&wanted),
            staging_target_path: self.staging(),
            volume_capability: Some(capability()),
            secrets: HashMap::new(),
        };
        let mut node = NodeClient::new(self.driver.clone());
        self.runtime.block_on(node.node_expand_volume(expand)).unwrap();
        let done = json!({
            "capacity": { "storage": wanted },
            "allocatedResourceStatuses": null,
            "conditions": null,
        });
        self.merge(STATUS, &json!({ "status": done }));
    }

    /// The claim goes, and its volume with it.
    fn delete(&self) {
        let name = self.volume()["metadata"]["name"].as_str().unwrap().to_owned();
        assert_eq!(self.api.delete(CLAIM).code, 200);
        let path = format!("{VOLUMES}/{name}");
        self.merge(&format!("{path}/status"), &json!({ "status": { "phase": "Released" } }));
        if self.calls("csi-provisioner").is_none() {
            let volume_id = self.handle();
            let request = DeleteVolumeRequest { volume_id, secrets: HashMap::new() };
            let mut controller = ControllerClient::new(self.driver.clone());
            self.runtime.block_on(controller.delete_volume(request)).unwrap();
            assert_eq!(self.api.delete(&path).code, 200);
        }
        self.wait("the end of the volume", || self.api.get(&path).code == 404);
    }

    fn claim(&self) -> Value {
        self.api.get(CLAIM).body
    }

    fn is_pending(&self) -> bool {
        self.claim()["status"]["allocatedResourceStatuses"]["storage"] == "NodeResizePending"
    }

    fn find_volume(&self) -> Option<Value> {
        self.api.get(VOLUMES).body["items"].get(0).cloned()
    }

    fn volume(&self) -> Value {
        self.find_volume().expect("a volume")
    }

    fn handle(&self) -> String {
        self.volume()["spec"]["csi"]["volumeHandle"].as_str().unwrap().to_owned()
    }

    fn staging(&self) -> String {
        self.api.path("staging").display().to_string()
    }

    fn target(&self) -> String {
        self.api.path("target/mount").display().to_string()
    }

    fn merge(&self, path: &str, change: &Value) {
        let answer = self.api.patch(path, MERGE, change);
        assert_eq!(answer.code, 200, "{path} {change}: {}", answer.body);
    }

    fn wait(&self, what: &str, done: impl FnMut() -> bool) {
        wait_or(what, done, || self.logs());
    }

    /// The end of what everybody said, for a failure.
    fn logs(&self) -> String {
        let end_of = |name: &str| {
            let path = self.api.path(&format!("{name}.log"));
            let text = fs::read_to_string(path).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            format!("--- {name}\n{}", lines[lines.len().saturating_sub(25)..].join("\n"))
        };
        SIDECARS.iter().chain(&["driver"]).map(|name| end_of(name)).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for process in self.processes.iter_mut().rev() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// Of a size as the API has it, in whole GiB.
fn range(size: &Value) -> Option<CapacityRange> {
    let gigabytes: i64 = size.as_str()?.strip_suffix("Gi")?.parse().ok()?;
    Some(CapacityRange { required_bytes: gigabytes << 30, limit_bytes: 0 })
}

fn capability() -> VolumeCapability {
    let mount = MountVolume { fs_type: "ext4".into(), ..MountVolume::default() };
    VolumeCapability {
        access_mode: Some(AccessMode { mode: 1 }),
        access_type: Some(AccessType::Mount(mount)),
    }
}

fn mock(api: &Api, profile: &str) -> Child {
    let path = api.path("profile.yaml");
    fs::write(&path, profile).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_csi-stretch"));
    let listen = format!("unix://{}", api.path("driver.sock").display());
    command.args(["mock", "--backing", "memory", "--listen", &listen]);
    command.arg("--state-dir").arg(api.path("driver")).arg("--profile").arg(path);
    spawn(command.env_remove("CSI_ENDPOINT"), &api.path("driver.log"))
}

fn sidecar(api: &Api, binary: &Path, name: &str, socket: &Path) -> Child {
    let mut command = Command::new(binary);
    command.arg("--kubeconfig").arg(api.path("kubeconfig"));
    command.arg("--csi-address").arg(socket).arg("--v=5").env_remove("KUBECONFIG");
    if name == "csi-attacher" {
        // Its look at what is attached is no part of any flow.
        command.arg("--reconcile-sync=1h");
    }
    spawn(&mut command, &api.path(&format!("{name}.log")))
}

fn spawn(command: &mut Command, log: &Path) -> Child {
    let log = File::create(log).unwrap();
    let error = log.try_clone().unwrap();
    command.stdin(Stdio::null()).stdout(log).stderr(error).spawn().unwrap()
}

fn wait(what: &str, done: impl FnMut() -> bool) {
    wait_or(what, done, String::new);
}

fn wait_or(what: &str, mut done: impl FnMut() -> bool, more: impl FnOnce() -> String) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        if Instant::now() >= deadline {
            let more = more();
            panic!("waited in vain for {what}\n{more}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
