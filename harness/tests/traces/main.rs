//! Trace equality: runs of the real csi-resizer against a scripted driver and a small API server,
//! recorded in `recorded/`, and the simulated one given the same events and answers. The same
//! calls and patches must come out, in the same order and with the same content.
//!
//! `CSI_STRETCH_TRACES=folder` replays another folder of recordings: `NAME.api.jsonl`,
//! `NAME.rpc.jsonl`, and `runs.json` with what a recording does not say of its run.

mod record;
mod replay;
mod rig;

use std::path::{Path, PathBuf};

use record::Recording;

/// What a recording leaves open, or differs in for a reason. Everything else is compared.
const DIFFERENCES: &[(&str, &str)] = &[
    (
        "times of conditions",
        "wall time of the recording; a patch that only renews one may therefore be empty",
    ),
    (
        "order of conditions",
        "the recorded API server appended what a patch touched; compared as a set",
    ),
    (
        "when the watch tells of a write",
        "before or after the answer to the write: a race in the recorded process, and each outcome \
         is legal; the replay looks for the one that happened",
    ),
    (
        "phase of the slow set's clean-up",
        "every 100 ms from the start of the process, which the recording does not have to the \
         millisecond; the replay looks for it in steps of 10 ms",
    ),
    (
        "no-op writes make versions, nothing is validated",
        "so did the recorded API server; the simulated one is set to the same",
    ),
    (
        "events of claims",
        "the recorder of events combines similar ones and is late: each recorded event must have \
         been said, and not the other way round",
    ),
];

fn folder() -> PathBuf {
    std::env::var_os("CSI_STRETCH_TRACES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces/recorded"),
        PathBuf::from,
    )
}

#[test]
fn the_simulated_resizer_does_what_the_real_one_did() {
    let recordings = Recording::all(&folder());
    assert!(!recordings.is_empty());
    let mut failures = Vec::new();
    for recording in &recordings {
        match replay::replay(recording) {
            Ok(found) => println!(
                "{:22} {:2} calls {:2} patches: equal ({} schedules tried)",
                recording.name,
                recording.calls.len(),
                recording.patches(),
                found
            ),
            Err(why) => failures.push(format!("{}: {why}", recording.name)),
        }
    }
    println!("what is not compared, and why:");
    for (what, why) in DIFFERENCES {
        println!("  {what}: {why}");
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// A recording that was tampered with must not be found equal.
#[test]
fn another_sequence_is_not_equal() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces/recorded");
    let all = Recording::all(&folder);
    let named = |name: &str| all.iter().find(|one| one.name == name).unwrap().clone();
    let mut fewer = named("infeasible");
    fewer.calls.pop();
    let mut other_size = named("basic");
    other_size.calls.last_mut().unwrap()["req"]["capacity_range"]["required_bytes"] = 1.into();
    let mut no_mark = named("infeasible");
    no_mark.api.retain(|line| {
        line["body"]["status"]["allocatedResourceStatuses"]["storage"]
            != "ControllerResizeInfeasible"
    });
    let mut late = named("hang");
    for line in late.api.iter_mut().filter(|line| line["t"].as_f64() > Some(8.0)) {
        line["t"] = (line["t"].as_f64().unwrap() + 30.0).into();
    }
    for (what, recording) in
        [("a call less", fewer), ("another size", other_size), ("no mark", no_mark), ("late", late)]
    {
        assert!(replay::replay(&recording).is_err(), "{what}");
    }
}
