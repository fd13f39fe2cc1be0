//! Waivers and expected failures as a profile writes them, checked against the clauses and
//! scenarios there are. Every mistake names line, column and the nearest known word.

use std::{borrow::Cow, path::Path};

use csi_stretch_oracle::known::{ExpectedFailure, Grounds, Known, Waiver};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize};
use serde_saphyr::Spanned;

use super::{Profile, profile::ProfileError};
use crate::scenario::{At, LoadError, Problem};

/// A clause that the driver is allowed to break: the breach is shown with the reason, and fails
/// nothing.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaiverEntry {
    /// Id out of `csi-stretch list clauses`.
    pub clause: Placed,
    /// Why, in a sentence.
    pub reason: Placed,
    /// Where it is worked on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<String>,
    /// Last day on which it holds, `2027-01-31`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Placed>,
}

/// A scenario that is known to fail. If it does not, or the entry has expired, or fits no
/// scenario of a whole plan, the run fails.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectedEntry {
    /// Id of an instance, of a scenario with all its instances, or a pattern with `*`.
    pub scenario: Placed,
    /// Only breaches of this clause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<Placed>,
    /// Why, in a sentence.
    pub reason: Placed,
    /// Where it is worked on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<String>,
    /// Last day on which it holds, `2027-01-31`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Placed>,
}

/// A word and where it stands.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The word.
    pub text: String,
    /// Its place in the file.
    pub at: At,
}

impl<'de> Deserialize<'de> for Placed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<String>::deserialize(deserializer)?;
        let (line, column) = (spanned.referenced.line(), spanned.referenced.column());
        let length = spanned.value.chars().count() as u32;
        let at = At { line: line as u32, column: column as u32, length };
        Ok(Self { text: spanned.value, at })
    }
}

impl Serialize for Placed {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl JsonSchema for Placed {
    fn schema_name() -> Cow<'static, str> {
        "text".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

/// What there is to name.
pub struct Words<'a> {
    /// Ids of the catalogue.
    pub clauses: &'a [&'a str],
    /// Ids of scenarios, and of their instances.
    pub scenarios: &'a [&'a str],
}

impl Profile {
    /// What the history records of the profile's waivers and expected failures; `path` is where
    /// the profile was read from.
    pub fn known(&self, path: &Path, words: &Words<'_>) -> Result<Known, ProfileError> {
        let found = self.waivers.iter().map(|one| waiver(one, words)).collect::<Result<_, _>>();
        let waivers = found.map_err(|problem| wrong(path, problem))?;
        let entries = self.expected_failures.iter().map(|one| expected(one, words));
        let expected_failures =
            entries.collect::<Result<_, _>>().map_err(|problem| wrong(path, problem))?;
        Ok(Known { waivers, expected_failures, whole_plan: false })
    }
}

fn waiver(entry: &WaiverEntry, words: &Words<'_>) -> Result<Waiver, Problem> {
    let clause = one_of("clause", &entry.clause, words.clauses)?;
    let because = because(&entry.reason, entry.issue.as_ref(), entry.expires.as_ref())?;
    Ok(Waiver { clause, because })
}

fn expected(entry: &ExpectedEntry, words: &Words<'_>) -> Result<ExpectedFailure, Problem> {
    let clause = entry.clause.as_ref().map(|clause| one_of("clause", clause, words.clauses));
    let scenario = if entry.scenario.text.contains('*') {
        entry.scenario.text.clone()
    } else {
        one_of("scenario", &entry.scenario, words.scenarios)?
    };
    let because = because(&entry.reason, entry.issue.as_ref(), entry.expires.as_ref())?;
    Ok(ExpectedFailure { scenario, clause: clause.transpose()?, because })
}

fn because(
    reason: &Placed,
    issue: Option<&String>,
    expires: Option<&Placed>,
) -> Result<Grounds, Problem> {
    if reason.text.trim().is_empty() {
        return Err(Problem::new(reason.at, "`reason` is empty: say why, in a sentence"));
    }
    Ok(Grounds {
        reason: reason.text.trim().to_owned(),
        issue: issue.cloned(),
        expires: expires.map(date).transpose()?,
    })
}

