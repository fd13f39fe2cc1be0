//! What a driver says of itself: name, version, capabilities, node id, limits. One connection, before
//! anything else; a driver that fails here is not tested at all.

use std::{sync::Arc, time::Duration};

use csi_stretch_oracle::{
    action::{Call, Rpc},
    history::{Completion, Failure, Reply},
};

use crate::client::{Client, Dialect};

/// A driver's own declaration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// What it speaks.
    pub dialect: Dialect,
    /// `GetPluginInfo.name`.
    pub name: String,
    /// `GetPluginInfo.vendor_version`.
    pub vendor_version: String,
    /// `GetPluginCapabilities`, CSI's enum names.
    pub plugin: Vec<String>,
    /// `ControllerGetCapabilities`; `None`: no Controller service.
    pub controller: Option<Vec<String>>,
    /// `NodeGetCapabilities`; `None`: no Node service.
    pub node: Option<Vec<String>>,
    /// `NodeGetInfo.node_id`.
    pub node_id: String,
    /// `GetCapacity.minimum_volume_size` in bytes; 0: nothing said.
    pub smallest: u64,
    /// `GetCapacity.maximum_volume_size` in bytes; 0: nothing said.
    pub largest: u64,
}

/// Why a driver cannot be tested.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// An identity call failed.
    #[error(
        "{rpc} failed with {code}: {message}; is this a CSI driver, and does it want what you \
         give it: TLS (--tls-ca), a certificate of yours (--tls-cert and --tls-key), or neither?"
    )]
    Identity {
        /// Which call.
        rpc: Rpc,
        /// The code.
        code: &'static str,
        /// The driver's or transport's words.
        message: String,
    },
    /// `Probe` says no.
    #[error("the driver answers Probe with ready=false; wait until it is ready and run again")]
    NotReady,
}

impl DiscoverError {
    /// Whether that service is not there at all, as of a driver that speaks another dialect.
    fn is_unknown_service(&self) -> bool {
        matches!(self, Self::Identity { rpc: Rpc::GetPluginInfo, code: "UNIMPLEMENTED", .. })
    }
}

/// Asks a driver in the dialect it is said to speak, or else in the one that it turns out to speak.
pub async fn meet(
    speak: impl Fn(Dialect) -> Arc<dyn Client>,
    said: Option<Dialect>,
    deadline: Duration,
) -> Result<(Arc<dyn Client>, Declared), DiscoverError> {
    let first = speak(said.unwrap_or_default());
    let error = match discover(first.as_ref(), deadline).await {
        Ok(declared) => {
            let dialect = said.unwrap_or_default();
            return Ok((first, Declared { dialect, ..declared }));
        }
        Err(error) if said.is_none() && error.is_unknown_service() => error,
        Err(error) => return Err(error),
    };
    let older = speak(Dialect::V0);
    match discover(older.as_ref(), deadline).await {
        Ok(declared) => Ok((older, Declared { dialect: Dialect::V0, ..declared })),
        Err(again) if again.is_unknown_service() => Err(error),
        Err(again) => Err(again),
    }
}

/// Asks the driver, `deadline` for each call.
async fn discover(client: &dyn Client, deadline: Duration) -> Result<Declared, DiscoverError> {
    let info = must(client, Rpc::GetPluginInfo, deadline).await?;
    let plugin = must(client, Rpc::GetPluginCapabilities, deadline).await?;
    let probe = must(client, Rpc::Probe, deadline).await?;
    if probe.ready == Some(false) {
        return Err(DiscoverError::NotReady);
    }
    let controller = ask(client, Rpc::ControllerGetCapabilities, deadline).await.ok();
    let node = ask(client, Rpc::NodeGetCapabilities, deadline).await.ok();
    let node_info = ask(client, Rpc::NodeGetInfo, deadline).await.ok();
    let controller = controller.map(|reply| reply.capabilities.unwrap_or_default());
    let capacity = match &controller {
        Some(list) if list.iter().any(|word| word == "GET_CAPACITY") => {
            ask(client, Rpc::GetCapacity, deadline).await.unwrap_or_default()
        }
        _ => Reply::default(),
    };
    let limit = |size: Option<i64>| size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0);
    Ok(Declared {
        dialect: Dialect::default(),
        name: info.text.unwrap_or_default(),
        vendor_version: info.vendor_version.unwrap_or_default(),
        plugin: plugin.capabilities.unwrap_or_default(),
        controller,
        node: node.map(|reply| reply.capabilities.unwrap_or_default()),
        node_id: node_info.and_then(|reply| reply.text).unwrap_or_default(),
        smallest: limit(capacity.minimum_volume_size),
        largest: limit(capacity.maximum_volume_size),
    })
}

async fn must(client: &dyn Client, rpc: Rpc, deadline: Duration) -> Result<Reply, DiscoverError> {
    ask(client, rpc, deadline).await.map_err(|failure| DiscoverError::Identity {
        rpc,
        code: failure.code.name(),
        message: failure.message,
    })
}

async fn ask(client: &dyn Client, rpc: Rpc, deadline: Duration) -> Result<Reply, Failure> {
    match client.call(&Call::new(rpc), deadline).await {
        Completion::Fail(failure) | Completion::Info(failure) => Err(failure),
        completion @ Completion::Ok(_) => Ok(completion.reply().cloned().unwrap_or_default()),
    }
}
