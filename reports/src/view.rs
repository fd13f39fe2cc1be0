//! What more than one format needs of a report: look-ups, groups and the words for an enum.
//! Sorts and counts, and never judges: every verdict, class and relation is the report's.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use csi_stretch_oracle::{
    clause::Basis,
    history::{StepId, Tier},
    report::{
        Class, ClauseResult, ClauseState, ExcusedBy, Finding, Growth, GrowthState, Honesty,
        HonestyRow, LocatedFinding, Promise, Relation, Report, ScenarioResult, Standing,
        StepResult,
    },
    verdict::Verdict,
};

/// A report with its look-up tables.
pub struct View<'a> {
    pub report: &'a Report,
    clauses: HashMap<&'a str, &'a ClauseResult>,
    scenarios: HashMap<&'a str, usize>,
    /// Positions of scenarios whose steps can be linked to one by one.
    full: BTreeSet<usize>,
}

/// Findings of one check on one clause: the first in full, and where else the same was seen.
pub struct Group<'a> {
    pub first: &'a LocatedFinding,
    pub others: Vec<&'a LocatedFinding>,
    pub clause: Option<&'a ClauseResult>,
}

/// Scenarios of one folder with their positions, in the order of the plan.
pub struct Folder<'a> {
    pub name: &'a str,
    pub scenarios: Vec<(usize, &'a ScenarioResult)>,
}

impl Group<'_> {
    /// Whoever looks for the cause is best served by the fewest calls.
    fn show_the_shortest(&mut self) {
        let length = |one: &LocatedFinding| match one.sequence.len() {
            0 => usize::MAX,
            length => length,
        };
        let shortest = self.others.iter().enumerate().min_by_key(|(_, one)| length(one));
        if let Some((at, one)) = shortest
            && length(one) < length(self.first)
        {
            std::mem::swap(&mut self.first, &mut self.others[at]);
        }
    }
}

impl<'a> View<'a> {
    pub fn new(report: &'a Report) -> Self {
        let clauses = report.clauses.iter().map(|clause| (clause.id.as_str(), clause)).collect();
        let scenarios =
            report.scenarios.iter().enumerate().map(|(at, one)| (one.id.as_str(), at)).collect();
        Self { report, clauses, scenarios, full: BTreeSet::new() }
    }

    /// With every step of these scenarios at hand.
    pub fn with_full(self, full: BTreeSet<usize>) -> Self {
        Self { full, ..self }
    }

    pub fn full_count(&self) -> usize {
        self.full.len()
    }

    pub fn is_full(&self, scenario: usize) -> bool {
        self.full.contains(&scenario)
    }

    pub fn clause(&self, id: &str) -> Option<&'a ClauseResult> {
        self.clauses.get(id).copied()
    }

    /// Position in the report's list.
    pub fn position(&self, scenario: &str) -> Option<usize> {
        self.scenarios.get(scenario).copied()
    }

    /// What has to be mended, worst first as in the report.
    pub fn to_fix(&self) -> Vec<Group<'a>> {
        self.groups(|finding| !finding.advisory)
    }

    /// Findings that fail nothing.
    pub fn advice(&self) -> Vec<Group<'a>> {
        self.groups(|finding| finding.advisory && finding.excused.is_none())
    }

    /// Breaches that the target's profile owns up to.
    pub fn known(&self) -> Vec<Group<'a>> {
        self.groups(|finding| finding.excused.is_some())
    }

    fn groups(&self, wanted: impl Fn(&Finding) -> bool) -> Vec<Group<'a>> {
        let mut groups: Vec<Group<'a>> = Vec::new();
        let mut seen: BTreeMap<(&str, &str, Class, [&str; 3]), usize> = BTreeMap::new();
        for located in self.report.findings.iter().filter(|one| wanted(&one.finding)) {
            let finding = &located.finding;
            let (check, clause) = (finding.check.as_str(), finding.clause.as_str());
            let key = (check, clause, finding.class, shape(finding));
            if let Some(at) = seen.get(&key) {
                let group = &mut groups[*at];
                let told = std::iter::once(&group.first).chain(&group.others);
                if !told.clone().any(|one| one.scenario == located.scenario) {
                    group.others.push(located);
                }
                continue;
            }
            seen.insert(key, groups.len());
            let clause = self.clause(&finding.clause);
            groups.push(Group { first: located, others: Vec::new(), clause });
        }
        groups.iter_mut().for_each(Group::show_the_shortest);
        groups
    }

    /// The steps whose events prove a finding.
    pub fn evidence(&self, located: &LocatedFinding) -> Vec<(usize, &'a StepResult)> {
        let Some(at) = self.position(&located.scenario) else { return Vec::new() };
        let proves = |step: &StepResult| {
            step.events.iter().any(|event| located.finding.events.contains(event))
        };
        let steps = self.report.scenarios[at].steps.iter().enumerate();
        steps.filter(|(_, step)| proves(step)).collect()
    }

    /// Findings that name the step of a growth: the growth did not go as it should.
    pub fn findings_of(&self, growth: &Growth) -> impl Iterator<Item = &'a LocatedFinding> {
        let (scenario, step) = (growth.scenario.clone(), growth.step.step);
        self.report.findings.iter().filter(move |one| {
            one.scenario == scenario && one.finding.step.as_ref().is_some_and(|s| s.step == step)
        })
    }

    /// A finding that fails names the growth's step.
    pub fn is_marked(&self, growth: &Growth) -> bool {
        self.findings_of(growth).any(|one| !one.finding.advisory)
    }

    /// Folders in the order of the plan.
    pub fn folders(&self) -> Vec<Folder<'a>> {
        let groups = gather(
            self.report
                .scenarios
                .iter()
                .enumerate()
                .map(|(at, one)| (one.group.as_str(), (at, one))),
        );
        groups.into_iter().map(|(name, scenarios)| Folder { name, scenarios }).collect()
    }

    /// Reasons for skips with their scenarios, in the order of the plan.
    pub fn skips(&self) -> Vec<(&'a str, Vec<&'a ScenarioResult>)> {
        gather(self.report.scenarios.iter().filter_map(|one| Some((one.skip.as_deref()?, one))))
    }
}

