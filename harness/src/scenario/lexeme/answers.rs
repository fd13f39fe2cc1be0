//! The words of `expect`.

use csi_stretch_oracle::history::Code;

use super::name;
use crate::scenario::word::{Lexeme, find};

/// Answers that an `expect` word stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answers {
    /// Just this one.
    One(Code),
    /// `error`: every definite refusal.
    Error,
    /// `any`: nothing is demanded.
    Any,
}

/// gRPC's refusals, and what the kernel may say to a load. CANCELLED and DEADLINE_EXCEEDED are not
/// among them: after those nobody knows what happened.
const REFUSALS: [Code; 15] = [
    Code::Unknown,
    Code::InvalidArgument,
    Code::NotFound,
    Code::AlreadyExists,
    Code::PermissionDenied,
    Code::ResourceExhausted,
    Code::FailedPrecondition,
    Code::Aborted,
    Code::OutOfRange,
    Code::Unimplemented,
    Code::Internal,
    Code::Unavailable,
    Code::DataLoss,
    Code::Unauthenticated,
    Code::Io,
];

impl Answers {
    fn table() -> impl Iterator<Item = (String, Self)> {
        let others = [Code::Ok, Code::Cancelled, Code::DeadlineExceeded, Code::NoSpace];
        let codes = others.into_iter().chain(REFUSALS).map(|code| (name(code), Self::One(code)));
        codes.chain([("error".to_owned(), Self::Error), ("any".to_owned(), Self::Any)])
    }

    /// The codes; `None` for any.
    pub fn codes(&self) -> Option<Vec<Code>> {
        match self {
            Self::One(code) => Some(vec![*code]),
            Self::Error => Some(REFUSALS.to_vec()),
            Self::Any => None,
        }
    }
}

impl Lexeme for Answers {
    const WHAT: &'static str = "code";
    fn known() -> Vec<String> {
        Self::table().map(|(name, _)| name).collect()
    }
    fn parse(text: &str) -> Result<Self, String> {
        find(text, Self::table())
    }
}
