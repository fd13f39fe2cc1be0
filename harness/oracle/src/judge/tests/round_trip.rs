//! Every kind of record survives its line of JSON.

use std::collections::BTreeMap;

use rstest::rstest;

use crate::{
    action::{
        Access, AccessMode, Action, Call, Capability, CapacityRange, Fault, Load, PathRef, Place,
        Probe, Ref, Rpc, Source, Wait,
    },
    check::testing::H,
    history::{
        Because, Code, Completion, End, Ended, Entry, Event, EventKind, Expect, Failure,
        FsGeometry, Invoke, Leak, LoadReport, Mismatch, Observation, Ops, Outcome, Reading, Record,
        Recovered, Reply, Rows, Scale, Side, Slo, SnapshotInfo, State, Statfs, StepId, Stopped,
        Usage, VolumeInfo,
    },
};

fn same(record: &Record) {
    let line = serde_json::to_string(record).expect("plain data");
    assert!(!line.contains('\n'));
    let back: Record = serde_json::from_str(&line).expect(&line);
    assert_eq!(&back, record, "{line}");
}

fn event(kind: EventKind) -> Record {
    let event = Event { index: 1, op: 2, at_us: u64::MAX, kind };
    Record::Event { scenario: 3, side: Side::Reference, event }
}

fn map() -> BTreeMap<String, String> {
    BTreeMap::from([("a".into(), "b".into())])
}

fn full_call(rpc: Rpc) -> Call {
    Call {
        rpc,
        volume: Some(Ref::Literal { literal: "no\nid".into() }),
        snapshot: Some(Ref::Handle("snap".into())),
        name: Some("name".into()),
        capacity_range: Some(CapacityRange { required: i64::MIN, limit: i64::MAX }),
        capability: Some(Capability {
            access: Access::Mount { fs: "ext4".into(), flags: vec!["noatime".into()] },
            mode: AccessMode::MultiNodeMultiWriter,
        }),
        source: Some(Source::Snapshot(Ref::Handle("snap".into()))),
        node: Some(Ref::Handle("node".into())),
        path: Some(PathRef::Target(255)),
        staging_path: Some(PathRef::Literal("/x".into())),
        readonly: true,
        parameters: Some(map()),
        mutable_parameters: Some(map()),
        volume_context: Some(map()),
        publish_context: Some(map()),
        max_entries: Some(-1),
        starting_token: Some(String::new()),
        deadline_ms: Some(1),
    }
}

fn actions() -> Vec<Action> {
    let (volume, path) = (|| "vol".to_owned(), || PathRef::Staging);
    let mut actions = vec![
        Action::Probe(Probe { volume: volume(), path: path() }),
        Action::Load(Load::Write {
            volume: volume(),
            path: path(),
            bytes: 1,
            place: Place::End,
            like: None,
        }),
        Action::Load(Load::Verify { volume: volume(), path: path() }),
        Action::Load(Load::Start { volume: volume(), path: path() }),
        Action::Load(Load::Stop { volume: volume() }),
        Action::Fault(Fault::RestartDriver),
        Action::Wait(Wait { ms: 5 }),
    ];
    for (rpc, ..) in Rpc::ALL {
        actions.push(Action::Call(Box::new(Call::new(*rpc))));
        actions.push(Action::Call(Box::new(full_call(*rpc))));
    }
    let block = Capability { access: Access::Block, mode: AccessMode::default() };
    let source = Some(Source::Volume(Ref::Handle("vol".into())));
    let clone = Call { capability: Some(block), source, ..Call::new(Rpc::CreateVolume) };
    actions.push(Action::Call(Box::new(clone)));
    actions
}

#[test]
fn invokes() {
    for (n, action) in actions().into_iter().enumerate() {
        let step = StepId { step: StepId::TEARDOWN, verb: "call x".into(), part: 7 };
        let expect = (n % 2 == 0).then(|| Expect {
            pass: vec![Code::Ok],
            warn: vec![Code::ResourceExhausted],
            clause: Some("a.b".into()),
        });
        same(&event(EventKind::Invoke(Box::new(Invoke { step, action, expect }))));
    }
}