/// Two wrong answers are one thing to mend only if the same was due and the same came back. Of a
/// lie about a size the numbers differ from volume to volume, so that they do not count. What is
/// excused goes by the reason.
fn shape(finding: &Finding) -> [&str; 3] {
    let excused = finding.excused.as_ref().map_or("", |excused| &excused.because.reason);
    if finding.class == Class::Profile {
        return [&finding.what, "", ""];
    }
    if finding.class != Class::Code {
        return ["", "", excused];
    }
    let observed = finding.observed.as_deref().unwrap_or_default();
    let code = observed.split([' ', ':']).next().unwrap_or_default();
    [finding.expected.as_deref().unwrap_or_default(), code, excused]
}

/// Groups by key, keys in order of first occurrence.
fn gather<'a, T>(items: impl Iterator<Item = (&'a str, T)>) -> Vec<(&'a str, Vec<T>)> {
    let mut groups: Vec<(&str, Vec<T>)> = Vec::new();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (key, item) in items {
        let at = *seen.entry(key).or_insert(groups.len());
        if at == groups.len() {
            groups.push((key, Vec::new()));
        }
        groups[at].1.push(item);
    }
    groups
}

/// The calls that lead to a finding; none where a single one says it all.
pub fn sequence(located: &LocatedFinding) -> &[String] {
    if located.sequence.len() > 1 { &located.sequence } else { &[] }
}

/// Not what the scenario asked for, nor a plain OK: worth a look.
pub fn is_surprising(step: &StepResult) -> bool {
    let plain = step.expect.is_empty() && step.code == "OK";
    !plain && !step.expect.contains(&step.code)
}

/// `3 grow`, `set-up create`, `tear-down delete`.
pub fn step_name(step: &StepId) -> String {
    match step.step {
        0 => format!("set-up {}", step.verb),
        StepId::TEARDOWN => format!("tear-down {}", step.verb),
        number => format!("{number} {}", step.verb),
    }
}

/// Where a clause stands in the specification.
pub fn spec_url(line: u32) -> String {
    let page = "https://github.com/container-storage-interface/spec/blob/v1.12.0/spec.md";
    format!("{page}?plain=1#L{line}")
}

/// The command as one line that a shell reads back as it was.
pub fn command(words: &[String]) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "-_./:=,@%+".contains(char);
    let quote = |word: &String| {
        let plain = !word.is_empty() && word.chars().all(plain);
        if plain { word.clone() } else { format!("'{}'", word.replace('\'', r"'\''")) }
    };
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}

/// `0x5eed`.
pub fn seed(seed: u64) -> String {
    format!("{seed:#x}")
}

/// Lower case, as in the files.
pub fn tier_name(tier: Tier) -> &'static str {
    match tier {
        Tier::Memory => "memory",
        Tier::Loop => "loop",
    }
}

/// What a reader may believe at that tier.
pub fn tier_says(tier: Tier) -> &'static str {
    match tier {
        Tier::Memory => {
            "Sizes and contents are simulated by the driver; no kernel and no file system took part."
        }
        Tier::Loop => "Sizes were measured on real devices and file systems of this kernel.",
    }
}

/// `12 of 244 ran; growth is not offered`: what a green word alone would hide. `None`: growth was
/// tested.
pub fn growth_says(report: &Report) -> Option<String> {
    let said = match report.growth_tested.state {
        GrowthState::Tested => return None,
        GrowthState::NotSelected => "growth was not selected",
        GrowthState::NotOffered => "growth is not offered",
        GrowthState::NotTested => "growth was not tested",
    };
    let ran = report.counts.total - report.counts.skip.min(report.counts.total);
    Some(format!("{ran} of {} ran; {said}", report.counts.total))
}

