//! The reference driver's simulated node, seen and written through its control service: with the
//! memory backing there is no kernel to look at. Says the same things in the same shapes as the
//! real `host` and `workload`.

use std::{io, path::Path, time::Duration};

use csi_stretch_oracle::history::{
    Code, Completion, Failure, FsGeometry, Observation, Outcome, Statfs,
};
use csi_stretch_proto::control::v1 as control;
use prost::{Message, bytes::Bytes};
use tokio::runtime::Handle;

use super::{
    channel::Connection,
    secrets::Secrets,
    status,
    wire::{self, Trouble},
};
use crate::{Boxed, host::Observer, workload::Medium};

/// Longest wait for one answer; the service only touches memory.
const LIMIT: Duration = Duration::from_secs(20);

/// The simulated node behind a connection.
#[derive(Clone, Debug)]
pub struct Control {
    connection: Connection,
    runtime: Handle,
}

impl Control {
    /// Must be called on the runtime that drives the connection. [`Medium`]'s methods block and have
    /// to be called off it.
    pub fn new(connection: Connection) -> Self {
        Self { connection, runtime: Handle::current() }
    }

    /// Whether the target simulates its node: its control service then knows sizes that no kernel
    /// does. A driver with a real node, the mock on loop devices too, does not serve it.
    pub async fn is_served(&self, timeout: Duration) -> bool {
        // Nothing is published there, so a simulated node says NOT_FOUND.
        let nothing = Path::new("/nothing-is-here");
        match tokio::time::timeout(timeout, self.look(nothing)).await {
            Ok(Err(failure)) => failure.code == Code::NotFound,
            Ok(Ok(_)) => true,
            Err(_) => false,
        }
    }

    async fn ask(&self, path: &'static str, message: Vec<u8>) -> Result<Bytes, Trouble> {
        let path = wire::PathAndQuery::from_static(path);
        wire::unary(&self.connection, path, message, LIMIT).await
    }

    async fn look(&self, path: &Path) -> Result<control::ObserveResponse, Failure> {
        let message = control::ObserveRequest { path: path.display().to_string() }.encode_to_vec();
        let reply = self.ask("/csi_stretch.control.v1.Control/Observe", message).await;
        let bytes = reply.map_err(|trouble| failure(&trouble))?;
        control::ObserveResponse::decode(bytes).map_err(|error| Failure {
            code: Code::Internal,
            message: format!("unreadable reply of the control service: {error}"),
        })
    }

    fn wait(&self, path: &'static str, message: Vec<u8>) -> io::Result<Bytes> {
        let reply = self.runtime.block_on(self.ask(path, message));
        reply.map_err(|trouble| io_error(&failure(&trouble)))
    }

    fn look_blocking(&self, path: &Path) -> io::Result<control::ObserveResponse> {
        self.runtime.block_on(self.look(path)).map_err(|failure| io_error(&failure))
    }
}

impl Observer for Control {
    fn observe<'a>(&'a self, path: &'a Path) -> Boxed<'a, Completion> {
        Box::pin(async move {
            match self.look(path).await {
                Ok(seen) => Completion::Ok(Outcome::Observation(Box::new(observation(seen)))),
                Err(failure) => {
                    let message =
                        format!("{} of the simulated node: {}", path.display(), failure.message);
                    Completion::Fail(Failure { code: Code::Unobservable, message })
                }
            }
        })
    }
}

impl Medium for Control {
    fn write(&self, path: &Path, file: &str, offset: u64, data: &[u8]) -> io::Result<()> {
        let message = control::WriteRequest {
            path: path.display().to_string(),
            file: file.to_owned(),
            offset: signed(offset)?,
            data: data.to_vec(),
        };
        self.wait("/csi_stretch.control.v1.Control/Write", message.encode_to_vec()).map(|_| ())
    }

    fn read(&self, path: &Path, file: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let message = control::ReadRequest {
            path: path.display().to_string(),
            file: file.to_owned(),
            offset: signed(offset)?,
            length: signed(length as u64)?,
        };
        let bytes = self.wait("/csi_stretch.control.v1.Control/Read", message.encode_to_vec())?;
        let said = control::ReadResponse::decode(bytes).map_err(io::Error::other)?;
        if said.data.len() != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(said.data)
    }

    fn device_bytes(&self, path: &Path) -> io::Result<u64> {
        let seen = self.look_blocking(path)?;
        u64::try_from(seen.device_bytes).map_err(io::Error::other)
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        let seen = self.look_blocking(path)?;
        u64::try_from(seen.available_bytes).map_err(io::Error::other)
    }
}

fn observation(seen: control::ObserveResponse) -> Observation {
    let bytes = |value: i64| u64::try_from(value).ok();
    let mounted = !seen.fs_type.is_empty();
    let geometry = |kind| FsGeometry {
        kind,
        bytes: bytes(seen.fs_bytes).unwrap_or_default(),
        // The simulation has no allocation groups: its file systems fill their device.
        slack_bytes: 0,
    };
    let statfs = || Statfs {
        total_bytes: bytes(seen.total_bytes).unwrap_or_default(),
        available_bytes: bytes(seen.available_bytes).unwrap_or_default(),
    };
    Observation {
        device_bytes: bytes(seen.device_bytes).filter(|bytes| *bytes > 0),
        device: Some(seen.device_id).filter(|id| !id.is_empty()),
        fs: mounted.then(|| geometry(seen.fs_type)),
        statfs: mounted.then(statfs),
        read_only: seen.read_only,
        shared: false,
        notes: Vec::new(),
    }
}

fn signed(value: u64) -> io::Result<i64> {
    i64::try_from(value).map_err(|_| io::ErrorKind::InvalidInput.into())
}

/// The service is part of the lab, so its words need no scrubbing.
fn failure(trouble: &Trouble) -> Failure {
    match status::completion(trouble, LIMIT, &Secrets::default()) {
        Completion::Fail(failure) | Completion::Info(failure) => failure,
        // `status::completion` has no third kind; should it ever get one, say so.
        Completion::Ok(_) => Failure { code: Code::Harness, message: "no reply".to_owned() },
    }
}

/// The errno a kernel would have given.
fn io_error(failure: &Failure) -> io::Error {
    use nix::errno::Errno;
    match failure.code {
        Code::ResourceExhausted => Errno::ENOSPC.into(),
        Code::NotFound => Errno::ENOENT.into(),
        Code::OutOfRange => io::ErrorKind::UnexpectedEof.into(),
        Code::FailedPrecondition | Code::PermissionDenied => {
            io::Error::new(io::ErrorKind::PermissionDenied, failure.message.clone())
        }
        _ => io::Error::other(failure.message.clone()),
    }
}

#[cfg(test)]
mod tests;
