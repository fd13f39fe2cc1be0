//! One unary call over a connection, as bytes. The messages are encoded and decoded outside, so
//! that a reply nobody can read is told apart from a driver's own error, and so that tonic's
//! machinery is compiled once and not once per procedure.

use std::{panic::AssertUnwindSafe, pin::pin, task::Poll, time::Duration};

use prost::bytes::{Buf, BufMut, Bytes};
use tonic::{
    Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::Channel,
};

pub use tonic::codegen::http::uri::PathAndQuery;

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
    channel: &Channel,
    path: PathAndQuery,
    message: Vec<u8>,
    deadline: Duration,
    reply_bytes_max: usize,
) -> Result<Bytes, Trouble> {
    let mut grpc = Grpc::new(channel.clone()).max_decoding_message_size(reply_bytes_max);
    let mut request = Request::new(message);
    request.set_timeout(deadline);
    let exchange = async {
        grpc.ready().await.map_err(|error| Box::new(Status::from_error(error.into())))?;
        let reply = grpc.unary(request, path, Raw).await.map_err(Box::new)?;
        Ok(reply.into_inner())
    };
    match tokio::time::timeout(deadline, contained(exchange)).await {
        Ok(Ok(Ok(bytes))) => Ok(bytes),
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
