//! What an OK means: sizes, contents and mounts as a client and a simulated kernel see them.

mod support;

use csi_stretch_proto::{
    control::v1 as control,
    csi::v1::{self as csi, volume_capability::access_mode::Mode, volume_usage::Unit},
};
use rstest::rstest;
use support::*;
use tonic::Code;

/// Device and file system grow one after the other, and the flag says what is outstanding.
#[tokio::test]
async fn a_mounted_volume_grows_in_two_steps() {
    let rig = Rig::start("").await;
    let id = rig.c.make(create("v", mount("xfs"), 64 * MIB)).await;
    let way = rig.c.way(&id, mount("xfs"));
    rig.c.bring_up(&way).await;
    assert_eq!(rig.c.write(&way.target, "data", 4096, b"keep me").await, Code::Ok);
    let before = rig.c.observe(&way.target).await;
    assert_eq!((before.device_bytes, before.fs_bytes), (64 * MIB, 64 * MIB));
    assert_eq!(before.fs_type, "xfs");
    assert!(before.total_bytes < before.fs_bytes);

    for round in ["first", "repeat"] {
        let reply = rig.c.clone().controller.controller_expand_volume(expand(&id, 128 * MIB)).await;
        let reply = reply.unwrap().into_inner();
        assert_eq!(
            (reply.capacity_bytes, reply.node_expansion_required),
            (128 * MIB, true),
            "{round}"
        );
        let seen = rig.c.observe(&way.target).await;
        assert_eq!((seen.device_bytes, seen.fs_bytes), (128 * MIB, 64 * MIB), "{round}");
        assert_eq!(seen.total_bytes, before.total_bytes, "{round}");
    }
    for round in ["first", "repeat"] {
        let reply = rig.c.clone().node.node_expand_volume(way.node_expand()).await.unwrap();
        assert_eq!(reply.into_inner().capacity_bytes, 128 * MIB, "{round}");
        let seen = rig.c.observe(&way.target).await;
        assert_eq!((seen.device_bytes, seen.fs_bytes), (128 * MIB, 128 * MIB), "{round}");
        assert!(seen.total_bytes > before.total_bytes);
        assert_eq!(seen.device_id, before.device_id);
    }
    let reply = rig.c.clone().controller.controller_expand_volume(expand(&id, 128 * MIB)).await;
    assert!(!reply.unwrap().into_inner().node_expansion_required, "nothing is outstanding now");
    assert_eq!(rig.c.read(&way.target, "data", 4090, 13).await, b"\0\0\0\0\0\0keep me");

    let reply = rig.c.clone().node.node_get_volume_stats(way.stats()).await.unwrap().into_inner();
    let bytes = reply.usage.iter().find(|u| u.unit() == Unit::Bytes).unwrap();
    assert_eq!(bytes.total, rig.c.observe(&way.target).await.total_bytes);
    assert_eq!(bytes.used + bytes.available, bytes.total);
    assert!(reply.volume_condition.is_some_and(|c| !c.abnormal && !c.message.is_empty()));
}

/// Which path is given, and what else, makes no difference to NodeExpandVolume.
#[rstest]
#[case::target(false, false, false, false)]
#[case::staging(true, false, false, false)]
#[case::target_with_all(false, true, true, true)]
#[case::staging_with_range(true, false, true, false)]
#[case::target_with_staging(false, true, false, false)]
#[tokio::test]
async fn node_expand_takes_any_path_of_the_volume(
    #[case] at_staging: bool,
    #[case] with_staging: bool,
    #[case] with_range: bool,
    #[case] with_capability: bool,
) {
    let rig = Rig::start("").await;
    let id = rig.c.make(create("v", mount("ext4"), 64 * MIB)).await;
    let way = rig.c.way(&id, mount("ext4"));
    rig.c.bring_up(&way).await;
    rig.c.send(Call::Expand(expand(&id, 96 * MIB))).await.unwrap();
    let mut request = way.node_expand();
    if at_staging {
        request.volume_path = way.staging.clone() + "//";
    }
    if with_staging {
        request.staging_target_path = way.staging.clone();
    }
    if with_range {
        request.capacity_range = range(96 * MIB, 0);
    }
    if with_capability {
        request.volume_capability = Some(way.capability.clone());
    }
    rig.c.send(Call::NodeExpand(request)).await.unwrap();
    for path in [&way.staging, &way.target] {
        assert_eq!(rig.c.observe(path).await.fs_bytes, 96 * MIB);
    }
}

