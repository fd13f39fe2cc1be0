//! What is wrong with a scenario file, where, and what was probably meant. Knows text and places;
//! must not know what the words mean.

use std::fmt;

/// A place in a scenario file: line and column from 1, length in characters.
/// Line 0: the file as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct At {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Length in characters; 0 is unknown.
    pub length: u32,
}

/// A mistake at a place; becomes a [`LoadError`] when the file's name and text are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub at: At,
    pub message: String,
}

impl Problem {
    pub fn new(at: At, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }

    /// An unknown word, with the nearest of those that are known.
    pub fn unknown<'a>(
        at: At,
        what: &str,
        word: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self::new(at, unknown(what, word, known))
    }
}

/// A scenario file that cannot be used. Prints like a compiler's message: what, where, the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// The file, as given.
    pub path: String,
    /// Where in the file.
    pub at: At,
    /// Lower-case fragment that tells the way out.
    pub message: String,
    /// The line of the file, if there is one.
    pub source_line: Option<String>,
}

impl LoadError {
    pub(crate) fn new(path: &str, text: &str, problem: Problem) -> Self {
        let index = (problem.at.line as usize).checked_sub(1);
        let source_line = index.and_then(|index| text.lines().nth(index)).map(str::to_owned);
        Self { path: path.to_owned(), at: problem.at, message: problem.message, source_line }
    }

    /// A mistake of the file as a whole.
    pub(crate) fn whole(path: &str, message: impl Into<String>) -> Self {
        Self::new(path, "", Problem::new(At::default(), message))
    }
}

impl std::error::Error for LoadError {}

/// Longest source line that is shown whole, characters.
const LINE_MAX: usize = 120;

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", self.message)?;
        let At { line, column, length } = self.at;
        let margin = " ".repeat(line.to_string().len());
        if line == 0 {
            return write!(f, " --> {}", self.path);
        }
        write!(f, "{margin}--> {}:{line}:{column}", self.path)?;
        let Some(source) = self.source_line.as_ref().filter(|s| s.chars().count() <= LINE_MAX)
        else {
            return Ok(());
        };
        let indent: String =
            source.chars().take(column.saturating_sub(1) as usize).map(keep_tab).collect();
        let rest = source.chars().count().saturating_sub(indent.chars().count());
        let marks = "^".repeat((length as usize).clamp(1, rest.max(1)));
        write!(f, "\n{margin} |\n{line} | {source}\n{margin} | {indent}{marks}")
    }
}

/// Keeps the marks below the right column on lines indented by tabs.
fn keep_tab(c: char) -> char {
    if c == '\t' { '\t' } else { ' ' }
}

/// Several files that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadErrors(pub Vec<LoadError>);

impl std::error::Error for LoadErrors {}

impl fmt::Display for LoadErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if i == 0 { "" } else { "\n\n" })?;
        }
        Ok(())
    }
}

/// Longer lists of known words are not printed.
const KNOWN_MAX: usize = 32;

/// `unknown key `expct`, did you mean `expect`?`
pub(crate) fn unknown<'a>(
    what: &str,
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let word = shorten(word);
    match nearest(&word, &known) {
        Some(near) => format!("unknown {what} `{word}`, did you mean `{near}`?"),
        None if known.is_empty() => format!("unknown {what} `{word}`: none is known here"),
        None if known.len() <= KNOWN_MAX => {
            format!("unknown {what} `{word}`; known: {}", known.join(", "))
        }
        None => format!("unknown {what} `{word}`"),
    }
}

/// The known word that is close enough to have been meant.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = |s: &str| s.to_lowercase().replace(['_', ' '], "-");
    let word = plain(word);
    let allowed = (word.chars().count() / 3).clamp(1, 6);
    known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&word, &plain(known)), *known))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// A word cut to a length that fits a message.
pub(crate) fn shorten(word: &str) -> String {
    const MAX: usize = 60;
    match word.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}…", &word[..end]),
        None => word.to_owned(),
    }
}