fn reply() -> Reply {
    Reply {
        volume: Some(VolumeInfo {
            id: "v".into(),
            capacity_bytes: i64::MAX,
            context: map(),
            content_source: Some("snap".into()),
        }),
        capacity_bytes: Some(-5),
        node_expansion_required: Some(false),
        publish_context: Some(map()),
        usage: vec![Usage { unit: "BYTES".into(), total: 3, used: 2, available: 1 }],
        confirmed: Some(true),
        entries: Some(vec![Entry { id: "v".into(), bytes: 1, nodes: vec!["n".into()] }]),
        next_token: Some("t".into()),
        available_capacity: Some(1),
        maximum_volume_size: Some(2),
        minimum_volume_size: Some(3),
        snapshot: Some(SnapshotInfo {
            id: "s".into(),
            source_volume_id: "v".into(),
            size_bytes: 1,
            ready_to_use: true,
        }),
        text: Some("t".into()),
        vendor_version: Some("1".into()),
        capabilities: Some(vec!["EXPAND_VOLUME".into(), "UNKNOWN(99)".into()]),
        ready: Some(true),
        max_volumes: Some(4),
        topology: Some(true),
        creation_time: Some(false),
        status: Some(true),
        condition: Some(crate::history::Stated::Partly),
    }
}

fn observation() -> Observation {
    Observation {
        device_bytes: Some(u64::MAX),
        device: Some("7:1".into()),
        fs: Some(FsGeometry { kind: "xfs".into(), bytes: 1, slack_bytes: 2 }),
        statfs: Some(Statfs { total_bytes: 1, available_bytes: 0 }),
        read_only: true,
        shared: true,
        notes: vec!["no permission".into()],
    }
}

fn failure(code: Code) -> Failure {
    Failure { code, message: "\u{0}\u{7f}\u{2028}\"".into() }
}

fn load_report() -> LoadReport {
    LoadReport {
        engine: Some("MariaDB 10.11.19 (InnoDB)".into()),
        bytes_written: 1,
        bytes_verified: 2,
        bytes_in_ledger: 3,
        rows: Some(Rows { acknowledged: 3, verified: 2, lost: 1 }.into()),
        mismatches: vec![Mismatch { offset: 1, length: 2, page: Some(3), what: "zeros".into() }],
        mismatches_total: 4,
        errors: vec![failure(Code::NoSpace)],
        recovered: Some(
            Recovered { records: 4, broken: vec!["page".into()], ..Recovered::default() }.into(),
        ),
    }
}

#[rstest]
#[case(Completion::Ok(Outcome::Done))]
#[case(Completion::Ok(Outcome::Reply(Box::default())))]
#[case(Completion::Ok(Outcome::Reply(Box::new(reply()))))]
#[case(Completion::Ok(Outcome::Observation(Box::default())))]
#[case(Completion::Ok(Outcome::Observation(Box::new(observation()))))]
#[case(Completion::Ok(Outcome::Loaded(LoadReport::default())))]
#[case(Completion::Ok(Outcome::Loaded(load_report())))]
#[case(Completion::Fail(failure(Code::Unobservable)))]
#[case(Completion::Info(failure(Code::DeadlineExceeded)))]
fn completions(#[case] completion: Completion) {
    same(&event(EventKind::Complete(Box::new(completion))));
}

#[test]
fn everything_else() {
    for record in H::xfs().reference().records() {
        same(&record);
    }
    let leak = Leak { kind: "mount".into(), what: "/x".into(), why: "busy".into() };
    let ended = Ended {
        at_us: 1,
        stopped: Some(Stopped { because: Because::StepFailed, why: "a".into() }),
        driver_ended: Some("c".into()),
        broken: Some("b".into()),
        leaks: vec![leak.clone()],
    };
    same(&Record::Ended { scenario: u32::MAX, side: Side::Subject, ended });
    same(&Record::End(End { at_us: 1, interrupted: true, leaks: vec![leak] }));
    let skipped = H::xfs().plan(|plan| {
        plan.skip = Some("needs root".into());
        plan.access = None;
    });
    for record in skipped.records() {
        same(&record);
    }
    let slo = Some(Slo { dip_percent: Some(30), stall_ms: None });
    let scale = Some(Scale { data: Some("1/1000".into()), time: None });
    let measured = H::xfs().plan(|plan| (plan.slo, plan.scale) = (slo, scale));
    for record in measured.records() {
        same(&record);
    }
}

#[test]
fn readings() {
    let all = Reading {
        at_us: u64::MAX,
        span_us: 100_000,
        bulk: Ops { done: 1, errors: 2, p50_us: 3, p99_us: 4, max_us: 5 },
        query: Ops { done: 9, ..Ops::default() },
        state: State::Blocked,
        blocked_us: 1,
        data_bytes: Some(1),
        verified_bytes: Some(0),
        device_bytes: Some(2),
        fs_bytes: Some(3),
        statfs_total: Some(4),
        statfs_available: Some(0),
    };
    let readings = vec![all, Reading::default()];
    same(&Record::Readings { scenario: 1, side: Side::Subject, volume: "vol".into(), readings });
}
