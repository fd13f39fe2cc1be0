//! A csi.v0 server with an answer for each path, and UNIMPLEMENTED for the others.

use std::{
    collections::HashMap,
    convert::Infallible,
    future::{Ready, ready},
    path::Path,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use prost::bytes::Bytes;
use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::{
    Request, Response, Status,
    body::Body,
    codegen::{BoxFuture, Service, http},
    server::{Grpc, NamedService, UnaryService},
};

use crate::client::wire::Raw;

/// Path and body of each call.
pub type Asked = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

pub fn serve(path: &Path, answers: &[(&'static str, Vec<u8>)]) -> Asked {
    let incoming = UnixListenerStream::new(UnixListener::bind(path).unwrap());
    let asked = Asked::default();
    let answers = Arc::new(answers.iter().cloned().collect());
    let said = Said { answers, asked: asked.clone(), path: String::new() };
    let router = tonic::transport::Server::builder()
        .add_service(Identity(said.clone()))
        .add_service(Controller(said.clone()))
        .add_service(Node(said));
    tokio::spawn(async move { router.serve_with_incoming(incoming).await.unwrap() });
    asked
}

#[derive(Clone)]
struct Said {
    answers: Arc<HashMap<&'static str, Vec<u8>>>,
    asked: Asked,
    path: String,
}

impl UnaryService<Bytes> for Said {
    type Response = Vec<u8>;
    type Future = Ready<Result<Response<Vec<u8>>, Status>>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let path = self.path.as_str();
        let body = request.into_inner().to_vec();
        self.asked.lock().unwrap().push((path.to_owned(), body));
        let answer = self.answers.get(path).cloned().map(Response::new);
        ready(answer.ok_or_else(|| Status::unimplemented("no such method")))
    }
}

macro_rules! service {
    ($name:ident, $full:literal) => {
        #[derive(Clone)]
        struct $name(Said);

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
                let path = request.uri().path().to_owned();
                let said = Said { path, ..self.0.clone() };
                Box::pin(async move { Ok(Grpc::new(Raw).unary(said, request).await) })
            }
        }
    };
}
service!(Identity, "csi.v0.Identity");
service!(Controller, "csi.v0.Controller");
service!(Node, "csi.v0.Node");
