//! Every scenario in the binary on every kind of driver, to the end.

use std::collections::BTreeSet;

use csi_stretch_oracle::{
    action::Action,
    history::{Because, Code, Completion, Failure, Outcome, Reply},
};
use rstest::rstest;

use super::sim::{Flavour, Ran, Sim, drive};
use crate::{
    generator::Script,
    scenario::{Options, Planned, embedded, plan},
};

const MIB: u64 = 1 << 20;

const FULL: Flavour = Flavour {
    name: "full",
    lacks: &["expand.offline-only"],
    whole: false,
    granularity: MIB,
    maximum: 4096 * MIB,
};

fn planned(flavour: &Flavour) -> Vec<Planned> {
    let scenarios = embedded().unwrap_or_else(|errors| panic!("{errors}"));
    let all = plan(&scenarios, &flavour.offers(), &Options::default());
    all.into_iter().filter(|planned| planned.instance.skip.is_none()).collect()
}

fn run(planned: &Planned, flavour: &Flavour) -> Ran {
    let mut sim = Sim::default();
    let script = Script::new(planned, &flavour.offers());
    let ran = drive(script, &mut |action| sim.perform(flavour, action));
    assert!(sim.unfinished().is_empty(), "{}: {:?}", planned.instance.id, sim.unfinished());
    ran
}

#[rstest]
#[case::full(FULL, 200)]
#[case::bytes(Flavour { granularity: 1, ..FULL }, 200)]
#[case::controller_grows_all(Flavour { whole: true, ..FULL }, 200)]
#[case::no_attach(Flavour { lacks: &["expand.offline-only", "controller.publish"], ..FULL }, 200)]
#[case::no_stage(Flavour { lacks: &["expand.offline-only", "node.stage"], ..FULL }, 130)]
#[case::controller_only(
    Flavour { lacks: &["expand.offline-only", "node.expand"], ..FULL }, 130)]
#[case::node_only(
    Flavour { lacks: &["expand.offline-only", "controller.expand", "expand.offline"], ..FULL }, 60)]
#[case::offline_only(Flavour { lacks: &["expand.online"], ..FULL }, 90)]
#[case::bare(
    Flavour {
        lacks: &["expand.offline-only", "controller.publish", "node.stage", "controller.snapshot",
            "controller.clone", "controller.list", "observe", "fault.restart", "access.block"],
        ..FULL
    },
    60
)]
fn a_right_driver_is_never_blamed(#[case] flavour: Flavour, #[case] at_least: usize) {
    let all = planned(&flavour);
    assert!(all.len() >= at_least, "{}: only {} instances", flavour.name, all.len());
    for planned in &all {
        let id = &planned.instance.id;
        let ran = run(planned, &flavour);
        for (step, completion) in &ran.steps {
            let code = completion.code();
            let seen = !matches!(step.action, Action::Probe(_)) || code == Code::Ok;
            assert!(seen, "{id}: looks where nothing is: {step:?}");
            if let Some(expect) = &step.expect {
                let right = expect.pass.contains(&code) || expect.warn.contains(&code);
                assert!(right, "{id}: {code} after {step:#?}");
            }
        }
        // A driver whose controller grows everything never sees a node step to repeat.
        let nothing_to_repeat =
            ran.stopped.as_ref().is_some_and(|s| s.because == Because::NotApplicable);
        assert!(ran.stopped.is_none() || nothing_to_repeat, "{id}: {:?}", ran.stopped);
        let last = ran.steps.last().map(|(step, _)| step.id.step).unwrap_or_default();
        assert!(last > 0 || nothing_to_repeat, "{id}: nothing after the set-up");
    }
}

#[test]
fn the_same_answers_give_the_same_steps() {
    for planned in planned(&FULL) {
        let (first, second) = (run(&planned, &FULL), run(&planned, &FULL));
        assert!(first.steps == second.steps, "{}", planned.instance.id);
    }
}

/// A target that needs fewer calls still lines up with one that needs all of them.
#[test]
fn sides_align_by_step() {
    let whole = Flavour { whole: true, ..FULL };
    // What the orchestrator asks for follows from the answers, and need not be asked of both.
    let scripted = |planned: &Planned| planned.script.orchestrator.is_none();
    for planned in planned(&FULL).into_iter().filter(scripted) {
        let all = required(&run(&planned, &FULL));
        let fewer = run(&planned, &whole);
        let ids = required(&fewer);
        // The verb `node_expand` and what repeats it have nothing to do on the other side.
        let verbs = |id: &(u16, String, String)| !id.1.contains("node_expand");
        let missing: Vec<_> = all.difference(&ids).filter(|id| verbs(id)).collect();
        assert!(
            missing.is_empty() || fewer.stopped.is_some(),
            "{}: {missing:?}",
            planned.instance.id
        );
        assert!(ids.is_subset(&all), "{}: {:?}", planned.instance.id, ids.difference(&all));
    }
}

/// Step, verb, action with its part; what only some targets need left out.
fn required(ran: &Ran) -> BTreeSet<(u16, String, String)> {
    let fixed = ran.steps.iter().filter(|(step, _)| step.id.part < super::super::OPTIONAL);
    let name = |action: &Action| super::super::kind(action);
    fixed
        .map(|(step, _)| {
            let what = format!("{} {}", name(&step.action), step.id.part);
            (step.id.step, step.id.verb.clone(), what)
        })
        .collect()
}

/// Whatever comes back, every script ends, and without a panic.
#[test]
fn no_answer_makes_a_script_hang() {
    let codes = [
        Code::Internal,
        Code::DeadlineExceeded,
        Code::FailedPrecondition,
        Code::Unbound,
        Code::NotFound,
        Code::Unobservable,
        Code::Io,
        Code::Harness,
    ];
    for planned in planned(&FULL) {
        for seed in 1..20_u64 {
            let mut state = seed;
            let mut roll = |sides: u64| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(seed | 1);
                (state >> 33) % sides
            };
            let script = Script::new(&planned, &FULL.offers());
            drive(script, &mut |_| {
                let required = Some(roll(2) == 0);
                let reply = Reply { node_expansion_required: required, ..Reply::default() };
                let code = codes[roll(8) as usize];
                match roll(6) {
                    0 => Completion::Fail(Failure { code, message: String::new() }),
                    1 => Completion::Info(Failure { code, message: String::new() }),
                    _ => Completion::Ok(Outcome::Reply(Box::new(reply))),
                }
            });
        }
    }
}
