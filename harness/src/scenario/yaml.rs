//! Text to [`File`]: the only place that knows the YAML library and its errors.

use serde_saphyr::{Error, Location, MergeKeyPolicy, budget::BudgetBreach};

use super::{
    error::{At, Problem, shorten, unknown},
    file::{File, verbs},
    word::at,
};

/// Largest file that is read. The longest scenario has a few kilobytes.
pub(crate) const BYTES_MAX: usize = 256 * 1024;

/// Reads a file's text.
pub(crate) fn parse(text: &str) -> Result<File, Problem> {
    if text.len() > BYTES_MAX {
        let size = text.len() / 1024;
        let limit = BYTES_MAX / 1024;
        let message = format!("the file has {size} KiB; a scenario has at most {limit} KiB");
        return Err(Problem::new(At::default(), message));
    }
    let empty = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    if text.lines().all(empty) {
        let message = "the file is empty: a scenario needs `about`, `clauses` and `steps`";
        return Err(Problem::new(At::default(), message));
    }
    let options = serde_saphyr::options! {
        with_snippet: false,
        strict_booleans: true,
        merge_keys: MergeKeyPolicy::Error,
        budget: serde_saphyr::budget! {
            max_aliases: 0,
            max_anchors: 0,
            max_depth: 12,
            max_documents: 1,
            max_nodes: 20_000,
        },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| problem(&error))
}

/// Puts the library's error into this project's words.
fn problem(error: &Error) -> Problem {
    let place = |location: &Location, word: &str| at(*location, word.chars().count() as u32);
    match error.without_snippet() {
        Error::SerdeUnknownField { field, expected, location } => {
            let known = expected.iter().copied();
            Problem::new(place(location, field), unknown("key", field, known))
        }
        Error::SerdeUnknownVariant { variant, location, .. } => {
            Problem::new(place(location, variant), unknown_verb(variant))
        }
        Error::SerdeMissingField { field, location } => {
            Problem::new(place(location, ""), format!("the key `{field}` is missing"))
        }
        Error::DuplicateMappingKey { key, location } => {
            let key = key.clone().unwrap_or_default();
            Problem::new(place(location, &key), format!("the key `{}` is twice", shorten(&key)))
        }
        Error::SerdeInvalidType { unexpected, expected, location } => {
            let message = format!("{} is needed here, not {}", expected, plain(unexpected));
            Problem::new(place(location, ""), message)
        }
        Error::Unexpected { expected, location } => {
            Problem::new(place(location, ""), format!("{} is needed here", plain(expected)))
        }
        Error::MergeKeyNotAllowed { location } => {
            Problem::new(place(location, "<<"), "merge keys are not part of the language")
        }
        Error::UnknownAnchor { location } => no_aliases(*location),
        Error::Budget { breach, location } => match breach {
            BudgetBreach::Anchors { .. } | BudgetBreach::Aliases { .. } => no_aliases(*location),
            BudgetBreach::Documents { .. } => one_document(*location),
            breach => {
                Problem::new(place(location, ""), format!("too much for one file: {breach:?}"))
            }
        },
        Error::MultipleDocuments { location, .. } => one_document(*location),
        other => {
            let location = other.location().unwrap_or(Location::UNKNOWN);
            Problem::new(place(&location, ""), first_line(other))
        }
    }
}

/// YAML reads a step that is indented further than the one above as the rest of its text.
fn unknown_verb(text: &str) -> String {
    match text.split_once(" - ") {
        Some((first, _)) if verbs().any(|verb| verb == first.trim()) => format!(
            "`{}` is one text: the `-` after `{}` is indented too far, align it with the one above",
            shorten(text),
            first.trim()
        ),
        _ => unknown("verb", text, verbs()),
    }
}

/// Words of a parser in those of a reader.
fn plain(what: &str) -> &str {
    match what {
        "sequence" | "sequence start" => "a list",
        "map" | "mapping start" => "a map",
        "unit value" | "null" => "nothing",
        other => other,
    }
}

fn no_aliases(location: Location) -> Problem {
    Problem::new(at(location, 1), "anchors and aliases are not part of the language: use `matrix`")
}

fn one_document(location: Location) -> Problem {
    Problem::new(at(location, 3), "one file holds one scenario: `---` starts a second one")
}

/// The library's own message without the place, which is shown apart.
fn first_line(error: &Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    let line = line.split(" at line ").next().unwrap_or(line);
    line.trim_start_matches(|c: char| !c.is_alphabetic() && c != '`').to_owned()
}
