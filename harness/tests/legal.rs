//! No false alarm: drivers that differ in everything the specification leaves open, made from a
//! seed, all come out without a failure. Half of them are tested with no target profile, as a
//! stranger would.
//!
//! Each driver runs a fifth of the scenarios, so that ten drivers run all of them twice;
//! `LEGAL_WHOLE=1` gives each of them all, `LEGAL_SEED=n` makes other drivers.

use std::{fmt::Write as _, path::Path, process::Command, sync::Mutex, thread};

use csi_stretch_mock::Profile;
use serde_json::Value;

const DRIVERS: u64 = 50;
const SLICES: u64 = 5;

/// SplitMix64: enough to choose by, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[(self.next() % of.len() as u64) as usize]
    }

    /// Each with a chance of three in four.
    fn most(&mut self, of: &[&str]) -> String {
        let kept: Vec<&str> =
            of.iter().filter(|_| !self.next().is_multiple_of(4)).copied().collect();
        format!("[{}]", kept.join(", "))
    }
}

/// A driver that CSI allows: the YAML of a mock profile.
fn driver(seed: u64) -> String {
    let mut dice = Dice(seed);
    loop {
        let text = guess(&mut dice);
        if Profile::parse(&text).is_ok() {
            return text;
        }
    }
}

fn guess(dice: &mut Dice) -> String {
    let mut text = String::new();
    let mut line = |key: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "{key}: {value}");
        }
    };
    let granularity =
        dice.one(&["1", "512", "1000", "4096", "1MiB", "3MiB", "4MiB", "100MiB", "1GiB"]);
    line("granularity", granularity);
    line("minimum", dice.one(&["1", "1MiB", "10MiB", "1GiB"]));
    line("maximum", dice.one(&["100GiB", "16TiB"]));
    line("expansion", dice.one(&["[online]", "[online]", "[offline]", "[online, offline]", "[]"]));
    line("controller_service", dice.one(&["true", "true", "true", "false"]));
    let controller = dice.most(&[
        "create_delete_volume",
        "create_delete_volume",
        "expand_volume",
        "publish_unpublish_volume",
        "list_volumes",
        "get_capacity",
        "create_delete_snapshot",
        "list_snapshots",
        "clone_volume",
        "publish_readonly",
        "list_volumes_published_nodes",
        "volume_condition",
        "get_volume",
        "single_node_multi_writer",
        "modify_volume",
        "get_snapshot",
    ]);
    line("controller", &controller);
    let node = dice.most(&[
        "stage_unstage_volume",
        "expand_volume",
        "get_volume_stats",
        "volume_condition",
        "single_node_multi_writer",
    ]);
    line("node", &node);
    let grow_fs_at = dice.one(&[
        "",
        "",
        "[node_expand]",
        "[stage, node_expand]",
        "[publish, node_expand]",
        "[controller]",
        "[controller, stage]",
        "[controller, publish, node_expand]",
    ]);
    line("grow_fs_at", grow_fs_at);
    line("capacity_reply", dice.one(&["actual", "asked"]));
    line("fs_types", dice.one(&["[ext4]", "[xfs, ext4]", "[ext4, xfs, btrfs]"]));
    line("block", dice.one(&["true", "true", "false"]));
    line("name", dice.one(&["a.example", "9p.csi.example", "UPPER.csi.example", "x"]));
    text
}

#[test]
fn no_legal_driver_is_accused() {
    let first = std::env::var("LEGAL_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    let queue = Mutex::new(first..first + DRIVERS);
    let accused = Mutex::new(Vec::new());
    let work = || {
        loop {
            let Some(seed) = queue.lock().unwrap().next() else { return };
            let profile = driver(seed);
            if let Err(why) = run(seed, &profile) {
                accused.lock().unwrap().push(format!("driver {seed}:\n{profile}{why}"));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(work);
        }
    });
    let accused = accused.into_inner().unwrap();
    assert!(accused.is_empty(), "{} of {DRIVERS}:\n\n{}", accused.len(), accused.join("\n\n"));
}

fn run(seed: u64, profile: &str) -> Result<(), String> {
    let folder = tempfile::Builder::new().prefix("st").tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("mock.yaml"), profile).unwrap();
    let program = env!("CARGO_BIN_EXE_csi-stretch");
    let mock = format!(
        "{program} mock --listen {{socket}} --backing memory --state-dir {} --profile {}",
        at("state").display(),
        at("mock.yaml").display(),
    );
    let mut command = Command::new(program);
    command.args(["run", "--quiet", "--reference", "off", "--seed", &seed.to_string()]);
    command.arg("--out").arg(at("out")).arg("--work-dir").arg(at("work"));
    if std::env::var_os("LEGAL_WHOLE").is_none() {
        command.args(["--partition", &format!("slice:{}/{SLICES}", seed % SLICES + 1)]);
    }
    if seed.is_multiple_of(2) {
        command.args(["--endpoint", &format!("exec:{mock}")]);
    } else {
        std::fs::write(at("target.yaml"), target(&mock, profile)).unwrap();
        command.arg("--target").arg(at("target.yaml"));
    }
    command.env_remove("CSI_ENDPOINT").env_remove("GITHUB_ACTIONS");
    let ended = command.output().unwrap();
    match ended.status.code() {
        // All skipped: a driver that can do next to nothing.
        Some(0 | 1 | 3) => blame(&at("out/latest/report.json")),
        other => Err(format!("exit {other:?}: {}", String::from_utf8_lossy(&ended.stderr))),
    }
}

/// What its author would write into a target profile.
fn target(mock: &str, profile: &str) -> String {
    let value = |key: &str| {
        let line = profile.lines().find_map(|line| line.strip_prefix(&format!("{key}: ")));
        line.unwrap_or_default().to_owned()
    };
    let access = if value("block") == "true" { "[mount, block]" } else { "[mount]" };
    let grows = value("grow_fs_at");
    let grows_at_stage = grows.is_empty() || grows.contains("stage");
    let words: Vec<String> = mock.split(' ').map(|word| format!("'{word}'")).collect();
    format!(
        "endpoint: exec\ncommand: [{}]\naccess: {access}\nfs: {}\ngrows_at_stage: {grows_at_stage}\n\
         sizes: {{granularity: {}, minimum: {}, maximum: {}}}\n",
        words.join(", "),
        value("fs_types"),
        value("granularity"),
        value("minimum"),
        value("maximum"),
    )
}

fn blame(report: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(report).map_err(|error| error.to_string())?;
    let report: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let findings = report["findings"].as_array().ok_or("no findings")?;
    let accusing = findings
        .iter()
        .filter(|finding| finding["verdict"] == "fail" || finding["verdict"] == "error");
    let told: Vec<String> = accusing
        .map(|f| format!("  {} {}: {} ({})", f["scenario"], f["clause"], f["what"], f["verdict"]))
        .collect();
    if told.is_empty() { Ok(()) } else { Err(told.join("\n")) }
}
