//! SGR colours, or none.

use csi_stretch_oracle::verdict::Verdict;

/// How text is marked up. The caller knows the terminal and the user's wish; we do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    colour: bool,
}

impl Style {
    /// No control sequences at all.
    pub const PLAIN: Self = Self { colour: false };
    /// The sixteen base colours, so that the user's own palette holds.
    pub const COLOUR: Self = Self { colour: true };

    /// [`Style::COLOUR`] or [`Style::PLAIN`].
    pub fn new(colour: bool) -> Self {
        Self { colour }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.sgr("1", text)
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.sgr("2", text)
    }

    /// In the verdict's colour; the word itself always says it, too.
    pub(super) fn verdict(self, verdict: Verdict, text: &str) -> String {
        self.sgr(
            match verdict {
                Verdict::Skip => "36",
                Verdict::Pass => "32",
                Verdict::Inconclusive => "33",
                Verdict::Fail => "1;31",
                Verdict::Error => "1;35",
            },
            text,
        )
    }

    fn sgr(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
