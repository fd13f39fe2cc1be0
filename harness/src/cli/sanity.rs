//! csi-sanity's command line in this program's words, so that a CI job can swap the binary. Every
//! flag of csi-sanity v5 and of the Ginkgo inside is known: what has a meaning here is translated,
//! what has none is told in one line, with what happens instead. Knows words and nothing else.

use std::collections::BTreeMap;

use super::outcome::Failure;

mod flags;

use flags::{FLAGS, Flag, Meaning, Takes};

/// A command line without csi-sanity's flags, and what there is to say of them.
#[derive(Debug, PartialEq, Eq)]
pub struct Translated {
    pub words: Vec<String>,
    pub remarks: Vec<String>,
}

/// Translates the words of a command line, the program's name first. `None`: there is nothing of
/// csi-sanity in it, or another subcommand than `run`.
pub fn translate(words: &[String]) -> Result<Option<Translated>, Failure> {
    let Some((program, rest)) = words.split_first() else { return Ok(None) };
    let bare = rest.first().is_some_and(|word| word.starts_with('-'));
    let run = rest.iter().any(|word| word == "run");
    let theirs = rest.iter().any(|word| name_of(word).is_some());
    if !theirs || !(bare || run) {
        return Ok(None);
    }
    let mut translated = vec![program.clone()];
    if !run {
        translated.push("run".to_owned());
    }
    let mut unused: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut rest = rest.iter();
    while let Some(word) = rest.next() {
        let Some(name) = name_of(word) else {
            translated.push(word.clone());
            continue;
        };
        let (name, value) = match name.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (name, None),
        };
        let flag = find(name)?;
        let value = match flag.takes {
            Takes::Value => Some(
                value
                    .or_else(|| rest.next().cloned())
                    .ok_or_else(|| Failure::usage(format!("`-{name}` needs a value")))?,
            ),
            Takes::Nothing if is_off(name, value.as_deref())? => continue,
            Takes::Nothing => None,
        };
        match flag.meaning {
            Meaning::Same(ours) => translated.extend(with(ours, value)),
            Meaning::Endpoint(ours) => {
                translated.extend(with(ours, value.map(|text| endpoint(&text))));
            }
            Meaning::Default => {}
            Meaning::Unused(instead) => {
                unused.entry(instead).or_default().push(format!("-{name}"));
            }
        }
    }
    let remark = |(instead, mut names): (&str, Vec<String>)| {
        names.dedup();
        format!("no meaning here: {}; {instead}", names.join(", "))
    };
    let remarks = unused.into_iter().map(remark).collect();
    Ok(Some(Translated { words: translated, remarks }))
}

/// The flag's name without dashes, value still attached, if it is one of theirs.
fn name_of(word: &str) -> Option<&str> {
    let name = word.strip_prefix("--").or_else(|| word.strip_prefix('-'))?;
    ["csi.", "ginkgo.", "test."].iter().any(|prefix| name.starts_with(prefix)).then_some(name)
}

fn find(name: &str) -> Result<&'static Flag, Failure> {
    FLAGS.iter().find(|flag| flag.name == name).ok_or_else(|| {
        let near = FLAGS.iter().map(|flag| (strsim::damerau_levenshtein(flag.name, name), flag));
        let near = near.min_by_key(|(distance, _)| *distance).filter(|(distance, _)| *distance < 5);
        let hint = near.map(|(_, flag)| format!(", did you mean `-{}`?", flag.name));
        Failure::usage(format!("unknown csi-sanity flag `-{name}`{}", hint.unwrap_or_default()))
    })
}

/// Go's forms of a truth value.
fn is_off(name: &str, value: Option<&str>) -> Result<bool, Failure> {
    match value {
        None | Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(false),
        Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(true),
        Some(other) => Err(Failure::usage(format!("`-{name}={other}`: write true or false"))),
    }
}

fn with(ours: &str, value: Option<String>) -> impl Iterator<Item = String> {
    // One word, so that a value with a dash in front stays a value.
    let word = value.map_or_else(|| ours.to_owned(), |value| format!("{ours}={value}"));
    std::iter::once(word)
}

/// An address as Go's gRPC reads it: a resolver's form, or the path of a socket.
fn endpoint(text: &str) -> String {
    match text.strip_prefix("dns:").map(|rest| rest.trim_start_matches('/')) {
        Some(host) => format!("tcp://{host}"),
        None if text.contains(':') || text.starts_with('/') => text.to_owned(),
        None => format!("unix:{text}"),
    }
}

#[cfg(test)]
mod tests;
