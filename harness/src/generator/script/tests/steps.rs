//! What verbs take, call by call.

use std::fmt::Write;

use csi_stretch_oracle::{
    action::{Action, Call, Load, Rpc},
    history::{Code, Completion, Failure, Outcome, Reply},
};
use rstest::rstest;

use super::sim::{Flavour, Ran, Sim, drive};
use crate::{
    generator::Script,
    scenario::{Options, Planned, load, plan},
};

const FULL: Flavour = Flavour {
    name: "full",
    lacks: &["expand.offline-only"],
    whole: false,
    granularity: 1 << 20,
    maximum: 1 << 32,
};
const NO_STAGE: Flavour = Flavour { lacks: &["expand.offline-only", "node.stage"], ..FULL };
const WHOLE: Flavour = Flavour { whole: true, ..FULL };
const NODE_ONLY: Flavour = Flavour { lacks: &["expand.offline-only", "controller.expand"], ..FULL };
const BLIND: Flavour = Flavour { lacks: &["expand.offline-only", "observe"], ..FULL };

fn planned(flavour: &Flavour, volume: &str, steps: &str) -> Planned {
    let text = format!(
        "about: x\nclauses: [controller-expand.purpose]\nvolume: {volume}\nsteps: {steps}\n"
    );
    let scenario = load("x.yaml", &text, &|_| true).unwrap_or_else(|error| panic!("{error}"));
    plan(&[scenario], &flavour.offers(), &Options::default()).remove(0)
}

fn script(flavour: &Flavour, volume: &str, steps: &str) -> Script {
    let planned = planned(flavour, volume, steps);
    assert_eq!(planned.instance.skip, None);
    Script::new(&planned, &flavour.offers())
}

/// Each action on a line: step, verb, part, what; and `!` with the code of a refusal.
fn trace(ran: &Ran) -> String {
    let mut text = String::new();
    for (step, completion) in &ran.steps {
        let code = completion.code();
        let refused = if code == Code::Ok { String::new() } else { format!(" !{code}") };
        let id = &step.id;
        let what = what(&step.action);
        let _ = writeln!(text, "{} {} {:2} {what}{refused}", id.step, id.verb, id.part);
    }
    text + &ran.stopped.as_ref().map(|why| format!("stopped: {why}\n")).unwrap_or_default()
}

fn what(action: &Action) -> String {
    match action {
        Action::Call(call) => {
            let mut text = call.rpc.to_string();
            let range = call.capacity_range.map(|range| {
                let mib = |bytes: i64| format!("{}M", bytes >> 20);
                let limit = (range.limit > 0).then(|| format!("..{}", mib(range.limit)));
                format!("{}{}", mib(range.required), limit.unwrap_or_default())
            });
            let path = call.path.as_ref().map(|path| format!("at {path}"));
            let staging = call.staging_path.as_ref().map(|_| "staging given".to_owned());
            for part in [range, path, staging].into_iter().flatten() {
                text += ", ";
                text += &part;
            }
            text
        }
        Action::Probe(probe) => format!("look at {}", probe.path),
        Action::Load(Load::Write { path, .. }) => format!("write at {path}"),
        Action::Load(load) => format!("{load:?}").chars().take_while(|c| *c != ' ').collect(),
        Action::Fault(_) => "restart".to_owned(),
        Action::Wait(_) => "wait".to_owned(),
    }
}

