//! `simulate`, from outside.

use rstest::rstest;

use crate::rig::{Rig, expect_exit, stderr, stdout};

#[test]
fn a_healthy_fleet_settles_and_says_how_long_it_took() {
    let rig = Rig::new();
    let args = ["simulate", "--claims", "20", "--report", "result.json"];
    let output = expect_exit(&mut rig.command(&args), 0);
    let text = stdout(&output);
    assert!(text.contains("settled      20 of 20"), "{text}");
    assert!(!text.contains("stuck"), "{text}");
    let report = std::fs::read_to_string(rig.path("result.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!((&report["settled"], &report["breaches_total"]), (&20.into(), &0.into()));
    assert!(report["converged"]["p99"].as_u64() >= report["converged"]["p50"].as_u64());
}

#[test]
fn the_same_seed_writes_the_same_bytes() {
    let rig = Rig::new();
    let history = |seed: &str, name: &str| {
        let args = [
            "simulate",
            "--claims",
            "10",
            "--seed",
            seed,
            "--history",
            name,
            "--lost",
            "0.05",
            "--restart-driver",
            "45s",
            "--format",
            "json",
        ];
        let output = expect_exit(&mut rig.command(&args), 0);
        (stdout(&output), std::fs::read(rig.path(name)).unwrap())
    };
    let first = history("7", "one");
    assert!(first.1.len() > 1000);
    assert_eq!(first, history("7", "two"));
    assert_ne!(first.1, history("8", "three").1);
}

#[test]
fn a_seed_that_shows_a_stuck_claim_is_found_and_can_be_seen_again() {
    let rig = Rig::new();
    let fleet = ["--claims", "5", "--nodes", "2", "--lost", "0.02", "--api-qps", "0"];
    let defect = ["--defect", "sticky-aborted"];
    let find = ["--find-stuck", "50"];
    let all = [&["simulate"][..], &fleet, &defect, &find].concat();
    let output = expect_exit(&mut rig.command(&all), 1);
    let found = stdout(&output);
    assert!(found.contains("Aborted"), "{found}");
    let seed = found.split("seed ").nth(1).unwrap().lines().next().unwrap().to_owned();
    let again = [&["simulate"][..], &fleet, &defect, &["--seed", &seed]].concat();
    assert_eq!(stdout(&expect_exit(&mut rig.command(&again), 1)), found);
    let healthy = [&["simulate"][..], &fleet, &["--find-stuck", "5"]].concat();
    let output = expect_exit(&mut rig.command(&healthy), 0);
    assert_eq!(stdout(&output), "5 seeds from 1: every claim settled\n");
}

#[rstest]
#[case(&["--profile", "1.99"], "known profiles are current, 1.32")]
#[case(&["--defect", "none"], "known defects are sticky-aborted")]
#[case(&["--sizes", "20Gi,10Gi"], "each larger")]
#[case(&["--sizes", "10Gi"], "two sizes or more")]
#[case(&["--sizes", "ten,20Gi"], "write a size as Kubernetes does")]
#[case(&["--errors", "UNHAPPY=0.1"], "no gRPC code")]
#[case(&["--errors", "INTERNAL"], "write CODE=SHARE")]
#[case(&["--errors", "INTERNAL=0.7", "--lost", "0.7"], "more than all calls")]
#[case(&["--latency", "5s..1s"], "the longer one")]
#[case(&["--claims", "0"], "at least one claim")]
#[case(&["--idle", "2"], "from 0 to 1")]
fn bad_input(#[case] args: &[&str], #[case] words: &str) {
    let rig = Rig::new();
    let all = [&["simulate"][..], args].concat();
    let output = expect_exit(&mut rig.command(&all), 2);
    assert!(stderr(&output).contains(words), "{}", stderr(&output));
}

#[test]
fn a_file_that_cannot_be_written_is_told() {
    let rig = Rig::new();
    for option in ["--history", "--report"] {
        let args = ["simulate", "--claims", "2", option, "no/such/folder/file"];
        let output = expect_exit(&mut rig.command(&args), 5);
        assert!(stderr(&output).contains("no/such/folder/file"), "{}", stderr(&output));
    }
}
