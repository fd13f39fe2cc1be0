//! The tables of the summary: comparison, growths, skips, leaks. Empty text where there is nothing.

use std::fmt::Write as _;

use csi_stretch_oracle::report::{
    Growth, HonestyRow, Relation, Report, ScenarioResult, Standing, StepResult, Tally,
};

use super::{
    ROWS_MAX,
    escape::{code, text as esc},
    more,
};
use crate::{
    text,
    view::{self, View},
};

/// What differs from the reference and no clause allows.
pub fn comparison(view: &View<'_>) -> String {
    let report = view.report;
    let Some(summary) = &report.comparison else {
        let why = report.run.reference_off.as_deref().map(esc);
        return why.map_or_else(String::new, |why| format!("Not compared: {why}\n"));
    };
    let mut out = format!(
        "## Beside the reference\n\n{} same, {} allowed, {} divergent, {} unmatched.\n",
        summary.same, summary.allowed, summary.divergent, summary.unmatched
    );
    let rows: Vec<String> = report
        .scenarios
        .iter()
        .flat_map(|scenario| scenario.steps.iter().filter_map(|step| divergence(scenario, step)))
        .collect();
    if !rows.is_empty() {
        out += "\n| scenario | step | target | reference |\n|---|---|---|---|\n";
        out.extend(rows.iter().take(ROWS_MAX).map(String::as_str));
    }
    out + &more(rows.len(), ROWS_MAX, "difference", "differences")
}

fn divergence(scenario: &ScenarioResult, step: &StepResult) -> Option<String> {
    let comparison = step.comparison.as_ref()?;
    if comparison.relation != Relation::Divergent {
        return None;
    }
    let (id, action) = (code(&scenario.id), esc(&step.action));
    let target = format!("{}, {}", step.code, step.outcome);
    let (target, reference) = (esc(&target), esc(&comparison.reference));
    Some(format!("| {id} | {action} | {target} | {reference} |\n"))
}

/// The growths of scenarios that something was found in.
pub fn growths(view: &View<'_>) -> String {
    let growths = &view.report.growths;
    let rows: Vec<&Growth> = growths.iter().filter(|growth| view.is_marked(growth)).collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut out = format!(
        "## Growths with a finding\n\n{} of {}.\n\n\
        | scenario | access | asked | replied | node replied | device | file system |\n\
        |---|---|-:|-:|-:|-:|-:|\n",
        text::grouped(rows.len() as u64),
        text::counted(growths.len(), "growth", "growths"),
    );
    out.extend(rows.iter().take(ROWS_MAX).map(|growth| growth_row(growth)));
    out + &more(rows.len(), ROWS_MAX, "growth", "growths")
}

fn growth_row(growth: &Growth) -> String {
    let replied = |size: Option<i64>, code: &Option<String>| {
        size.map_or_else(|| esc(code.as_deref().unwrap_or("–")), text::size_signed)
    };
    let online = if growth.online { "online" } else { "offline" };
    format!(
        "| {} | {} {online} | {} | {} | {} | {} | {} |\n",
        code(&growth.scenario),
        esc(&growth.access),
        text::size_signed(growth.required),
        replied(growth.controller, &growth.controller_code),
        replied(growth.node, &growth.node_code),
        measured(growth.device_before, growth.device_after),
        measured(growth.fs_before, growth.fs_after),
    )
}

fn measured(before: Option<u64>, after: Option<u64>) -> String {
    let size = |size: Option<u64>| size.map_or_else(|| "–".to_owned(), text::size);
    if before.is_none() && after.is_none() {
        return "–".to_owned();
    }
    format!("{} → {}", size(before), size(after))
}

/// Breaches that the target's profile owns up to.
pub fn known(view: &View<'_>) -> String {
    let groups = view.known();
    if groups.is_empty() {
        return String::new();
    }
    let mut out =
        "## Known\n\n| clause | what | scenarios | how | why |\n|---|---|-:|---|---|\n".to_owned();
    for group in groups.iter().take(ROWS_MAX) {
        let finding = &group.first.finding;
        let Some(excused) = &finding.excused else { continue };
        let (clause, what) = (code(view::broken(finding)), esc(&finding.what));
        let (seen, how) = (group.others.len() + 1, view::excused_name(excused.by));
        let because = esc(&excused.because.to_string());
        let _ = writeln!(out, "| {clause} | {what} | {seen} | {how} | {because} |");
    }
    out + &more(groups.len(), ROWS_MAX, "finding", "findings")
}

/// In which states volumes could be grown; what was never tried is left to the page.
pub fn honesty(report: &Report) -> String {
    let tried = |row: &&HonestyRow| row.standing != Standing::Untried;
    let rows: Vec<&HonestyRow> = report.honesty.rows.iter().filter(tried).collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut out = format!(
        "## Capability honesty\n\nDeclared: {}.\n\n\
        | growth by | access | state | declared | observed | |\n|---|---|---|---|---|---|\n",
        esc(&view::declaration(&report.honesty))
    );
    for row in rows {
        let mark = if row.standing.contradicts() { "**" } else { "" };
        let standing = view::standing_name(row.standing);
        let declared = view::promise_name(row.declared);
        let (call, access, state) = (esc(&row.call), esc(&row.access), esc(&row.state));
        let observed = esc(&view::observed(row));
        let _ = writeln!(
            out,
            "| {call} | {access} | {state} | {declared} | {observed} | {mark}{standing}{mark} |"
        );
    }
    out
}

/// Clauses by state; what is asked of a driver apart from what we conclude and from our own part.
pub fn coverage(report: &Report) -> String {
    let coverage = &report.coverage;
    let rows = [
        ("asked of the driver", coverage.stated),
        ("derived by us", coverage.derived),
        ("binds the CO", coverage.orchestrator),
    ];
    if rows.iter().all(|(_, tally)| tally.total == 0) {
        return String::new();
    }
    let mut out = "## Clauses\n\n| | kept | broken | advised | untested | unsupported | excepted \
                   | open | all |\n|---|-:|-:|-:|-:|-:|-:|-:|-:|\n"
        .to_owned();
    for (name, tally) in rows {
        let _ = write!(out, "| {name} ");
        for number in numbers(&tally) {
            let _ = write!(out, "| {} ", text::grouped(number));
        }
        out += "|\n";
    }
    out
}

fn numbers(tally: &Tally) -> [u32; 8] {
    let Tally { total, broken, advised, kept, unsupported, untested, excepted, unclaimed } = *tally;
    [kept, broken, advised, untested, unsupported, excepted, unclaimed, total]
}

/// Why scenarios were not run.
pub fn skips(view: &View<'_>) -> String {
    let skips = view.skips();
    if skips.is_empty() {
        return String::new();
    }
    let mut out = "## Skipped\n\n| reason | scenarios |\n|---|-:|\n".to_owned();
    let row =
        |(why, scenarios): &(&str, Vec<_>)| format!("| {} | {} |\n", esc(why), scenarios.len());
    out.extend(skips.iter().take(ROWS_MAX).map(row));
    out + &more(skips.len(), ROWS_MAX, "reason", "reasons")
}

/// What was left behind.
pub fn leaks(report: &Report) -> String {
    if report.leaks.is_empty() {
        return String::new();
    }
    let mut out = "## Left behind\n\n| kind | what | who |\n|---|---|---|\n".to_owned();
    for leak in report.leaks.iter().take(ROWS_MAX) {
        let _ =
            writeln!(out, "| {} | {} | {} |", esc(&leak.kind), code(&leak.what), esc(&leak.why));
    }
    out + &more(report.leaks.len(), ROWS_MAX, "leak", "leaks")
}