#[tokio::test]
async fn a_block_volume_grows_at_once_and_keeps_its_content() {
    let rig = Rig::start("").await;
    let id = rig.c.make(create("v", block(), 4 * MIB)).await;
    let way = rig.c.way(&id, block());
    rig.c.bring_up(&way).await;
    assert_eq!(rig.c.write(&way.target, "", 4 * MIB - 3, b"end").await, Code::Ok);
    assert_eq!(rig.c.write(&way.target, "", 4 * MIB - 3, b"over").await, Code::ResourceExhausted);
    let mut request = expand(&id, 8 * MIB);
    request.volume_capability = Some(block());
    let reply = rig.c.clone().controller.controller_expand_volume(request).await.unwrap();
    assert!(!reply.into_inner().node_expansion_required);
    let seen = rig.c.observe(&way.target).await;
    assert_eq!((seen.device_bytes, seen.fs_bytes, seen.fs_type.as_str()), (8 * MIB, 0, ""));
    rig.c.send(Call::NodeExpand(way.node_expand())).await.unwrap();
    assert_eq!(rig.c.read(&way.target, "", 4 * MIB - 4, 8).await, b"\0end\0\0\0\0");
    let past = control::ReadRequest {
        path: way.target.clone(),
        offset: 8 * MIB,
        length: 1,
        ..Default::default()
    };
    assert_eq!(code(&rig.c.send(Call::Read(past)).await), Code::OutOfRange);
}

/// Restored and cloned volumes have the content, the size asked for, and a file system that fills
/// it with no node expansion; later changes of the source are not seen.
#[tokio::test]
async fn copies_are_independent_and_grow_on_the_way_up() {
    let rig = Rig::start("").await;
    let id = rig.c.make(create("v", mount("ext4"), 64 * MIB)).await;
    let way = rig.c.way(&id, mount("ext4"));
    rig.c.bring_up(&way).await;
    assert_eq!(rig.c.write(&way.target, "f", 0, b"old").await, Code::Ok);
    let cut = rig.c.clone().controller.create_snapshot(snap("s", &id)).await.unwrap();
    let cut = cut.into_inner().snapshot.unwrap();
    assert_eq!((cut.size_bytes, cut.ready_to_use), (64 * MIB, true));
    assert!(cut.creation_time.is_some());

    let mut restore = create("restored", mount("ext4"), 128 * MIB);
    restore.volume_content_source = from_snapshot(&cut.snapshot_id);
    let mut clone = create("cloned", mount(""), MIB);
    clone.volume_content_source = from_volume(&id);
    let reply = rig.c.clone().controller.create_volume(restore.clone()).await.unwrap();
    let restored = reply.into_inner().volume.unwrap();
    assert_eq!(restored.content_source, restore.volume_content_source);
    let cloned = rig.c.make(clone).await;

    assert_eq!(rig.c.write(&way.target, "f", 0, b"new").await, Code::Ok);
    let delete = csi::DeleteSnapshotRequest { snapshot_id: cut.snapshot_id, ..Default::default() };
    rig.c.send(Call::DeleteSnap(delete)).await.unwrap();
    for (copy, size) in [(&restored.volume_id, 128 * MIB), (&cloned, 64 * MIB)] {
        let way = rig.c.way(copy, mount("ext4"));
        rig.c.bring_up(&way).await;
        let seen = rig.c.observe(&way.target).await;
        assert_eq!((seen.device_bytes, seen.fs_bytes), (size, size));
        assert_eq!(rig.c.read(&way.target, "f", 0, 3).await, b"old");
    }
}

