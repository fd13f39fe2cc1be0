//! CSI version 1 over gRPC.

use std::time::Duration;

use csi_stretch_oracle::{
    action::Call,
    history::{Completion, Outcome},
};

use super::{Client, channel::Connection, secrets::Secrets, status, wire};
use crate::Boxed;

pub(super) mod reply;
pub(super) mod request;

/// A driver that speaks CSI v1.
#[derive(Clone, Debug)]
pub struct CsiV1 {
    controller: Connection,
    node: Connection,
    secrets: Secrets,
}

impl CsiV1 {
    /// A driver whose three services answer on one connection.
    pub fn new(connection: Connection, secrets: Secrets) -> Self {
        Self::split(connection.clone(), connection, secrets)
    }

    /// A driver whose Controller service has a connection of its own; Identity and Node are on
    /// the other.
    pub fn split(controller: Connection, node: Connection, secrets: Secrets) -> Self {
        Self { controller, node, secrets }
    }

    async fn perform(&self, call: &Call, deadline: Duration) -> Completion {
        let message = match request::encode(call, &self.secrets) {
            Ok(message) => message,
            Err(failure) => return Completion::Fail(failure),
        };
        let path = request::path(call.rpc);
        let connection =
            if request::is_controller(call.rpc) { &self.controller } else { &self.node };
        let path = wire::PathAndQuery::from_static(path);
        match wire::unary(connection, path, message, deadline).await {
            Err(trouble) => status::completion(&trouble, deadline, &self.secrets),
            Ok(bytes) => match reply::decode(call.rpc, bytes, &self.secrets) {
                Ok(reply) => Completion::Ok(Outcome::Reply(Box::new(reply))),
                Err(error) => status::unreadable(&error.to_string()),
            },
        }
    }
}

impl Client for CsiV1 {
    fn call<'a>(&'a self, call: &'a Call, deadline: Duration) -> Boxed<'a, Completion> {
        Box::pin(self.perform(call, deadline))
    }
}

#[cfg(test)]
mod tests;
