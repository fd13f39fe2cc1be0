//! The run beside the reference's: the counts, and every step that differs.

use csi_stretch_oracle::report::{Comparison, Relation, ScenarioResult, StepResult};

use super::{
    Link, clause_link,
    meter::{Segment, meter},
    step_href,
};
use crate::{
    text,
    view::{self, View},
};

/// Rows of one table; the steps themselves carry the rest.
const ROWS_MAX: usize = 30;

pub struct Beside<'a> {
    pub segments: Option<Vec<Segment>>,
    pub off: Option<&'a str>,
    pub reference: Option<String>,
    /// Divergent and unmatched.
    pub open: Vec<Row<'a>>,
    pub open_more: usize,
    pub allowed: Vec<Row<'a>>,
    pub allowed_more: usize,
    pub allowed_words: String,
}

pub struct Row<'a> {
    pub relation: &'static str,
    pub scenario: Link<'a>,
    pub step: Link<'a>,
    pub target: (&'a str, &'a str),
    pub reference: &'a str,
    pub differences: &'a [String],
    pub allowed_by: Option<Link<'a>>,
}

impl<'a> Beside<'a> {
    pub fn new(view: &View<'a>) -> Self {
        let report = view.report;
        let mut open = rows(view, |relation| relation > Relation::Allowed);
        let mut allowed = rows(view, |relation| relation == Relation::Allowed);
        let reference = report.run.reference.as_ref();
        Self {
            segments: report.comparison.as_ref().map(|counts| {
                meter(&[
                    ("divergent", "divergent", counts.divergent),
                    ("unmatched", "unmatched", counts.unmatched),
                    ("allowed", "allowed", counts.allowed),
                    ("same", "same", counts.same),
                ])
            }),
            off: report.run.reference_off.as_deref(),
            reference: reference.map(|target| format!("{} {}", target.name, target.vendor_version)),
            open_more: cut(&mut open),
            open,
            allowed_words: text::counted(
                allowed.len(),
                "allowed difference",
                "allowed differences",
            ),
            allowed_more: cut(&mut allowed),
            allowed,
        }
    }
}

fn cut(rows: &mut Vec<Row<'_>>) -> usize {
    let more = rows.len().saturating_sub(ROWS_MAX);
    rows.truncate(ROWS_MAX);
    more
}

fn rows<'a>(view: &View<'a>, wanted: impl Fn(Relation) -> bool) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    for (position, scenario) in view.report.scenarios.iter().enumerate() {
        for (at, step) in scenario.steps.iter().enumerate() {
            let comparison = step.comparison.as_ref().filter(|one| wanted(one.relation));
            rows.extend(comparison.map(|it| row(view, (position, scenario), (at, step), it)));
        }
    }
    rows.sort_by_key(|row| row.relation);
    rows
}

fn row<'a>(
    view: &View<'a>,
    (position, scenario): (usize, &'a ScenarioResult),
    (at, step): (usize, &'a StepResult),
    comparison: &'a Comparison,
) -> Row<'a> {
    Row {
        relation: view::relation_name(comparison.relation),
        scenario: Link { href: format!("#s{position}"), text: &scenario.id },
        step: Link { href: step_href(view, position, at), text: &step.action },
        target: (&step.code, &step.outcome),
        reference: &comparison.reference,
        differences: &comparison.differences,
        allowed_by: comparison.allowed_by.as_deref().map(|id| clause_link(view, id)),
    }
}
