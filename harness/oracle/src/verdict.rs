//! What is said of a scenario or a run. Worst wins, and the order is the point: a broken lab must
//! never read as a bad driver, and a scenario in which nothing succeeded must never read as good.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Ordered from best to worst; merge with `max`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Not run; the reason names what is missing.
    Skip,
    /// Run, and nothing was wrong.
    Pass,
    /// Run, but it proves nothing (no call succeeded, nothing could be measured).
    Inconclusive,
    /// The driver does not conform.
    Fail,
    /// The harness or the lab broke.
    Error,
}

impl Verdict {
    /// In order, best first.
    pub const ALL: [Self; 5] =
        [Self::Skip, Self::Pass, Self::Inconclusive, Self::Fail, Self::Error];

    /// Lower case, as in the files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
            Self::Error => "error",
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Error, Fail, Inconclusive, Pass, Skip};

    #[test]
    fn worst_wins() {
        assert!(Skip < Pass && Pass < Inconclusive && Inconclusive < Fail && Fail < Error);
    }
}
