//! The error tables: each row starts from a request that is right and changes one thing. A refused
//! call must change nothing, which is looked at after every row.

mod controller;
mod create;
mod node;
#[path = "../support/mod.rs"]
mod support;

use csi_stretch_proto::csi::v1 as csi;
use rstest::rstest;
use support::*;
use tonic::Code;

const GONE: &str = "vol-0000000000000000";

/// What the rows are about: a volume that is on no node, one that is published, a block volume,
/// and a snapshot.
struct World {
    rig: Rig,
    idle: Way,
    live: Way,
    block: Way,
    snapshot: String,
}

impl World {
    async fn new(profile: &str) -> Self {
        let rig = Rig::start(profile).await;
        let idle = rig.c.make(create("idle", mount("ext4"), 8 * MIB)).await;
        let live = rig.c.make(create("live", mount("ext4"), 8 * MIB)).await;
        let raw = rig.c.make(create("block", block(), 8 * MIB)).await;
        let reply = rig.c.clone().controller.create_snapshot(snap("snap", &idle)).await.unwrap();
        let snapshot = reply.into_inner().snapshot.unwrap().snapshot_id;
        let (idle, live) = (rig.c.way(&idle, mount("ext4")), rig.c.way(&live, mount("ext4")));
        let block = rig.c.way(&raw, block());
        rig.c.bring_up(&live).await;
        rig.c.bring_up(&block).await;
        Self { rig, idle, live, block, snapshot }
    }

    /// Everything a client can see.
    async fn seen(&self) -> String {
        let mut c = self.rig.c.clone();
        let volumes = c.controller.list_volumes(csi::ListVolumesRequest::default()).await.unwrap();
        let snapshots = c.controller.list_snapshots(csi::ListSnapshotsRequest::default()).await;
        let live = self.rig.c.observe(&self.live.target).await;
        let block = self.rig.c.observe(&self.block.target).await;
        format!(
            "{:?} {:?} {live:?} {block:?}",
            volumes.into_inner(),
            snapshots.unwrap().into_inner()
        )
    }
}

/// A request with one thing changed.
fn but<T>(mut request: T, change: impl FnOnce(&mut T)) -> T {
    change(&mut request);
    request
}

#[rstest]
#[case::create(create::rows)]
#[case::controller(controller::rows)]
#[case::node(node::rows)]
#[tokio::test]
async fn refusals_have_the_code_and_change_nothing(
    #[case] rows: fn(&World) -> Vec<(&'static str, Call, Code)>,
) {
    let world = World::new("mutable_parameters: [iops]").await;
    let before = world.seen().await;
    for (label, call, expected) in rows(&world) {
        let result = world.rig.c.send(call).await;
        assert_eq!(code(&result), expected, "{label}: {result:?}");
        if let Err(status) = &result {
            assert!(!status.message().is_empty(), "{label}: no message");
            assert!(status.details().is_empty(), "{label}: details");
        }
        assert_eq!(world.seen().await, before, "{label} changed something");
    }
}

/// An RPC whose capability is taken out of the profile answers UNIMPLEMENTED, the others work.
#[tokio::test]
async fn without_a_capability_the_call_is_unimplemented() {
    let bare = "{controller_service: true, expansion: [], controller: [], node: []}";
    let rig = Rig::start(bare).await;
    let way = rig.c.way("vol-x", mount("ext4"));
    let calls = [
        Call::Create(create("a", block(), MIB)),
        Call::Delete(csi::DeleteVolumeRequest { volume_id: "v".into(), ..Default::default() }),
        Call::Publish(way.publish()),
        Call::Unpublish(way.unpublish()),
        Call::List(csi::ListVolumesRequest::default()),
        Call::Capacity(csi::GetCapacityRequest::default()),
        Call::Snap(snap("s", "v")),
        Call::DeleteSnap(csi::DeleteSnapshotRequest {
            snapshot_id: "s".into(),
            ..Default::default()
        }),
        Call::ListSnaps(csi::ListSnapshotsRequest::default()),
        Call::GetSnap(csi::GetSnapshotRequest { snapshot_id: "s".into(), ..Default::default() }),
        Call::Expand(expand("v", MIB)),
        Call::Get(csi::ControllerGetVolumeRequest { volume_id: "v".into() }),
        Call::Modify(csi::ControllerModifyVolumeRequest {
            volume_id: "v".into(),
            ..Default::default()
        }),
        Call::Stage(way.stage()),
        Call::Unstage(way.unstage()),
        Call::Stats(way.stats()),
        Call::NodeExpand(way.node_expand()),
    ];
    for call in calls {
        let result = rig.c.send(call.clone()).await;
        assert_eq!(code(&result), Code::Unimplemented, "{call:?}");
    }
    let rest = [Call::NodePublish(way.node_publish()), Call::NodeUnpublish(way.node_unpublish())];
    for call in rest {
        assert_eq!(code(&rig.c.send(call.clone()).await), Code::NotFound, "{call:?}");
    }
    let capabilities = Call::ControllerCapabilities(csi::ControllerGetCapabilitiesRequest {});
    rig.c.send(capabilities).await.unwrap();
}

#[tokio::test]
async fn without_the_controller_service_its_calls_are_unimplemented() {
    let rig = Rig::start("{controller_service: false, grow_fs_at: [stage, node_expand]}").await;
    let calls = [
        Call::Create(create("a", block(), MIB)),
        Call::Validate(csi::ValidateVolumeCapabilitiesRequest::default()),
        Call::ControllerCapabilities(csi::ControllerGetCapabilitiesRequest {}),
    ];
    for call in calls {
        assert_eq!(code(&rig.c.send(call.clone()).await), Code::Unimplemented, "{call:?}");
    }
}

/// OFFLINE only: growth is refused while any node has the volume, and works when none has.
#[tokio::test]
async fn offline_growth_needs_the_volume_off_all_nodes() {
    let world = World::new("expansion: [offline]").await;
    let c = world.rig.c.clone();
    let grow = || Call::Expand(expand(&world.live.id, 16 * MIB));
    for undo in world.live.down() {
        let before = world.rig.c.sizes().await;
        assert_eq!(code(&c.send(grow()).await), Code::FailedPrecondition, "before {undo:?}");
        assert_eq!(world.rig.c.sizes().await, before);
        // A size that is there already is fine at any time.
        c.send(Call::Expand(expand(&world.live.id, 8 * MIB))).await.unwrap();
        c.send(undo).await.unwrap();
    }
    c.send(grow()).await.unwrap();
    assert_eq!(world.rig.c.sizes().await[&world.live.id], 16 * MIB);
}
