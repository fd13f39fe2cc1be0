//! `csi-stretch list`: scenarios, clauses, checks, offers.

use std::{fmt::Write as _, path::PathBuf};

use csi_stretch_mock::Defect;
use csi_stretch_oracle::{check::CHECKS, offer::KNOWN};

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
    /// The clause catalogue, and who claims each.
    Clauses,
    /// Who judges.
    Checks,
    /// What a scenario can require.
    Offers,
    /// What `mock --defect` can do wrong, and the clauses that a tester has to name.
    Defects,
}

pub fn main(args: &Args) -> Outcome {
    let catalogue = catalogue()?;
    let scenarios = scenarios(&args.scenarios)?;
    let instances = everything(&scenarios);
    let mut text = String::new();
    match args.what {
        What::Scenarios => {
            for instance in &instances {
                let _ = writeln!(text, "{:60} {}", instance.id, instance.about);
            }
        }
        What::Clauses => {
            for clause in catalogue.iter() {
                let tests = instances.iter().filter(|i| i.clauses.contains(&clause.id)).count();
                let checks: Vec<&str> = CHECKS
                    .iter()
                    .filter(|check| check.clauses.contains(&clause.id.as_str()))
                    .map(|check| check.name)
                    .collect();
                let (id, level) = (&clause.id, clause.level.name());
                let line = &clause.spec_line;
                let checks = if checks.is_empty() { "-".into() } else { checks.join(",") };
                let _ = writeln!(
                    text,
                    "{id:55} {level:10} spec:{line:<5} scenarios:{tests:<3} checks:{checks}"
                );
            }
        }
        What::Checks => {
            for check in CHECKS {
                let _ = writeln!(text, "{:24} {}", check.name, check.about);
            }
        }
        What::Defects => {
            for defect in Defect::all() {
                let Defect { name, class, about, stands_for, .. } = defect;
                let breaks = defect.breaks.join(", ");
                let _ =
                    writeln!(text, "{name:40} {class:24} {about} ({stands_for}); breaks {breaks}");
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
