//! `csi-stretch doctor`: one screen that says what this host can and cannot test, and how to get
//! the rest. Always exits 0: it reports, it does not judge.

use std::fmt::Write as _;

use super::{Exit, outcome::print};
use crate::{
    host::facts::{Fact, Facts},
    target::support,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub fn main(args: &Args) -> Exit {
    let facts = Facts::gather();
    let text = if args.json { as_json(&facts) } else { as_text(&facts) };
    let _ = print(&text);
    Exit::Passed
}

fn as_text(facts: &Facts) -> String {
    let tier = match loop_tier() {
        Ok(()) => "loop (real devices and file systems of this kernel)".to_owned(),
        Err(why) => format!("memory (simulated); for the loop tier: {why}"),
    };
    let mut text =
        format!("csi-stretch {} on {}\n", env!("CARGO_PKG_VERSION"), facts.machine.kernel);
    let _ = writeln!(text, "tier of `csi-stretch run` here: {tier}\n");
    for fact in &facts.list {
        let mark = if fact.present { "yes" } else { "NO " };
        let _ = writeln!(text, "  {mark}  {:24} {}", fact.name, fact.why);
        if !fact.present {
            let _ = writeln!(text, "       {:24} -> {}", "", fact.how_to_get);
        }
    }
    text
}

fn loop_tier() -> Result<(), String> {
    if cfg!(feature = "loop") {
        support::loop_devices()
    } else {
        Err("build with libclang and the default features".into())
    }
}

fn as_json(facts: &Facts) -> String {
    let fact = |fact: &Fact| {
        serde_json::json!({
            "name": fact.name,
            "present": fact.present,
            "why": fact.why,
            "how_to_get": fact.how_to_get,
        })
    };
    let facts: Vec<_> = facts.list.iter().map(fact).collect();
    serde_json::Value::from(facts).to_string() + "\n"
}
