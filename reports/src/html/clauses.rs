//! The clause matrix: what is known about every rule, grouped by procedure.

use csi_stretch_oracle::{
    clause::{Basis, Level, Party},
    report::{ClauseResult, ClauseState},
};

use super::{Link, clause_anchor, scenario_link};
use crate::{
    text,
    view::{self, View},
};

/// Places where a clause was found broken that are named.
const PLACES_MAX: usize = 6;

const STATES: [ClauseState; 6] = [
    ClauseState::Broken,
    ClauseState::Advised,
    ClauseState::Kept,
    ClauseState::Untested,
    ClauseState::Unsupported,
    ClauseState::Excepted,
];

pub struct Matrix<'a> {
    /// State, then MUST, SHOULD, MAY of the specification for the plugin, then derived ones, then
    /// those that bind the orchestrator.
    pub totals: Vec<(&'static str, [String; 5])>,
    /// Clauses of the catalogue that are not in the matrix at all.
    pub unclaimed: String,
    pub groups: Vec<Procedure<'a>>,
}

pub struct Procedure<'a> {
    pub name: &'a str,
    /// States that occur, with their number.
    pub counts: Vec<(&'static str, String)>,
    pub open: bool,
    pub rows: Vec<Row<'a>>,
}

pub struct Row<'a> {
    pub anchor: String,
    pub id: &'a str,
    pub state: &'static str,
    pub level: &'static str,
    pub derived: bool,
    pub orchestrator: bool,
    pub always: bool,
    pub rule: &'a str,
    pub line: u32,
    pub url: String,
    pub why: Option<&'a str>,
    pub tested: String,
    pub broken_in: Vec<Link<'a>>,
    pub broken_more: usize,
}

impl<'a> Matrix<'a> {
    pub fn new(view: &View<'a>) -> Self {
        let mut groups: Vec<Procedure<'a>> = Vec::new();
        let clauses = &view.report.clauses;
        for chunk in clauses.chunk_by(|a, b| procedure(&a.id) == procedure(&b.id)) {
            groups.push(Procedure {
                name: procedure(&chunk[0].id),
                counts: counts(chunk),
                open: chunk.iter().any(|clause| clause.state == ClauseState::Broken),
                rows: chunk.iter().map(|clause| row(view, clause)).collect(),
            });
        }
        let coverage = &view.report.coverage;
        let tallies = [coverage.stated, coverage.derived, coverage.orchestrator];
        let unclaimed: u32 = tallies.iter().map(|tally| tally.unclaimed).sum();
        let unclaimed = text::grouped(unclaimed);
        Self {
            unclaimed,
            totals: STATES.iter().map(|state| total(clauses, *state)).collect(),
            groups,
        }
    }
}

/// `controller-expand` of `controller-expand.idempotent`.
fn procedure(id: &str) -> &str {
    id.split('.').next().unwrap_or(id)
}

fn counts(clauses: &[ClauseResult]) -> Vec<(&'static str, String)> {
    let number = |state| clauses.iter().filter(|clause| clause.state == state).count();
    let counts = STATES.iter().map(|state| (view::state_name(*state), number(*state)));
    counts.filter(|(_, n)| *n > 0).map(|(name, n)| (name, text::grouped(n as u64))).collect()
}

/// Derived clauses are our consequences, and the orchestrator's bind the harness, so neither ever
/// counts as what the specification asks of a driver.
fn total(clauses: &[ClauseResult], state: ClauseState) -> (&'static str, [String; 5]) {
    let number = |wanted: &dyn Fn(&ClauseResult) -> bool| {
        let found = clauses.iter().filter(|clause| clause.state == state && wanted(clause));
        text::grouped(found.count() as u64)
    };
    let of = |levels: &'static [Level]| {
        number(&|clause| {
            let stated = clause.basis != Basis::Derived && clause.party == Party::Plugin;
            stated && levels.contains(&clause.level)
        })
    };
    let columns = [
        of(&[Level::Must, Level::MustNot]),
        of(&[Level::Should, Level::ShouldNot]),
        of(&[Level::May]),
        number(&|clause| clause.basis == Basis::Derived && clause.party == Party::Plugin),
        number(&|clause| clause.party == Party::Orchestrator),
    ];
    (view::state_name(state), columns)
}

fn row<'a>(view: &View<'a>, clause: &'a ClauseResult) -> Row<'a> {
    let broken_in = clause.broken_in.iter().take(PLACES_MAX);
    Row {
        anchor: clause_anchor(&clause.id),
        id: &clause.id,
        state: view::state_name(clause.state),
        level: clause.level.name(),
        derived: clause.basis == Basis::Derived,
        orchestrator: clause.party == Party::Orchestrator,
        always: clause.always,
        rule: &clause.paraphrase,
        line: clause.spec_line,
        url: view::spec_url(clause.spec_line),
        why: clause.why.as_deref(),
        tested: text::grouped(clause.tested_by.len() as u64),
        broken_in: broken_in.map(|id| scenario_link(view, id)).collect(),
        broken_more: clause.broken_in.len().saturating_sub(PLACES_MAX),
    }
}
