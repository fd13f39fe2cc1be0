//! From "no reply" to a completion: which failures are final, which leave everything open, and
//! what to say about each.
//!
//! A driver's own status counts as it is. Everything that broke on the way (connection, framing,
//! size) is `Info`, because nobody can know what the driver did before it broke.

use std::{error::Error, time::Duration};

use csi_stretch_oracle::history::{Code, Completion, Failure};
use tonic::{Status, TimeoutExpired};

use super::{secrets::Secrets, wire::Trouble};
use crate::words::clean;

/// Beginnings of the statuses that tonic makes up itself when the reply's framing is wrong. They
/// carry no source, unlike those about the connection; `hostile` tests hold each against tonic.
const UNREADABLE: &[&str] = &[
    "Missing response message.",
    "Unexpected EOF decoding stream.",
    "protocol error: ",
    "grpc-status header missing",
    "Error deserializing status message header",
    "Error decompressing",
    "Content is compressed with",
];
/// Words of the libraries about a connection, and what to look at.
const HINTS: &[(&str, &str)] = &[
    ("CertificateRequired", " (it wants a certificate of yours)"),
    ("http2", " (is it a gRPC server, with TLS or without it as you say?)"),
];
const TOO_LARGE: &str = "Error, decoded message length too large";

/// Says what is known after a call that brought no reply.
pub fn completion(trouble: &Trouble, deadline: Duration, secrets: &Secrets) -> Completion {
    match own(trouble, deadline) {
        Ok(status) => answered(code(status.code()), status.message(), secrets),
        Err(failure) => Completion::Info(failure),
    }
}

/// The driver's own status; or what broke on the way, which says nothing of what the driver did.
pub fn own(trouble: &Trouble, deadline: Duration) -> Result<&Status, Failure> {
    match trouble {
        Trouble::Deadline => Err(out_of_time(deadline)),
        Trouble::Panic(text) => Err(nonsense(text)),
        Trouble::Status(status) if timed_out(status) => Err(out_of_time(deadline)),
        Trouble::Status(status) if status.source().is_some() => Err(broken(status)),
        Trouble::Status(status) => {
            let message = status.message();
            if message.starts_with(TOO_LARGE) {
                Err(too_large(message))
            } else if UNREADABLE.iter().any(|start| message.starts_with(start)) {
                Err(nonsense(message))
            } else {
                Ok(status)
            }
        }
    }
}

/// A reply that came whole and makes no sense.
pub fn unreadable(why: &str) -> Completion {
    Completion::Info(nonsense(why))
}

fn nonsense(why: &str) -> Failure {
    failure(Code::Internal, &format!("unreadable reply: {why}"))
}

fn answered(code: Code, message: &str, secrets: &Secrets) -> Completion {
    let failure = Failure { code, message: clean(&secrets.scrub(message)) };
    if code.is_indefinite() { Completion::Info(failure) } else { Completion::Fail(failure) }
}

fn too_large(message: &str) -> Failure {
    let sizes = message.rsplit_once("too large: ").map_or(message, |(_, sizes)| sizes);
    failure(
        Code::ResourceExhausted,
        &format!("the reply is larger than the harness reads: {sizes}"),
    )
}

fn out_of_time(deadline: Duration) -> Failure {
    failure(Code::DeadlineExceeded, &format!("no answer within {deadline:?}"))
}

fn broken(status: &Status) -> Failure {
    let why = deepest(status);
    let hint = HINTS.iter().find(|(words, _)| why.contains(words)).map_or("", |(_, hint)| hint);
    failure(Code::Unavailable, &format!("no reply, the connection failed: {why}{hint}"))
}

fn failure(code: Code, message: &str) -> Failure {
    Failure { code, message: clean(message) }
}

/// tonic keeps the deadline too, from the header it sends; whichever clock is first.
fn timed_out(status: &Status) -> bool {
    chain(status).any(<dyn Error>::is::<TimeoutExpired>)
}

/// The two innermost reasons; the outer ones only repeat that a transport error is one.
fn deepest(status: &Status) -> String {
    let mut words: Vec<String> = Vec::new();
    for error in chain(status).skip(1) {
        let text = error.to_string();
        if words.last() != Some(&text) {
            words.push(text);
        }
    }
    let last = words.len().saturating_sub(2);
    if words.is_empty() { status.message().to_owned() } else { words.split_off(last).join(": ") }
}

fn chain(status: &Status) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(
        Some(status as &(dyn Error + 'static)),
        |&error: &&(dyn Error + 'static)| error.source(),
    )
}

/// gRPC's codes under their own names.
pub fn code(code: tonic::Code) -> Code {
    match code {
        tonic::Code::Ok => Code::Ok,
        tonic::Code::Cancelled => Code::Cancelled,
        tonic::Code::Unknown => Code::Unknown,
        tonic::Code::InvalidArgument => Code::InvalidArgument,
        tonic::Code::DeadlineExceeded => Code::DeadlineExceeded,
        tonic::Code::NotFound => Code::NotFound,
        tonic::Code::AlreadyExists => Code::AlreadyExists,
        tonic::Code::PermissionDenied => Code::PermissionDenied,
        tonic::Code::ResourceExhausted => Code::ResourceExhausted,
        tonic::Code::FailedPrecondition => Code::FailedPrecondition,
        tonic::Code::Aborted => Code::Aborted,
        tonic::Code::OutOfRange => Code::OutOfRange,
        tonic::Code::Unimplemented => Code::Unimplemented,
        tonic::Code::Internal => Code::Internal,
        tonic::Code::Unavailable => Code::Unavailable,
        tonic::Code::DataLoss => Code::DataLoss,
        tonic::Code::Unauthenticated => Code::Unauthenticated,
    }
}
