//! What to fix: each breach once, worst first, with the evidence and the way to see it again.

use csi_stretch_oracle::{report::StepResult, verdict::Verdict};

use super::{Link, clause_link, scenario_link, step_href};
use crate::{
    text,
    view::{self, Group, View},
};

/// Findings shown open; the rest is folded.
const OPEN_MAX: usize = 5;
/// Places of the same finding that are named.
const PLACES_MAX: usize = 12;

pub struct Fixes<'a> {
    /// Folded from here on.
    pub first: Vec<Fix<'a>>,
    pub rest: Vec<Fix<'a>>,
    pub rest_words: String,
    pub advice: Vec<Fix<'a>>,
    pub advice_words: String,
    /// Excused by the target's profile.
    pub known: Vec<Fix<'a>>,
    pub known_words: String,
}

pub struct Fix<'a> {
    pub anchor: String,
    pub kind: &'static str,
    pub class: &'static str,
    pub what: &'a str,
    pub scenario: Link<'a>,
    pub step: Option<String>,
    pub clause: Link<'a>,
    pub rule: Option<Rule<'a>>,
    pub expected: Option<&'a str>,
    pub observed: Option<&'a str>,
    /// `waived: the cache is lost (issue 7)`.
    pub excused: Option<String>,
    pub evidence: Vec<Evidence<'a>>,
    pub others: Vec<Link<'a>>,
    pub others_more: usize,
    pub sequence: &'a [String],
    pub replay: &'a str,
}

pub struct Rule<'a> {
    pub level: &'static str,
    pub derived: bool,
    pub text: &'a str,
    pub line: u32,
    pub url: String,
}

pub struct Evidence<'a> {
    pub href: String,
    pub action: &'a str,
    pub code: &'a str,
    pub outcome: &'a str,
}

impl<'a> Fixes<'a> {
    pub fn new(view: &View<'a>) -> Self {
        let build = |groups: Vec<Group<'a>>, prefix: &str| -> Vec<Fix<'a>> {
            let groups = groups.into_iter().enumerate();
            groups.map(|(at, group)| Fix::new(view, &group, format!("{prefix}{at}"))).collect()
        };
        let mut first = build(view.to_fix(), "f");
        let rest = first.split_off(first.len().min(OPEN_MAX));
        let advice = build(view.advice(), "a");
        let known = build(view.known(), "k");
        Self {
            first,
            rest_words: text::counted(rest.len(), "more finding", "more findings"),
            rest,
            advice_words: text::counted(advice.len(), "advisory", "advisories"),
            advice,
            known_words: text::counted(known.len(), "known breach", "known breaches"),
            known,
        }
    }

    /// Neither failures nor advice.
    pub fn says_nothing(&self) -> bool {
        self.is_empty() && self.advice.is_empty()
    }

    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }
}

impl<'a> Fix<'a> {
    fn new(view: &View<'a>, group: &Group<'a>, anchor: String) -> Self {
        let (located, finding) = (group.first, &group.first.finding);
        let rule = group.clause.map(|clause| Rule {
            level: clause.level.name(),
            derived: view::basis_name(clause.basis) == "derived",
            text: &clause.paraphrase,
            line: clause.spec_line,
            url: view::spec_url(clause.spec_line),
        });
        let position = view.position(&located.scenario).unwrap_or_default();
        let evidence = |(at, step): (usize, &'a StepResult)| {
            Evidence::new(step_href(view, position, at), step)
        };
        let others = group.others.iter().take(PLACES_MAX);
        Self {
            anchor,
            kind: match finding.verdict {
                Verdict::Pass | Verdict::Skip => "advice",
                verdict => verdict.name(),
            },
            class: view::class_name(finding.class),
            what: &finding.what,
            scenario: scenario_link(view, &located.scenario),
            step: finding.step.as_ref().map(view::step_name),
            clause: clause_link(view, &finding.clause),
            rule,
            expected: finding.expected.as_deref(),
            observed: finding.observed.as_deref(),
            excused: finding
                .excused
                .as_ref()
                .map(|excused| format!("{}: {}", view::excused_name(excused.by), excused.because)),
            evidence: view.evidence(located).into_iter().map(evidence).collect(),
            others: others.map(|one| scenario_link(view, &one.scenario)).collect(),
            others_more: group.others.len().saturating_sub(PLACES_MAX),
            sequence: view::sequence(located),
            replay: &located.replay,
        }
    }
}

impl<'a> Evidence<'a> {
    fn new(href: String, step: &'a StepResult) -> Self {
        Self { href, action: &step.action, code: &step.code, outcome: &step.outcome }
    }
}
