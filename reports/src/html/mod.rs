//! `report.html`: one self-contained page. Works without scripts and without a network.
//!
//! Each section has a view (here) that turns a tamed report into strings and shares of a width,
//! and a template of the same name (`templates/`) that only places them; the template engine
//! escapes. Must not judge: what is marked as wrong is what a finding or a relation says.

mod clauses;
mod comparison;
mod environment;
mod fixes;
mod honesty;
mod ledger;
mod meter;
mod scenarios;
mod verdict;

use askama::Template;
use csi_stretch_oracle::{history::Leak, report::Report};

use crate::{RenderError, view::View};

/// Renders a tamed report.
pub fn render(report: &Report) -> Result<String, RenderError> {
    let view = View::new(report);
    let page = Page {
        head: verdict::Head::new(report),
        fixes: fixes::Fixes::new(&view),
        comparison: comparison::Beside::new(&view),
        ledger: ledger::Ledger::new(&view),
        honesty: honesty::Table::new(&view),
        clauses: clauses::Matrix::new(&view),
        folders: scenarios::folders(&view),
        skips: scenarios::skips(&view),
        leaks: &report.leaks,
        environment: environment::Environment::new(report),
        score: crate::score::sentence(),
        style: include_str!("../../templates/style.css"),
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
    ledger: ledger::Ledger<'a>,
    honesty: honesty::Table<'a>,
    clauses: clauses::Matrix<'a>,
    folders: Vec<scenarios::FolderView<'a>>,
    skips: Vec<scenarios::SkipView<'a>>,
    leaks: &'a [Leak],
    environment: environment::Environment<'a>,
    score: String,
    style: &'static str,
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
