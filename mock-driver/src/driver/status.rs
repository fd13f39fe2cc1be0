//! From a failure to a gRPC status. Every status has a message and no details, as CSI demands.

use std::io;

use tonic::{Code, Status};

use crate::{backing::BackingError, state::PoolFull};

impl From<BackingError> for Status {
    fn from(error: BackingError) -> Self {
        use BackingError as E;
        let code = match &error {
            E::NoSpace(_) => Code::ResourceExhausted,
            E::NotMounted(_) | E::NoFile(_) => Code::NotFound,
            E::Busy(_)
            | E::Path { .. }
            | E::WrongFileSystem { .. }
            | E::CannotGrow { .. }
            | E::ReadOnly(_) => Code::FailedPrecondition,
            E::OutOfRange(_) => Code::OutOfRange,
            E::Invalid(_) => Code::InvalidArgument,
            E::Unsupported(_) => Code::Unimplemented,
            E::Missing(_) | E::Tool { .. } | E::Io { .. } => Code::Internal,
        };
        Self::new(code, error.to_string())
    }
}

/// A record could not be written, so the call must not be answered with OK.
pub fn store_failed(error: &io::Error) -> Status {
    let full = error.kind() == io::ErrorKind::StorageFull;
    let code = if full { Code::ResourceExhausted } else { Code::Internal };
    Status::new(code, format!("cannot write the driver's records: {error}"))
}

/// The pool is too small.
#[expect(clippy::needless_pass_by_value, reason = "reads well in map_err")]
pub fn pool_full(full: PoolFull) -> Status {
    Status::resource_exhausted(format!("the pool has {} bytes left", full.free_bytes))
}
