//! Exit codes. Frozen: CI jobs tell "the driver is bad" from "the lab is bad" by them.

use std::process::ExitCode;

use csi_stretch_oracle::{report::Report, verdict::Verdict};

/// Text for `--help`.
pub const HELP: &str = "\
Exit codes:
  0    all selected scenarios passed, or failed as expected
  1    the driver does not conform
  2    usage or configuration error
  3    inconclusive: no endpoint, or nothing could be proved
  4    nothing selected
  5    a report could not be written
  6    internal error
  130  interrupted; reports are still written";

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0
    Passed,
    /// 1
    Failed,
    /// 2
    Usage,
    /// 3
    Inconclusive,
    /// 4
    NothingSelected,
    /// 5
    ReportNotWritten,
    /// 6
    Internal,
    /// 130
    Interrupted,
    /// `rpc`: 64 + the gRPC code, so that no code is mistaken for one above.
    Rpc(u8),
}

impl Exit {
    /// The code of a judged run.
    pub fn of(report: &Report) -> Self {
        if report.interrupted { Self::Interrupted } else { Self::by(report.verdict) }
    }

    fn by(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Passed,
            Verdict::Fail => Self::Failed,
            // A plan in which everything is skipped proves nothing.
            Verdict::Skip | Verdict::Inconclusive => Self::Inconclusive,
            Verdict::Error => Self::Internal,
        }
    }

    /// The code of a history that was judged again: nobody interrupted *this* command, and a
    /// history that was cut short proves no driver good.
    pub fn of_history(report: &Report) -> Self {
        match report.verdict {
            Verdict::Pass if report.interrupted => Self::Inconclusive,
            verdict => Self::by(verdict),
        }
    }

    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Inconclusive => 3,
            Self::NothingSelected => 4,
            Self::ReportNotWritten => 5,
            Self::Internal => 6,
            Self::Interrupted => 130,
            Self::Rpc(code) => 64 + code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
