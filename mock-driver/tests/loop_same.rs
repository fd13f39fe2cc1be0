//! Both backings answer the same through gRPC: one story, told twice, compared line by line.

#![cfg(feature = "loop")]

mod support;

use std::path::Path;

use csi_stretch_mock::BackingKind;
use csi_stretch_proto::csi::v1 as csi;
use rstest::rstest;
use support::*;

const SMALL: i64 = 320 * MIB;
const LARGE: i64 = 448 * MIB;

#[rstest]
#[case::xfs(mount("xfs"))]
#[case::btrfs(mount("btrfs"))]
#[case::block(block())]
#[tokio::test(flavor = "multi_thread")]
async fn loop_both_backings_tell_the_same_story(#[case] capability: csi::VolumeCapability) {
    if !nix::unistd::Uid::effective().is_root() || !Path::new("/dev/loop-control").exists() {
        println!("skipped: needs root and loop devices");
        return;
    }
    let memory = story(BackingKind::Memory, capability.clone()).await;
    let real = story(BackingKind::Loop, capability).await;
    for (memory, real) in memory.iter().zip(&real) {
        assert_eq!(memory, real);
    }
    assert_eq!(memory.len(), real.len());
}

/// What a client is told, with ids and exact usage left out.
async fn story(backing: BackingKind, capability: csi::VolumeCapability) -> Vec<String> {
    let mut rig = Rig::start_on(backing, "").await;
    let mut told = Vec::new();
    let id = rig.c.make(create("v", capability.clone(), SMALL - 1)).await;
    let way = rig.c.way(&id, capability.clone());
    let mut copy = create("copy", capability.clone(), LARGE + MIB);
    copy.volume_content_source = from_volume(&id);
    let mut reader = way.node_publish();
    reader.readonly = true;
    let mut steps = vec![Call::Expand(expand(&id, SMALL)), Call::NodeExpand(way.node_expand())];
    steps.extend(way.up());
    steps.extend([
        Call::NodePublish(reader),
        Call::Stats(way.stats()),
        Call::Expand(expand(&id, LARGE)),
        Call::Expand(expand(&id, LARGE)),
        Call::NodeExpand(way.node_expand()),
        Call::NodeExpand(way.node_expand()),
        Call::Expand(expand(&id, LARGE)),
        Call::Expand(expand(&id, SMALL)),
        Call::Stats(way.stats()),
        Call::Snap(snap("s", &id)),
        Call::Create(copy),
        Call::Delete(delete(&id)),
    ]);
    steps.extend(way.down());
    steps.push(Call::Unstage(way.unstage()));
    for (number, step) in steps.into_iter().enumerate() {
        told.push(format!("{number}: {}", tell(&rig.c, step).await));
        let mut sizes: Vec<_> = rig.c.sizes().await.into_values().collect();
        sizes.sort_unstable();
        told.push(format!("{number}: sizes {sizes:?}"));
        if number == 8 {
            rig.restart().await;
        }
    }
    let snapshots = csi::ListSnapshotsRequest::default();
    let listed = rig.c.clone().controller.list_snapshots(snapshots).await.unwrap().into_inner();
    let restored = listed.entries[0].snapshot.clone().unwrap();
    told.push(format!("snapshot of {} bytes", restored.size_bytes));
    let mut restore = create("restored", capability.clone(), LARGE + 2 * MIB);
    restore.volume_content_source = from_snapshot(&restored.snapshot_id);
    let restored = rig.c.make(restore).await;
    let way = rig.c.way(&restored, capability);
    rig.c.bring_up(&way).await;
    told.push(tell(&rig.c, Call::Stats(way.stats())).await);
    told.push(tell(&rig.c, Call::Expand(expand(&restored, LARGE + 2 * MIB))).await);
    rig.clear().await;
    told
}

fn delete(id: &str) -> csi::DeleteVolumeRequest {
    csi::DeleteVolumeRequest { volume_id: id.into(), ..csi::DeleteVolumeRequest::default() }
}

/// The code, and of a reply what a client acts upon.
async fn tell(c: &Clients, call: Call) -> String {
    let mut c = c.clone();
    match call {
        Call::Expand(request) => match c.controller.controller_expand_volume(request).await {
            Ok(reply) => format!("{:?}", reply.into_inner()),
            Err(status) => format!("expand: {:?}", status.code()),
        },
        Call::NodeExpand(request) => match c.node.node_expand_volume(request).await {
            Ok(reply) => format!("{:?}", reply.into_inner()),
            Err(status) => format!("node expand: {:?}", status.code()),
        },
        Call::Stats(request) => match c.node.node_get_volume_stats(request).await {
            // How much a file system keeps for itself differs; that it has grown does not.
            Ok(reply) => {
                let totals = reply.into_inner().usage.into_iter().map(|u| (u.unit(), u.total));
                let first =
                    totals.map(|(unit, total)| (unit, total > SMALL * 3 / 4, total > SMALL));
                format!("{:?}", first.take(1).collect::<Vec<_>>())
            }
            Err(status) => format!("stats: {:?}", status.code()),
        },
        other => {
            let name = format!("{other:?}");
            let name = name.split('(').next().unwrap_or_default().to_owned();
            format!("{name}: {:?}", code(&c.send(other).await))
        }
    }
}
