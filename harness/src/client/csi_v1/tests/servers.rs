//! Small servers that behave badly on purpose.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixListener,
};

/// What a server that speaks no gRPC does with each connection.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    /// Says this and then listens for ever.
    Say(&'static [u8]),
    /// Waits for a request, says this and hangs up.
    SayAndClose(&'static [u8]),
    /// Hangs up.
    Close,
}

/// Starts a server; the answer counts connections.
pub fn raw(path: &Path, act: Act) -> Arc<AtomicUsize> {
    let listener = UnixListener::bind(path).unwrap();
    let accepted = Arc::new(AtomicUsize::new(0));
    let counter = accepted.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let (words, stays) = match act {
                    Act::Say(words) => (words, true),
                    Act::SayAndClose(words) => (words, false),
                    Act::Close => return,
                };
                let mut heard = [0; 1024];
                let _ = stream.read(&mut heard).await;
                if !stays {
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
                let _ = stream.write_all(words).await;
                while stays && !matches!(stream.read(&mut heard).await, Ok(0) | Err(_)) {}
            });
        }
    });
    accepted
}

/// Servers that speak gRPC, more or less.
pub mod grpc {
    use std::{
        convert::Infallible,
        future::{Ready, ready},
        path::Path,
        sync::{Arc, Mutex},
        task::{Context, Poll},
    };

    use tokio::net::UnixListener;
    use tokio_stream::wrappers::UnixListenerStream;
    use tonic::{
        body::Body,
        codegen::{BoxFuture, Service, http},
        server::{Grpc, NamedService, UnaryService},
    };

    use crate::client::wire::Raw;

    /// What it answers to every call.
    #[derive(Clone, Debug)]
    pub enum Say {
        /// This message, with status OK.
        Message(Vec<u8>),
        /// A driver's own error.
        Status(tonic::Code, &'static str),
        /// These headers and nothing else.
        Headers(&'static [(&'static str, &'static str)]),
        /// An HTTP status without a gRPC one.
        Http(u16),
        /// Status OK and no message.
        Nothing,
    }

    /// Path, body and `grpc-timeout` of each call.
    pub type Asked = Arc<Mutex<Vec<(String, Vec<u8>, Option<String>)>>>;

    /// Answers every call with the same.
    pub fn serve(path: &Path, say: Say) {
        start(path, say, Asked::default());
    }

    /// Answers every call with an empty message, and remembers what was asked.
    pub fn record(path: &Path) -> Asked {
        let asked = Asked::default();
        start(path, Say::Message(Vec::new()), asked.clone());
        asked
    }

    fn start(path: &Path, say: Say, asked: Asked) {
        let incoming = UnixListenerStream::new(UnixListener::bind(path).unwrap());
        let odd = Odd { say, asked };
        let router = tonic::transport::Server::builder()
            .add_service(Identity(odd.clone()))
            .add_service(Controller(odd.clone()))
            .add_service(Node(odd));
        tokio::spawn(async move {
            router.serve_with_incoming(incoming).await.unwrap();
        });
    }

    #[derive(Clone)]
    struct Odd {
        say: Say,
        asked: Asked,
    }
    macro_rules! service {
        ($name:ident, $full:literal) => {
            #[derive(Clone)]
            struct $name(Odd);
            impl NamedService for $name {
                const NAME: &'static str = $full;
            }
            impl Service<http::Request<Body>> for $name {
                type Response = http::Response<Body>;
                type Error = Infallible;
                type Future = BoxFuture<http::Response<Body>, Infallible>;
                fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                    Poll::Ready(Ok(()))
                }
                fn call(&mut self, request: http::Request<Body>) -> Self::Future {
                    let odd = self.0.clone();
                    Box::pin(async move { Ok(odd.answer(request).await) })
                }
            }
        };
    }
    service!(Identity, "csi.v1.Identity");
    service!(Controller, "csi.v1.Controller");
    service!(Node, "csi.v1.Node");

    impl Odd {
        async fn answer(self, request: http::Request<Body>) -> http::Response<Body> {
            let bare = |status: u16| {
                let builder = http::Response::builder().status(status);
                builder.header("content-type", "application/grpc")
            };
            match self.say {
                Say::Headers(headers) => {
                    let add = |b: http::response::Builder, (name, value): &(&str, &str)| {
                        b.header(*name, *value)
                    };
                    headers.iter().fold(bare(200), add).body(Body::empty()).unwrap()
                }
                Say::Http(status) => bare(status).body(Body::empty()).unwrap(),
                Say::Nothing => bare(200).header("grpc-status", "0").body(Body::empty()).unwrap(),
                Say::Message(_) | Say::Status(..) => {
                    let path = request.uri().path().to_owned();
                    let timeout = request.headers().get("grpc-timeout");
                    let timeout = timeout.map(|value| value.to_str().unwrap().to_owned());
                    let answer = Answer { say: self.say, path, timeout, asked: self.asked };
                    Grpc::new(Raw).unary(answer, request).await
                }
            }
        }
    }

    struct Answer {
        say: Say,
        path: String,
        timeout: Option<String>,
        asked: Asked,
    }

    impl UnaryService<prost::bytes::Bytes> for Answer {
        type Response = Vec<u8>;
        type Future = Ready<Result<tonic::Response<Vec<u8>>, tonic::Status>>;
        fn call(&mut self, request: tonic::Request<prost::bytes::Bytes>) -> Self::Future {
            let entry = (self.path.clone(), request.into_inner().to_vec(), self.timeout.clone());
            self.asked.lock().unwrap().push(entry);
            ready(match &self.say {
                Say::Status(code, message) => Err(tonic::Status::new(*code, *message)),
                Say::Message(bytes) => Ok(tonic::Response::new(bytes.clone())),
                _ => Err(tonic::Status::internal("not an answer by message")),
            })
        }
    }
}
