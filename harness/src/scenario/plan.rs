//! From scenarios and offers to the list of what runs: matrix spread, each instance gated once,
//! sizes and seed fixed. Same input, same plan.

use std::collections::BTreeMap;

use csi_stretch_oracle::{history::Instance, offer::Offers};

use super::{
    Program, Scenario,
    compile::{Choice, compile},
    lexeme::FILE_SYSTEMS,
    matrix::{Combination, combinations},
    select::fits_any,
    size::{Rules, Sizes},
    walk::walk,
};

/// What a user may choose.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Decides every choice.
    pub seed: u64,
    /// Only instances whose id fits one of these (substring, or pattern with `*`); empty: all.
    pub focus: Vec<String>,
    /// Only instances with one of these very ids; empty: all.
    pub exact: Vec<String>,
    /// No instance whose id fits one of these.
    pub skip: Vec<String>,
    /// Only scenarios with one of these labels; empty: all.
    pub labels: Vec<String>,
    /// Base sizes of volumes.
    pub sizes: Sizes,
    /// Parameters of creation for every volume.
    pub parameters: BTreeMap<String, String>,
}

/// One instance of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// For the history. `skip` says why it is not run.
    pub instance: Instance,
    /// Seed of this instance's own choices.
    pub seed: u64,
    /// What the script generator works through; empty if it is not run.
    pub script: Program,
}

/// Plans what runs on a target with these offers, in order of scenario, then of matrix values.
/// Scenarios that are not selected are not in the plan; those that lack an offer are, as skips.
pub fn plan(scenarios: &[Scenario], offers: &Offers, options: &Options) -> Vec<Planned> {
    let mut planned = Vec::new();
    for scenario in scenarios.iter().filter(|scenario| labelled(scenario, &options.labels)) {
        for combination in combinations(&scenario.file).unwrap_or_default() {
            let id = format!("{}{}", scenario.id, combination.suffix);
            let focused = options.focus.is_empty() || fits_any(&options.focus, &id);
            let exact = options.exact.is_empty() || options.exact.contains(&id);
            if focused && exact && !fits_any(&options.skip, &id) {
                let number = u32::try_from(planned.len()).unwrap_or(u32::MAX);
                planned.push(instance(number, id, scenario, &combination, offers, options));
            }
        }
    }
    planned
}

/// Every instance of every scenario, whatever a target offers; for listings.
pub fn everything(scenarios: &[Scenario]) -> Vec<Instance> {
    let all = Offers {
        has: csi_stretch_oracle::offer::KNOWN.iter().map(|(name, _)| (*name).to_owned()).collect(),
        ..Offers::default()
    };
    let planned = plan(scenarios, &all, &Options::default());
    planned.into_iter().map(|planned| planned.instance).collect()
}

fn labelled(scenario: &Scenario, labels: &[String]) -> bool {
    labels.is_empty() || scenario.labels.iter().any(|label| labels.contains(label))
}

fn instance(
    number: u32,
    id: String,
    scenario: &Scenario,
    combination: &Combination,
    offers: &Offers,
    options: &Options,
) -> Planned {
    let (program, skip) = fit(scenario, combination, offers, options);
    let seed = options.seed ^ fnv(&id);
    let instance = Instance {
        number,
        id,
        scenario: scenario.id.clone(),
        about: scenario.about.clone(),
        clauses: scenario.clauses.clone(),
        axes: combination.axes.values.clone(),
        access: program.volumes.first().map(|volume| volume.access.clone()),
        skip,
    };
    Planned { instance, seed, script: program }
}

/// The program for this target. A volume that does not say its file system gets the first with
/// which nothing is missing; with none of them, the reason is that of the first.
fn fit(
    scenario: &Scenario,
    combination: &Combination,
    offers: &Offers,
    options: &Options,
) -> (Program, Option<String>) {
    let mut first = None;
    for kind in kinds(offers) {
        let choice = Choice {
            axes: &combination.axes,
            kind,
            sizes: options.sizes,
            rules: Rules {
                granularity: offers.granularity.max(1),
                minimum: offers.minimum,
                maximum: offers.maximum,
            },
            parameters: &options.parameters,
        };
        let (program, gap) = match compile(&scenario.file, &choice) {
            Ok(program) => {
                let gap = gap(scenario, &program, offers);
                (program, gap)
            }
            // Loading compiled every combination, so this is a size out of any reach.
            Err(problem) => (Program::default(), Some(problem.message)),
        };
        match gap {
            None => return (program, None),
            Some(reason) => _ = first.get_or_insert((program, Some(reason))),
        }
    }
    first.unwrap_or_default()
}

/// Uses to try for volumes that leave it open.
fn kinds(offers: &Offers) -> Vec<&'static str> {
    let offered = FILE_SYSTEMS.into_iter().filter(|fs| offers.has(&format!("fs.{fs}")));
    let mut kinds: Vec<&str> = offered.collect();
    if kinds.is_empty() && offers.has("access.mount") {
        kinds.push("");
    }
    if offers.has("access.block") {
        kinds.push("block");
    }
    if kinds.is_empty() {
        kinds.push("ext4");
    }
    kinds
}

/// Why it cannot run on this target.
fn gap(scenario: &Scenario, program: &Program, offers: &Offers) -> Option<String> {
    let needs = match walk(program, &scenario.requires) {
        Ok(needs) => needs,
        Err(problem) => return Some(problem.message),
    };
    let mebibytes = |bytes: i64| bytes.cast_unsigned().div_ceil(1 << 20);
    offers.gap(needs.iter().map(String::as_str)).or_else(|| {
        let maximum = i64::try_from(offers.maximum).unwrap_or(i64::MAX);
        (maximum > 0 && program.largest > maximum).then(|| {
            let (need, have) = (mebibytes(program.largest), mebibytes(maximum));
            format!("needs volumes of {need} MiB: the target's largest has {have} MiB")
        })
    })
}

/// FNV-1a: the same instance has the same seed whatever else is selected.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
