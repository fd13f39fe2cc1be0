//! From scenarios and offers to the list of what runs: matrix spread, each instance gated once,
//! sizes and seed fixed. Same input, same plan.

use std::collections::BTreeMap;

use csi_stretch_oracle::{
    history::{Instance, Orchestrated},
    offer::Offers,
    pattern::fits_any,
};

use super::{
    Labels, Partition, Program, Scenario,
    compile::{Choice, compile},
    lexeme::FILE_SYSTEMS,
    load::cost,
    matrix::{Combination, combinations},
    size::{Rules, Sizes},
    walk::walk,
};

/// The label of scenarios that run only when they are asked for.
const LONG: &str = "long";

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
    /// Only scenarios of these folders; empty: of all.
    pub suites: Vec<String>,
    /// Only scenarios that one of these fits; empty: all.
    pub labels: Vec<Labels>,
    /// Only that part of what all the others select.
    pub partition: Option<Partition>,
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
    let mut position = 0;
    let meant = |scenario: &&Scenario| options.mean(scenario);
    for scenario in scenarios.iter().filter(meant) {
        for combination in combinations(&scenario.file).unwrap_or_default() {
            let id = format!("{}{}", scenario.id, combination.suffix);
            if !options.mean_instance(&id) {
                continue;
            }
            let in_part = options.partition.is_none_or(|part| part.has(position, &id));
            position += 1;
            if in_part {
                let number = u32::try_from(planned.len()).unwrap_or(u32::MAX);
                planned.push(instance(number, id, scenario, &combination, offers, options));
            }
        }
    }
    planned
}

impl Options {
    fn mean(&self, scenario: &Scenario) -> bool {
        let in_suite = |suite: &String| {
            scenario.id.strip_prefix(suite.as_str()).is_some_and(|rest| rest.starts_with('/'))
        };
        (self.suites.is_empty() || self.suites.iter().any(in_suite))
            && (self.labels.is_empty() || self.labels.iter().any(|one| one.fit(&scenario.labels)))
    }

    fn mean_instance(&self, id: &str) -> bool {
        (self.focus.is_empty() || fits_any(&self.focus, id))
            && (self.exact.is_empty() || self.exact.iter().any(|exact| is_named(exact, id)))
            && !fits_any(&self.skip, id)
    }

    /// Who selects by name or label wants it, however long it takes.
    fn too_long(&self, scenario: &Scenario) -> Option<String> {
        let by_name = !(self.focus.is_empty() && self.exact.is_empty() && self.labels.is_empty());
        let long = scenario.labels.iter().any(|label| label == LONG);
        (long && !by_name)
            .then(|| format!("takes minutes: select it, as by `--label {LONG}` or its name"))
    }

    /// Whether everything is selected.
    pub fn is_whole(&self) -> bool {
        [&self.focus, &self.exact, &self.skip, &self.suites].iter().all(|list| list.is_empty())
            && self.labels.is_empty()
            && self.partition.is_none()
    }
}

/// Every instance of every scenario, whatever a target offers; for listings.
pub fn everything(scenarios: &[Scenario]) -> Vec<Instance> {
    selected(scenarios, &Options::default())
}

/// Every instance that is selected, whatever a target offers; for listings.
pub fn selected(scenarios: &[Scenario], options: &Options) -> Vec<Instance> {
    let all = Offers {
        has: csi_stretch_oracle::offer::KNOWN.iter().map(|(name, _)| (*name).to_owned()).collect(),
        ..Offers::default()
    };
    plan(scenarios, &all, options).into_iter().map(|planned| planned.instance).collect()
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
    let skip = skip.or_else(|| options.too_long(scenario));
    let seed = options.seed ^ fnv(&id);
    // Loading read them for every combination.
    let (slo, scale) = cost(&scenario.file, &combination.axes).unwrap_or_default();
    let orchestrator = program
        .orchestrator
        .as_ref()
        .map(|held| Orchestrated { profile: held.profile.clone(), pace: held.pace });
    let instance = Instance {
        number,
        id,
        scenario: scenario.id.clone(),
        about: scenario.about.clone(),
        clauses: scenario.clauses.clone(),
        axes: combination.axes.values.clone(),
        access: program.volumes.first().map(|volume| volume.access.clone()),
        skip,
        slo,
        scale,
        path_bytes: program.path_bytes,
        orchestrator,
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
                grown: options.sizes.grown,
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
pub(super) fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The id as a whole, or that of its scenario without the matrix values.
fn is_named(name: &str, id: &str) -> bool {
    id.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
}