#[tokio::test]
async fn a_copy_that_could_not_grow_its_file_system_is_out_of_range() {
    let rig = Rig::start("grow_fs_at: [node_expand]").await;
    let id = rig.c.make(create("v", mount("ext4"), 8 * MIB)).await;
    for (bytes, expected) in [(16 * MIB, Code::OutOfRange), (8 * MIB, Code::Ok)] {
        let mut request = create("copy", mount("ext4"), bytes);
        request.volume_content_source = from_volume(&id);
        assert_eq!(code(&rig.c.send(Call::Create(request)).await), expected);
    }
}

#[tokio::test]
async fn a_file_system_fills_up_and_growth_makes_room() {
    let rig = Rig::start("").await;
    let id = rig.c.make(create("v", mount("btrfs"), 4 * MIB)).await;
    let way = rig.c.way(&id, mount("btrfs"));
    rig.c.bring_up(&way).await;
    let chunk = vec![9; MIB as usize];
    let mut stored = 0;
    while rig.c.write(&way.target, "fill", stored * MIB, &chunk).await == Code::Ok {
        stored += 1;
    }
    assert_eq!(stored, 3);
    let rest = rig.c.observe(&way.target).await.available_bytes;
    assert!(rest < MIB);
    // Overwriting needs no room.
    assert_eq!(rig.c.write(&way.target, "fill", 0, &chunk).await, Code::Ok);
    rig.c.send(Call::Expand(expand(&id, 8 * MIB))).await.unwrap();
    assert_eq!(rig.c.observe(&way.target).await.available_bytes, rest);
    rig.c.send(Call::NodeExpand(way.node_expand())).await.unwrap();
    assert_eq!(rig.c.write(&way.target, "fill", stored * MIB, &chunk).await, Code::Ok);
}

#[rstest]
#[case::node_publish(true, false, Mode::SingleNodeWriter)]
#[case::controller_publish(false, true, Mode::SingleNodeWriter)]
#[case::reader_mode(false, false, Mode::SingleNodeReaderOnly)]
#[tokio::test]
async fn a_read_only_publication_refuses_writes(
    #[case] at_node: bool,
    #[case] at_controller: bool,
    #[case] mode: Mode,
) {
    let rig = Rig::start("").await;
    let id = rig.c.make(create("v", mount("ext4"), 8 * MIB)).await;
    let mut way = rig.c.way(&id, mount("ext4"));
    rig.c.bring_up(&way).await;
    assert_eq!(rig.c.write(&way.target, "f", 0, b"x").await, Code::Ok);
    rig.c.take_down(&way).await;
    way.capability = with_mode(mount("ext4").access_type.unwrap(), mode);
    let mut publish = way.publish();
    publish.readonly = at_controller;
    let mut node_publish = way.node_publish();
    node_publish.readonly = at_node;
    let calls = [Call::Publish(publish), Call::Stage(way.stage()), Call::NodePublish(node_publish)];
    for call in calls {
        rig.c.send(call).await.unwrap();
    }
    assert!(rig.c.observe(&way.target).await.read_only);
    assert_eq!(rig.c.write(&way.target, "f", 0, b"y").await, Code::FailedPrecondition);
    assert_eq!(rig.c.read(&way.target, "f", 0, 1).await, b"x");
}