fn one_of(what: &str, word: &Placed, known: &[&str]) -> Result<String, Problem> {
    if known.contains(&word.text.as_str()) {
        return Ok(word.text.clone());
    }
    Err(Problem::unknown(word.at, what, &word.text, known.iter().copied()))
}

/// A day in the one spelling that sorts as text.
fn date(word: &Placed) -> Result<String, Problem> {
    let read = word.text.parse::<jiff::civil::Date>().map(|date| date.to_string());
    match read {
        Ok(date) if date == word.text => Ok(date),
        Err(error) if is_spelled(&word.text) => {
            Err(Problem::new(word.at, format!("`{}` is no day: {error}", word.text)))
        }
        _ => {
            let message = format!("`{}` is no date: write year-month-day, `2027-01-31`", word.text);
            Err(Problem::new(word.at, message))
        }
    }
}

fn is_spelled(text: &str) -> bool {
    let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
    matches!(text.split('-').collect::<Vec<_>>()[..], [y, m, d]
        if y.len() == 4 && m.len() == 2 && d.len() == 2 && [y, m, d].into_iter().all(digits))
}

/// The profile is read once more to show the line.
fn wrong(path: &Path, problem: Problem) -> ProfileError {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    ProfileError::Known(Box::new(LoadError::new(&path.to_string_lossy(), &text, problem)))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const WORDS: Words<'static> = Words {
        clauses: &["controller-expand.purpose", "node-expand.purpose"],
        scenarios: &["expansion/online-grow", "expansion/online-grow[fs=xfs]"],
    };

    fn known(text: &str) -> Result<Known, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let profile = Profile::load(file.path()).map_err(|error| error.to_string())?;
        profile.known(file.path(), &WORDS).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_written_is_recorded() {
        let known = known(
            "waivers:\n  - { clause: node-expand.purpose, reason: no node, issue: '#7' }\n\
             expected_failures:\n  - scenario: expansion/*\n    reason: slow\n    expires: 2027-01-31\n",
        )
        .unwrap();
        assert_eq!(known.waivers[0].clause, "node-expand.purpose");
        assert_eq!(known.waivers[0].because.to_string(), "no node (#7)");
        let entry = &known.expected_failures[0];
        assert_eq!((entry.scenario.as_str(), entry.clause.as_ref()), ("expansion/*", None));
        assert_eq!(entry.because.expires.as_deref(), Some("2027-01-31"));
    }

    #[rstest]
    #[case::clause(
        "waivers:\n  - clause: controler-expand.purpose\n    reason: x\n",
        ":2:13",
        "did you mean `controller-expand.purpose`?"
    )]
    #[case::clause_of_a_failure(
        "expected_failures:\n  - scenario: expansion/online-grow\n    clause: node-expnd.purpose\n    reason: x\n",
        ":3:13",
        "did you mean `node-expand.purpose`?"
    )]
    #[case::scenario(
        "expected_failures:\n  - { scenario: expansion/onlin-grow, reason: x }\n",
        ":2:17",
        "did you mean `expansion/online-grow`?"
    )]
    #[case::no_date(
        "waivers:\n  - clause: node-expand.purpose\n    reason: x\n    expires: 31.1.2027\n",
        ":4:14",
        "write year-month-day"
    )]
    #[case::no_day(
        "waivers:\n  - clause: node-expand.purpose\n    reason: x\n    expires: 2027-02-30\n",
        ":4:14",
        "is no day"
    )]
    #[case::no_reason(
        "waivers:\n  - clause: node-expand.purpose\n    reason: ''\n",
        ":3:13",
        "say why"
    )]
    #[case::unknown_key(
        "waivers:\n  - { clause: node-expand.purpose, raeson: x }\n",
        "2",
        "raeson"
    )]
    #[case::no_reason_at_all("waivers:\n  - clause: node-expand.purpose\n", "2", "reason")]
    fn mistakes_have_a_place(#[case] text: &str, #[case] place: &str, #[case] words: &str) {
        let error = known(text).unwrap_err();
        assert!(error.contains(place), "{error}");
        assert!(error.contains(words), "{error}");
    }
}
