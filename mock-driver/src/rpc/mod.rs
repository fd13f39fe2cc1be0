//! The gRPC face: hands each call to the driver, on a thread that may block if it can, and logs it.
//!
//! Knows no CSI rule. A call that has begun is carried through also when its client gives up,
//! for cancelling promises nothing in CSI.

mod control;
mod controller;
mod identity;
mod node;
mod v0;

use std::{sync::Arc, time::Instant};

use tonic::{Code, Request, Response, Status};
use tracing::{field::Empty, info, info_span};

pub use v0::V0;

use crate::{
    defect::Flaw,
    driver::{Driver, Reply},
};

/// The largest message taken or sent, bytes.
pub const MESSAGE_MAX: usize = 16 << 20;

/// All services over one driver.
#[derive(Clone)]
pub struct Services {
    driver: Arc<Driver>,
    flaw: Arc<dyn Flaw>,
    at_once: bool,
}

impl Services {
    /// Services of `driver`, which answers through `flaw`. `at_once`: no call waits for anything,
    /// and handing it to a thread that may block would cost more than the call.
    pub fn new(driver: Arc<Driver>, flaw: Arc<dyn Flaw>, at_once: bool) -> Self {
        Self { driver, flaw, at_once }
    }

    /// Whether the Node service is served at all.
    pub fn has_node(&self) -> bool {
        self.driver.profile().node_service
    }

    /// Runs one call. `volume` is the id (or, at creation, the name) that the log shows.
    async fn run<Q, A>(
        &self,
        rpc: &'static str,
        request: Request<Q>,
        volume: impl FnOnce(&Q) -> &str,
        call: impl FnOnce(&dyn Flaw, &Driver, Q) -> Reply<A> + Send + 'static,
    ) -> Result<Response<A>, Status>
    where
        Q: Send + 'static,
        A: Send + 'static,
    {
        let request = request.into_inner();
        let span = info_span!("rpc", rpc, volume = volume(&request), code = Empty);
        let (driver, flaw) = (Arc::clone(&self.driver), Arc::clone(&self.flaw));
        let work = move || {
            let _entered = span.enter();
            let began = Instant::now();
            let latency = driver.profile().latency(rpc);
            if !latency.is_zero() {
                std::thread::sleep(latency);
            }
            let answer = call(flaw.as_ref(), &driver, request);
            let code = answer.as_ref().err().map_or(Code::Ok, Status::code);
            span.record("code", tracing::field::debug(code));
            let elapsed_us = began.elapsed().as_micros() as u64;
            match &answer {
                Ok(_) => info!(elapsed_us, "ok"),
                Err(status) => info!(elapsed_us, why = status.message(), "refused"),
            }
            answer
        };
        if self.at_once {
            return work().map(Response::new);
        }
        match tokio::task::spawn_blocking(work).await {
            Ok(answer) => answer.map(Response::new),
            Err(_) => Err(Status::internal("the driver failed on this call; see its log")),
        }
    }
}
