//! A difference between two reports as text and as Markdown: the same tables, drawn twice.

use std::fmt::Write as _;

use csi_stretch_oracle::diff::{Difference, LatencyChange, Pace, Side, Way};

use crate::{
    console::{self, Style},
    markdown::escape::text as escaped,
    text, view,
};

/// Rows of a table; the JSON form has all.
const ROWS_MAX: usize = 40;
/// Scenarios named for one change of behaviour.
const PLACES_MAX: usize = 2;

/// One aspect that may have changed.
struct Table {
    title: &'static str,
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// For a terminal.
pub fn text(difference: &Difference, style: Style) -> String {
    let mut out = format!("{}\n", style.bold(&headline(difference)));
    for caveat in &difference.caveats {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "not like for like: {}", console::tame(caveat));
    }
    for table in tables(difference) {
        let _ = writeln!(out, "\n{}", style.bold(table.title));
        out += &columns(&table);
        out += &more(&table);
    }
    out + "\n" + &verdict(difference) + "\n"
}

/// For a merge request or a CI job's summary.
pub fn markdown(difference: &Difference) -> String {
    let mut out = format!("# {}\n", escaped(&headline(difference)));
    for caveat in &difference.caveats {
        let _ = write!(out, "\n_Not like for like: {}._\n", escaped(caveat));
    }
    for table in tables(difference) {
        let row = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let head: Vec<String> = table.head.iter().map(ToString::to_string).collect();
        let _ = write!(out, "\n## {}\n\n{}", table.title, row(&head));
        out += &row(&vec!["---".to_owned(); head.len()]);
        for cells in table.rows.iter().take(ROWS_MAX) {
            out += &row(&cells.iter().map(|cell| escaped(cell)).collect::<Vec<_>>());
        }
        out += &more(&table);
    }
    out + "\n" + &verdict(difference) + "\n"
}

fn headline(difference: &Difference) -> String {
    let [old, new] = &difference.sides;
    let side = |side: &Side| format!("{} {} ({})", side.name, side.version, side.verdict);
    format!("{} -> {}", side(old), side(new))
}

fn verdict(difference: &Difference) -> String {
    let regressed = difference.clauses.iter().filter(|c| c.way == Way::Regressed).count();
    let scenarios = difference.scenarios.iter().filter(|c| c.way == Way::Regressed).count();
    if difference.has_regressed() {
        let scenarios = text::counted(scenarios, "scenario", "scenarios");
        let clauses = text::counted(regressed, "clause", "clauses");
        return format!("REGRESSED: {scenarios}, {clauses}");
    }
    if difference.is_empty() {
        return "no difference in behaviour".to_owned();
    }
    "nothing regressed".to_owned()
}

fn tables(difference: &Difference) -> impl Iterator<Item = Table> {
    [clauses(difference), scenarios(difference), behaviour(difference), latency(difference)]
        .into_iter()
        .filter(|table| !table.rows.is_empty())
}

fn clauses(difference: &Difference) -> Table {
    let state = |state: Option<_>| state.map_or("-", view::state_name).to_owned();
    let changes = difference.clauses.iter();
    let rows =
        changes.map(|c| vec![way(c.way), c.clause.clone(), state(c.old), state(c.new)]).collect();
    Table { title: "Clauses", head: vec!["", "clause", "before", "now"], rows }
}

fn scenarios(difference: &Difference) -> Table {
    let verdict =
        |verdict: Option<csi_stretch_oracle::verdict::Verdict>| verdict.map_or("-", |v| v.name());
    let changes = difference.scenarios.iter();
    let row = |c: &csi_stretch_oracle::diff::ScenarioChange| {
        vec![way(c.way), c.scenario.clone(), verdict(c.old).into(), verdict(c.new).into()]
    };
    let head = vec!["", "scenario", "before", "now"];
    Table { title: "Scenarios", head, rows: changes.map(row).collect() }
}

fn behaviour(difference: &Difference) -> Table {
    let row = |change: &csi_stretch_oracle::diff::BehaviourChange| {
        let mut places = change.scenarios.iter().take(PLACES_MAX).cloned().collect::<Vec<_>>();
        if change.scenarios.len() > PLACES_MAX {
            places.push(format!("{} more", change.scenarios.len() - PLACES_MAX));
        }
        vec![change.action.clone(), change.old.clone(), change.new.clone(), places.join(", ")]
    };
    let rows = difference.behaviour.iter().map(row).collect();
    Table { title: "Behaviour", head: vec!["action", "before", "now", "seen in"], rows }
}

/// Only what cannot be noise.
fn latency(difference: &Difference) -> Table {
    let told = difference.latency.iter().filter(|change| change.pace != Pace::Same);
    let row = |change: &LatencyChange| {
        let [old, new] = change.sides;
        let factor = new.p50_us as f64 / (old.p50_us as f64).max(1.0);
        let pace = if change.pace == Pace::Slower { "slower" } else { "faster" };
        let half = text::ms;
        vec![
            change.rpc.clone(),
            half(old.p50_us),
            half(new.p50_us),
            format!("{pace}, {factor:.2}x"),
        ]
    };
    let head = vec!["median of", "before", "now", ""];
    Table { title: "Latency", head, rows: told.map(row).collect() }
}

fn way(way: Way) -> String {
    match way {
        Way::Regressed => "REGRESSED",
        Way::Mended => "mended",
        Way::Changed => "changed",
    }
    .to_owned()
}

fn columns(table: &Table) -> String {
    let rows: Vec<Vec<String>> = table
        .rows
        .iter()
        .take(ROWS_MAX)
        .map(|cells| cells.iter().map(|cell| console::tame(cell)).collect())
        .collect();
    let head: Vec<String> = table.head.iter().map(ToString::to_string).collect();
    let all = || std::iter::once(&head).chain(&rows);
    let width = |at: usize| all().map(|cells| cells[at].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &Vec<String>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("  {}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    all().map(line).collect()
}

fn more(table: &Table) -> String {
    match table.rows.len().saturating_sub(ROWS_MAX) {
        0 => String::new(),
        rest => {
            format!("\n{} (--format json has all)\n", text::counted(rest, "more row", "more rows"))
        }
    }
}
