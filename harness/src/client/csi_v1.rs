//! CSI version 1 over gRPC.

use std::time::Duration;

use csi_stretch_oracle::{
    action::Call,
    history::{Completion, Outcome},
};
use tonic::transport::Channel;

use super::{Client, secrets::Secrets, status, wire};
use crate::Boxed;

mod reply;
mod request;

/// A driver that speaks CSI v1.
#[derive(Clone, Debug)]
pub struct CsiV1 {
    controller: Channel,
    node: Channel,
    secrets: Secrets,
    reply_bytes_max: usize,
}

impl CsiV1 {
    /// A driver whose three services answer on one connection.
    pub fn new(channel: Channel, secrets: Secrets) -> Self {
        Self::split(channel.clone(), channel, secrets)
    }

    /// A driver whose Controller service has a connection of its own; Identity and Node are on
    /// the other.
    pub fn split(controller: Channel, node: Channel, secrets: Secrets) -> Self {
        Self { controller, node, secrets, reply_bytes_max: wire::REPLY_BYTES_MAX }
    }

    /// Reads replies up to this many bytes; the default is [`wire::REPLY_BYTES_MAX`].
    #[must_use]
    pub fn with_reply_bytes_max(mut self, bytes: usize) -> Self {
        self.reply_bytes_max = bytes;
        self
    }

    async fn perform(&self, call: &Call, deadline: Duration) -> Completion {
        let message = match request::encode(call, &self.secrets) {
            Ok(message) => message,
            Err(failure) => return Completion::Fail(failure),
        };
        let path = request::path(call.rpc);
        let channel = if request::is_controller(call.rpc) { &self.controller } else { &self.node };
        match wire::unary(
            channel,
            wire::PathAndQuery::from_static(path),
            message,
            deadline,
            self.reply_bytes_max,
        )
        .await
        {
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
