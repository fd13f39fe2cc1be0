//! The block that says what to mend: each breach once, with all that is needed to see it again.

use std::fmt::Write as _;

use csi_stretch_oracle::{
    clause::Basis,
    report::{LocatedFinding, Report},
};

use super::{Style, tame, tame_command, word};
use crate::{
    text,
    view::{self, Group, View},
};

/// More places of the same finding than this are only counted.
const PLACES_MAX: usize = 5;

/// What to mend, worst first, then what was left behind. Empty if there is nothing to say.
pub fn failures(report: &Report, style: Style) -> String {
    let view = View::new(report);
    let mut out = String::new();
    for group in view.to_fix() {
        out += &block(&view, &group, style);
        out.push('\n');
    }
    for group in view.advice() {
        let finding = &group.first.finding;
        let seen = text::counted(group.others.len() + 1, "scenario", "scenarios");
        let (clause, what) = (tame(view::broken(finding)), tame(&finding.what));
        // Writing to a string cannot fail.
        let _ = writeln!(out, "ADVICE {clause}: {what} ({seen})");
    }
    for group in view.known() {
        let finding = &group.first.finding;
        let Some(excused) = &finding.excused else { continue };
        let word = view::excused_name(excused.by).to_uppercase();
        let seen = text::counted(group.others.len() + 1, "scenario", "scenarios");
        let (clause, what) = (tame(view::broken(finding)), tame(&finding.what));
        let because = tame(&excused.because.to_string());
        let _ = writeln!(out, "{word} {clause}: {what} ({seen}): {because}");
    }
    for leak in &report.leaks {
        let (kind, what, why) = (tame(&leak.kind), tame(&leak.what), tame(&leak.why));
        let _ = writeln!(out, "LEFT BEHIND {kind} {what}: {why}");
    }
    if !out.is_empty() && !out.ends_with("\n\n") {
        out.push('\n');
    }
    out
}

fn block(view: &View<'_>, group: &Group<'_>, style: Style) -> String {
    let (located, finding) = (group.first, &group.first.finding);
    let word = style.verdict(finding.verdict, word(finding.verdict));
    let whole = if located.scenario.is_empty() { "the run as a whole" } else { &located.scenario };
    let head = format!("{word} {}: {}", tame(whole), view::class_name(finding.class));
    let mut lines = vec![("", tame(&finding.what))];
    lines.extend((!finding.clause.is_empty()).then(|| ("clause", clause(group))));
    if let Some(clause) = group.clause {
        lines.push(("", tame(&clause.paraphrase)));
    }
    for (label, value) in [("expected", &finding.expected), ("observed", &finding.observed)] {
        lines.extend(value.as_ref().map(|value| (label, tame(value))));
    }
    lines.extend(finding.step.as_ref().map(|step| ("step", tame(&view::step_name(step)))));
    for (at, (_, step)) in view.evidence(located).into_iter().enumerate() {
        let label = if at == 0 { "evidence" } else { "" };
        let (action, code, outcome) = (tame(&step.action), tame(&step.code), tame(&step.outcome));
        lines.push((label, format!("{action}: {code}, {outcome}")));
    }
    lines.extend(sequence(located));
    if !group.others.is_empty() {
        lines.push(("also in", places(group)));
    }
    lines.push(("replay", style.bold(&tame_command(&located.replay))));
    let line = |(label, text): &(&str, String)| format!("  {} {text}\n", label_of(label, style));
    let body: String = lines.iter().map(line).collect();
    format!("{head}\n{body}")
}

/// The calls that lead there, numbered; nothing where the evidence says it all.
fn sequence(located: &LocatedFinding) -> impl Iterator<Item = (&'static str, String)> {
    let steps = view::sequence(located);
    let label = |at: usize| if at == 0 { "sequence" } else { "" };
    let line =
        move |(at, step): (usize, &String)| (label(at), format!("{}. {}", at + 1, tame(step)));
    steps.iter().enumerate().map(line)
}

fn label_of(label: &str, style: Style) -> String {
    style.dim(&format!("{label:<9}"))
}

fn clause(group: &Group<'_>) -> String {
    let id = tame(&group.first.finding.clause);
    let Some(clause) = group.clause else { return id };
    let derived = if clause.basis == Basis::Derived { ", derived" } else { "" };
    format!("{id} ({}{derived}) spec.md:{}", clause.level.name(), clause.spec_line)
}

fn places(group: &Group<'_>) -> String {
    let mut places: Vec<String> =
        group.others.iter().take(PLACES_MAX).map(|one| tame(&one.scenario)).collect();
    if group.others.len() > PLACES_MAX {
        places.push(format!("and {} more", group.others.len() - PLACES_MAX));
    }
    places.join(", ")
}
