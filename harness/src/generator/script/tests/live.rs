//! Scenarios that the orchestrator drives: its calls, and what its objects show.

use csi_stretch_oracle::{
    action::{Action, Rpc},
    history::{Because, Code, Completion, Failure, ObjectKind},
};
use rstest::rstest;

use super::sim::{Flavour, Ran, Sim, drive};
use crate::{
    generator::{Script, orchestrator::profile},
    scenario::{Options, load, plan},
};

const FULL: Flavour = Flavour {
    name: "full",
    lacks: &["expand.offline-only"],
    whole: false,
    granularity: 1 << 20,
    maximum: 1 << 40,
};

fn script(profile: &str, steps: &str) -> Script {
    let text = format!(
        "about: x\nclauses: [controller-expand.purpose]\norchestrator: {{ profile: {profile} }}\n\
         volume: {{ size: 20GiB }}\nsteps: {steps}\n"
    );
    let scenario = load("x.yaml", &text, &|_| true).unwrap_or_else(|error| panic!("{error}"));
    let planned = plan(&[scenario], &FULL.offers(), &Options::default()).remove(0);
    assert_eq!(planned.instance.skip, None);
    Script::new(&planned, &FULL.offers())
}

fn run(profile: &str, steps: &str) -> Ran {
    let mut sim = Sim::default();
    let ran = drive(script(profile, steps), &mut |action| sim.perform(&FULL, action));
    assert!(ran.stopped.is_none(), "{:?}", ran.stopped);
    ran
}

/// What `kubectl get pvc -w` shows from the edit on, with what stands beside it.
fn claims(ran: &Ran) -> Vec<String> {
    let lines = ran.objects.iter().filter(|change| change.kind == ObjectKind::Claim);
    let told = lines.map(|change| {
        let row: Vec<&str> = change.row.split_whitespace().collect();
        format!("{} {} | {}", row[1], row.get(3).unwrap_or(&""), change.notes.join(", "))
    });
    told.skip_while(|line| !line.contains("requests 30Gi")).collect()
}

fn calls(ran: &Ran) -> Vec<Rpc> {
    let call = |action: &Action| match action {
        Action::Call(call) => Some(call.rpc),
        _ => None,
    };
    let all = ran.steps.iter().filter_map(|(step, _)| call(&step.action));
    all.filter(|rpc| !rpc.only_asks()).collect()
}

const PENDING: &str = "FileSystemResizePending: Waiting for user to (re-)start a pod to finish \
                       file system resize of volume on node.";

#[test]
fn the_article_of_2019_step_by_step() {
    let ran = run(
        "legacy-1.14",
        "[start_pod, until: running, request: 30GiB, until: node_pending, delete_pod, \
         until: detached, start_pod, until: running, until: grown]",
    );
    let pending = format!("Bound 20Gi | requests 30Gi, {PENDING}");
    let shown = [
        "Bound 20Gi | requests 30Gi",
        "Bound 20Gi | requests 30Gi, Resizing",
        &pending,
        "Bound 30Gi | ",
    ];
    assert_eq!(claims(&ran), shown);
    // The node's step comes with the new pod, between its stage and its publication.
    let tail = [Rpc::NodeStage, Rpc::NodeExpand, Rpc::NodePublish];
    assert_eq!(calls(&ran)[calls(&ran).len() - 3..], tail);
}

#[test]
fn today_a_claim_grows_under_its_pod() {
    let ran = run("current", "[start_pod, until: running, request: 30GiB, until: grown]");
    let state = |state: &str, conditions: &str| {
        format!("Bound 20Gi | requests 30Gi, allocated 30Gi, {state}, {conditions}")
    };
    let both = format!("Resizing, {PENDING}");
    let shown = [
        "Bound 20Gi | requests 30Gi".to_owned(),
        state("ControllerResizeInProgress", "Resizing"),
        state("NodeResizePending", &both),
        state("NodeResizeInProgress", &both),
        "Bound 30Gi | ".to_owned(),
    ];
    assert_eq!(claims(&ran), shown);
    assert_eq!(calls(&ran)[calls(&ran).len() - 2..], [Rpc::ControllerExpand, Rpc::NodeExpand]);
}

#[rstest]
#[case("controller_expand", "resizer", Rpc::ControllerExpand)]
#[case("node_expand", "kubelet", Rpc::NodeExpand)]
fn who_restarts_before_the_answer_asks_again(
    #[case] after: &str,
    #[case] part: &str,
    #[case] twice: Rpc,
) {
    let ran = run(
        "current",
        &format!(
            "[start_pod, until: running, request: 30GiB, until: {{ answered: {after} }}, \
             restart: {part}, until: grown]"
        ),
    );
    assert_eq!(calls(&ran).iter().filter(|rpc| **rpc == twice).count(), 2);
}

#[test]
fn a_driver_that_never_grows_ends_the_wait_and_says_what_came_last() {
    let mut sim = Sim::default();
    let steps = "[start_pod, until: running, request: 30GiB, until: grown]";
    let ran = drive(script("current", steps), &mut |action| match action {
        Action::Call(call) if call.rpc == Rpc::ControllerExpand => {
            let message = "out of luck".to_owned();
            Completion::Fail(Failure { code: Code::Internal, message })
        }
        action => sim.perform(&FULL, action),
    });
    let stopped = ran.stopped.unwrap();
    assert_eq!(stopped.because, Because::StepFailed);
    for part in ["step 4 (until)", "requests 30Gi", "out of luck", "ControllerResizeError"] {
        assert!(stopped.why.contains(part), "{part}: {}", stopped.why);
    }
}

#[test]
fn what_the_api_server_refuses_ends_the_script_in_its_words() {
    let mut sim = Sim::default();
    let steps = "[start_pod, start_pod]";
    let ran = drive(script("current", steps), &mut |action| sim.perform(&FULL, action));
    let why = ran.stopped.unwrap().why;
    assert!(why.contains("pods \"vol-pod-0\" already exists"), "{why}");
}

#[test]
fn the_language_knows_every_profile() {
    let known: Vec<&str> = profile::PROFILES.iter().map(|profile| profile.name).collect();
    for name in &known {
        script(&format!("'{name}'"), "[start_pod]");
    }
    let text =
        "about: x\nclauses: [x]\norchestrator: { profile: nope }\nvolume: {}\nsteps: [probe]";
    let error = load("x.yaml", text, &|_| true).unwrap_err().to_string();
    assert!(known.iter().all(|name| error.contains(name)), "{error}");
}
