//! Which scenarios: what the arguments name must exist, and what is selected can be listed with
//! no driver at all.

use crate::{
    cli::{
        Exit,
        outcome::{Failure, Outcome, print},
    },
    scenario::{Options, Scenario, everything, selected, unknown},
};

use super::args::Args;

/// A folder or label that does not exist is a mistake, and not an empty selection.
pub(super) fn check(args: &Args, scenarios: &[Scenario]) -> Result<(), Failure> {
    let mut suites: Vec<&str> = Vec::new();
    for scenario in scenarios {
        suites.extend(scenario.id.match_indices('/').map(|(at, _)| &scenario.id[..at]));
    }
    let labels = || scenarios.iter().flat_map(|scenario| &scenario.labels).map(String::as_str);
    must_exist("suite", args.suite.iter().map(String::as_str), suites.into_iter())?;
    must_exist("label", args.label.iter().flat_map(|one| one.named()), labels())
}

fn must_exist<'a>(
    what: &str,
    mut wanted: impl Iterator<Item = &'a str>,
    known: impl Iterator<Item = &'a str>,
) -> Result<(), Failure> {
    let mut known: Vec<&str> = known.collect();
    known.sort_unstable();
    known.dedup();
    match wanted.find(|word| !known.contains(word)) {
        Some(word) => Err(Failure::usage(unknown(what, word, known.iter().copied()))),
        None => Ok(()),
    }
}

/// What the arguments say, before anything is known of the target.
pub(super) fn options(args: &Args) -> Options {
    Options {
        focus: args.focus.clone(),
        exact: args.scenario.clone(),
        skip: args.skip.clone(),
        suites: args.suite.clone(),
        labels: args.label.clone(),
        partition: args.partition,
        ..Options::default()
    }
}

/// Every built-in scenario is meant, so that an expected failure must fit one of them.
pub(super) fn is_whole(args: &Args) -> bool {
    args.scenarios.is_empty() && options(args).is_whole()
}

/// Prints what is selected, one id a line.
pub(super) fn list(args: &Args, scenarios: &[Scenario]) -> Outcome {
    let ids = selected(scenarios, &options(args));
    if ids.is_empty() {
        return Err(nothing(args, scenarios));
    }
    print(&ids.into_iter().map(|instance| instance.id + "\n").collect::<String>())
}

/// Nothing fits; a near miss of a whole id is worth a hint.
pub(super) fn nothing(args: &Args, scenarios: &[Scenario]) -> Failure {
    let ids = everything(scenarios);
    let wanted = args.scenario.iter().chain(&args.focus).next();
    let near = wanted.and_then(|wanted| {
        let near = |id: &str| id.ends_with(wanted) || strsim::jaro_winkler(id, wanted) > 0.9;
        ids.iter().find(|instance| near(&instance.scenario) || near(&instance.id))
    });
    let hint = near.map(|near| format!(" (did you mean `{}`?)", near.id)).unwrap_or_default();
    let message = format!("no scenario is selected{hint}; `csi-stretch list` shows their ids");
    Failure { exit: Exit::NothingSelected, message }
}
