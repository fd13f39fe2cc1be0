//! The Node service, and the simulated node.

use csi_stretch_proto::{
    control::v1 as control,
    csi::v1::{self as csi, volume_capability::access_mode::Mode},
};
use tonic::Code;

use super::{GONE, World, but, support::*};

#[expect(clippy::too_many_lines, reason = "a table")]
pub fn rows(w: &World) -> Vec<(&'static str, Call, Code)> {
    use Code::{AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, Ok, OutOfRange};
    let gone = w.rig.c.way(GONE, mount("ext4"));
    let stage = |way: &Way, change: &dyn Fn(&mut csi::NodeStageVolumeRequest)| {
        Call::Stage(but(way.stage(), |r| change(r)))
    };
    let unstage = |change: &dyn Fn(&mut csi::NodeUnstageVolumeRequest)| {
        Call::Unstage(but(w.live.unstage(), |r| change(r)))
    };
    let publish = |way: &Way, change: &dyn Fn(&mut csi::NodePublishVolumeRequest)| {
        Call::NodePublish(but(way.node_publish(), |r| change(r)))
    };
    let unpublish = |change: &dyn Fn(&mut csi::NodeUnpublishVolumeRequest)| {
        Call::NodeUnpublish(but(w.live.node_unpublish(), |r| change(r)))
    };
    let stats = |change: &dyn Fn(&mut csi::NodeGetVolumeStatsRequest)| {
        Call::Stats(but(w.live.stats(), |r| change(r)))
    };
    let expand = |way: &Way, change: &dyn Fn(&mut csi::NodeExpandVolumeRequest)| {
        Call::NodeExpand(but(way.node_expand(), |r| change(r)))
    };
    let elsewhere = w.live.target.clone() + "-2";
    let reader = || {
        let mount = mount("ext4").access_type.unwrap();
        Some(with_mode(mount, Mode::SingleNodeReaderOnly))
    };
    let observe = |path: &str| Call::Observe(control::ObserveRequest { path: path.into() });
    vec![
        ("stage: id missing", stage(&w.live, &|r| r.volume_id.clear()), InvalidArgument),
        (
            "stage: path missing",
            stage(&w.live, &|r| r.staging_target_path.clear()),
            InvalidArgument,
        ),
        (
            "stage: relative path",
            stage(&w.live, &|r| r.staging_target_path = "a/b".into()),
            InvalidArgument,
        ),
        (
            "stage: path with ..",
            stage(&w.live, &|r| r.staging_target_path = "/a/../b".into()),
            InvalidArgument,
        ),
        (
            "stage: capability missing",
            stage(&w.live, &|r| r.volume_capability = None),
            InvalidArgument,
        ),
        ("stage: unknown volume", stage(&gone, &|_| {}), NotFound),
        ("stage: not published to the node", stage(&w.idle, &|_| {}), FailedPrecondition),
        (
            "stage: other use",
            stage(&w.idle, &|r| r.volume_capability = Some(block())),
            FailedPrecondition,
        ),
        ("stage: same again", stage(&w.live, &|_| {}), Ok),
        (
            "stage: other capability",
            stage(&w.live, &|r| r.volume_capability = reader()),
            AlreadyExists,
        ),
        (
            "stage: second path",
            stage(&w.live, &|r| r.staging_target_path += "-2"),
            FailedPrecondition,
        ),
        ("unstage: id missing", unstage(&|r| r.volume_id.clear()), InvalidArgument),
        ("unstage: path missing", unstage(&|r| r.staging_target_path.clear()), InvalidArgument),
        ("unstage: unknown", unstage(&|r| r.volume_id = GONE.into()), NotFound),
        ("unstage: not staged there", unstage(&|r| r.staging_target_path += "-2"), Ok),
        ("unstage: still published", unstage(&|_| {}), FailedPrecondition),
        ("publish: id missing", publish(&w.live, &|r| r.volume_id.clear()), InvalidArgument),
        ("publish: target missing", publish(&w.live, &|r| r.target_path.clear()), InvalidArgument),
        (
            "publish: relative target",
            publish(&w.live, &|r| r.target_path = "t".into()),
            InvalidArgument,
        ),
        (
            "publish: capability missing",
            publish(&w.live, &|r| r.volume_capability = None),
            InvalidArgument,
        ),
        ("publish: unknown", publish(&gone, &|_| {}), NotFound),
        (
            "publish: no staging path",
            publish(&w.live, &|r| r.staging_target_path.clear()),
            FailedPrecondition,
        ),
        (
            "publish: wrong staging path",
            publish(&w.live, &|r| r.staging_target_path += "-2"),
            FailedPrecondition,
        ),
        (
            "publish: other use",
            publish(&w.live, &|r| r.volume_capability = Some(block())),
            FailedPrecondition,
        ),
        ("publish: same again", publish(&w.live, &|_| {}), Ok),
        ("publish: readonly flipped", publish(&w.live, &|r| r.readonly = true), AlreadyExists),
        (
            "publish: second path",
            publish(&w.live, &|r| r.target_path.clone_from(&elsewhere)),
            FailedPrecondition,
        ),
        (
            "publish: onto another volume",
            publish(&w.live, &|r| r.target_path.clone_from(&w.block.target)),
            FailedPrecondition,
        ),
        ("unpublish: id missing", unpublish(&|r| r.volume_id.clear()), InvalidArgument),
        ("unpublish: target missing", unpublish(&|r| r.target_path.clear()), InvalidArgument),
        ("unpublish: unknown", unpublish(&|r| r.volume_id = GONE.into()), NotFound),
        ("unpublish: not published there", unpublish(&|r| r.target_path += "-2"), Ok),
        ("stats: id missing", stats(&|r| r.volume_id.clear()), InvalidArgument),
        ("stats: path missing", stats(&|r| r.volume_path.clear()), InvalidArgument),
        ("stats: unknown", stats(&|r| r.volume_id = GONE.into()), NotFound),
        ("stats: not there", stats(&|r| r.volume_path += "-2"), NotFound),
        ("stats: at the staging path", stats(&|r| r.volume_path.clone_from(&w.live.staging)), Ok),
        ("expand: id missing", expand(&w.live, &|r| r.volume_id.clear()), InvalidArgument),
        ("expand: path missing", expand(&w.live, &|r| r.volume_path.clear()), InvalidArgument),
        (
            "expand: relative path",
            expand(&w.live, &|r| r.volume_path = "p".into()),
            InvalidArgument,
        ),
        (
            "expand: relative staging path",
            expand(&w.live, &|r| r.staging_target_path = "p".into()),
            InvalidArgument,
        ),
        (
            "expand: range empty",
            expand(&w.live, &|r| r.capacity_range = range(0, 0)),
            InvalidArgument,
        ),
        (
            "expand: range negative",
            expand(&w.live, &|r| r.capacity_range = range(0, -5)),
            InvalidArgument,
        ),
        ("expand: unknown", expand(&w.live, &|r| r.volume_id = GONE.into()), NotFound),
        ("expand: not there", expand(&w.live, &|r| r.volume_path += "-2"), NotFound),
        (
            "expand: path of another volume",
            expand(&w.live, &|r| r.volume_path.clone_from(&w.block.target)),
            NotFound,
        ),
        ("expand: on no node", expand(&w.idle, &|_| {}), NotFound),
        (
            "expand: other use",
            expand(&w.live, &|r| r.volume_capability = Some(block())),
            InvalidArgument,
        ),
        (
            "expand: before the controller",
            expand(&w.live, &|r| r.capacity_range = range(16 * MIB, 0)),
            OutOfRange,
        ),
        (
            "expand: limit below size",
            expand(&w.live, &|r| r.capacity_range = range(MIB, MIB)),
            OutOfRange,
        ),
        ("expand: nothing to do", expand(&w.live, &|_| {}), Ok),
        ("expand: block", expand(&w.block, &|_| {}), Ok),
        (
            "expand: block at staging",
            expand(&w.block, &|r| r.volume_path.clone_from(&w.block.staging)),
            Ok,
        ),
        ("observe: nothing there", observe("/nowhere"), NotFound),
        ("observe: relative", observe("nowhere"), InvalidArgument),
    ]
}
