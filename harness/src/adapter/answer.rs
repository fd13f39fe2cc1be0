//! From a driver's trouble to a status. FlexVolume has no codes; a driver that gives one is heard.

use tonic::{Code, Status};

use crate::client::flexvolume::{ExecError, Operation, Trouble};

/// The codes that CSI's error tables have, and the two that say nothing.
const CODES: &[(&str, Code)] = &[
    ("INVALID_ARGUMENT", Code::InvalidArgument),
    ("NOT_FOUND", Code::NotFound),
    ("ALREADY_EXISTS", Code::AlreadyExists),
    ("RESOURCE_EXHAUSTED", Code::ResourceExhausted),
    ("FAILED_PRECONDITION", Code::FailedPrecondition),
    ("ABORTED", Code::Aborted),
    ("OUT_OF_RANGE", Code::OutOfRange),
    ("UNIMPLEMENTED", Code::Unimplemented),
    ("UNAVAILABLE", Code::Unavailable),
    ("INTERNAL", Code::Internal),
];

/// What the caller of CSI hears.
pub fn status(operation: Operation, trouble: &Trouble) -> Status {
    let code = match trouble {
        Trouble::NotSupported => Code::Unimplemented,
        Trouble::Failure { code, .. } => named(code.as_deref()),
        Trouble::Exec(ExecError::Deadline(_)) => Code::DeadlineExceeded,
        Trouble::Exec(_) | Trouble::Unreadable { .. } | Trouble::Contradiction { .. } => {
            Code::Internal
        }
    };
    Status::new(code, format!("{operation}: {trouble}"))
}

fn named(name: Option<&str>) -> Code {
    let known = CODES.iter().find(|(known, _)| Some(*known) == name);
    known.map_or(Code::Internal, |(_, code)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(Some("OUT_OF_RANGE"), Code::OutOfRange)]
    #[case(Some("OK"), Code::Internal)]
    #[case(Some("out of luck"), Code::Internal)]
    #[case(None, Code::Internal)]
    fn a_failure_has_the_drivers_code_or_internal(#[case] name: Option<&str>, #[case] want: Code) {
        let code = name.map(str::to_owned);
        let trouble = Trouble::Failure { code, message: "no room".into() };
        let status = status(Operation::ExpandVolume, &trouble);
        assert_eq!(status.code(), want);
        assert_eq!(status.message(), "expandvolume: no room");
    }
}