#[tokio::test]
async fn a_multi_writer_mode_allows_a_second_path() {
    let rig = Rig::start("").await;
    let access_type = mount("ext4").access_type.unwrap();
    let capability = with_mode(access_type, Mode::SingleNodeMultiWriter);
    let id = rig.c.make(create("v", capability.clone(), 8 * MIB)).await;
    let first = rig.c.way(&id, capability);
    let mut second = first.clone();
    second.target += "-2";
    rig.c.bring_up(&first).await;
    rig.c.send(Call::NodePublish(second.node_publish())).await.unwrap();
    assert_eq!(rig.c.write(&first.target, "f", 0, b"shared").await, Code::Ok);
    assert_eq!(rig.c.read(&second.target, "f", 0, 6).await, b"shared");
    rig.c.send(Call::NodeUnpublish(first.node_unpublish())).await.unwrap();
    assert_eq!(rig.c.read(&second.target, "f", 0, 6).await, b"shared");
}

#[tokio::test]
async fn without_staging_publication_mounts_the_device() {
    let rig = Rig::start(
        "{node: [expand_volume], controller: [create_delete_volume, list_volumes, expand_volume]}",
    )
    .await;
    let id = rig.c.make(create("v", mount("ext4"), 8 * MIB)).await;
    let way = rig.c.way(&id, mount("ext4"));
    let mut publish = way.node_publish();
    publish.staging_target_path.clear();
    for _ in 0..2 {
        rig.c.send(Call::NodePublish(publish.clone())).await.unwrap();
    }
    rig.c.send(Call::Expand(expand(&id, 16 * MIB))).await.unwrap();
    rig.c.send(Call::NodeExpand(way.node_expand())).await.unwrap();
    let seen = rig.c.observe(&way.target).await;
    assert_eq!((seen.device_bytes, seen.fs_bytes), (16 * MIB, 16 * MIB));
    rig.c.send(Call::NodeUnpublish(way.node_unpublish())).await.unwrap();
}

/// A driver whose node has no EXPAND_VOLUME has done all when the controller answers, and one
/// whose controller has none does all on the node.
#[rstest]
#[case::controller_alone("node: [stage_unstage_volume]", true)]
#[case::node_alone("controller: [create_delete_volume, list_volumes]", false)]
#[tokio::test]
async fn one_side_alone_can_grow_a_volume(#[case] profile: &str, #[case] controller: bool) {
    let rig = Rig::start(profile).await;
    let id = rig.c.make(create("v", mount("ext4"), 8 * MIB)).await;
    let way = rig.c.way(&id, mount("ext4"));
    let up = way.up().into_iter().skip(usize::from(!controller));
    for call in up {
        rig.c.send(call).await.unwrap();
    }
    if controller {
        let reply = rig.c.clone().controller.controller_expand_volume(expand(&id, 16 * MIB)).await;
        assert!(!reply.unwrap().into_inner().node_expansion_required);
    } else {
        let mut request = way.node_expand();
        request.capacity_range = range(16 * MIB, 0);
        rig.c.send(Call::NodeExpand(request)).await.unwrap();
    }
    let seen = rig.c.observe(&way.target).await;
    assert_eq!((seen.device_bytes, seen.fs_bytes), (16 * MIB, 16 * MIB));
    assert_eq!(rig.c.sizes().await[&id], 16 * MIB);
}

/// Offline growth, then up again: the next staging finds and grows the larger device.
#[tokio::test]
async fn staging_grows_what_was_grown_offline() {
    let rig = Rig::start("expansion: [offline]").await;
    let id = rig.c.make(create("v", mount("ext4"), 8 * MIB)).await;
    let way = rig.c.way(&id, mount("ext4"));
    rig.c.bring_up(&way).await;
    rig.c.take_down(&way).await;
    let reply = rig.c.clone().controller.controller_expand_volume(expand(&id, 16 * MIB)).await;
    assert!(reply.unwrap().into_inner().node_expansion_required);
    rig.c.bring_up(&way).await;
    rig.c.send(Call::NodeExpand(way.node_expand())).await.unwrap();
    assert_eq!(rig.c.observe(&way.target).await.fs_bytes, 16 * MIB);
}
