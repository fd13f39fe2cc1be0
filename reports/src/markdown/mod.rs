//! `summary.md`: for the summary of a CI job or a merge request. The verdict and what to fix
//! first; everything long is left to `report.html`. Every list has a maximum, because a summary
//! above 1 MiB is refused as a whole. Writing to a string cannot fail, hence each `let _ =`.

pub(crate) mod escape;
mod tables;

use std::fmt::Write as _;

use csi_stretch_oracle::{report::Report, verdict::Verdict};

use crate::{
    text,
    view::{self, Group, View},
};
use escape::{code, fence, text as esc};

/// Findings shown in full.
const GROUPS_MAX: usize = 10;
/// Advisories, skips and leaks listed.
const ROWS_MAX: usize = 25;
/// Places of one finding that are named.
const PLACES_MAX: usize = 8;

/// Renders a tamed report.
pub fn render(report: &Report) -> String {
    let view = View::new(report);
    let sections = [
        head(report),
        to_fix(&view),
        advice(&view),
        tables::known(&view),
        tables::comparison(&view),
        tables::growths(&view),
        tables::honesty(report),
        tables::coverage(report),
        tables::skips(&view),
        tables::leaks(report),
        reproduce(report),
    ];
    let sections = sections.into_iter().filter(|section| !section.is_empty());
    sections.collect::<Vec<_>>().join("\n")
}

fn head(report: &Report) -> String {
    let (run, counts) = (&report.run, report.counts);
    let target = &run.target;
    let mark = mark(report.verdict);
    let mut out = format!(
        "# {mark} csi-stretch: {} — {} {}\n\n{}",
        report.verdict,
        esc(&target.name),
        esc(&target.vendor_version),
        view::verdict_says(report),
    );
    if let Some(growth) = view::growth_says(report) {
        let _ = write!(out, " **{growth}.**");
    }
    if report.interrupted {
        out += " **The run was cut short.**";
    }
    if counts.expected > 0 {
        let number = text::counted(counts.expected as usize, "scenario", "scenarios");
        let _ = write!(out, " {number} failed as expected.");
    }
    out += "\n\n| pass | fail | error | inconclusive | skip | all | advisories | calls | time |\n";
    out += "|-:|-:|-:|-:|-:|-:|-:|-:|-:|\n";
    for number in
        [counts.pass, counts.fail, counts.error, counts.inconclusive, counts.skip, counts.total]
    {
        let _ = write!(out, "| {} ", text::grouped(number));
    }
    let (calls, time) = (text::grouped(counts.calls), text::seconds(report.elapsed_us));
    let _ = write!(out, "| {} | {calls} | {time} s |\n\n", text::grouped(counts.advisories));
    let (tier, says) = (view::tier_name(target.tier), view::tier_says(target.tier));
    let _ = writeln!(out, "Tier **{tier}**: {says}");
    if !run.host.unproven.is_empty() {
        out += "What this run leaves unproven:\n\n";
        out.extend(run.host.unproven.iter().map(|one| format!("- {}\n", esc(one))));
    }
    out
}

fn to_fix(view: &View<'_>) -> String {
    let groups = view.to_fix();
    if groups.is_empty() {
        return String::new();
    }
    let shown = groups.iter().take(GROUPS_MAX).enumerate();
    let body: String = shown.map(|(at, group)| finding(at + 1, group)).collect();
    format!("## What to fix\n{body}{}", more(groups.len(), GROUPS_MAX, "finding", "findings"))
}

fn finding(number: usize, group: &Group<'_>) -> String {
    let (located, finding) = (group.first, &group.first.finding);
    let class = view::class_name(finding.class);
    let mut out = format!(
        "\n### {number}. {} {class}: {}\n\n{}\n\n",
        mark(finding.verdict),
        code(view::broken(finding)),
        esc(&finding.what)
    );
    if let Some(clause) = group.clause {
        let (line, url) = (clause.spec_line, view::spec_url(clause.spec_line));
        let (level, rule) = (clause.level.name(), esc(&clause.paraphrase));
        let _ = writeln!(out, "- **{level}**, [spec.md:{line}]({url}): {rule}");
    }
    for (label, value) in [("expected", &finding.expected), ("observed", &finding.observed)] {
        if let Some(value) = value {
            let _ = writeln!(out, "- {label}: {}", code(value));
        }
    }
    let step = finding.step.as_ref().map(|step| format!(", step {}", esc(&view::step_name(step))));
    let _ = writeln!(out, "- seen in {}{}", code(&located.scenario), step.unwrap_or_default());
    if !group.others.is_empty() {
        let places = group.others.iter().take(PLACES_MAX).map(|one| code(&one.scenario));
        let mut places: Vec<String> = places.collect();
        if group.others.len() > PLACES_MAX {
            places.push(format!("{} more", group.others.len() - PLACES_MAX));
        }
        let _ = writeln!(out, "- also in {}", places.join(", "));
    }
    for (at, step) in view::sequence(located).iter().enumerate() {
        let head = if at == 0 { "- sequence:\n" } else { "" };
        let _ = writeln!(out, "{head}  {}. {}", at + 1, esc(step));
    }
    out + &format!("\n{}\n", fence("sh", &located.replay))
}

fn advice(view: &View<'_>) -> String {
    let groups = view.advice();
    if groups.is_empty() {
        return String::new();
    }
    let row = |group: &Group<'_>| {
        let finding = &group.first.finding;
        let level = group.clause.map_or("", |clause| clause.level.name());
        let seen = text::counted(group.others.len() + 1, "scenario", "scenarios");
        format!("- {} {level}: {} ({seen})\n", code(view::broken(finding)), esc(&finding.what))
    };
    let rows: String = groups.iter().take(ROWS_MAX).map(row).collect();
    format!("## Advice\n\n{rows}{}", more(groups.len(), ROWS_MAX, "advisory", "advisories"))
}

fn reproduce(report: &Report) -> String {
    let run = &report.run;
    let tool = esc(&run.tool_version);
    let facts = format!(
        "csi-stretch {tool}, seed {}, {}, run {} of {}.\n",
        code(&view::seed(run.seed)),
        esc(&run.host.kernel),
        code(&run.id),
        esc(&run.started)
    );
    format!("## Reproduce\n\n{}\n\n{facts}", fence("sh", &view::command(&run.command)))
}

/// `_and 3 more findings; report.html has all._`, or nothing.
fn more(all: usize, shown: usize, one: &str, many: &str) -> String {
    match all.saturating_sub(shown) {
        0 => String::new(),
        rest => format!("\n_and {} more; report.html has all._\n", text::counted(rest, one, many)),
    }
}

/// A shape beside the word.
fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Skip => "–",
        Verdict::Pass => "✓",
        Verdict::Inconclusive => "?",
        Verdict::Fail => "✕",
        Verdict::Error => "!",
    }
}
