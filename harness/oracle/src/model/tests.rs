use rstest::rstest;

use super::*;
use crate::history::{Code, Failure, Outcome, VolumeInfo};

fn call(rpc: Rpc) -> Call {
    Call { volume: Some(Ref::Handle("vol".into())), ..Call::new(rpc) }
}

fn ok(reply: Reply) -> Completion {
    Completion::Ok(Outcome::Reply(Box::new(reply)))
}

fn volume(id: &str, capacity_bytes: i64) -> Reply {
    let info = VolumeInfo {
        id: id.into(),
        capacity_bytes,
        context: BTreeMap::new(),
        content_source: None,
    };
    Reply { volume: Some(info), ..Reply::default() }
}

/// A model in the state that these calls, all OK, lead to.
fn after(rpcs: &[Rpc]) -> Model {
    let mut model = Model::default();
    for rpc in rpcs {
        let mut call = call(*rpc);
        let mut reply = Reply::default();
        match rpc {
            Rpc::CreateVolume => reply = volume("id-1", 64),
            Rpc::NodeStage => call.staging_path = Some(PathRef::Staging),
            Rpc::NodePublish | Rpc::NodeUnpublish => call.path = Some(PathRef::Target(0)),
            _ => (),
        }
        model.step(&call, &ok(reply));
    }
    model
}

use Rpc::{
    ControllerPublish as CP, ControllerUnpublish as CU, CreateVolume as CV, DeleteVolume as DV,
    NodePublish as NP, NodeStage as NS, NodeUnpublish as NX, NodeUnstage as NU,
};

#[rstest]
#[case(&[], None)]
#[case(&[CV], Some(State::Created))]
#[case(&[CV, CP], Some(State::NodeReady))]
#[case(&[CV, CP, NS], Some(State::VolReady))]
#[case(&[CV, CP, NS, NP], Some(State::Published))]
#[case(&[CV, NP], Some(State::Published))]
#[case(&[CV, CP, NS, NP, NX], Some(State::VolReady))]
#[case(&[CV, CP, NS, NP, NX, NU], Some(State::NodeReady))]
#[case(&[CV, CP, NS, NP, NX, NU, CU], Some(State::Created))]
#[case(&[CV, NP, NX], Some(State::Created))]
#[case(&[CV, DV], None)]
fn calls_move_a_volume(#[case] rpcs: &[Rpc], #[case] state: Option<State>) {
    let model = after(rpcs);
    assert_eq!(model.state("vol"), state);
    assert_eq!(model.is_online("vol"), state == Some(State::Published));
}

/// The table of the notes: state by state, what a CO may send with ONLINE and with OFFLINE only.
#[rstest]
#[case(&[CV], true, true, false)]
#[case(&[CV, CP], true, false, false)]
#[case(&[CV, CP, NS], true, false, true)]
#[case(&[CV, CP, NS, NP], true, false, true)]
fn expansion_is_legal_by_state(
    #[case] rpcs: &[Rpc],
    #[case] online: bool,
    #[case] offline: bool,
    #[case] node: bool,
) {
    let model = after(rpcs);
    let offers = |names: &[&str]| Offers {
        has: names.iter().map(|name| (*name).to_owned()).collect(),
        ..Offers::default()
    };
    let on = offers(&["controller.expand", "node.expand", "expand.online", "node.stage"]);
    let off = offers(&["controller.expand", "node.expand", "expand.offline-only", "node.stage"]);
    assert_eq!(model.may_expand(Rpc::ControllerExpand, "vol", &on), online);
    assert_eq!(model.may_expand(Rpc::ControllerExpand, "vol", &off), offline);
    assert_eq!(model.may_expand(Rpc::NodeExpand, "vol", &on), node);
    assert!(!model.may_expand(Rpc::ControllerExpand, "vol", &offers(&["node.expand"])));
    assert!(!model.may_expand(Rpc::NodeExpand, "vol", &offers(&["controller.expand"])));
}

#[test]
fn without_staging_the_node_step_needs_a_publication() {
    let offers =
        Offers { has: ["node.expand".to_owned()].into_iter().collect(), ..Offers::default() };
    assert!(!after(&[CV, NS]).may_expand(Rpc::NodeExpand, "vol", &offers));
    assert!(after(&[CV, NP]).may_expand(Rpc::NodeExpand, "vol", &offers));
}

fn expand(rpc: Rpc, required: i64) -> Call {
    let range = crate::action::CapacityRange { required, limit: 0 };
    Call { capacity_range: Some(range), ..call(rpc) }
}

#[test]
fn sizes_follow_the_answers() {
    let mut model = after(&[CV]);
    assert_eq!(model.volume("vol").map(Volume::size), Some(64));
    let grown = Reply {
        capacity_bytes: Some(130),
        node_expansion_required: Some(true),
        ..Reply::default()
    };
    model.step(&expand(Rpc::ControllerExpand, 128), &ok(grown));
    let volume = model.volume("vol").cloned().unwrap_or_default();
    assert_eq!((volume.size(), volume.promised, volume.node_step), (130, 128, true));
    // The node answers with the file system's size: no news of the volume's.
    let node = Reply { capacity_bytes: Some(120), ..Reply::default() };
    model.step(&expand(Rpc::NodeExpand, 128), &ok(node));
    let volume = model.volume("vol").cloned().unwrap_or_default();
    assert_eq!((volume.replied, volume.node_step), (Some(130), false));
}

#[test]
fn an_unknown_outcome_is_a_doubt_and_a_refusal_is_nothing() {
    let failure = |code| Failure { code, message: String::new() };
    let mut model = after(&[CV]);
    let big = expand(Rpc::ControllerExpand, 256);
    model.step(&big, &Completion::Fail(failure(Code::OutOfRange)));
    assert_eq!(model.volume("vol").map(|v| (v.size(), v.doubt)), Some((64, 0)));
    model.step(&big, &Completion::Info(failure(Code::DeadlineExceeded)));
    assert_eq!(model.volume("vol").map(|v| (v.size(), v.doubt)), Some((64, 256)));
}

#[test]
fn a_repeated_creation_is_the_same_volume_and_another_id_a_new_one() {
    let mut model = after(&[CV, NP]);
    model.step(&call(CV), &ok(volume("id-1", 64)));
    assert!(model.is_online("vol"));
    model.step(&call(CV), &ok(volume("id-2", 32)));
    assert_eq!(model.state("vol"), Some(State::Created));
    assert_eq!(model.volume("vol").map(Volume::size), Some(32));
}

#[test]
fn a_restored_volume_knows_the_size_of_its_source() {
    let mut model = after(&[CV]);
    let snapshot = Some(Ref::Handle("snap".to_owned()));
    let cut = Call { snapshot: snapshot.clone(), ..call(Rpc::CreateSnapshot) };
    model.step(&cut, &ok(Reply::default()));
    model.step(&expand(Rpc::ControllerExpand, 128), &ok(Reply::default()));
    model.step(&cut, &ok(Reply::default()));
    let restore = Call {
        volume: Some(Ref::Handle("copy".into())),
        source: snapshot.map(Source::Snapshot),
        ..Call::new(CV)
    };
    model.step(&restore, &ok(volume("id-2", 256)));
    assert_eq!(model.volume("copy").and_then(|v| v.source_size), Some(64));
}
