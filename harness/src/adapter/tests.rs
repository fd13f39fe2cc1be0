//! The adapter over small scripts that write down how they were called: which operation each CSI
//! call becomes, and what a script's answer becomes. Must not need root: real devices are in
//! `tests/cli/flexvolume.rs`.

use std::{collections::HashMap, fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use csi_stretch_proto::csi::v1::{
    CapacityRange, ControllerExpandVolumeRequest, ControllerGetCapabilitiesRequest,
    ControllerPublishVolumeRequest, ControllerUnpublishVolumeRequest, CreateVolumeRequest,
    NodeExpandVolumeRequest, NodeGetCapabilitiesRequest, NodePublishVolumeRequest,
    NodeUnpublishVolumeRequest, VolumeCapability,
    controller_server::Controller as _,
    node_server::Node as _,
    volume_capability::{AccessMode, AccessType, BlockVolume, MountVolume, access_mode::Mode},
};
use tonic::{Code, Request, Status};

use super::*;

/// Writes down what it is asked, and answers from `$2` on as a table of `case` says.
struct Rig {
    dir: tempfile::TempDir,
    adapter: Adapter,
}

const SUCCESS: &str = r#"echo '{"status":"Success"}'"#;
const NO_ATTACH: &str = r#"echo '{"status":"Success","capabilities":{"attach":false}}'"#;
const WHOLE_GROWTH: &str =
    r#"echo '{"status":"Success","capabilities":{"requiresFSResize":false}}'"#;

impl Rig {
    /// What is not in the table is not supported.
    async fn new(table: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("driver");
        let cases = table.iter().map(|(operation, act)| format!("{operation}) {act} ;;\n"));
        let cases: String = cases.collect();
        let text = format!(
            "#!/bin/sh\necho \"$@\" >>\"$0.log\"\ncase $1 in\n{cases}\
             *) echo '{{\"status\":\"Not supported\"}}' ;;\nesac\n"
        );
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let adapter = start(&path).await;
        let rig = Self { dir, adapter };
        fs::write(rig.dir.path().join("driver.log"), "").unwrap();
        rig
    }

    fn target(&self) -> String {
        self.dir.path().join("target").display().to_string()
    }

    /// The operations asked for so far, the words of each that are no JSON.
    fn asked(&self) -> Vec<String> {
        let text = fs::read_to_string(self.dir.path().join("driver.log")).unwrap();
        let words = |line: &str| -> Vec<String> {
            line.split(' ').filter(|word| !word.starts_with('{')).map(str::to_owned).collect()
        };
        text.lines().map(|line| words(line).join(" ").replace(&self.target(), "TARGET")).collect()
    }

    async fn publish(&self) -> Result<(), Status> {
        let request = NodePublishVolumeRequest {
            volume_id: "v".into(),
            target_path: self.target(),
            volume_capability: Some(mount()),
            publish_context: HashMap::from([(DEVICE.to_owned(), "/dev/x".to_owned())]),
            ..NodePublishVolumeRequest::default()
        };
        self.adapter.node_publish_volume(Request::new(request)).await.map(drop)
    }

    async fn grow(&self, required: i64, limit: i64) -> Result<(i64, bool), Status> {
        let request = ControllerExpandVolumeRequest {
            volume_id: "v".into(),
            capacity_range: Some(CapacityRange { required_bytes: required, limit_bytes: limit }),
            ..ControllerExpandVolumeRequest::default()
        };
        let reply = self.adapter.controller_expand_volume(Request::new(request)).await?;
        let reply = reply.into_inner();
        Ok((reply.capacity_bytes, reply.node_expansion_required))
    }

    /// Numbers of capabilities.
    async fn capabilities(&self) -> (usize, usize) {
        let controller = Request::new(ControllerGetCapabilitiesRequest {});
        let controller = self.adapter.controller_get_capabilities(controller).await.unwrap();
        let node = Request::new(NodeGetCapabilitiesRequest {});
        let node = self.adapter.node_get_capabilities(node).await.unwrap();
        (controller.into_inner().capabilities.len(), node.into_inner().capabilities.len())
    }
}

async fn start(path: &Path) -> Adapter {
    let deadline = Duration::from_secs(20);
    Adapter::start(path, BTreeMap::new(), deadline, "a.b".into(), "here".into()).await.unwrap()
}

fn mount() -> VolumeCapability {
    VolumeCapability {
        access_mode: Some(AccessMode { mode: Mode::SingleNodeWriter.into() }),
        access_type: Some(AccessType::Mount(MountVolume::default())),
    }
}

fn code<T>(result: &Result<T, Status>) -> Code {
    result.as_ref().err().map_or(Code::Ok, Status::code)
}

#[tokio::test]
async fn a_device_is_attached_waited_for_and_mounted() {
    let device = r#"echo '{"status":"Success","device":"/dev/y"}'"#;
    let table = [("init", SUCCESS), ("attach|waitforattach", device), ("mountdevice", SUCCESS)];
    let rig = Rig::new(&table).await;
    let attach = ControllerPublishVolumeRequest {
        volume_id: "v".into(),
        node_id: "n".into(),
        volume_capability: Some(mount()),
        ..ControllerPublishVolumeRequest::default()
    };
    let reply = rig.adapter.controller_publish_volume(Request::new(attach)).await.unwrap();
    assert_eq!(reply.into_inner().publish_context[DEVICE], "/dev/y");
    rig.publish().await.unwrap();
    let want = ["attach n", "getvolumename", "waitforattach /dev/x", "mountdevice TARGET /dev/y"];
    assert_eq!(rig.asked(), want);
}

#[tokio::test]
async fn without_attach_it_is_mounted_and_nothing_is_attached() {
    let rig = Rig::new(&[("init", NO_ATTACH), ("mount", SUCCESS)]).await;
    rig.publish().await.unwrap();
    assert_eq!(rig.asked(), ["getvolumename", "mount TARGET"]);
    let detach = ControllerUnpublishVolumeRequest::default();
    let detach = rig.adapter.controller_unpublish_volume(Request::new(detach)).await;
    assert_eq!(code(&detach), Code::Unimplemented);
    assert_eq!(rig.capabilities().await, (0, 0));
}

#[tokio::test]
async fn a_driver_that_cannot_detach_need_not() {
    let rig = Rig::new(&[("init", SUCCESS)]).await;
    let detach = ControllerUnpublishVolumeRequest {
        volume_id: "v".into(),
        ..ControllerUnpublishVolumeRequest::default()
    };
    rig.adapter.controller_unpublish_volume(Request::new(detach)).await.unwrap();
    assert_eq!(rig.asked(), ["detach v here"]);
}

#[tokio::test]
async fn a_failed_mount_leaves_no_folder() {
    let failure = r#"echo '{"status":"Failure","message":"no such bucket"}'; exit 1"#;
    let rig = Rig::new(&[("init", NO_ATTACH), ("mount", failure)]).await;
    let status = rig.publish().await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Internal, "mount: no such bucket"));
    assert!(!PathBuf::from(rig.target()).exists());
}