#[rstest]
#[case::grow_online("grow_online", FULL, "{ fs: ext4 }", "[publish, grow: x2, write: 1MiB]")]
#[case::grow_block("grow_block", FULL, "{ fs: block }", "[publish, grow: { to: x2, limit: x3 }]")]
#[case::grow_whole("grow_whole", WHOLE, "{ fs: ext4 }", "[publish, grow: x2]")]
#[case::grow_no_stage("grow_no_stage", NO_STAGE, "{ fs: ext4 }", "[publish, grow: x2, unpublish]")]
#[case::grow_node_only("grow_node_only", NODE_ONLY, "{ fs: ext4 }", "[publish, grow: x2]")]
#[case::grow_blind("grow_blind", BLIND, "{ fs: ext4 }", "[publish, grow: x2]")]
#[case::due_at_stage("due_at_stage", FULL, "{ fs: ext4 }", "[grow: x2, publish]")]
#[case::due_at_target(
    "due_at_target",
    FULL,
    "{ fs: ext4 }",
    "[grow: x2, publish: { path: target }]"
)]
#[case::put_off(
    "put_off",
    FULL,
    "{ fs: ext4 }",
    "[publish, { call: controller_expand, to: x2 }, restart_pod, unpublish: staged]"
)]
#[case::refused(
    "refused",
    FULL,
    "{ fs: ext4 }",
    "[publish, { call: controller_expand, to: max+1, expect: out_of_range }, grow: x2]"
)]
#[case::again(
    "again",
    FULL,
    "{ fs: ext4 }",
    "[stage, grow: x2, { again: node_expand, without: path, expect: invalid_argument }]"
)]
#[case::two_targets(
    "two_targets",
    FULL,
    "{ fs: xfs }",
    "[publish, publish: { target: 1 }, unpublish]"
)]
#[case::parallel(
    "parallel",
    FULL,
    "{ fs: ext4 }",
    "[publish, parallel: [{ call: controller_expand, to: x2, times: 3 }, { again: node_publish, \
     expect: any }], { call: controller_expand, to: x2 }, node_expand]"
)]
#[case::stairs("stairs", FULL, "{ fs: xfs }", "[publish, grow: { to: x2, times: 3 }]")]
#[case::stairs_node_only(
    "stairs_node_only",
    NODE_ONLY,
    "{ fs: xfs }",
    "[publish, grow: { to: x2, times: 2 }]"
)]
#[case::nothing_due(
    "nothing_due",
    WHOLE,
    "{ fs: ext4 }",
    "[publish, { call: controller_expand, to: x2 }, node_expand, { node_expand: { omit: range }, \
     clause: node-expand.capacity-range-optional }, verify]"
)]
#[case::restart("restart", FULL, "{ fs: xfs }", "[publish, restart_driver, grow: x2]")]
fn verbs(#[case] name: &str, #[case] flavour: Flavour, #[case] volume: &str, #[case] steps: &str) {
    let mut sim = Sim::default();
    let steps = steps.replace("unpublish: staged", "unpublish: { keep: staged }");
    let ran = drive(script(&flavour, volume, &steps), &mut |a| sim.perform(&flavour, a));
    let shown = format!("{steps}\n\n{}", trace(&ran));
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(name, shown) });
}

/// One procedure fails, and the rest is as it should be.
#[rstest]
#[case("create", Rpc::CreateVolume, "[publish]")]
#[case("stage", Rpc::NodeStage, "[publish, write: 1MiB]")]
#[case("publish", Rpc::NodePublish, "[publish, write: 1MiB]")]
#[case("unpublish", Rpc::NodeUnpublish, "[publish, unpublish, delete]")]
#[case("controller", Rpc::ControllerExpand, "[publish, grow: x2, verify]")]
#[case("node", Rpc::NodeExpand, "[publish, grow: x2, verify, restart_pod]")]
#[case("delete", Rpc::DeleteVolume, "[delete, { again: create_volume }]")]
#[case("no_base", Rpc::ControllerExpand, "[grow: x2, { again: controller_expand }]")]
#[case(
    "legal_refusal",
    Rpc::CreateSnapshot,
    "[{ snapshot: snap, expect: [ok, resource_exhausted, internal] }, restore: { from: snap, as: copy }, publish: copy, publish]"
)]
fn failures(#[case] name: &str, #[case] broken: Rpc, #[case] steps: &str) {
    let mut sim = Sim::default();
    let ran = drive(script(&FULL, "{ fs: ext4 }", steps), &mut |action| match action {
        Action::Call(call) if call.rpc == broken => {
            Completion::Fail(Failure { code: Code::Internal, message: "broken".to_owned() })
        }
        action => sim.perform(&FULL, action),
    });
    let shown = format!("{steps}\n\n{}", trace(&ran));
    let name = format!("failing_{name}");
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(name, shown) });
}

