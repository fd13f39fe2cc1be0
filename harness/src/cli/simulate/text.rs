//! The result of a simulation as a page to read.

use std::fmt::Write as _;

use crate::generator::orchestrator::{
    fleet::{Outcome, Plan},
    quantity::show,
    time::{MILLISECOND, MINUTE, SECOND, Span},
};

/// At most three digits that matter.
fn time(span: Span) -> String {
    match span {
        0..SECOND => format!("{} ms", span / MILLISECOND),
        SECOND..MINUTE => format!("{:.1} s", span as f64 / SECOND as f64),
        _ => format!("{} min {} s", span / MINUTE, span % MINUTE / SECOND),
    }
}

/// Growths that had ended by then, one bar a step.
fn chart(page: &mut String, outcome: &Outcome) {
    for (at, count) in outcome.curve.iter().skip(1).step_by(2) {
        let width = 40 * count / outcome.converged.count.max(1);
        let _ = writeln!(page, "    {:>12} {:40} {count}", time(*at), "#".repeat(width));
    }
}

pub(super) fn page(plan: &Plan, outcome: &Outcome) -> String {
    let mut page = String::new();
    let sizes: Vec<String> = plan.sizes.iter().map(|bytes| show(*bytes)).collect();
    let _ = writeln!(
        page,
        "{} claims on {} nodes, {}, profile {}, seed {}",
        plan.claims,
        plan.nodes,
        sizes.join(" to "),
        outcome.profile,
        outcome.seed
    );
    let _ = writeln!(page, "  settled      {} of {}", outcome.settled, outcome.claims);
    let spread = outcome.converged;
    let _ = writeln!(
        page,
        "  converged in p50 {}, p90 {}, p99 {}, at most {} ({} growths)",
        time(spread.p50),
        time(spread.p90),
        time(spread.p99),
        time(spread.max),
        spread.count
    );
    chart(&mut page, outcome);
    let _ = writeln!(
        page,
        "  calls        {}; of those that expand {:.2} times the least",
        outcome.calls_total, outcome.amplification
    );
    for (name, count) in &outcome.calls {
        let _ = writeln!(page, "    {name:28} {count:>10}");
    }
    let _ = writeln!(page, "  refused      {} writes", outcome.refused);
    let _ = writeln!(page, "  ended        after {}", time(outcome.ended_at));
    for stuck in &outcome.stuck {
        let _ = writeln!(
            page,
            "  stuck        {} claims, as {}: {}",
            stuck.claims, stuck.example, stuck.why
        );
    }
    for breach in &outcome.breaches {
        let _ = writeln!(
            page,
            "  broken       {} of {} after {}: {}",
            breach.rule,
            breach.claim,
            time(breach.at),
            breach.text
        );
    }
    if outcome.breaches_total > outcome.breaches.len() {
        let more = outcome.breaches_total - outcome.breaches.len();
        let _ = writeln!(page, "               and {more} more");
    }
    page
}
