//! Classes of answers: gRPC's codes, and a few that only the harness gives.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// gRPC's codes, and a few of the harness's own.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the first seventeen are gRPC's own names")]
pub enum Code {
    Ok,
    Cancelled,
    Unknown,
    InvalidArgument,
    DeadlineExceeded,
    NotFound,
    AlreadyExists,
    PermissionDenied,
    ResourceExhausted,
    FailedPrecondition,
    Aborted,
    OutOfRange,
    Unimplemented,
    Internal,
    Unavailable,
    DataLoss,
    Unauthenticated,
    /// The volume is full (ENOSPC).
    NoSpace,
    /// Another error of the kernel.
    Io,
    /// Nothing can be measured here; the message says what is missing.
    Unobservable,
    /// Not sent, because an earlier step gave no id to send.
    Unbound,
    /// Given up because the run was interrupted; the driver may have done it or not.
    Interrupted,
    /// A driver that this run started ended before it answered; how and where is said once.
    DriverEnded,
    /// The harness or the lab broke; never the driver.
    Harness,
}

impl Code {
    /// The specification's spelling, `OUT_OF_RANGE`; the harness's own codes likewise.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Cancelled => "CANCELLED",
            Self::Unknown => "UNKNOWN",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::Aborted => "ABORTED",
            Self::OutOfRange => "OUT_OF_RANGE",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Internal => "INTERNAL",
            Self::Unavailable => "UNAVAILABLE",
            Self::DataLoss => "DATA_LOSS",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::NoSpace => "NO_SPACE",
            Self::Io => "IO",
            Self::Unobservable => "UNOBSERVABLE",
            Self::Unbound => "UNBOUND",
            Self::Interrupted => "INTERRUPTED",
            Self::DriverEnded => "DRIVER_ENDED",
            Self::Harness => "HARNESS",
        }
    }

    /// Said by the harness and not by the driver: nobody is to blame for it.
    pub fn is_ours(self) -> bool {
        matches!(self, Self::Unbound | Self::Interrupted | Self::DriverEnded | Self::Harness)
    }

    /// A reply with this code leaves open whether the call took effect. These five are what
    /// csi-resizer calls "not final" (external-resizer, `IsFinalError`), minus ABORTED, which
    /// refuses this very call.
    pub fn is_indefinite(self) -> bool {
        matches!(
            self,
            Self::DeadlineExceeded | Self::Unavailable | Self::Cancelled | Self::ResourceExhausted
        )
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