#[rstest::rstest]
#[case::the_asked_size(SUCCESS, Ok((7, true)))]
#[case::its_own_size(r#"echo '{"status":"Success","volumeNewSize":9}'"#, Ok((9, true)))]
#[case::less(r#"echo '{"status":"Success","volumeNewSize":6}'"#, Err(Code::Internal))]
#[case::over_the_limit(r#"echo '{"status":"Success","volumeNewSize":11}'"#, Err(Code::OutOfRange))]
#[case::a_code(r#"echo '{"status":"Failure","code":"NOT_FOUND"}'"#, Err(Code::NotFound))]
#[tokio::test]
async fn growth_is_told_in_the_drivers_words(
    #[case] act: &str,
    #[case] want: Result<(i64, bool), Code>,
) {
    let rig = Rig::new(&[("init", SUCCESS), ("expandvolume", act), ("expandfs", SUCCESS)]).await;
    assert_eq!(rig.capabilities().await, (2, 1));
    assert_eq!(rig.grow(7, 10).await.map_err(|status| status.code()), want);
    assert_eq!(rig.asked(), ["expandvolume  7 0"]);
}

#[tokio::test]
async fn a_file_system_that_grows_along_needs_no_step_on_the_node() {
    let rig = Rig::new(&[("init", WHOLE_GROWTH), ("expandvolume", SUCCESS)]).await;
    assert_eq!(rig.capabilities().await, (2, 0));
    assert_eq!(rig.grow(7, 0).await.unwrap(), (7, false));
}

/// An orchestrator of FlexVolume takes this for a success: the volume is called larger, and nothing
/// has grown.
#[rstest::rstest]
#[case::nothing(&[])]
#[case::only_the_device(&[("expandvolume", SUCCESS)])]
#[case::no_json(&[("*", "echo usage")])]
#[tokio::test]
async fn growth_that_cannot_be_is_not_declared(#[case] table: &[(&str, &str)]) {
    let rig = Rig::new(&[&[("init", SUCCESS)], table].concat()).await;
    assert_eq!(rig.capabilities().await, (1, 0));
    assert_eq!(code(&rig.grow(7, 0).await), Code::Unimplemented);
    let request = NodeExpandVolumeRequest::default();
    let grown = rig.adapter.node_expand_volume(Request::new(request)).await;
    assert_eq!(code(&grown), Code::Unimplemented);
    assert_eq!(rig.asked(), Vec::<String>::new());
}

