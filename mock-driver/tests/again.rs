//! Repeats, races and restarts: a call that was made before has no further effect, whoever else
//! calls, and whether or not the driver has been started anew in between.

mod support;

use std::fmt::Write;
use std::time::{Duration, Instant};

use csi_stretch_proto::csi::v1 as csi;
use rstest::rstest;
use support::*;
use tonic::Code;

/// The whole life of a volume, in order.
fn life(id: &str, way: &Way) -> Vec<Call> {
    let delete = csi::DeleteVolumeRequest { volume_id: id.into(), ..Default::default() };
    let mut grown = way.node_expand();
    grown.capacity_range = range(16 * MIB, 0);
    let mut calls = vec![
        Call::Create(create("v", way.capability.clone(), 8 * MIB)),
        Call::Expand(expand(id, 12 * MIB)),
    ];
    calls.extend(way.up());
    calls.push(Call::Expand(expand(id, 16 * MIB)));
    calls.push(Call::NodeExpand(grown));
    calls.push(Call::Snap(snap("s", id)));
    calls.extend(way.down());
    calls.push(Call::Delete(delete));
    calls
}

/// What is there after a step: all volumes, snapshots, and what shows at both paths.
async fn seen(c: &Clients, way: &Way) -> String {
    let mut c = c.clone();
    let volumes = c.controller.list_volumes(csi::ListVolumesRequest::default()).await.unwrap();
    let snapshots =
        c.controller.list_snapshots(csi::ListSnapshotsRequest::default()).await.unwrap();
    let mut text = format!("{:?} {:?}", volumes.into_inner(), snapshots.into_inner());
    for path in [&way.staging, &way.target] {
        let request = csi_stretch_proto::control::v1::ObserveRequest { path: path.clone() };
        match c.control.observe(request).await {
            Ok(reply) => write!(text, " {:?}", reply.into_inner()).unwrap(),
            Err(status) => write!(text, " {:?}", status.code()).unwrap(),
        }
    }
    text
}

#[rstest]
#[case::mount(mount("ext4"))]
#[case::block(block())]
#[tokio::test]
async fn every_step_can_be_repeated_also_after_a_restart(
    #[case] capability: csi::VolumeCapability,
) {
    let mut rig = Rig::start("").await;
    let id = rig.c.make(create("v", capability.clone(), 8 * MIB)).await;
    let way = rig.c.way(&id, capability);
    for call in life(&id, &way) {
        rig.c.send(call.clone()).await.unwrap_or_else(|e| panic!("{call:?}: {e}"));
        let first = seen(&rig.c, &way).await;
        rig.c.send(call.clone()).await.unwrap_or_else(|e| panic!("again {call:?}: {e}"));
        assert_eq!(seen(&rig.c, &way).await, first, "repeated {call:?}");
        rig.restart().await;
        assert_eq!(seen(&rig.c, &way).await, first, "restarted after {call:?}");
        rig.c.send(call.clone()).await.unwrap_or_else(|e| panic!("restarted {call:?}: {e}"));
        assert_eq!(seen(&rig.c, &way).await, first, "restarted and repeated {call:?}");
    }
    assert!(rig.c.sizes().await.is_empty());
    rig.clear().await;
}

#[tokio::test]
async fn contents_outlive_a_restart() {
    let mut rig = Rig::start("").await;
    let id = rig.c.make(create("v", mount("ext4"), 8 * MIB)).await;
    let way = rig.c.way(&id, mount("ext4"));
    rig.c.bring_up(&way).await;
    for n in 0..20_u8 {
        let data = vec![n; 5000];
        assert_eq!(rig.c.write(&way.target, "f", i64::from(n) * 4000, &data).await, Code::Ok);
    }
    let before = rig.c.read(&way.target, "f", 0, 81_000).await;
    rig.restart().await;
    assert_eq!(rig.c.read(&way.target, "f", 0, 81_000).await, before);
    assert_eq!(rig.c.write(&way.target, "f", 0, b"on").await, Code::Ok);
}

