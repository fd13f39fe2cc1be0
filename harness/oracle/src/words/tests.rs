use rstest::rstest;

use super::*;
use crate::{
    action::{AccessMode, Capability, CapacityRange, PathRef, Probe, Ref},
    history::{Code, Failure, FsGeometry, Statfs},
};

#[rstest]
#[case(0, "0 bytes")]
#[case(1, "1 byte")]
#[case(1023, "1023 bytes")]
#[case(1024, "1 KiB")]
#[case(134_217_728, "128 MiB")]
#[case(134_217_729, "128.0 MiB (134217729 bytes)")]
#[case(134_742_016, "128.5 MiB (134742016 bytes)")]
#[case(1_610_612_736, "1536 MiB")]
#[case(i64::MAX, "7.9 EiB (9223372036854775807 bytes)")]
#[case(-1, "-1 bytes")]
#[case(i64::MIN, "-9223372036854775808 bytes")]
fn sizes_lose_nothing(#[case] size: i64, #[case] words: &str) {
    assert_eq!(bytes(size), words);
}

fn grow(required: i64, limit: i64) -> Call {
    Call {
        volume: Some(Ref::Handle("vol".into())),
        capacity_range: Some(CapacityRange { required, limit }),
        ..Call::new(Rpc::ControllerExpand)
    }
}

#[rstest]
#[case(grow(128 << 20, 256 << 20), "ControllerExpandVolume vol to 128 MiB (limit 256 MiB)")]
#[case(grow(0, 256 << 20), "ControllerExpandVolume vol to at most 256 MiB")]
#[case(grow(0, 0), "ControllerExpandVolume vol to an empty range")]
#[case(grow(-1, 0), "ControllerExpandVolume vol to -1 bytes")]
#[case(Call::new(Rpc::Probe), "Probe")]
#[case(
    Call {
        path: Some(PathRef::Target(0)),
        staging_path: Some(PathRef::Staging),
        capability: Some(Capability {
            access: Access::Mount { fs: "xfs".into(), flags: vec![] },
            mode: AccessMode::default(),
        }),
        readonly: true,
        volume: Some(Ref::Literal { literal: "no such".into() }),
        ..Call::new(Rpc::NodePublish)
    },
    "NodePublishVolume \"no such\" at target 0 as xfs, read-only"
)]
#[case(
    Call {
        volume: Some(Ref::Handle("copy".into())),
        source: Some(Source::Snapshot(Ref::Handle("snap".into()))),
        capacity_range: Some(CapacityRange { required: 1 << 30, limit: 0 }),
        ..Call::new(Rpc::CreateVolume)
    },
    "CreateVolume copy from snapshot snap of 1 GiB"
)]
fn calls_read_like_sentences(#[case] call: Call, #[case] words: &str) {
    assert_eq!(action(&Action::Call(Box::new(call))), words);
}

#[test]
fn probes_and_loads_name_volume_and_place() {
    let probe = Action::Probe(Probe { volume: "vol".into(), path: PathRef::Staging });
    assert_eq!((kind(&probe), action(&probe).as_str()), ("probe", "measure vol at staging"));
    let (volume, path) = ("vol".to_owned(), PathRef::Target(1));
    let write = Load::Write { volume, path, bytes: 1 << 20, place: Place::End, like: None };
    assert_eq!(action(&Action::Load(write)), "write 1 MiB at the end to vol at target 1");
}

#[test]
fn completions_carry_code_and_numbers() {
    let reply = Reply {
        capacity_bytes: Some(134_217_728),
        node_expansion_required: Some(true),
        ..Reply::default()
    };
    let ok = Completion::Ok(Outcome::Reply(Box::new(reply)));
    assert_eq!(completion(&ok), "OK 134217728 bytes, node expansion required");
    let failure = Failure { code: Code::OutOfRange, message: "too large".into() };
    assert_eq!(completion(&Completion::Fail(failure)), "OUT_OF_RANGE: too large");
    assert_eq!(completion(&Completion::Ok(Outcome::Done)), "OK");
}

#[test]
fn observations_keep_the_sources_apart() {
    let mut seen = Observation {
        device_bytes: Some(128 << 20),
        fs: Some(FsGeometry { kind: "xfs".into(), bytes: 128 << 20, slack_bytes: 0 }),
        statfs: Some(Statfs { total_bytes: 120 << 20, available_bytes: 0 }),
        ..Observation::default()
    };
    assert_eq!(observation(&seen), "device 128 MiB, xfs 128 MiB, statfs 120 MiB");
    seen = Observation { notes: vec!["no such device".into()], ..Observation::default() };
    assert_eq!(observation(&seen), "no such device");
    assert_eq!(observation(&Observation::default()), "nothing measured");
}
