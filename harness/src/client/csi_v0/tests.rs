//! What a csi.v0 driver is asked, and what becomes of its answers.

use std::path::Path;

use csi_stretch_oracle::{
    action::{Access, AccessMode, Capability, CapacityRange, Ref},
    history::Code,
};
use csi_stretch_proto::csi::v1;
use rstest::rstest;
use tempfile::TempDir;

use super::*;
use crate::client::channel::{self, Options};

mod servers;

use servers::{Asked, serve};

const DEADLINE: Duration = Duration::from_secs(20);

/// A driver with these answers, and UNIMPLEMENTED to everything else.
async fn driver(answers: &[(&'static str, Vec<u8>)]) -> (TempDir, CsiV0, Asked) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("csi.sock");
    let asked = serve(&path, answers);
    (dir, client(&path).await, asked)
}

async fn client(path: &Path) -> CsiV0 {
    let endpoint = path.display().to_string();
    let connection = channel::connect(&endpoint, &Options::default(), DEADLINE).await.unwrap();
    let secrets = [("key".to_owned(), "hunter2".to_owned())].into();
    CsiV0::split(connection.clone(), connection, Secrets::same_for_all(&secrets))
}

async fn ask(client: &CsiV0, rpc: Rpc) -> Reply {
    let completion = client.call(&Call::new(rpc), DEADLINE).await;
    completion.reply().unwrap_or_else(|| panic!("{completion:?}")).clone()
}

fn grow() -> Call {
    Call {
        volume: Some(Ref::Literal { literal: "qcfs-pvc".into() }),
        capacity_range: Some(CapacityRange { required: 400 << 30, limit: 0 }),
        capability: Some(Capability { access: Access::Block, mode: AccessMode::default() }),
        ..Call::new(Rpc::ControllerExpand)
    }
}

fn yes() -> Vec<u8> {
    v0::RequiresFsResizeResponse { requires_fs_resize: true }.encode_to_vec()
}

const INFO: &str = "/csi.v0.Node/NodeGetInfo";
const CAPABILITIES: &str = "/csi.v0.Controller/ControllerGetCapabilities";
/// `capabilities`, field 2: RPC types 1 and 1001.
const DECLARED: &[u8] = &[0x12, 4, 0x0a, 2, 8, 1, 0x12, 5, 0x0a, 3, 8, 0xe9, 7];

#[tokio::test]
async fn growth_is_a_question_and_a_call() {
    let resized = v0::ControllerResizeVolumeResponse { capacity_bytes: 400 << 30 };
    let (_dir, client, asked) = driver(&[
        (request::REQUIRES_FS_RESIZE, yes()),
        (request::CONTROLLER_RESIZE, resized.encode_to_vec()),
    ])
    .await;
    let completion = client.call(&grow(), DEADLINE).await;
    let reply = completion.reply().unwrap();
    assert_eq!(reply.capacity_bytes, Some(400 << 30));
    assert_eq!(reply.node_expansion_required, Some(true));
    let asked = asked.lock().unwrap();
    let paths: Vec<&str> = asked.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, [request::REQUIRES_FS_RESIZE, request::CONTROLLER_RESIZE]);
    let question = v0::RequiresFsResizeRequest::decode(asked[0].1.as_slice()).unwrap();
    assert_eq!(question.volume_id, "qcfs-pvc");
    assert!(question.volume_capability.is_some());
    let resize = v0::ControllerResizeVolumeRequest::decode(asked[1].1.as_slice()).unwrap();
    assert_eq!(resize.capacity_range.unwrap().required_bytes, 400 << 30);
    assert_eq!(resize.controller_resize_secrets["key"], "hunter2");
    assert!(resize.volume_capability.is_some());
}

#[tokio::test]
async fn nothing_grows_if_the_question_fails() {
    let (_dir, client, asked) = driver(&[(request::CONTROLLER_RESIZE, Vec::new())]).await;
    assert_eq!(client.call(&grow(), DEADLINE).await.code(), Code::Unimplemented);
    assert_eq!(asked.lock().unwrap().len(), 1);
}

/// What answers is offered, declared or not; what is declared and does not answer stays declared,
/// for the checks to find.
#[rstest]
#[case::plain(&[], &[], &["CREATE_DELETE_VOLUME", "EXPAND_VOLUME"], false)]
#[case::node(&[request::NODE_RESIZE], &[], &["CREATE_DELETE_VOLUME", "EXPAND_VOLUME"], true)]
#[case::both(&[request::REQUIRES_FS_RESIZE, request::CONTROLLER_RESIZE], &[], &["CREATE_DELETE_VOLUME", "EXPAND_VOLUME"], true)]
#[case::silent(&[request::REQUIRES_FS_RESIZE, request::CONTROLLER_RESIZE], b"", &["EXPAND_VOLUME"], true)]
#[case::half(&[request::REQUIRES_FS_RESIZE], b"", &[], false)]
#[case::v1s_number(&[], &[0x0a, 4, 0x0a, 2, 8, 1], &[], false)]
#[tokio::test]
async fn growth_is_found_by_asking(
    #[case] calls: &[&'static str],
    #[case] list: &[u8],
    #[case] names: &[&str],
    #[case] online: bool,
) {
    let declared = if list.is_empty() && names.len() == 2 { DECLARED } else { list };
    let plugin = v0::GetPluginCapabilitiesResponse::default().encode_to_vec();
    let mut answers: Vec<_> = calls.iter().map(|call| (*call, Vec::new())).collect();
    answers.push((CAPABILITIES, declared.to_vec()));
    answers.push(("/csi.v0.Identity/GetPluginCapabilities", plugin));
    let (_dir, client, _) = driver(&answers).await;
    let reply = ask(&client, Rpc::ControllerGetCapabilities).await;
    assert_eq!(reply.capabilities.unwrap(), names);
    let plugin = ask(&client, Rpc::GetPluginCapabilities).await.capabilities.unwrap();
    assert_eq!(plugin.contains(&"ONLINE".to_owned()), online);
}

/// CSI 0.2 has no NodeGetInfo.
#[rstest]
#[case::v02(&[(request::NODE_GET_ID, "old")], "old")]
#[case::v03(&[(request::NODE_GET_ID, "old"), (INFO, "new")], "new")]
#[tokio::test]
async fn a_node_has_an_id_in_both_versions(
    #[case] answers: &[(&'static str, &str)],
    #[case] want: &str,
) {
    let id = |id: &str| v0::NodeGetIdResponse { node_id: id.into() }.encode_to_vec();
    let answers: Vec<_> = answers.iter().map(|(path, text)| (*path, id(text))).collect();
    let (_dir, client, _) = driver(&answers).await;
    assert_eq!(ask(&client, Rpc::NodeGetInfo).await.text.as_deref(), Some(want));
}

#[tokio::test]
async fn what_has_other_numbers_is_translated() {
    const VALIDATE: &str = "/csi.v0.Controller/ValidateVolumeCapabilities";
    let snapshot = v0::Snapshot {
        size_bytes: 7,
        id: "s".into(),
        source_volume_id: "v".into(),
        created_at: 1,
        status: Some(v0::SnapshotStatus { r#type: 1, details: String::new() }),
    };
    let (_dir, client, asked) = driver(&[
        (VALIDATE, vec![8, 1]),
        (
            "/csi.v0.Controller/CreateSnapshot",
            v0::CreateSnapshotResponse { snapshot: Some(snapshot) }.encode_to_vec(),
        ),
    ])
    .await;
    let mut call = Call { rpc: Rpc::ValidateCapabilities, capacity_range: None, ..grow() };
    call.volume_context = Some([("a".to_owned(), "b".to_owned())].into());
    let said = client.call(&call, DEADLINE).await;
    assert_eq!(said.reply().unwrap().confirmed, Some(true));
    let bytes = asked.lock().unwrap()[0].1.clone();
    let request = v0::ValidateVolumeCapabilitiesRequest::decode(bytes.as_slice()).unwrap();
    assert_eq!((request.volume_capabilities.len(), request.volume_attributes.len()), (1, 1));
    assert!(v1::ValidateVolumeCapabilitiesRequest::decode(bytes.as_slice()).is_err());
    let reply = ask(&client, Rpc::CreateSnapshot).await;
    let snapshot = reply.snapshot.unwrap();
    assert!(snapshot.ready_to_use && snapshot.size_bytes == 7);
    assert_eq!(reply.creation_time, Some(true));
}
