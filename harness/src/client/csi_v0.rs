//! CSI 0.2 and 0.3 over gRPC, with the growth of 2018. Calls and replies are those of every dialect;
//! what csi.v0 says otherwise is translated here, and most of it is the same on the wire.
//!
//! Growth is not declared in csi.v0. It is offered where its calls answer: an empty request is about
//! the plugin as a whole, or refused; a plugin without the extension says UNIMPLEMENTED.

use std::time::Duration;

use csi_stretch_oracle::{
    action::{Call, Rpc},
    history::{Completion, Outcome, Reply},
};
use csi_stretch_proto::csi::v0;
use prost::{DecodeError, Message as _, bytes::Bytes};
use tokio::sync::OnceCell;

use super::{
    Client,
    channel::Connection,
    csi_v1,
    expandable::{self, ExpandableVolumePlugin},
    secrets::Secrets,
    status,
    wire::{self, Trouble},
};
use crate::Boxed;

mod reply;
mod request;

/// Capabilities of other dialects that csi.v0 has no words for.
pub const LACKS: &[&str] = &[
    "CLONE_VOLUME",
    "PUBLISH_READONLY",
    "LIST_VOLUMES_PUBLISHED_NODES",
    "GET_VOLUME",
    "MODIFY_VOLUME",
    "GET_VOLUME_STATS",
];

/// A driver that speaks csi.v0.
#[derive(Debug)]
pub struct CsiV0 {
    controller: Connection,
    node: Connection,
    secrets: Secrets,
    growth: OnceCell<Growth>,
}

/// Which calls of the extension answer.
#[derive(Clone, Copy, Debug)]
struct Growth {
    controller: bool,
    node: bool,
}

impl CsiV0 {
    /// A driver whose Controller service is on the first connection; Identity and Node are on the
    /// other.
    pub fn split(controller: Connection, node: Connection, secrets: Secrets) -> Self {
        Self { controller, node, secrets, growth: OnceCell::new() }
    }

    async fn perform(&self, call: &Call, deadline: Duration) -> Completion {
        let done = match call.rpc {
            Rpc::ControllerExpand => expandable::grow(self, call, deadline).await,
            Rpc::NodeGetInfo => self.node_info(call, deadline).await,
            Rpc::GetPluginCapabilities
            | Rpc::ControllerGetCapabilities
            | Rpc::NodeGetCapabilities => self.capabilities(call, deadline).await,
            _ => self.plain(call, deadline).await,
        };
        done.map_or_else(|failed| failed, |reply| Completion::Ok(Outcome::Reply(Box::new(reply))))
    }

    /// One call, one answer.
    async fn plain(&self, call: &Call, deadline: Duration) -> Result<Reply, Completion> {
        let (path, message) = request::encode(call, &self.secrets).map_err(Completion::Fail)?;
        let bytes = self.told(path, message, deadline).await?;
        read(reply::decode(call.rpc, bytes, &self.secrets))
    }

    /// CSI 0.2 has NodeGetId in its place.
    async fn node_info(&self, call: &Call, deadline: Duration) -> Result<Reply, Completion> {
        match self.plain(call, deadline).await {
            Err(failed) if failed.code() == csi_stretch_oracle::history::Code::Unimplemented => {
                let bytes = self.told(request::NODE_GET_ID, Vec::new(), deadline).await?;
                let said = read(v0::NodeGetIdResponse::decode(bytes))?;
                Ok(Reply { text: Some(said.node_id), ..Reply::default() })
            }
            done => done,
        }
    }

    /// With those that other dialects have for growth.
    async fn capabilities(&self, call: &Call, deadline: Duration) -> Result<Reply, Completion> {
        let mut reply = self.plain(call, deadline).await?;
        let growth = self.growth(deadline).await?;
        let (name, grows) = match call.rpc {
            Rpc::ControllerGetCapabilities => (reply::EXPAND, growth.controller),
            Rpc::NodeGetCapabilities => (reply::EXPAND, growth.node),
            _ => ("ONLINE", growth.controller || growth.node),
        };
        let names = reply.capabilities.get_or_insert_default();
        if grows && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
        Ok(reply)
    }

    async fn growth(&self, deadline: Duration) -> Result<Growth, Completion> {
        let ask = async || {
            let decides = self.answers(request::REQUIRES_FS_RESIZE, deadline).await?;
            let controller = decides && self.answers(request::CONTROLLER_RESIZE, deadline).await?;
            let node = self.answers(request::NODE_RESIZE, deadline).await?;
            Ok(Growth { controller, node })
        };
        self.growth.get_or_try_init(ask).await.copied()
    }

    /// Whether the driver has that call at all; any answer but one is a yes.
    async fn answers(&self, path: &'static str, deadline: Duration) -> Result<bool, Completion> {
        let Err(trouble) = self.unary(path, Vec::new(), deadline).await else { return Ok(true) };
        match status::own(&trouble, deadline) {
            Ok(status) => Ok(status.code() != tonic::Code::Unimplemented),
            Err(failure) => Err(Completion::Info(failure)),
        }
    }

    async fn told(
        &self,
        path: &'static str,
        message: Vec<u8>,
        deadline: Duration,
    ) -> Result<Bytes, Completion> {
        let answer = self.unary(path, message, deadline).await;
        answer.map_err(|trouble| status::completion(&trouble, deadline, &self.secrets))
    }

    async fn unary(
        &self,
        path: &'static str,
        message: Vec<u8>,
        deadline: Duration,
    ) -> Result<Bytes, Trouble> {
        let controller = path.starts_with(request::CONTROLLER);
        let connection = if controller { &self.controller } else { &self.node };
        wire::unary(connection, wire::PathAndQuery::from_static(path), message, deadline).await
    }
}

fn read<T>(decoded: Result<T, DecodeError>) -> Result<T, Completion> {
    decoded.map_err(|error| status::unreadable(&error.to_string()))
}

impl ExpandableVolumePlugin for CsiV0 {
    fn requires_fs_resize<'a>(
        &'a self,
        spec: &'a Call,
        deadline: Duration,
    ) -> Boxed<'a, Result<bool, Completion>> {
        Box::pin(async move {
            let message = request::requires_fs_resize(spec).map_err(Completion::Fail)?;
            let bytes = self.told(request::REQUIRES_FS_RESIZE, message, deadline).await?;
            Ok(read(v0::RequiresFsResizeResponse::decode(bytes))?.requires_fs_resize)
        })
    }

    fn expand_volume_device<'a>(
        &'a self,
        spec: &'a Call,
        deadline: Duration,
    ) -> Boxed<'a, Result<i64, Completion>> {
        Box::pin(async move {
            let message = csi_v1::request::encode(spec, &self.secrets).map_err(Completion::Fail)?;
            let bytes = self.told(request::CONTROLLER_RESIZE, message, deadline).await?;
            Ok(read(v0::ControllerResizeVolumeResponse::decode(bytes))?.capacity_bytes)
        })
    }
}

impl Client for CsiV0 {
    fn call<'a>(&'a self, call: &'a Call, deadline: Duration) -> Boxed<'a, Completion> {
        Box::pin(self.perform(call, deadline))
    }
}

#[cfg(test)]
mod tests;
