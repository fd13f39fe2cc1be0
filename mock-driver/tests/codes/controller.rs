//! The other RPCs of the Controller service.

use csi_stretch_proto::csi::v1::{self as csi, VolumeCapability};
use tonic::Code;

use super::{GONE, World, but, support::*};

#[expect(clippy::too_many_lines, reason = "a table")]
pub fn rows(w: &World) -> Vec<(&'static str, Call, Code)> {
    use Code::{
        Aborted, AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, Ok, OutOfRange,
    };
    let gone = || w.rig.c.way(GONE, mount("ext4"));
    let publish = |way: &Way, change: &dyn Fn(&mut csi::ControllerPublishVolumeRequest)| {
        Call::Publish(but(way.publish(), |r| change(r)))
    };
    let delete = |id: &str| {
        Call::Delete(csi::DeleteVolumeRequest {
            volume_id: id.into(),
            ..csi::DeleteVolumeRequest::default()
        })
    };
    let unpublish = |way: &Way, change: &dyn Fn(&mut csi::ControllerUnpublishVolumeRequest)| {
        Call::Unpublish(but(way.unpublish(), |r| change(r)))
    };
    let validate = |id: &str, volume_capabilities: Vec<VolumeCapability>| {
        Call::Validate(csi::ValidateVolumeCapabilitiesRequest {
            volume_id: id.into(),
            volume_capabilities,
            ..csi::ValidateVolumeCapabilitiesRequest::default()
        })
    };
    let expand = |change: &dyn Fn(&mut csi::ControllerExpandVolumeRequest)| {
        Call::Expand(but(expand(&w.live.id, 16 * MIB), |r| change(r)))
    };
    let list = |max_entries, token: &str| {
        Call::List(csi::ListVolumesRequest { max_entries, starting_token: token.into() })
    };
    let delete_snap = |id: &str| {
        Call::DeleteSnap(csi::DeleteSnapshotRequest {
            snapshot_id: id.into(),
            ..csi::DeleteSnapshotRequest::default()
        })
    };
    let list_snaps = |max_entries, token: &str| {
        Call::ListSnaps(csi::ListSnapshotsRequest {
            max_entries,
            starting_token: token.into(),
            ..csi::ListSnapshotsRequest::default()
        })
    };
    let get_snap = |id: &str| {
        Call::GetSnap(csi::GetSnapshotRequest {
            snapshot_id: id.into(),
            ..csi::GetSnapshotRequest::default()
        })
    };
    let get = |id: &str| Call::Get(csi::ControllerGetVolumeRequest { volume_id: id.into() });
    let modify = |id: &str, key: &str| {
        let mut request =
            csi::ControllerModifyVolumeRequest { volume_id: id.into(), ..Default::default() };
        if !key.is_empty() {
            request.mutable_parameters.insert(key.into(), "1".into());
        }
        Call::Modify(request)
    };
    vec![
        ("delete: id missing", delete(""), InvalidArgument),
        ("delete: unknown", delete(GONE), Ok),
        ("delete: published", delete(&w.live.id), FailedPrecondition),
        ("publish: volume missing", publish(&w.idle, &|r| r.volume_id.clear()), InvalidArgument),
        ("publish: node missing", publish(&w.idle, &|r| r.node_id.clear()), InvalidArgument),
        (
            "publish: capability missing",
            publish(&w.idle, &|r| r.volume_capability = None),
            InvalidArgument,
        ),
        ("publish: unknown volume", publish(&gone(), &|_| {}), NotFound),
        ("publish: unknown node", publish(&w.idle, &|r| r.node_id = "other".into()), NotFound),
        (
            "publish: other use",
            publish(&w.idle, &|r| r.volume_capability = Some(block())),
            InvalidArgument,
        ),
        ("publish: repeat", publish(&w.live, &|_| {}), Ok),
        ("publish: readonly flipped", publish(&w.live, &|r| r.readonly = true), AlreadyExists),
        ("unpublish: id missing", unpublish(&w.idle, &|r| r.volume_id.clear()), InvalidArgument),
        ("unpublish: never published", unpublish(&w.idle, &|_| {}), Ok),
        ("unpublish: unknown volume", unpublish(&gone(), &|_| {}), Ok),
        ("unpublish: other node", unpublish(&w.live, &|r| r.node_id = "other".into()), Ok),
        ("unpublish: still staged", unpublish(&w.live, &|_| {}), FailedPrecondition),
        ("validate: id missing", validate("", vec![block()]), InvalidArgument),
        ("validate: no capabilities", validate(&w.idle.id, vec![]), InvalidArgument),
        ("validate: unknown", validate(GONE, vec![block()]), NotFound),
        ("expand: id missing", expand(&|r| r.volume_id.clear()), InvalidArgument),
        ("expand: range missing", expand(&|r| r.capacity_range = None), InvalidArgument),
        ("expand: range empty", expand(&|r| r.capacity_range = range(0, 0)), InvalidArgument),
        ("expand: range negative", expand(&|r| r.capacity_range = range(-1, 0)), InvalidArgument),
        (
            "expand: range inverted",
            expand(&|r| r.capacity_range = range(2 * MIB, MIB)),
            InvalidArgument,
        ),
        ("expand: unknown", expand(&|r| r.volume_id = GONE.into()), NotFound),
        ("expand: other use", expand(&|r| r.volume_capability = Some(block())), InvalidArgument),
        (
            "expand: other file system",
            expand(&|r| r.volume_capability = Some(mount("xfs"))),
            InvalidArgument,
        ),
        (
            "expand: above the maximum",
            expand(&|r| r.capacity_range = range((16 << 40) + 1, 0)),
            OutOfRange,
        ),
        (
            "expand: largest number",
            expand(&|r| r.capacity_range = range(i64::MAX, i64::MAX)),
            OutOfRange,
        ),
        (
            "expand: limit below size",
            expand(&|r| r.capacity_range = range(MIB, 2 * MIB)),
            OutOfRange,
        ),
        (
            "expand: limit between multiples",
            expand(&|r| r.capacity_range = range(8 * MIB + 1, 8 * MIB + 2)),
            OutOfRange,
        ),
        ("expand: smaller", expand(&|r| r.capacity_range = range(MIB, 0)), Ok),
        ("expand: equal", expand(&|r| r.capacity_range = range(8 * MIB, 8 * MIB)), Ok),
        ("expand: limit only", expand(&|r| r.capacity_range = range(0, 64 * MIB)), Ok),
        ("list: garbage token", list(0, "garbage"), Aborted),
        ("list: token of the future", list(0, "after-99999"), Aborted),
        ("list: negative", list(-1, ""), InvalidArgument),
        ("snapshot: name missing", Call::Snap(snap("", &w.idle.id)), InvalidArgument),
        ("snapshot: source missing", Call::Snap(snap("s", "")), InvalidArgument),
        ("snapshot: unknown source", Call::Snap(snap("s", GONE)), NotFound),
        ("snapshot: name of another", Call::Snap(snap("snap", &w.live.id)), AlreadyExists),
        ("snapshot delete: id missing", delete_snap(""), InvalidArgument),
        ("snapshot delete: unknown", delete_snap("snap-none"), Ok),
        ("snapshot list: garbage token", list_snaps(0, "x"), Aborted),
        ("snapshot list: negative", list_snaps(-1, ""), InvalidArgument),
        ("snapshot get: id missing", get_snap(""), InvalidArgument),
        ("snapshot get: unknown", get_snap("snap-none"), NotFound),
        ("get: id missing", get(""), InvalidArgument),
        ("get: unknown", get(GONE), NotFound),
        ("modify: id missing", modify("", "iops"), InvalidArgument),
        ("modify: nothing", modify(&w.idle.id, ""), InvalidArgument),
        ("modify: unknown key", modify(&w.idle.id, "colour"), InvalidArgument),
        ("modify: unknown volume", modify(GONE, "iops"), NotFound),
    ]
}
