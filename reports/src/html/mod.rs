//! `report.html`: one self-contained page. Works without scripts and without a network.
//!
//! Each section has a view (here) that turns a tamed report into strings and shares of a width,
//! and a template of the same name (`templates/`) that only places them; the template engine
//! escapes. Must not judge: what is marked as wrong is what a finding or a relation says.

mod brief;
mod clauses;
mod comparison;
mod costs;
mod environment;
mod exchange;
mod fixes;
mod honesty;
mod ledger;
mod meter;
mod objects;
mod scenarios;
mod verdict;
mod workload;

use askama::Template;
use csi_stretch_oracle::{history::Leak, report::Report};

use crate::{RenderError, view::View};

pub use exchange::Exchanges;

/// Renders a tamed report.
pub fn render(report: &Report, exchanges: Exchanges) -> Result<String, RenderError> {
    let view = View::new(report).with_full(exchange::full(report, exchanges));
    let page = Page {
        head: verdict::Head::new(report),
        fixes: fixes::Fixes::new(&view),
        comparison: comparison::Beside::new(&view),
        workload: workload::series(&view),
        ledger: ledger::Ledger::new(&view),
        honesty: honesty::Table::new(&view),
        clauses: clauses::Matrix::new(&view),
        brief: report.scenarios.len() > view.full_count(),
        folders: scenarios::folders(&view),
        skips: scenarios::skips(&view),
        leaks: &report.leaks,
        environment: environment::Environment::new(report),
        score: crate::score::sentence(),
        style: include_str!("../../templates/style.css"),
        charts: include_str!("../../templates/charts.css"),
        cursor: include_str!("../../templates/cursor.js"),
        script: include_str!("../../templates/script.js"),
    };
    Ok(page.render()?)
}

#[derive(Template)]
#[template(path = "page.html", whitespace = "minimize")]
struct Page<'a> {
    head: verdict::Head<'a>,
    fixes: fixes::Fixes<'a>,
    comparison: comparison::Beside<'a>,
    workload: Vec<workload::SeriesView<'a>>,
    ledger: ledger::Ledger<'a>,
    honesty: honesty::Table<'a>,
    clauses: clauses::Matrix<'a>,
    /// Some scenarios are told in short.
    brief: bool,
    folders: Vec<scenarios::FolderView<'a>>,
    skips: Vec<scenarios::SkipView<'a>>,
    leaks: &'a [Leak],
    environment: environment::Environment<'a>,
    score: String,
    style: &'static str,
    charts: &'static str,
    cursor: &'static str,
    script: &'static str,
}

/// A place in the page.
struct Link<'a> {
    href: String,
    text: &'a str,
}

/// To a scenario, if the plan has it.
fn scenario_link<'a>(view: &View<'_>, id: &'a str) -> Link<'a> {
    let href = view.position(id).map_or_else(|| "#scenarios".to_owned(), |at| format!("#s{at}"));
    Link { href, text: id }
}

/// To a step, or to its scenario where that is told in short.
fn step_href(view: &View<'_>, scenario: usize, at: usize) -> String {
    if view.is_full(scenario) { format!("#s{scenario}-{at}") } else { format!("#s{scenario}") }
}

fn clause_link<'a>(view: &View<'_>, id: &'a str) -> Link<'a> {
    let known = view.clause(id).is_some();
    let href = if known { format!("#{}", clause_anchor(id)) } else { "#clauses".to_owned() };
    Link { href, text: id }
}

/// Ids come from our own catalogue, yet an attribute must hold whatever is in the file.
fn clause_anchor(id: &str) -> String {
    let keep = |char: char| if char.is_ascii_alphanumeric() { char } else { '-' };
    format!("c-{}", id.chars().map(keep).collect::<String>())
}
