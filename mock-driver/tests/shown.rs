//! What the driver says of itself and of what it has.

mod support;

use csi_stretch_proto::csi::v1 as csi;
use support::*;

#[tokio::test]
async fn lists_come_in_pages() {
    let rig = Rig::start("").await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(rig.c.make(create(&format!("v{n}"), block(), MIB)).await);
        rig.c.send(Call::Snap(snap(&format!("s{n}"), &ids[n % 2]))).await.unwrap();
    }
    let (mut seen, mut token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let request = csi::ListVolumesRequest { max_entries: 2, starting_token: token };
        let reply = rig.c.clone().controller.list_volumes(request).await.unwrap().into_inner();
        assert!(reply.entries.len() <= 2);
        assert!(reply.entries.iter().all(|e| e.status.is_some()));
        seen.extend(reply.entries.into_iter().map(|e| e.volume.unwrap().volume_id));
        token = reply.next_token;
        pages += 1;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!((seen, pages), (ids.clone(), 3));

    for (max_entries, source, expected, more) in
        [(0, &ids[0], 3, false), (2, &ids[0], 2, true), (0, &ids[4], 0, false)]
    {
        let request = csi::ListSnapshotsRequest {
            max_entries,
            source_volume_id: source.clone(),
            ..csi::ListSnapshotsRequest::default()
        };
        let reply = rig.c.clone().controller.list_snapshots(request).await.unwrap().into_inner();
        assert_eq!((reply.entries.len(), !reply.next_token.is_empty()), (expected, more));
    }
}

#[tokio::test]
async fn the_profile_is_what_is_declared() {
    let rig = Rig::start("{name: x.example, version: v7, node_id: n, expansion: [online, offline], controller: [create_delete_volume, expand_volume], node: [expand_volume]}").await;
    let mut c = rig.c.clone();
    let info = c.identity.get_plugin_info(csi::GetPluginInfoRequest {}).await.unwrap().into_inner();
    assert_eq!((info.name.as_str(), info.vendor_version.as_str()), ("x.example", "v7"));
    let reply = c.identity.get_plugin_capabilities(csi::GetPluginCapabilitiesRequest {}).await;
    assert_eq!(reply.unwrap().into_inner().capabilities.len(), 3);
    let ready = c.identity.probe(csi::ProbeRequest {}).await.unwrap().into_inner().ready;
    assert_eq!(ready, Some(true));
    let reply =
        c.controller.controller_get_capabilities(csi::ControllerGetCapabilitiesRequest {}).await;
    assert_eq!(reply.unwrap().into_inner().capabilities.len(), 2);
    let reply = c.node.node_get_capabilities(csi::NodeGetCapabilitiesRequest {}).await;
    assert_eq!(reply.unwrap().into_inner().capabilities.len(), 1);
    let reply = c.node.node_get_info(csi::NodeGetInfoRequest {}).await.unwrap();
    assert_eq!(reply.into_inner().node_id, "n");
}
