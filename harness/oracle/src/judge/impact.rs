//! What each growth cost the workload: how much throughput fell against the minute before it, and
//! how long a load got nothing done. The same is measured in windows of the same length before
//! it in which nothing grew: that is the noise, and a cost that does not stand out of it proves
//! nothing. There is no clause for it; a scenario that sets a threshold (`slo`) makes a finding.
//!
//! Absolute numbers never count. A writer that waits for room is what a growth is to end, an engine
//! that is not running is told elsewhere, and while all rows are compared that costs, too: these
//! times are left out.

use std::collections::BTreeMap;

use crate::{
    action::{Action, Load},
    check::table,
    evidence::{Evidence, Op},
    history::{Reading, Slo},
    report::{Class, Figure, Finding, Growth, Impact, Loading, Series, SizeLine, SizeSource},
    verdict::Verdict,
};

mod window;

use window::{Loads, Window};

/// Name in place of a check's.
const NAME: &str = "slo";

/// Sets the impact of every growth of a volume that was read.
pub fn measure(
    evidence: &Evidence<'_>,
    growths: &mut [Growth],
    readings: &BTreeMap<String, Vec<Reading>>,
    series: &[Series],
) {
    for (volume, readings) in readings.iter().filter(|(_, readings)| !readings.is_empty()) {
        let own = |growth: &&Growth| growth.volume == *volume;
        let windows: Vec<Window> = growths.iter().filter(own).map(Window::of).collect();
        let loads = Loads::new(readings, &windows, &compared(evidence, volume));
        let sizes = series.iter().find(|one| one.volume == *volume);
        let sizes = sizes.map_or(&[][..], |one| &one.sizes);
        let mut own = growths.iter_mut().filter(|growth| growth.volume == *volume).peekable();
        while let Some(growth) = own.next() {
            let until = own.peek().map_or(u64::MAX, |next| next.from_us);
            let usable_us = usable(growth, sizes, until);
            growth.impact = impact(&loads, Window::of(growth), usable_us);
        }
    }
}

/// When all rows of the volume were read.
fn compared(evidence: &Evidence<'_>, volume: &str) -> Vec<Window> {
    let verifies = |op: &&Op<'_>| {
        let is_own = op.volume() == Some(volume);
        is_own && matches!(op.invoke.action, Action::Load(Load::Verify { .. }))
    };
    let window = |op: &Op<'_>| Window {
        from: op.event.at_us,
        to: op.completed.map_or(u64::MAX, |event| event.at_us),
    };
    evidence.subject.iter().filter(verifies).map(window).collect()
}

/// `None`: no load was running.
fn impact(loads: &Loads, window: Window, usable_us: Option<u64>) -> Option<Impact> {
    if !loads.run_at(window.from) {
        return None;
    }
    let (mut dips, mut stalls, mut before_us) = (Vec::new(), Vec::new(), 0);
    for (load, line) in loads.each() {
        before_us = before_us.max(line.before_us(window.from));
        let Some(costs) = line.costs(window) else { continue };
        let noise = line.noise(window);
        let figure = |value, noise| Figure { load, value, noise };
        dips.push(figure(costs.dip_percent, noise.map(|noise| noise.dip_percent)));
        stalls.push(figure(costs.stall_ms, noise.map(|noise| noise.stall_ms)));
    }
    let why = match dips.iter().find(|figure| figure.noise.is_none()) {
        _ if dips.is_empty() && before_us < window::BEFORE_MIN_US => Some(format!(
            "too little before it: {} s without a growth, {} s are needed",
            before_us / 1_000_000,
            window::BEFORE_MIN_US / 1_000_000
        )),
        _ if dips.is_empty() => Some("no load ran while it grew".to_owned()),
        Some(_) => Some("too little before it to know the noise".to_owned()),
        None => None,
    };
    Some(Impact { before_us, dip: worst(&dips), stall: worst(&stalls), usable_us, why })
}

/// The one that stands out most; without noise it cannot be told, so then the largest.
fn worst(figures: &[Figure]) -> Option<Figure> {
    let out = |figure: &Figure| figure.value.saturating_sub(figure.noise.unwrap_or(0));
    figures.iter().copied().rev().max_by_key(out)
}

/// From asking until statfs, the file system or the device was seen larger, before the next growth.
fn usable(growth: &Growth, sizes: &[SizeLine], until: u64) -> Option<u64> {
    let sources = match growth.access.as_str() {
        "block" => [SizeSource::Device].as_slice(),
        _ => [SizeSource::Statfs, SizeSource::Fs, SizeSource::Device].as_slice(),
    };
    let line = |source: &SizeSource| sizes.iter().find(|line| line.source == *source);
    let steps = &sources.iter().find_map(line)?.steps;
    let first_after = steps.partition_point(|(at_us, _)| *at_us <= growth.from_us);
    let (_, before) = steps.get(first_after.checked_sub(1)?)?;
    let after = steps.get(first_after..)?.iter().take_while(|(at_us, _)| *at_us < until);
    let mut larger = after.filter(|(_, bytes)| bytes > before);
    larger.next().map(|(at_us, _)| at_us.saturating_sub(growth.from_us))
}