/// The calls of a run that is always answered OK.
fn calls(
    flavour: &Flavour,
    steps: &str,
) -> Vec<(Call, Option<csi_stretch_oracle::history::Expect>)> {
    let script = script(flavour, "{ fs: ext4 }", steps);
    let ok = Reply { node_expansion_required: Some(true), ..Reply::default() };
    let ran = drive(script, &mut |_| Completion::Ok(Outcome::Reply(Box::new(ok.clone()))));
    let call = |(step, _): (crate::generator::Step, Completion)| match step.action {
        Action::Call(call) => Some((*call, step.expect)),
        _ => None,
    };
    ran.steps.into_iter().filter_map(call).collect()
}

#[test]
fn a_node_step_is_sent_in_full() {
    let calls = calls(&FULL, "[publish, grow: { to: x2, limit: x3 }]");
    let (call, expect) = calls.last().unwrap();
    let expected = serde_json::json!({
        "rpc": "node_expand", "volume": "vol",
        "capacity_range": { "required": 128 << 20, "limit": 192 << 20 },
        "capability": { "access": { "mount": { "fs": "ext4" } }, "mode": "single_node_writer" },
        "path": { "target": 0 }, "staging_path": "staging",
    });
    assert_eq!(serde_json::to_value(call).unwrap(), expected);
    let expect = expect.as_ref().unwrap();
    assert_eq!(
        (&expect.pass[..], &expect.warn[..]),
        (&[Code::Ok][..], &[Code::FailedPrecondition][..])
    );
    assert_eq!(expect.clause.as_deref(), Some("node-expand.implemented"));
}

/// With neither ONLINE nor OFFLINE declared it is undefined what holds in use.
#[test]
fn undeclared_expansion_may_refuse_in_use() {
    let planned = planned(&FULL, "{ fs: ext4 }", "[publish, grow: x2]");
    let offers = csi_stretch_oracle::offer::Offers { declared: [].into(), ..FULL.offers() };
    let mut sim = Sim::default();
    let ran = drive(Script::new(&planned, &offers), &mut |a| sim.perform(&FULL, a));
    let grow = ran.steps.iter().find(|(step, _)| step.id.verb == "grow").unwrap();
    let expect = grow.0.expect.as_ref().unwrap();
    assert_eq!(expect.pass, [Code::Ok, Code::FailedPrecondition]);
}

#[rstest]
#[case("[{ call: controller_expand, to: x2 }]", &[Code::Ok], None)]
#[case("[{ call: controller_expand, to: x2, clause: a.b }]", &[Code::Ok], Some("a.b"))]
#[case("[{ call: controller_expand, to: x2, expect: [ok, aborted] }]", &[Code::Ok, Code::Aborted], None)]
#[case("[grow: x2]", &[Code::Ok], Some("controller-expand.implemented"))]
#[case("[{ grow: x2, clause: a.b }]", &[Code::Ok], Some("a.b"))]
fn expectations(#[case] steps: &str, #[case] pass: &[Code], #[case] clause: Option<&str>) {
    let calls = calls(&FULL, steps);
    let expect = calls[1].1.as_ref().unwrap();
    assert_eq!((&expect.pass[..], expect.clause.as_deref()), (pass, clause));
}

#[test]
fn any_answer_is_no_expectation() {
    let calls = calls(&FULL, "[publish, { call: node_expand, to: x2, expect: any }]");
    assert_eq!(calls.last().unwrap().1, None);
}
