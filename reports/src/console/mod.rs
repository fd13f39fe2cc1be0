//! Console text as pure functions: header, one line per scenario, the failures, the summary.
//!
//! Whoever prints decides on colour and on where it goes; this module must not know about
//! terminals. The only control sequences are SGR colours. All text that a driver chose is tamed
//! before it is coloured. Every piece ends with a newline.

mod failures;
mod style;

use std::fmt::Write as _;

use csi_stretch_oracle::{
    history::{Run, Target},
    report::{Report, ScenarioResult},
    verdict::Verdict,
};

pub use failures::failures;
pub use style::Style;

use crate::{text, view};

/// Longest of a foreign string on one line, bytes.
const LINE_BYTES_MAX: usize = 400;

/// Who is tested, with what seed, and what that leaves unproven. First of all.
pub fn header(run: &Run, style: Style) -> String {
    let tier = view::tier_name(run.target.tier);
    let title = style.bold(&format!("csi-stretch {}", tame(&run.tool_version)));
    let seed = view::seed(run.seed);
    let strict = if run.strict { "  strict" } else { "" };
    let mut out = format!("{title}  seed {seed}  tier {tier}{strict}  run {}\n", tame(&run.id));
    // Writing to a string cannot fail.
    let _ = writeln!(out, "target     {}", target(&run.target));
    let reference = run.reference.as_ref().map(target);
    let off = || run.reference_off.as_ref().map(|why| format!("none: {}", tame(why)));
    if let Some(reference) = reference.or_else(off) {
        let _ = writeln!(out, "reference  {reference}");
    }
    let _ = writeln!(out, "proves     {}", view::tier_says(run.target.tier));
    for unproven in &run.host.unproven {
        let _ = writeln!(out, "unproven   {}", tame(unproven));
    }
    out
}

fn target(target: &Target) -> String {
    let Target { name, vendor_version, dialect, endpoint, .. } = target;
    let text = format!("{} {} ({}) at ", tame(name), tame(vendor_version), tame(dialect));
    text + &tame(endpoint)
}

/// One finished scenario: `PASS  0.123s expansion/online-grow[fs=xfs]`. What is not a pass says
/// why on the same line, so that one `grep '^FAIL'` in a CI log tells the story.
pub fn scenario(result: &ScenarioResult, style: Style) -> String {
    let expected = result.expected_failure.as_ref().map(|_| "XFAIL");
    let word = expected.unwrap_or_else(|| word(result.verdict));
    let word = style.verdict(result.verdict, &format!("{word:<5}"));
    let time = match result.verdict {
        Verdict::Skip => "-".to_owned(),
        _ => format!("{}s", text::seconds(result.elapsed_us)),
    };
    format!("{word} {time:>7} {}{}\n", tame(&result.id), why(result))
}

/// `: clause: sentence (and 2 more)` for what is not a pass.
fn why(result: &ScenarioResult) -> String {
    if let Some(skip) = &result.skip {
        return format!(": {}", tame(skip));
    }
    if let Some(because) = &result.expected_failure {
        return format!(": expected failure: {}", tame(because));
    }
    let advice = result.findings.iter().filter(|finding| finding.advisory).count();
    if result.verdict == Verdict::Pass {
        let advice = text::counted(advice, "advisory", "advisories");
        return if advice.starts_with('0') { String::new() } else { format!("  ({advice})") };
    }
    let worst = result.findings.iter().find(|finding| finding.verdict == result.verdict);
    let more = match result.findings.len() - advice {
        0 | 1 => String::new(),
        all => format!(" (and {} more)", all - 1),
    };
    match (worst, &result.stopped) {
        (Some(worst), _) => format!(": {}: {}{more}", tame(view::broken(worst)), tame(&worst.what)),
        (None, Some(why)) => format!(": {}", tame(why)),
        (None, None) => String::new(),
    }
}

/// The verdict and the counts; last of all, seed at the end.
pub fn summary(report: &Report, style: Style) -> String {
    let counts = report.counts;
    let word = style.verdict(report.verdict, word(report.verdict));
    let numbers = [
        (Verdict::Pass, counts.pass),
        (Verdict::Fail, counts.fail),
        (Verdict::Error, counts.error),
        (Verdict::Inconclusive, counts.inconclusive),
        (Verdict::Skip, counts.skip),
    ];
    let ended: Vec<String> = numbers
        .iter()
        .filter(|(_, number)| *number > 0)
        .map(|(verdict, number)| style.verdict(*verdict, &format!("{number} {verdict}")))
        .chain((counts.expected > 0).then(|| format!("{} failed as expected", counts.expected)))
        .collect();
    let ended = if ended.is_empty() { "nothing ran".to_owned() } else { ended.join(", ") };
    let interrupted = if report.interrupted { "  interrupted" } else { "" };
    let mut extra = String::new();
    for (number, one, many) in [
        (counts.advisories as usize, "advisory", "advisories"),
        (report.leaks.len(), "leak", "leaks"),
    ] {
        if number > 0 {
            let _ = write!(extra, "  {}", text::counted(number, one, many));
        }
    }
    let growth = view::growth_says(report).map(|says| format!(" ({says})")).unwrap_or_default();
    format!(
        "{word}{growth}  {}: {ended}{extra}  {} in {}s{interrupted}  seed {}\n",
        text::counted(counts.total as usize, "scenario", "scenarios"),
        text::counted(counts.calls as usize, "call", "calls"),
        text::seconds(report.elapsed_us),
        view::seed(report.run.seed),
    )
}

/// What was not run: each reason once, with the number of scenarios it stopped.
pub fn skips(report: &Report, style: Style) -> String {
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for reason in report.scenarios.iter().filter_map(|result| result.skip.as_deref()) {
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => reasons.push((reason, 1)),
        }
    }
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let word = style.verdict(Verdict::Skip, word(Verdict::Skip));
    let mut out = String::new();
    for (reason, count) in reasons {
        let _ = writeln!(out, "{word} {count:>4} {}", tame(reason));
    }
    out
}

/// The end of a run: what was not run, what is wrong, what is unproven, and the summary as
/// the last line.
pub fn end(report: &Report, style: Style) -> String {
    let skips = skips(report, style);
    let failures = failures(report, style);
    let mut out = String::new();
    for part in [skips, failures].iter().filter(|part| !part.is_empty()) {
        let _ = writeln!(out, "\n{}", part.trim_end());
    }
    out.push('\n');
    // Once more, because the head of a long run has scrolled away.
    for unproven in &report.run.host.unproven {
        let _ = writeln!(out, "unproven   {}", tame(unproven));
    }
    out + &summary(report, style)
}

/// Everything that a run would have printed.
pub fn whole(report: &Report, style: Style) -> String {
    let mut out = header(&report.run, style);
    out.push('\n');
    let ran = report.scenarios.iter().filter(|result| result.skip.is_none());
    out.extend(ran.map(|one| scenario(one, style)));
    out + &end(report, style)
}

/// The word that a line begins with.
fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Skip => "SKIP",
        Verdict::Pass => "PASS",
        Verdict::Inconclusive => "INCONCLUSIVE",
        Verdict::Fail => "FAIL",
        Verdict::Error => "ERROR",
    }
}

/// A command must stay whole to be of use, so it gets more room than a sentence.
fn tame_command(string: &str) -> String {
    text::tamed(string, 10 * LINE_BYTES_MAX).unwrap_or_else(|| string.to_owned())
}

pub(crate) fn tame(string: &str) -> String {
    text::tamed(string, LINE_BYTES_MAX).unwrap_or_else(|| string.to_owned())
}
