//! Worker `client`: sends one call to a driver and says what came back. One file per dialect; a
//! dialect must not know scenarios, checks, or what was expected.

use std::{sync::Arc, time::Duration};

use csi_stretch_oracle::{action::Call, history::Completion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Boxed;

pub mod address;
pub mod channel;
mod connect_error;
pub mod control;
pub mod csi_v0;
pub mod csi_v1;
pub mod expandable;
pub mod flex;
pub mod flexvolume;
pub mod secrets;
pub mod status;
pub mod wire;

use channel::Connection;
use secrets::Secrets;

/// A CSI over gRPC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// CSI 0.2 and 0.3, with the growth of 2018.
    V0,
    /// CSI 1.
    #[default]
    V1,
}

impl Dialect {
    /// As histories and reports have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::V0 => "csi.v0",
            Self::V1 => "csi.v1",
        }
    }

    /// Whether it has no word for a capability.
    pub fn lacks(self, capability: &str) -> bool {
        self == Self::V0 && csi_v0::LACKS.contains(&capability)
    }

    /// A driver that speaks it. The Controller service may have a connection of its own.
    pub fn client(
        self,
        controller: Connection,
        node: Connection,
        secrets: Secrets,
    ) -> Arc<dyn Client> {
        match self {
            Self::V0 => Arc::new(csi_v0::CsiV0::split(controller, node, secrets)),
            Self::V1 => Arc::new(csi_v1::CsiV1::split(controller, node, secrets)),
        }
    }
}

/// A driver behind a connection, in one dialect.
pub trait Client: Send + Sync {
    /// Sends a call whose references are all literal (ids, paths and contexts filled in) and waits
    /// at most `deadline`. Never panics and never hangs, whatever the driver does.
    fn call<'a>(&'a self, call: &'a Call, deadline: Duration) -> Boxed<'a, Completion>;
}
