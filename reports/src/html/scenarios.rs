//! The scenario tree: folders, scenarios, and every step with what was asked, what came back, what
//! was measured and what the reference did. Also the skips, by reason.

use csi_stretch_oracle::{
    report::{Comparison, Finding, Relation, ScenarioResult, StepResult},
    verdict::Verdict,
};

use super::{
    Link, brief, clause_link,
    objects::{self, ObjectsView},
    scenario_link,
};
use crate::{
    text,
    view::{self, View},
};

/// In a run of more scenarios only folders with something to see are open.
const OPEN_MAX: usize = 100;

pub struct FolderView<'a> {
    pub name: &'a str,
    pub counts: Vec<(&'static str, usize)>,
    pub open: bool,
    pub scenarios: Vec<ScenarioView<'a>>,
}

pub struct ScenarioView<'a> {
    pub anchor: String,
    pub verdict: &'static str,
    /// The id without its folder, which stands above it.
    pub name: &'a str,
    pub time: String,
    pub about: &'a str,
    pub advice: usize,
    pub clauses: Vec<Link<'a>>,
    pub skip: Option<&'a str>,
    pub expected: Option<&'a str>,
    pub stopped: Option<&'a str>,
    pub findings: Vec<FindingView<'a>>,
    pub steps: Vec<StepView<'a>>,
    /// Instead of `steps`.
    pub brief: Vec<brief::Line>,
    pub objects: Option<ObjectsView<'a>>,
}

pub struct FindingView<'a> {
    pub kind: &'static str,
    pub class: &'static str,
    pub what: &'a str,
    pub clause: Link<'a>,
}

pub struct StepView<'a> {
    pub anchor: String,
    /// `5 grow`; empty for the further parts of a step.
    pub name: String,
    pub action: &'a str,
    pub code: &'a str,
    /// CSS class of the code.
    pub tone: &'static str,
    pub outcome: &'a str,
    pub time: String,
    pub expect: String,
    pub request: &'a str,
    pub response: &'a str,
    pub beside: Option<BesideView<'a>>,
}

pub struct BesideView<'a> {
    pub relation: &'static str,
    pub same: bool,
    pub reference: &'a str,
    pub differences: &'a [String],
    pub allowed_by: Option<Link<'a>>,
}

pub struct SkipView<'a> {
    pub reason: &'a str,
    pub scenarios: Vec<Link<'a>>,
    pub words: String,
}

pub fn folders<'a>(view: &View<'a>) -> Vec<FolderView<'a>> {
    let few = view.report.scenarios.len() <= OPEN_MAX;
    let folders = view.folders().into_iter().map(|folder| {
        let of =
            |verdict| folder.scenarios.iter().filter(|(_, one)| one.verdict == verdict).count();
        let worst_first = Verdict::ALL.iter().rev().map(|verdict| (verdict.name(), of(*verdict)));
        let bad = folder.scenarios.iter().any(|(_, one)| one.verdict > Verdict::Pass);
        FolderView {
            name: folder.name,
            counts: worst_first.filter(|(_, number)| *number > 0).collect(),
            open: few || bad,
            scenarios: folder
                .scenarios
                .into_iter()
                .map(|(at, one)| scenario(view, at, one))
                .collect(),
        }
    });
    folders.collect()
}

pub fn skips<'a>(view: &View<'a>) -> Vec<SkipView<'a>> {
    let skip = |(reason, scenarios): (&'a str, Vec<&'a ScenarioResult>)| SkipView {
        reason,
        words: text::counted(scenarios.len(), "scenario", "scenarios"),
        scenarios: scenarios.into_iter().map(|one| scenario_link(view, &one.id)).collect(),
    };
    view.skips().into_iter().map(skip).collect()
}

fn scenario<'a>(
    view: &View<'a>,
    position: usize,
    scenario: &'a ScenarioResult,
) -> ScenarioView<'a> {
    let folder = format!("{}/", scenario.group);
    let mut steps: Vec<StepView<'a>> = Vec::new();
    let full = view.is_full(position);
    for (at, step) in scenario.steps.iter().enumerate().filter(|_| full) {
        let further = at > 0 && scenario.steps[at - 1].step.step == step.step.step;
        let name = if further { String::new() } else { view::step_name(&step.step) };
        steps.push(self::step(view, format!("s{position}-{at}"), name, step));
    }
    ScenarioView {
        anchor: format!("s{position}"),
        verdict: scenario.verdict.name(),
        name: scenario.id.strip_prefix(&folder).unwrap_or(&scenario.id),
        time: match scenario.verdict {
            Verdict::Skip => "not run".to_owned(),
            _ => text::ms(scenario.elapsed_us),
        },
        about: &scenario.about,
        advice: scenario.findings.iter().filter(|finding| finding.advisory).count(),
        clauses: scenario.clauses.iter().map(|id| clause_link(view, id)).collect(),
        skip: scenario.skip.as_deref(),
        expected: scenario.expected_failure.as_deref(),
        stopped: scenario.stopped.as_deref(),
        findings: scenario.findings.iter().map(|one| finding(view, one)).collect(),
        steps,
        brief: if full { Vec::new() } else { brief::lines(scenario) },
        objects: objects::objects(scenario),
    }
}

fn finding<'a>(view: &View<'a>, finding: &'a Finding) -> FindingView<'a> {
    FindingView {
        kind: if finding.advisory { "advice" } else { finding.verdict.name() },
        class: view::class_name(finding.class),
        what: &finding.what,
        clause: clause_link(view, &finding.clause),
    }
}

fn step<'a>(view: &View<'a>, anchor: String, name: String, step: &'a StepResult) -> StepView<'a> {
    StepView {
        anchor,
        name,
        action: &step.action,
        code: &step.code,
        // What the scenario asked for is calm, and so is OK; another code is worth a look.
        tone: if view::is_surprising(step) { "look" } else { "calm" },
        outcome: &step.outcome,
        time: text::ms(step.elapsed_us),
        // OK where only OK is right goes without saying; a page has thousands of steps.
        expect: if step.code == "OK" && step.expect == ["OK"] {
            String::new()
        } else {
            step.expect.join(" or ")
        },
        request: &step.request,
        response: &step.response,
        beside: step.comparison.as_ref().map(|comparison| beside(view, comparison, &step.outcome)),
    }
}

fn beside<'a>(view: &View<'a>, comparison: &'a Comparison, outcome: &str) -> BesideView<'a> {
    let same = comparison.relation == Relation::Same;
    BesideView {
        relation: view::relation_name(comparison.relation),
        same,
        // Told once if it is word for word what stands in the step's own line.
        reference: if same && comparison.reference == outcome { "" } else { &comparison.reference },
        differences: &comparison.differences,
        allowed_by: comparison.allowed_by.as_deref().map(|id| clause_link(view, id)),
    }
}
