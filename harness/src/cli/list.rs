//! `csi-stretch list`: scenarios, clauses, checks, offers.

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf};

use csi_stretch_mock::Defect;
use csi_stretch_oracle::{
    check::CHECKS,
    clause::{Catalogue, Party},
    dialect::adopted,
    history::Instance,
    offer::KNOWN,
};

use super::{
    input::{catalogue, scenarios},
    outcome::{Outcome, print},
};
use crate::scenario::everything;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to list.
    #[arg(value_enum, default_value = "scenarios")]
    what: What,
    /// Scenario files or folders instead of the built-in ones; may be repeated.
    #[arg(long, value_name = "PATH")]
    scenarios: Vec<PathBuf>,
    /// Only lines that contain this text.
    #[arg(long, value_name = "TEXT")]
    focus: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// Every instance after matrix expansion.
    Scenarios,
    /// The clause catalogue: who claims each clause, or why nobody does.
    Clauses,
    /// Who judges.
    Checks,
    /// What a scenario can require.
    Offers,
    /// What `mock --defect` can do wrong, and the clauses that a tester has to name.
    Defects,
}

pub fn main(args: &Args) -> Outcome {
    let scenarios = scenarios(&args.scenarios)?;
    let instances = everything(&scenarios);
    let mut text = String::new();
    match args.what {
        What::Scenarios => {
            for instance in &instances {
                let _ = writeln!(text, "{:60} {}", instance.id, instance.about);
            }
        }
        What::Clauses => text = clauses(&catalogue()?, &instances),
        What::Checks => {
            for check in CHECKS {
                let _ = writeln!(text, "{:24} {}", check.name, check.about);
            }
        }
        What::Defects => {
            for defect in Defect::all().chain(Defect::under_load()) {
                let Defect { name, class, about, stands_for, .. } = defect;
                let breaks = defect.breaks.join(", ");
                let tier = if defect.needs_real_devices() { "; loop tier only" } else { "" };
                let _ = writeln!(
                    text,
                    "{name:40} {class:24} {about} ({stands_for}); breaks {breaks}{tier}"
                );
            }
        }
        What::Offers => {
            for (name, about) in KNOWN {
                let _ = writeln!(text, "{name:28} {about}");
            }
        }
    }
    let wanted =
        |line: &&str| args.focus.as_ref().is_none_or(|focus| line.contains(focus.as_str()));
    let lines: String =
        text.lines().filter(wanted).map(|line| line.trim_end().to_owned() + "\n").collect();
    print(&lines)
}

/// One line for each clause, and what they add up to.
fn clauses(catalogue: &Catalogue, instances: &[Instance]) -> String {
    let mut scenarios: BTreeMap<&str, usize> = BTreeMap::new();
    for id in instances.iter().flat_map(|instance| &instance.clauses) {
        *scenarios.entry(id).or_default() += 1;
    }
    let (mut text, mut checked, mut excepted, mut all) = (String::new(), 0, 0, 0);
    for clause in catalogue.iter() {
        let (id, adopted) = (clause.id.as_str(), adopted(&clause.id));
        let tests = scenarios.get(adopted).copied().unwrap_or(0);
        let checks = CHECKS.iter().filter(|check| check.clauses.contains(&adopted));
        let checks: Vec<&str> = checks.map(|check| check.name).collect();
        let claimed = tests > 0 || !checks.is_empty();
        all += 1;
        checked += usize::from(claimed);
        excepted += usize::from(clause.excepted.is_some());
        let state = match &clause.excepted {
            Some(reason) => format!("excepted: {reason}"),
            None if claimed => {
                let checks = if checks.is_empty() { "-".to_owned() } else { checks.join(",") };
                format!("scenarios:{tests:<3} checks:{checks}")
            }
            None => "-".to_owned(),
        };
        let (level, tier, line) = (clause.level.name(), clause.tier, clause.spec_line);
        let party = if clause.party == Party::Plugin { "SP" } else { "CO" };
        let _ = writeln!(text, "{id:55} {level:10} tier {tier}  {party}  spec:{line:<5} {state}");
    }
    let open = all - checked - excepted;
    text + &format!("{checked} checked, {excepted} excepted, {open} open, of {all}\n")
}
