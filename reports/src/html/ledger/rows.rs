//! Growths in short, where a run has many: one row each, by scenario. What is as it was asked for
//! is said with one sign, so that what is not stands out.

use csi_stretch_oracle::report::Growth;

use super::super::{Link, costs, scenario_link};
use crate::{
    text,
    view::{self, View},
};

/// As large as asked for.
const AS_ASKED: &str = "=";

pub struct Group<'a> {
    pub scenario: Link<'a>,
    /// Classes of what was found here.
    pub findings: Vec<&'static str>,
    pub rows: Vec<Row>,
}

pub struct Row {
    pub what: String,
    pub asked: String,
    pub said: String,
    pub device: String,
    pub fs: String,
    pub times: String,
    /// Dip and stall, where a workload ran.
    pub cost: String,
    pub verified: String,
}

pub fn groups<'a>(view: &View<'a>, growths: &[&'a Growth]) -> Vec<Group<'a>> {
    let same = |a: &&Growth, b: &&Growth| a.scenario == b.scenario;
    growths.chunk_by(same).filter_map(|growths| group(view, growths)).collect()
}

fn group<'a>(view: &View<'a>, growths: &[&'a Growth]) -> Option<Group<'a>> {
    let found = growths.iter().flat_map(|growth| view.findings_of(growth));
    let failing = found.filter(|one| !one.finding.advisory);
    let mut findings: Vec<_> = failing.map(|one| view::class_name(one.finding.class)).collect();
    findings.dedup();
    Some(Group {
        scenario: scenario_link(view, &growths.first()?.scenario),
        findings,
        rows: growths.iter().map(|growth| row(growth)).collect(),
    })
}

fn row(growth: &Growth) -> Row {
    let Growth { required, limit, before, .. } = *growth;
    let limit =
        if limit > 0 { format!(", limit {}", text::size_signed(limit)) } else { String::new() };
    let from = before.map(|from| format!("{} → ", text::size_signed(from))).unwrap_or_default();
    let access = if growth.access.is_empty() { "" } else { &growth.access };
    let said = [
        said(growth.controller, growth.controller_code.as_ref(), required),
        said(growth.node, growth.node_code.as_ref(), required),
    ];
    let times = [growth.controller_us, growth.node_us].into_iter().flatten().map(text::ms);
    Row {
        what: format!(
            "{} {access} {}",
            growth.volume,
            if growth.online { "online" } else { "offline" }
        ),
        asked: format!("{from}{}{limit}", text::size_signed(required)),
        said: said.into_iter().flatten().collect::<Vec<_>>().join(", "),
        device: seen(growth.device_after, required),
        fs: if growth.access == "block" { String::new() } else { seen(growth.fs_after, required) },
        times: times.collect::<Vec<_>>().join(" + "),
        cost: cost(growth),
        verified: growth.verified.map(text::size).unwrap_or_default(),
    }
}

fn said(size: Option<i64>, code: Option<&String>, required: i64) -> Option<String> {
    match size {
        Some(size) if size == required => Some(AS_ASKED.to_owned()),
        Some(size) => Some(text::size_signed(size)),
        None => code.cloned(),
    }
}

fn seen(size: Option<u64>, required: i64) -> String {
    match size {
        Some(size) if i128::from(size) == i128::from(required) => AS_ASKED.to_owned(),
        Some(size) => text::size(size),
        None => "–".to_owned(),
    }
}

fn cost(growth: &Growth) -> String {
    let Some(impact) = &growth.impact else { return String::new() };
    let why = impact.why.as_deref().unwrap_or_default();
    let costs = [costs::cost(impact.dip, "%", why), costs::cost(impact.stall, "ms", why)];
    costs.map(|cost| format!("{} ({})", cost.value, cost.noise)).join(", ")
}
