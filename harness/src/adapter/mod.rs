//! Serves a FlexVolume driver as a CSI v1 driver, so that whatever speaks CSI can drive it.
//!
//! | CSI | FlexVolume |
//! |---|---|
//! | ControllerPublish, ControllerUnpublish | `attach`, `detach`, if `init` says so |
//! | NodePublish | `waitforattach` and `mountdevice`, or `mount` |
//! | NodeUnpublish | `unmountdevice` or `unmount` |
//! | ControllerExpand | `expandvolume` |
//! | NodeExpand, asked for if the driver `requiresFSResize` | `expandfs` |
//! | CreateVolume, DeleteVolume | `createvolume`, `deletevolume`, if `init` says so (an extension) |
//!
//! `ask` reads requests, `answer` makes statuses of troubles, `pending` lets one call at a time at a
//! volume, `controller` and `node` are the mapping. Must not know scenarios, checks or runs.
//!
//! What the adapter remembers of publications only refuses more; nothing needs it after a restart.

mod answer;
mod ask;
mod controller;
mod identity;
mod node;
mod pending;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use csi_stretch_proto::csi::v1::{
    controller_server::ControllerServer, identity_server::IdentityServer, node_server::NodeServer,
};
use tonic::{
    Response, Status,
    transport::{Server, server::Router},
};
use tracing::info;

use self::pending::{Pending, Turn};
use crate::client::flexvolume::{Answer, Driver, Operation, Options, Trouble};

/// The key of a device in a publish context.
const DEVICE: &str = "deviceID";

/// A FlexVolume driver behind CSI's three services.
#[derive(Clone, Debug)]
pub struct Adapter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    node_id: String,
    driver: Driver,
    grows: bool,
    pending: Pending,
    /// Volumes by the target path they are published at.
    published: Mutex<BTreeMap<PathBuf, String>>,
    /// Sizes by volume, as far as they were told.
    sizes: Mutex<BTreeMap<String, u64>>,
}

impl Adapter {
    /// Initializes the driver; `env` is added to its environment. `name` is what GetPluginInfo says,
    /// `node_id` what NodeGetInfo says.
    pub async fn start(
        program: &Path,
        env: BTreeMap<String, String>,
        deadline: Duration,
        name: String,
        node_id: String,
    ) -> Result<Self, Trouble> {
        let driver = Driver::init(program, env, deadline).await?;
        let grows = driver.grows().await;
        info!(capabilities = ?driver.capabilities(), grows, "the driver is initialized");
        Ok(Self(Arc::new(Inner {
            name,
            node_id,
            driver,
            grows,
            pending: Pending::default(),
            published: Mutex::default(),
            sizes: Mutex::default(),
        })))
    }

    /// All services.
    pub fn router(&self) -> Router {
        Server::builder()
            .add_service(IdentityServer::new(self.clone()))
            .add_service(ControllerServer::new(self.clone()))
            .add_service(NodeServer::new(self.clone()))
    }

    /// Carries a call through, also if its client gives up, and logs how it ended.
    async fn carry<A: Send + 'static>(
        &self,
        rpc: &'static str,
        volume: &str,
        call: impl Future<Output = Result<A, Status>> + Send + 'static,
    ) -> Result<Response<A>, Status> {
        let volume = volume.to_owned();
        let task = tokio::spawn(async move {
            let result = call.await;
            match &result {
                Ok(_) => info!(rpc, volume, "ok"),
                Err(status) => {
                    info!(rpc, volume, code = ?status.code(), why = status.message(), "refused");
                }
            }
            result
        });
        let failed = |_| Status::internal("the adapter failed on this call; see its log");
        task.await.map_err(failed)?.map(Response::new)
    }
}

impl Inner {
    async fn call(&self, operation: Operation, args: &[&str]) -> Result<Answer, Status> {
        let result = self.driver.call(operation, args).await;
        result.map_err(|trouble| answer::status(operation, &trouble))
    }

    /// `None`: the driver does not have it.
    async fn call_if_any(
        &self,
        operation: Operation,
        args: &[&str],
    ) -> Result<Option<Answer>, Status> {
        let result = self.driver.call_if_any(operation, args).await;
        result.map_err(|trouble| answer::status(operation, &trouble))
    }

    /// Refuses a volume that the driver says it does not have. Most drivers do not say.
    async fn must_exist(&self, volume: &str) -> Result<(), Status> {
        let json = Options { volume, ..Options::default() }.json();
        match self.call_if_any(Operation::GetVolumeName, &[&json]).await {
            Err(status) if status.code() == tonic::Code::NotFound => Err(status),
            _ => Ok(()),
        }
    }

    async fn turn(&self, volume: &str) -> Result<Turn, Status> {
        self.pending.turn(volume).await
    }

    fn must_grow(&self) -> Result<(), Status> {
        if self.grows {
            return Ok(());
        }
        Err(Status::unimplemented("the FlexVolume driver cannot grow volumes"))
    }

    fn published(&self) -> MutexGuard<'_, BTreeMap<PathBuf, String>> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sizes(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.sizes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The size before a growth, for the driver; 0 if it was never told.
    fn old_size(&self, volume: &str) -> String {
        self.sizes().get(volume).copied().unwrap_or_default().to_string()
    }
}

#[cfg(test)]
mod tests;
