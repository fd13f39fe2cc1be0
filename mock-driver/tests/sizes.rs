//! Which size a request leads to, and what is left of the pool.

mod support;

use csi_stretch_proto::csi::v1 as csi;
use rstest::rstest;
use support::*;
use tonic::Code;

/// (granularity, minimum) 4 MiB, maximum 1 GiB: which size a range leads to.
#[rstest]
#[case::exact(8 * MIB, 0, Ok(8 * MIB))]
#[case::rounded_up(8 * MIB + 1, 0, Ok(12 * MIB))]
#[case::limit_is_the_rounded_size(8 * MIB + 1, 12 * MIB, Ok(12 * MIB))]
#[case::limit_below_the_rounded_size(8 * MIB + 1, 12 * MIB - 1, Err(Code::OutOfRange))]
#[case::below_the_minimum(1, 0, Ok(4 * MIB))]
#[case::limit_below_the_minimum(1, 2, Err(Code::OutOfRange))]
#[case::limit_only(0, 10 * MIB, Ok(8 * MIB))]
#[case::maximum(1 << 30, 0, Ok(1 << 30))]
#[case::above_the_maximum((1 << 30) + 1, 0, Err(Code::OutOfRange))]
#[case::huge(i64::MAX, 0, Err(Code::OutOfRange))]
#[case::huge_limit(8 * MIB, i64::MAX, Ok(8 * MIB))]
#[tokio::test]
async fn sizes_are_rounded_within_the_bounds(
    #[case] required: i64,
    #[case] limit: i64,
    #[case] expected: Result<i64, Code>,
) {
    let rig = Rig::start("{granularity: 4MiB, minimum: 4MiB, maximum: 1GiB}").await;
    let mut request = create("v", block(), 0);
    request.capacity_range = range(required, limit);
    let reply = rig.c.clone().controller.create_volume(request).await;
    let size = reply.map(|r| r.into_inner().volume.unwrap().capacity_bytes);
    assert_eq!(size.map_err(|s| s.code()), expected);

    // Growing a volume of the least size comes to the same, but a limit alone grows nothing.
    let id = rig.c.make(create("w", block(), MIB)).await;
    let mut request = expand(&id, 0);
    request.capacity_range = range(required, limit);
    let reply = rig.c.clone().controller.controller_expand_volume(request).await;
    let grown = reply.map(|r| r.into_inner().capacity_bytes);
    let expected = if required == 0 { Ok(4 * MIB) } else { expected };
    assert_eq!(grown.map_err(|s| s.code()), expected);
}

#[tokio::test]
async fn without_a_range_the_driver_picks_a_size() {
    let rig = Rig::start("").await;
    let mut request = create("v", block(), 0);
    request.capacity_range = None;
    let id = rig.c.make(request).await;
    assert_eq!(rig.c.sizes().await[&id], 1 << 30);
}

#[tokio::test]
async fn the_pool_is_shared_and_freed() {
    let rig = Rig::start("pool: 32MiB").await;
    let mut c = rig.c.clone();
    let mut free = async || {
        let reply = c.controller.get_capacity(csi::GetCapacityRequest::default()).await.unwrap();
        reply.into_inner().available_capacity
    };
    assert_eq!(free().await, 32 * MIB);
    let a = rig.c.make(create("a", block(), 16 * MIB)).await;
    let full = rig.c.send(Call::Create(create("b", block(), 17 * MIB))).await;
    assert_eq!(code(&full), Code::ResourceExhausted);
    let b = rig.c.make(create("b", block(), 8 * MIB)).await;
    let full = rig.c.send(Call::Expand(expand(&b, 17 * MIB))).await;
    assert_eq!(code(&full), Code::ResourceExhausted);
    assert_eq!(rig.c.sizes().await[&b], 8 * MIB, "a refused growth has no effect");
    rig.c.send(Call::Expand(expand(&b, 16 * MIB))).await.unwrap();
    assert_eq!(free().await, 0);
    // Nothing new is needed for these, so a full pool does not matter.
    rig.c.send(Call::Expand(expand(&b, 16 * MIB))).await.unwrap();
    rig.c.send(Call::Create(create("a", block(), 16 * MIB))).await.unwrap();
    let delete = csi::DeleteVolumeRequest { volume_id: a, ..Default::default() };
    rig.c.send(Call::Delete(delete)).await.unwrap();
    assert_eq!(free().await, 16 * MIB);
}

#[tokio::test]
async fn capacity_is_narrowed_by_what_is_asked() {
    let rig = Rig::start("{pool: 32MiB, fs_types: [ext4], maximum: 20MiB}").await;
    for (capability, expected) in [(mount("ext4"), 32 * MIB), (mount("xfs"), 0)] {
        let volume_capabilities = vec![capability];
        let request = csi::GetCapacityRequest { volume_capabilities, ..Default::default() };
        let reply = rig.c.clone().controller.get_capacity(request).await.unwrap().into_inner();
        assert_eq!(reply.available_capacity, expected);
        assert_eq!(reply.maximum_volume_size, Some(20 * MIB));
        assert_eq!(reply.minimum_volume_size, Some(MIB));
    }
}
