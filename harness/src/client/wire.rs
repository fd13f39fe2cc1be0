//! One call over a connection, as bytes. The messages are encoded and decoded outside, so
//! that a reply nobody can read is told apart from a driver's own error, and so that tonic's
//! machinery is compiled once and not once per procedure.

use std::{
    error::Error as _,
    panic::AssertUnwindSafe,
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use prost::bytes::{Buf, BufMut, Bytes};
use tonic::{
    Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder, Streaming},
};

pub use tonic::codegen::http::uri::PathAndQuery;

use super::channel::Connection;

/// Longest reply that is read unless told otherwise, bytes.
pub const REPLY_BYTES_MAX: usize = 16 << 20;

/// Why there is no reply.
#[derive(Debug)]
pub enum Trouble {
    /// A status: the driver's, or tonic's about the connection.
    Status(Box<Status>),
    /// Nothing within the deadline.
    Deadline,
    /// The reply made a library panic; the text is the library's.
    Panic(String),
}

/// Sends `message` to `path` (`/package.Service/Method`) and returns the reply's bytes, within
/// `deadline` from now.
pub async fn unary(
    connection: &Connection,
    path: PathAndQuery,
    message: Vec<u8>,
    deadline: Duration,
) -> Result<Bytes, Trouble> {
    let (mut grpc, request) = begin(connection, message, deadline);
    let exchange = async {
        grpc.ready().await.map_err(|error| Box::new(Status::from_error(error.into())))?;
        let reply = grpc.unary(request, path, Raw).await.map_err(Box::new)?;
        Ok(reply.into_inner())
    };
    within(deadline, exchange).await
}

/// The same for a method that answers with a stream. The deadline is for all of it.
pub async fn streaming(
    connection: &Connection,
    path: PathAndQuery,
    message: Vec<u8>,
    deadline: Duration,
) -> Result<Replies, Trouble> {
    let end = Instant::now() + deadline;
    let (mut grpc, request) = begin(connection, message, deadline);
    let exchange = async {
        grpc.ready().await.map_err(|error| Box::new(Status::from_error(error.into())))?;
        let reply = grpc.server_streaming(request, path, Raw).await.map_err(Box::new)?;
        Ok(reply.into_inner())
    };
    within(deadline, exchange).await.map(|stream| Replies { stream, end })
}

/// Replies as they come.
pub struct Replies {
    stream: Streaming<Bytes>,
    end: Instant,
}

impl Replies {
    /// The next one; `None`: that was all.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Trouble> {
        let left = self.end.saturating_duration_since(Instant::now());
        within(left, async { self.stream.message().await.map_err(Box::new) }).await
    }
}

fn begin(
    connection: &Connection,
    message: Vec<u8>,
    deadline: Duration,
) -> (Grpc<tonic::transport::Channel>, Request<Vec<u8>>) {
    let grpc = Grpc::new(connection.channel.clone());
    let mut request = Request::new(message);
    request.metadata_mut().clone_from(&connection.metadata);
    request.set_timeout(deadline);
    (grpc.max_decoding_message_size(connection.message_max), request)
}

async fn within<T>(
    deadline: Duration,
    exchange: impl Future<Output = Result<T, Box<Status>>>,
) -> Result<T, Trouble> {
    let begun = Instant::now();
    match tokio::time::timeout(deadline, contained(exchange)).await {
        Ok(Ok(Ok(value))) => Ok(value),
        // A server that knows the deadline resets the stream when it is over, and may be the first
        // to say so. grpc-go's do.
        Ok(Ok(Err(status))) if begun.elapsed() >= deadline && status.source().is_some() => {
            Err(Trouble::Deadline)
        }
        Ok(Ok(Err(status))) => Err(Trouble::Status(status)),
        Ok(Err(panic)) => Err(Trouble::Panic(panic)),
        Err(_) => Err(Trouble::Deadline),
    }
}

/// Turns a panic inside a future into an error. Known cause: tonic 0.14 expects the trailer
/// `grpc-status-details-bin` to be base64, and a hostile driver sends what it likes.
async fn contained<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        // After a panic the future is never polled again, so no broken state is ever seen.
        match std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(panic) => Poll::Ready(Err(panic_text(panic.as_ref()))),
        }
    })
    .await
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason given")
        .to_owned()
}

/// Hands bytes through as they are.
pub(crate) struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seen with csi-driver-host-path: CANCEL for the stream in place of silence.
    #[tokio::test]
    async fn a_stream_that_ends_with_its_deadline_was_not_answered() {
        let reset = |after: Duration| async move {
            std::thread::sleep(after);
            let why = std::io::Error::other("stream error received: stream no longer needed");
            Err::<(), _>(Box::new(Status::from_error(why.into())))
        };
        let deadline = Duration::from_millis(20);
        let late = within(deadline, reset(deadline)).await.unwrap_err();
        assert!(matches!(late, Trouble::Deadline), "{late:?}");
        let early = within(Duration::from_secs(60), reset(Duration::ZERO)).await.unwrap_err();
        assert!(matches!(early, Trouble::Status(_)), "{early:?}");
    }
}
