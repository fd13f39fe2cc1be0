//! `csi-stretch replay`: a run again, narrowed to what failed, with the same seed, target and
//! options, and then what of it was seen again.

use std::path::PathBuf;

use clap::Parser as _;
use csi_stretch_oracle::report::{LocatedFinding, Report};

use super::{
    Cli, Command, Exit, input,
    outcome::{Failure, Outcome, print},
    run,
    style::Style,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run: its folder, report.json or history.ndjson.
    #[arg(default_value = "stretch-out/latest")]
    run: PathBuf,
    /// Only the scenario with exactly this id; may be repeated. Without it, all that did not pass.
    #[arg(long, value_name = "ID")]
    scenario: Vec<String>,
    /// Every scenario of the run that was not skipped.
    #[arg(long, conflicts_with = "scenario")]
    all: bool,
    /// Folder for reports, in place of the run's.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Folder for volumes, mounts and sockets, in place of the run's.
    #[arg(long, value_name = "DIR")]
    work_dir: Option<PathBuf>,
    /// Only failures and the last line.
    #[arg(short, long)]
    quiet: bool,
}

pub fn main(args: &Args, style: Style) -> Outcome {
    let before = input::report(&args.run)?;
    let scenarios = wanted(args, &before)?;
    let command = command(&before, &scenarios);
    let mut again = arguments(&command, &before)?;
    again.set(args.out.as_deref(), args.work_dir.as_deref(), args.quiet);
    let after = run::perform_with(&again, style)?;
    print(&seen_again(&before, &after, &scenarios))?;
    Ok(Exit::of(&after))
}

fn wanted(args: &Args, report: &Report) -> Result<Vec<String>, Failure> {
    let known = |id: &String| report.scenarios.iter().any(|one| one.id == *id);
    if let Some(unknown) = args.scenario.iter().find(|id| !known(id)) {
        return Err(Failure::usage(format!("the run has no scenario `{unknown}`")));
    }
    if !args.scenario.is_empty() {
        return Ok(args.scenario.clone());
    }
    let ran = report.scenarios.iter().filter(|one| one.skip.is_none());
    let chosen =
        ran.filter(|one| args.all || one.verdict > csi_stretch_oracle::verdict::Verdict::Pass);
    let ids: Vec<String> = chosen.map(|one| one.id.clone()).collect();
    if ids.is_empty() {
        let message = "nothing failed in that run; --all replays every scenario".to_owned();
        return Err(Failure { exit: Exit::NothingSelected, message });
    }
    Ok(ids)
}

/// Options with a value that say which scenarios run, and how.
const SELECTION: &[&str] =
    &["--seed", "--scenario", "--suite", "--focus", "--skip", "--label", "--partition"];

/// The command of the run with other scenarios and its own seed, so that a replay can be replayed.
fn command(report: &Report, scenarios: &[String]) -> Vec<String> {
    let mut words: Vec<String> = without(&report.run.command, SELECTION).cloned().collect();
    words.retain(|word| word != "--fail-fast");
    words.extend(["--seed".to_owned(), format!("{:#x}", report.run.seed)]);
    words.extend(scenarios.iter().flat_map(|id| ["--scenario".to_owned(), id.clone()]));
    words
}

/// The words but for these options and their values.
fn without<'a>(words: &'a [String], options: &'a [&str]) -> impl Iterator<Item = &'a String> {
    let mut skip_value = false;
    words.iter().filter(move |word| {
        let value = std::mem::take(&mut skip_value);
        skip_value = !value && options.contains(&word.as_str());
        let joined = options
            .iter()
            .any(|option| word.strip_prefix(option).is_some_and(|rest| rest.starts_with('=')));
        !value && !skip_value && !joined
    })
}

fn arguments(command: &[String], report: &Report) -> Result<run::Args, Failure> {
    let cannot = |why: &dyn std::fmt::Display| {
        Failure::usage(format!("the run's command cannot be used again: {why}"))
    };
    let cli = Cli::try_parse_from(command).map_err(|error| cannot(&error))?;
    let Command::Run(args) = cli.command else {
        return Err(cannot(&"it is not `csi-stretch run`"));
    };
    let mut args = *args;
    args.replays(command.to_vec(), &report.run.target.endpoint);
    Ok(args)
}

/// Which of the run's findings the replay has as well.
fn seen_again(before: &Report, after: &Report, scenarios: &[String]) -> String {
    let replayed =
        |one: &&LocatedFinding| !one.finding.advisory && scenarios.contains(&one.scenario);
    let same = |one: &LocatedFinding, other: &LocatedFinding| {
        let (a, b) = (&one.finding, &other.finding);
        one.scenario == other.scenario && (&a.check, &a.clause) == (&b.check, &b.clause)
    };
    let old: Vec<&LocatedFinding> = before.findings.iter().filter(replayed).collect();
    let gone: Vec<_> =
        old.iter().filter(|one| !after.findings.iter().any(|new| same(one, new))).collect();
    let mut text =
        format!("replay: {} of {} findings seen again\n", old.len() - gone.len(), old.len());
    for one in gone {
        text.extend(["  not seen: ", &one.scenario, " ", &one.finding.clause, "\n"]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_options_take_the_place_of_the_users() {
        let words = ["run", "--seed", "7", "--scenario=a/b", "--jobs", "1", "--seed=8"];
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        let left: Vec<&String> = without(&words, &["--seed", "--scenario"]).collect();
        assert_eq!(left, ["run", "--jobs", "1"]);
    }
}
