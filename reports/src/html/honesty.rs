//! Declared against observed: one small table of states for each procedure and access type.

use csi_stretch_oracle::report::{HonestyRow, Standing};

use super::{Link, scenario_link};
use crate::view::{self, View};

pub struct Table<'a> {
    pub declaration: String,
    /// Nothing in it was tried.
    pub silent: bool,
    pub rows: Vec<Row<'a>>,
    /// Rows of states in which growth was not tried.
    pub untried: Vec<Row<'a>>,
    pub contradictions: usize,
}

pub struct Row<'a> {
    pub call: &'a str,
    pub access: &'a str,
    pub state: &'a str,
    pub declared: &'static str,
    pub observed: String,
    pub standing: &'static str,
    /// The state of a clause with the same look.
    pub kind: &'static str,
    pub scenario: Option<Link<'a>>,
}

impl<'a> Table<'a> {
    pub fn new(view: &View<'a>) -> Self {
        let honesty = &view.report.honesty;
        let (untried, tried): (Vec<&HonestyRow>, Vec<&HonestyRow>) =
            honesty.rows.iter().partition(|row| row.standing == Standing::Untried);
        Self {
            declaration: view::declaration(honesty),
            silent: tried.is_empty(),
            contradictions: tried.iter().filter(|row| row.standing.contradicts()).count(),
            rows: tried.into_iter().map(|one| row(view, one)).collect(),
            untried: untried.into_iter().map(|one| row(view, one)).collect(),
        }
    }
}

fn row<'a>(view: &View<'a>, row: &'a HonestyRow) -> Row<'a> {
    Row {
        call: &row.call,
        access: &row.access,
        state: &row.state,
        declared: view::promise_name(row.declared),
        observed: view::observed(row),
        standing: view::standing_name(row.standing),
        kind: match row.standing {
            Standing::Agrees => "kept",
            Standing::Modest => "advised",
            Standing::Refuses | Standing::Lies => "broken",
            Standing::Untried | Standing::Unmeasured => "untested",
        },
        scenario: row.scenario.as_ref().map(|id| scenario_link(view, id)),
    }
}