fn is_waived(one: &LocatedFinding) -> bool {
    one.finding.excused.as_ref().is_some_and(|excused| excused.by == ExcusedBy::Waiver)
}

/// What the verdict of the run says, in a sentence.
pub fn verdict_says(report: &Report) -> &'static str {
    let counts = report.counts;
    match report.verdict {
        Verdict::Skip => "Nothing was run, so nothing is known.",
        Verdict::Pass if report.findings.iter().any(is_waived) => {
            "Nothing was wrong but what the profile waives."
        }
        Verdict::Pass if counts.expected > 0 => {
            "Nothing failed that the profile does not expect to fail."
        }
        Verdict::Pass if counts.skip > 0 => "Nothing that ran was wrong; not everything ran.",
        Verdict::Pass => "Nothing that ran was wrong.",
        Verdict::Inconclusive => "No breach was found, but something that ran proves nothing.",
        Verdict::Fail => "The driver does not conform.",
        Verdict::Error if counts.fail > 0 => {
            "The driver does not conform. The harness or the lab broke, too: there may be more."
        }
        Verdict::Error => "The harness or the lab broke. That says nothing of the driver.",
    }
}

/// `waived`, `expected failure`.
pub fn excused_name(by: ExcusedBy) -> &'static str {
    match by {
        ExcusedBy::Waiver => "waived",
        ExcusedBy::ExpectedFailure => "expected failure",
    }
}

/// The clause that a finding says is broken, or who found it where there is none.
pub fn broken(finding: &Finding) -> &str {
    if finding.clause.is_empty() { &finding.check } else { &finding.clause }
}

pub fn class_name(class: Class) -> &'static str {
    match class {
        Class::DataLoss => "data loss",
        Class::Lie => "lie",
        Class::Stuck => "stuck",
        Class::Code => "wrong answer",
        Class::Slo => "cost to the workload",
        Class::Vacuous => "proves nothing",
        Class::Lab => "harness or lab",
        Class::Profile => "out-of-date profile",
    }
}

pub fn relation_name(relation: Relation) -> &'static str {
    match relation {
        Relation::Same => "same",
        Relation::Allowed => "allowed",
        Relation::Divergent => "divergent",
        Relation::Unmatched => "unmatched",
    }
}

pub fn state_name(state: ClauseState) -> &'static str {
    match state {
        ClauseState::Broken => "broken",
        ClauseState::Advised => "advised",
        ClauseState::Kept => "kept",
        ClauseState::Unsupported => "unsupported",
        ClauseState::Untested => "untested",
        ClauseState::Excepted => "excepted",
    }
}

pub fn promise_name(promise: Promise) -> &'static str {
    match promise {
        Promise::Works => "works",
        Promise::Refused => "refused",
        Promise::Open => "left open",
        Promise::Absent => "not offered",
    }
}

pub fn standing_name(standing: Standing) -> &'static str {
    match standing {
        Standing::Agrees => "as declared",
        Standing::Untried => "not tried",
        Standing::Unmeasured => "not measured",
        Standing::Modest => "does more than it declares",
        Standing::Refuses => "refuses what it declares",
        Standing::Lies => "says OK and does not grow",
    }
}

/// What was observed, in short: `3 grown, 1 ABORTED`.
pub fn observed(row: &HonestyRow) -> String {
    let ok = [
        (row.grown, "grown"),
        (row.not_grown, "OK, not grown"),
        (row.not_measured, "OK, not measured"),
    ];
    let ok = ok.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}"));
    let refused = row.refused.iter().map(|(code, n)| format!("{n} {code}"));
    let all: Vec<String> = ok.chain(refused).collect();
    if all.is_empty() { row.why.clone().unwrap_or_default() } else { all.join(", ") }
}

/// The declaration in one line: `ONLINE; EXPAND_VOLUME on controller and node`.
pub fn declaration(honesty: &Honesty) -> String {
    let modes = match honesty.modes.as_slice() {
        [] => "no VolumeExpansion".to_owned(),
        modes => modes.join(" and "),
    };
    let expand = match (honesty.controller, honesty.node) {
        (true, true) => "EXPAND_VOLUME on controller and node",
        (true, false) => "EXPAND_VOLUME on the controller",
        (false, true) => "EXPAND_VOLUME on the node",
        (false, false) => "no EXPAND_VOLUME",
    };
    format!("{modes}; {expand}")
}

pub fn basis_name(basis: Basis) -> &'static str {
    match basis {
        Basis::Explicit => "explicit",
        Basis::Descriptive => "descriptive",
        Basis::Derived => "derived",
    }
}