#[rstest::rstest]
#[case::no_range(0, 0)]
#[case::inverted(8, 7)]
#[case::negative(-1, 0)]
#[tokio::test]
async fn a_range_that_cannot_be_never_reaches_the_driver(#[case] least: i64, #[case] most: i64) {
    let table = [("init", SUCCESS), ("expandvolume|expandfs", SUCCESS)];
    let rig = Rig::new(&table).await;
    assert_eq!(code(&rig.grow(least, most).await), Code::InvalidArgument);
    assert_eq!(rig.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn what_flexvolume_has_no_words_for_is_refused() {
    let rig = Rig::new(&[("init", NO_ATTACH), ("mount", SUCCESS)]).await;
    let block =
        VolumeCapability { access_type: Some(AccessType::Block(BlockVolume {})), ..mount() };
    let flags = MountVolume { mount_flags: vec!["noatime".into()], ..MountVolume::default() };
    let flags = VolumeCapability { access_type: Some(AccessType::Mount(flags)), ..mount() };
    let many = AccessMode { mode: Mode::MultiNodeMultiWriter.into() };
    let many = VolumeCapability { access_mode: Some(many), ..mount() };
    for capability in [block, flags, many] {
        let request = NodePublishVolumeRequest {
            volume_id: "v".into(),
            target_path: rig.target(),
            volume_capability: Some(capability),
            ..NodePublishVolumeRequest::default()
        };
        let published = rig.adapter.node_publish_volume(Request::new(request)).await;
        assert_eq!(code(&published), Code::InvalidArgument);
    }
    let created = CreateVolumeRequest { name: "v".into(), ..CreateVolumeRequest::default() };
    let created = rig.adapter.create_volume(Request::new(created)).await;
    assert_eq!(code(&created), Code::Unimplemented);
    assert_eq!(rig.asked(), Vec::<String>::new());
}

/// Mounts a folder with the smallest of the example drivers, or with one that cannot even unmount.
#[rstest::rstest]
#[case::unmounts(None)]
#[case::leaves_it_to_the_adapter(Some("unmount"))]
#[tokio::test]
async fn loop_a_folder_is_published_once_and_unpublished(#[case] without: Option<&str>) {
    let has_jq = std::process::Command::new("jq").arg("--version").output().is_ok();
    if !nix::unistd::geteuid().is_root() || !has_jq {
        println!("skipped: needs root and jq");
        return;
    }
    let folders = concat!(env!("CARGO_MANIFEST_DIR"), "/../mock-driver/flexvolume/folders");
    let dir = tempfile::tempdir().unwrap();
    let driver = dir.path().join("driver");
    let state = dir.path().display();
    let none = without.unwrap_or("-");
    let text = format!(
        "#!/bin/sh\n[ \"$1\" != {none} ] || {{ echo '{{\"status\":\"Not supported\"}}'; exit; }}\n\
         FLEX_STATE={state}/state exec {folders} \"$@\"\n"
    );
    fs::write(&driver, text).unwrap();
    fs::set_permissions(&driver, fs::Permissions::from_mode(0o755)).unwrap();
    let adapter = start(&driver).await;
    let target = dir.path().join("target");
    let publish = |readonly| {
        let request = NodePublishVolumeRequest {
            volume_id: "v".into(),
            target_path: target.display().to_string(),
            volume_capability: Some(mount()),
            readonly,
            ..NodePublishVolumeRequest::default()
        };
        adapter.node_publish_volume(Request::new(request))
    };
    publish(false).await.unwrap();
    publish(false).await.unwrap();
    assert_eq!(code(&publish(true).await), Code::AlreadyExists);
    fs::write(target.join("file"), "kept").unwrap();
    for _ in 0..2 {
        let request = NodeUnpublishVolumeRequest {
            volume_id: "v".into(),
            target_path: target.display().to_string(),
        };
        adapter.node_unpublish_volume(Request::new(request)).await.unwrap();
        assert!(!target.exists());
    }
    publish(true).await.unwrap();
    assert_eq!(fs::read_to_string(target.join("file")).unwrap(), "kept");
    assert!(fs::write(target.join("file"), "lost").is_err());
    nix::mount::umount(&target).unwrap();
}