/// After growth the first request still asks for no more than a minimum.
#[tokio::test]
async fn creating_again_after_growth() {
    let rig = Rig::start("").await;
    let id = rig.c.make(create("v", block(), 8 * MIB)).await;
    rig.c.send(Call::Expand(expand(&id, 16 * MIB))).await.unwrap();
    assert_eq!(rig.c.make(create("v", block(), 8 * MIB)).await, id);
    let mut exact = create("v", block(), 0);
    exact.capacity_range = range(8 * MIB, 8 * MIB);
    assert_eq!(code(&rig.c.send(Call::Create(exact)).await), Code::AlreadyExists);

    rig.c.send(Call::Snap(snap("s", &id))).await.unwrap();
    rig.c.send(Call::Expand(expand(&id, 32 * MIB))).await.unwrap();
    let again = rig.c.clone().controller.create_snapshot(snap("s", &id)).await.unwrap();
    assert_eq!(again.into_inner().snapshot.unwrap().size_bytes, 16 * MIB);
}

#[tokio::test]
async fn mutable_parameters_are_set_one_by_one() {
    let mut rig = Rig::start("mutable_parameters: [iops, tier]").await;
    let mut request = create("v", block(), 8 * MIB);
    request.mutable_parameters.insert("iops".into(), "1".into());
    let id = rig.c.make(request.clone()).await;
    let mut modify =
        csi::ControllerModifyVolumeRequest { volume_id: id.clone(), ..Default::default() };
    modify.mutable_parameters.insert("tier".into(), "fast".into());
    rig.c.send(Call::Modify(modify)).await.unwrap();
    rig.restart().await;
    let mut validate = csi::ValidateVolumeCapabilitiesRequest {
        volume_id: id.clone(),
        volume_capabilities: vec![block()],
        ..Default::default()
    };
    for (tier, confirmed) in [("fast", true), ("slow", false)] {
        validate.mutable_parameters =
            [("iops".into(), "1".into()), ("tier".into(), tier.into())].into();
        let reply = rig.c.clone().controller.validate_volume_capabilities(validate.clone()).await;
        assert_eq!(reply.unwrap().into_inner().confirmed.is_some(), confirmed, "{tier}");
    }
    assert_eq!(rig.c.make(request).await, id, "creation is recognised after a change");
}

/// Many equal calls at once come to what one call comes to.
#[tokio::test(flavor = "multi_thread")]
async fn equal_calls_at_once_come_to_one() {
    let rig = Rig::start("").await;
    let mut tasks = Vec::new();
    for n in 0..16 {
        let c = rig.c.clone();
        tasks.push(tokio::spawn(async move {
            let id = c.make(create("v", mount("ext4"), 8 * MIB)).await;
            let way = c.way(&id, mount("ext4"));
            let mut codes = Vec::new();
            for call in way.up() {
                codes.push(code(&c.send(call).await));
            }
            codes.push(code(&c.send(Call::Expand(expand(&id, (9 + n) * MIB))).await));
            codes.push(code(&c.send(Call::NodeExpand(way.node_expand())).await));
            (id, codes)
        }));
    }
    let mut ids = Vec::new();
    for task in tasks {
        let (id, codes) = task.await.unwrap();
        assert!(codes.iter().all(|c| matches!(c, Code::Ok | Code::Aborted)), "{codes:?}");
        ids.push(id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(rig.c.sizes().await[&ids[0]], 24 * MIB);
    let way = rig.c.way(&ids[0], mount("ext4"));
    rig.c.send(Call::NodeExpand(way.node_expand())).await.unwrap();
    assert_eq!(rig.c.observe(&way.target).await.fs_bytes, 24 * MIB);
}

/// A call goes on when its client gives up, and a repeat finds its effect.
#[tokio::test]
async fn a_given_up_call_is_carried_through() {
    let rig = Rig::start("latency: {controller_expand: 300ms}").await;
    let id = rig.c.make(create("v", block(), 8 * MIB)).await;
    let began = Instant::now();
    let mut controller = rig.c.clone().controller;
    let request = controller.controller_expand_volume(expand(&id, 16 * MIB));
    assert!(tokio::time::timeout(Duration::from_millis(50), request).await.is_err());
    assert_eq!(rig.c.sizes().await[&id], 8 * MIB);
    while rig.c.sizes().await[&id] != 16 * MIB {
        assert!(began.elapsed() < Duration::from_secs(10), "never carried through");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(began.elapsed() >= Duration::from_millis(300));
}
