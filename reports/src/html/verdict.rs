//! The head of the page: verdict, counts, who was tested, and what the tier leaves open.

use csi_stretch_oracle::{
    history::Target,
    report::{Counts, Report},
};

use super::meter::{Segment, meter};
use crate::{text, view};

pub struct Head<'a> {
    /// `fail`: word, CSS class and icon.
    pub verdict: &'static str,
    pub says: &'static str,
    pub growth: Option<String>,
    pub target: &'a Target,
    pub total: String,
    pub segments: Vec<Segment>,
    pub facts: Vec<(&'static str, String)>,
    pub tier: &'static str,
    pub tier_says: &'static str,
    pub unproven: &'a [String],
    pub interrupted: bool,
    pub started: &'a str,
    pub tool_version: &'a str,
}

impl<'a> Head<'a> {
    pub fn new(report: &'a Report) -> Self {
        let (run, counts) = (&report.run, report.counts);
        Self {
            verdict: report.verdict.name(),
            says: view::verdict_says(report),
            growth: view::growth_says(report),
            target: &run.target,
            total: text::counted(counts.total as usize, "scenario", "scenarios"),
            segments: segments(counts),
            facts: facts(report),
            tier: view::tier_name(run.target.tier),
            tier_says: view::tier_says(run.target.tier),
            unproven: &run.host.unproven,
            interrupted: report.interrupted,
            started: &run.started,
            tool_version: &run.tool_version,
        }
    }
}

/// Failures as expected only where there are some: most drivers have no such list.
fn segments(counts: Counts) -> Vec<Segment> {
    let mut parts = vec![
        ("fail", "fail", counts.fail),
        ("error", "error", counts.error),
        ("inconclusive", "inconclusive", counts.inconclusive),
        ("skip", "skip", counts.skip),
        ("pass", "pass", counts.pass),
    ];
    if counts.expected > 0 {
        parts.insert(3, ("advice", "failed as expected", counts.expected));
    }
    meter(&parts)
}

fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let (run, counts) = (&report.run, report.counts);
    let strict = if run.strict { ", strict" } else { "" };
    let reference = match (&run.reference, &run.reference_off) {
        (Some(target), _) => format!("{} {}", target.name, target.vendor_version),
        (None, Some(why)) => format!("none: {why}"),
        (None, None) => "none".to_owned(),
    };
    vec![
        ("Seed", view::seed(run.seed) + strict),
        ("Elapsed", format!("{} s", text::seconds(report.elapsed_us))),
        ("Calls", text::grouped(counts.calls)),
        ("Measurements", text::grouped(counts.probes)),
        ("Advisories", text::grouped(counts.advisories)),
        ("Compared with", reference),
        ("Kernel", run.host.kernel.clone()),
    ]
}
