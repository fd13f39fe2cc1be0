//! GitHub Actions: findings as annotations on standard output, and the summary of the step. Both
//! go by the environment that a runner sets, and are silent elsewhere.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    path::PathBuf,
};

use csi_stretch_oracle::report::Report;
use csi_stretch_reports as reports;

use super::outcome::{Failure, print};

/// Above it, a runner drops the summary of a step as a whole.
const SUMMARY_BYTES_MAX: u64 = 1 << 20;

/// The runner around this process.
pub struct Github {
    summary: Option<PathBuf>,
}

impl Github {
    /// `None`: there is none.
    pub fn around() -> Option<Self> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        set("GITHUB_ACTIONS")
            .filter(|value| value == "true")
            .map(|_| Self { summary: set("GITHUB_STEP_SUMMARY").map(PathBuf::from) })
    }

    /// Prints the findings as annotations; `file` is where a reader can act on them.
    pub fn annotate(report: &Report, file: Option<&str>) -> Result<(), Failure> {
        let text = reports::annotations(report, file).map_err(Failure::internal)?;
        print(&text).map(|_| ())
    }

    /// Adds `summary.md` to the summary of the step, as far as there is room.
    pub fn summarize(&self, report: &Report) -> Result<(), Failure> {
        let Some(path) = &self.summary else { return Ok(()) };
        let text = reports::render(report, reports::Format::Markdown).map_err(Failure::internal)?;
        let add = || -> io::Result<()> {
            let mut file = OpenOptions::new().create(true).append(true).open(path)?;
            let room = SUMMARY_BYTES_MAX.saturating_sub(file.metadata()?.len());
            file.write_all(cut(&text, usize::try_from(room).unwrap_or(usize::MAX)).as_bytes())
        };
        add().map_err(|error| {
            let path = path.display();
            Failure::report(format!("cannot add to the step's summary {path}: {error}"))
        })
    }
}

/// At most `room` bytes, cut at the end of a line, with a note that says so; nothing if there is
/// no room for the note.
fn cut(text: &str, room: usize) -> String {
    const NOTE: &str = "\n\n_Cut here: a step's summary has at most 1 MiB; summary.md has all._\n";
    if text.len() <= room {
        return text.to_owned();
    }
    let Some(left) = room.checked_sub(NOTE.len()) else { return String::new() };
    let whole = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= left).last();
    let kept = &text[..whole.unwrap_or(0)];
    let kept = kept.rfind('\n').map_or(kept, |end| &kept[..end]);
    format!("{kept}{NOTE}")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("line\n".repeat(100), 500)]
    #[case("line\n".repeat(100), 499)]
    #[case("ü".repeat(500), 300)]
    #[case("ü".repeat(500), 80)]
    #[case("line\n".repeat(100), 10)]
    #[case("line\n".repeat(100), 0)]
    fn a_summary_never_takes_more_than_there_is(#[case] text: String, #[case] room: usize) {
        let kept = cut(&text, room);
        assert!(kept.len() <= room, "{} of {room}", kept.len());
        let whole = text.len() <= room;
        assert_eq!(kept == text, whole);
        assert!(whole || kept.is_empty() || kept.contains("Cut here"));
    }
}
