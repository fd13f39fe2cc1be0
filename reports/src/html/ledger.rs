//! The growth ledger: for each growth the sources of truth about a size, as marks on one scale, so
//! that what was promised and is not there is a gap that can be seen.

use csi_stretch_oracle::report::Growth;

mod rows;

use super::{
    Link,
    costs::{self, Cost},
    meter::percent,
    scenario_link,
};
use crate::{
    text,
    view::{self, View},
};

/// Growths without a finding beyond this are told in short.
const OPEN_MAX: usize = 12;
/// Growths with a finding beyond this are told in short, too.
const MARKED_MAX: usize = 24;
/// The largest size takes this much of the width, percent, so that a limit's mark has room.
const FULL: f64 = 96.0;

pub struct Ledger<'a> {
    pub marked: Vec<Entry<'a>>,
    /// More of them.
    pub marked_rows: Vec<rows::Group<'a>>,
    pub marked_words: String,
    pub plain: Vec<Entry<'a>>,
    pub plain_words: String,
    /// Instead of `plain`, where there are many: growths by scenario.
    pub rows: Vec<rows::Group<'a>>,
}

pub struct Entry<'a> {
    pub scenario: Link<'a>,
    /// Class and sentence of what was found here.
    pub findings: Vec<(&'static str, &'a str)>,
    pub about: String,
    pub lanes: Vec<Lane>,
    pub facts: Vec<String>,
}

/// One source; positions in percent of the width.
pub struct Lane {
    pub kind: &'static str,
    pub label: &'static str,
    pub value: String,
    /// Exact bytes.
    pub exact: String,
    /// What it was before, from 0.
    pub was: String,
    /// What was added.
    pub now: Option<(String, String)>,
    /// What is missing up to what was requested, though OK was said.
    pub gap: Option<(String, String)>,
    pub required: String,
    pub limit: Option<String>,
    pub note: String,
}

impl<'a> Ledger<'a> {
    pub fn new(view: &View<'a>) -> Self {
        let growths = view.report.growths.iter();
        let (mut marked, plain): (Vec<_>, Vec<_>) = growths.partition(|one| view.is_marked(one));
        let more = marked.split_off(marked.len().min(MARKED_MAX));
        let many = plain.len() > OPEN_MAX;
        let entries = |growths: Vec<&'a Growth>| -> Vec<Entry<'a>> {
            growths.into_iter().map(|growth| entry(view, growth)).collect()
        };
        Self {
            plain_words: text::counted(plain.len(), "growth", "growths"),
            marked_rows: rows::groups(view, &more),
            marked_words: text::counted(more.len(), "more growth", "more growths"),
            rows: if many { rows::groups(view, &plain) } else { Vec::new() },
            marked: entries(marked),
            plain: if many { Vec::new() } else { entries(plain) },
        }
    }

    pub fn is_empty(&self) -> bool {
        self.marked.is_empty() && self.plain.is_empty() && self.rows.is_empty()
    }
}

fn entry<'a>(view: &View<'a>, growth: &'a Growth) -> Entry<'a> {
    let findings = view.findings_of(growth).filter(|one| !one.finding.advisory);
    let access = if growth.access.is_empty() { "access not stated" } else { &growth.access };
    let online = if growth.online { "online" } else { "offline" };
    let step = view::step_name(&growth.step);
    let scale = Scale::of(growth);
    let mut lanes = vec![scale.asked()];
    lanes.extend(scale.replied(
        "controller said",
        growth.controller,
        growth.controller_code.as_deref(),
    ));
    lanes.extend(scale.replied("node said", growth.node, growth.node_code.as_deref()));
    let device = (growth.device_before, growth.device_after);
    lanes.push(scale.measured("device", "device is", device));
    if growth.access != "block" {
        let fs = (growth.fs_before, growth.fs_after);
        lanes.push(scale.measured("fs", "file system is", fs));
    }
    Entry {
        scenario: scenario_link(view, &growth.scenario),
        findings: findings
            .map(|one| (view::class_name(one.finding.class), one.finding.what.as_str()))
            .collect(),
        about: format!("{} · {access} · {online} · step {step}", growth.volume),
        lanes,
        facts: facts(growth),
    }
}