/// Growths that cost more than the scenario allows, and more than noise.
pub fn findings(evidence: &Evidence<'_>, growths: &[Growth]) -> Vec<Finding> {
    let Some(slo) = evidence.instance.slo else { return Vec::new() };
    let found: Vec<Finding> =
        growths.iter().flat_map(|growth| broken(evidence, slo, growth)).collect();
    if found.is_empty() { unjudged(growths).into_iter().collect() } else { found }
}

/// Thresholds that no growth could be held to have proved nothing.
fn unjudged(growths: &[Growth]) -> Option<Finding> {
    let mut impacts = growths.iter().filter_map(|growth| growth.impact.as_ref());
    if impacts.clone().any(|impact| impact.why.is_none()) {
        return None;
    }
    let why = impacts.find_map(|impact| impact.why.clone());
    let why = why.unwrap_or_else(|| "no volume grew under a load".to_owned());
    let what = format!("what a growth costs could not be told: {why}");
    Some(finding(Class::Vacuous, Verdict::Inconclusive, what))
}

/// One kind of cost, and the words for it.
struct Cost {
    figure: Option<Figure>,
    allowed: Option<i64>,
    /// The most there can be.
    most: i64,
    unit: &'static str,
    did: &'static str,
    noun: &'static str,
    against: String,
}

fn broken(evidence: &Evidence<'_>, slo: Slo, growth: &Growth) -> Vec<Finding> {
    let Some(impact) = &growth.impact else { return Vec::new() };
    let dip = Cost {
        figure: impact.dip,
        allowed: slo.dip_percent.map(i64::from),
        most: 100,
        unit: "%",
        did: "fell by",
        noun: "a dip",
        against: format!(" against the {} s before", impact.before_us / 1_000_000),
    };
    let stall = Cost {
        figure: impact.stall,
        allowed: slo.stall_ms.and_then(|ms| i64::try_from(ms).ok()),
        most: i64::MAX,
        unit: "ms",
        did: "stood still for",
        noun: "a stall",
        against: String::new(),
    };
    [dip, stall].iter().filter_map(|cost| cost.judge(evidence, growth)).collect()
}

impl Cost {
    fn judge(&self, evidence: &Evidence<'_>, growth: &Growth) -> Option<Finding> {
        let (figure, allowed) = stands_out(self.figure, self.allowed, self.most)?;
        let Self { unit, did, noun, against, .. } = self;
        let (load, value, volume) = (name(figure.load), figure.value, &growth.volume);
        let what = format!("{load} of {volume} {did} {value} {unit} while it grew");
        let is_part = |op: &&Op<'_>| {
            let expands = op.call().is_some_and(|call| table::expands(call.rpc));
            let during = op.event.at_us >= growth.from_us && op.event.at_us <= growth.to_us;
            expands && during && op.volume() == Some(growth.volume.as_str())
        };
        Some(Finding {
            step: Some(growth.step.clone()),
            expected: Some(format!("{noun} of at most {allowed} {unit}{against}")),
            observed: Some(format!("{value} {unit}{}", noise(figure, unit))),
            events: evidence.subject.iter().filter(is_part).flat_map(Op::events).collect(),
            ..finding(Class::Slo, Verdict::Fail, what)
        })
    }
}

/// Over the threshold, and over the noise by half of it again: where noise alone comes near, a
/// window that is a little worse than the worst so far is bound to come. Where there is not that
/// much left up to the `most` there can be, three quarters of what is left.
fn stands_out(figure: Option<Figure>, allowed: Option<i64>, most: i64) -> Option<(Figure, i64)> {
    let (figure, allowed) = (figure?, allowed?);
    let noise = figure.noise?;
    let left = most.saturating_sub(noise) / 4 * 3;
    let least = noise.saturating_add((allowed / 2).min(left));
    (figure.value > allowed && figure.value > least).then_some((figure, allowed))
}

fn noise(figure: Figure, unit: &str) -> String {
    figure
        .noise
        .map(|noise| format!("; without a growth at most {noise} {unit}"))
        .unwrap_or_default()
}

fn name(load: Loading) -> &'static str {
    match load {
        Loading::Bulk => "bulk load",
        Loading::Query => "queries",
    }
}

/// No clause is broken, and no call has to be to blame.
fn finding(class: Class, verdict: Verdict, what: String) -> Finding {
    Finding {
        check: NAME.to_owned(),
        clause: String::new(),
        class,
        verdict,
        advisory: false,
        excused: None,
        step: None,
        what,
        expected: None,
        observed: None,
        events: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
