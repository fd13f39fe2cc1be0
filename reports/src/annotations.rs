//! Findings as GitHub Actions' workflow commands, one line each. A step shows ten errors and ten
//! warnings and drops the rest without a word, so the last of ten says how many there are.

use std::fmt::Write as _;

use csi_stretch_oracle::report::Report;

use crate::{
    RenderError, tame, text,
    view::{Group, View},
};

/// Of each kind.
const LINES_MAX: usize = 10;

/// Errors for what fails, warnings for what advises or is excused; each breach once, worst first.
/// `file` is where a reader can act on it, if there is such a file.
pub fn annotations(report: &Report, file: Option<&str>) -> Result<String, RenderError> {
    let report = tame::tame(report)?;
    let view = View::new(&report);
    let mut warnings = view.advice();
    warnings.extend(view.known());
    Ok(lines("error", &view.to_fix(), file) + &lines("warning", &warnings, file))
}

fn lines(kind: &str, groups: &[Group<'_>], file: Option<&str>) -> String {
    let shown = if groups.len() > LINES_MAX { LINES_MAX - 1 } else { groups.len() };
    let mut out: String = groups.iter().take(shown).map(|group| line(kind, group, file)).collect();
    if shown < groups.len() {
        let rest = text::counted(groups.len() - shown, "finding", "findings");
        out += &command(kind, file, "csi-stretch", &format!("and {rest} more: see report.html"));
    }
    out
}

fn line(kind: &str, group: &Group<'_>, file: Option<&str>) -> String {
    let (located, finding) = (group.first, &group.first.finding);
    let parts = [located.scenario.as_str(), finding.clause.as_str()];
    let words: Vec<&str> = parts.into_iter().filter(|name| !name.is_empty()).collect();
    let title = if words.is_empty() { "csi-stretch".to_owned() } else { words.join(": ") };
    let mut message = finding.what.clone();
    // Writing to a string cannot fail.
    for (label, value) in [("expected", &finding.expected), ("observed", &finding.observed)] {
        if let Some(value) = value {
            let _ = write!(message, "\n{label}: {value}");
        }
    }
    if let Some(excused) = &finding.excused {
        let _ = write!(message, "\nknown: {}", excused.because);
    }
    if !group.others.is_empty() {
        let others = text::counted(group.others.len(), "other scenario", "other scenarios");
        let _ = write!(message, "\nalso in {others}");
    }
    let _ = write!(message, "\nreplay: {}", located.replay);
    command(kind, file, &title, &message)
}

fn command(kind: &str, file: Option<&str>, title: &str, message: &str) -> String {
    let file = file.map(|file| format!("file={},", property(file))).unwrap_or_default();
    format!("::{kind} {file}title={}::{}\n", property(title), data(message))
}

/// What would end a line, or begin an escape.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// As [`data`], and what would end a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