fn facts(growth: &Growth) -> Vec<String> {
    let mut facts = Vec::new();
    let calls = [
        ("controller", &growth.controller_code, growth.controller_us),
        ("node", &growth.node_code, growth.node_us),
    ];
    for (who, code, us) in calls {
        if let (Some(code), Some(us)) = (code, us) {
            facts.push(format!("{who} {code} in {}", text::ms(us)));
        }
    }
    facts.extend(growth.verified.map(|bytes| format!("{} verified after", text::size(bytes))));
    if let Some(impact) = &growth.impact {
        let why = impact.why.as_deref().unwrap_or_default();
        let told = |what: &str, cost: Cost| format!("{what} {} ({})", cost.value, cost.noise);
        facts.push(told("dip", costs::cost(impact.dip, "%", why)));
        facts.push(told("stall", costs::cost(impact.stall, "ms", why)));
        facts.extend(impact.usable_us.map(|us| format!("seen larger after {}", text::ms(us))));
    }
    facts
}

/// The common scale of one growth's lanes.
struct Scale<'a> {
    growth: &'a Growth,
    largest: f64,
}

impl<'a> Scale<'a> {
    fn of(growth: &'a Growth) -> Self {
        let signed = [Some(growth.required), Some(growth.limit), growth.before];
        let signed = signed.into_iter().chain([growth.controller, growth.node]).flatten();
        let measured =
            [growth.device_before, growth.device_after, growth.fs_before, growth.fs_after];
        let sizes = signed.map(|size| size as f64);
        let sizes = sizes.chain(measured.into_iter().flatten().map(|size| size as f64));
        Self { growth, largest: sizes.fold(1.0, f64::max) }
    }

    fn at(&self, bytes: f64) -> f64 {
        (bytes / self.largest * FULL).clamp(0.0, 100.0)
    }

    fn asked(&self) -> Lane {
        let Growth { before, required, limit, .. } = *self.growth;
        let note = match limit {
            0 => String::new(),
            limit => format!("limit {}", text::size_signed(limit)),
        };
        let (before, size) = (before.map_or(0.0, |size| size as f64), required as f64);
        Lane { note, ..self.lane("asked", "asked for", (before, size), i128::from(required)) }
    }

    fn replied(&self, label: &'static str, size: Option<i64>, code: Option<&str>) -> Option<Lane> {
        let before = self.growth.before.map_or(0.0, |size| size as f64);
        match (size, code) {
            (Some(bytes), _) => {
                let lane = self.lane("said", label, (before, bytes as f64), i128::from(bytes));
                Some(self.with_gap(lane, bytes as f64, i128::from(bytes)))
            }
            (None, Some(code)) => Some(Lane {
                value: code.to_owned(),
                exact: String::new(),
                ..self.lane("none", label, (0.0, 0.0), 0)
            }),
            (None, None) => None,
        }
    }

    fn measured(
        &self,
        kind: &'static str,
        label: &'static str,
        (before, after): (Option<u64>, Option<u64>),
    ) -> Lane {
        let Some(after) = after else {
            let lane = self.lane("none", label, (0.0, 0.0), 0);
            return Lane { value: "not measured".to_owned(), exact: String::new(), ..lane };
        };
        let was = before.unwrap_or(0) as f64;
        let lane = self.lane(kind, label, (was, after as f64), i128::from(after));
        let lane = self.with_gap(lane, after as f64, i128::from(after));
        match before {
            None => lane,
            Some(before) => Lane {
                exact: format!("{}, before {}", lane.exact, text::bytes(before.into())),
                ..lane
            },
        }
    }

    fn lane(
        &self,
        kind: &'static str,
        label: &'static str,
        (was, now): (f64, f64),
        bytes: i128,
    ) -> Lane {
        let (was, now) = (self.at(was.min(now)), self.at(now));
        Lane {
            kind,
            label,
            value: text::size_wide(bytes),
            exact: text::bytes(bytes),
            was: percent(was),
            now: (now > was).then(|| (percent(was), percent(now - was))),
            gap: None,
            required: percent(self.at(self.growth.required as f64)),
            limit: (self.growth.limit > 0).then(|| percent(self.at(self.growth.limit as f64))),
            note: String::new(),
        }
    }

    /// Short of the request, or beyond the limit. A refusal promises nothing, so it has no gap.
    fn with_gap(&self, lane: Lane, size: f64, bytes: i128) -> Lane {
        let Growth { required, limit, controller, .. } = *self.growth;
        let (required, limit) = (i128::from(required), i128::from(limit));
        if controller.is_some() && bytes < required {
            let (from, to) = (self.at(size), self.at(required as f64));
            let note = format!("{} short", text::size_wide(required - bytes));
            return Lane { gap: Some((percent(from), percent(to - from))), note, ..lane };
        }
        if limit > 0 && bytes > limit {
            let note = format!("{} beyond the limit", text::size_wide(bytes - limit));
            return Lane { note, ..lane };
        }
        lane
    }
}
