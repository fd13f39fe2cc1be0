//! A FlexVolume driver without gRPC between: the adapter's functions, called as they are. So there
//! is one mapping for a driver behind the adapter and for one that is driven directly.

use std::{collections::BTreeMap, path::Path, time::Duration};

use csi_stretch_oracle::{
    action::{Call, Rpc},
    history::{Completion, Outcome},
};
use csi_stretch_proto::csi::v1::{
    controller_server::Controller as _, identity_server::Identity as _, node_server::Node as _,
};
use prost::{Message, bytes::Bytes};
use tonic::{Request, Response, Status};

use super::{
    Client, csi_v1, flexvolume::Trouble, secrets::Secrets, status, wire::Trouble as NoReply,
};
use crate::{Boxed, adapter::Adapter};

/// How histories and reports call it.
pub const DIALECT: &str = "flexvolume";

/// The longest name of a plugin that CSI allows, bytes.
const NAME_MAX: usize = 63;

/// A FlexVolume driver.
#[derive(Debug)]
pub struct Flex {
    adapter: Adapter,
    secrets: Secrets,
}

impl Flex {
    /// Initializes the driver; `env` is added to the environment of each of its calls.
    pub async fn start(
        program: &Path,
        env: BTreeMap<String, String>,
        deadline: Duration,
        secrets: Secrets,
    ) -> Result<Self, Trouble> {
        let adapter = Adapter::start(program, env, deadline, name(program), node_id()).await?;
        Ok(Self { adapter, secrets })
    }

    async fn perform(&self, call: &Call, deadline: Duration) -> Completion {
        let bytes = match csi_v1::request::encode(call, &self.secrets) {
            Ok(bytes) => bytes,
            Err(failure) => return Completion::Fail(failure),
        };
        let trouble = match tokio::time::timeout(deadline, self.answer(call.rpc, bytes)).await {
            Err(_) => NoReply::Deadline,
            Ok(Err(status)) => NoReply::Status(Box::new(status)),
            Ok(Ok(bytes)) => {
                return match csi_v1::reply::decode(call.rpc, bytes, &self.secrets) {
                    Ok(reply) => Completion::Ok(Outcome::Reply(Box::new(reply))),
                    Err(error) => status::unreadable(&error.to_string()),
                };
            }
        };
        status::completion(&trouble, deadline, &self.secrets)
    }

    async fn answer(&self, rpc: Rpc, bytes: Vec<u8>) -> Result<Bytes, Status> {
        let adapter = &self.adapter;
        macro_rules! through {
            ($name:ident) => {
                through(bytes, |request| adapter.$name(request)).await
            };
        }
        match rpc {
            Rpc::GetPluginInfo => through!(get_plugin_info),
            Rpc::GetPluginCapabilities => through!(get_plugin_capabilities),
            Rpc::Probe => through!(probe),
            Rpc::CreateVolume => through!(create_volume),
            Rpc::DeleteVolume => through!(delete_volume),
            Rpc::ControllerPublish => through!(controller_publish_volume),
            Rpc::ControllerUnpublish => through!(controller_unpublish_volume),
            Rpc::ValidateCapabilities => through!(validate_volume_capabilities),
            Rpc::ListVolumes => through!(list_volumes),
            Rpc::GetCapacity => through!(get_capacity),
            Rpc::ControllerGetCapabilities => through!(controller_get_capabilities),
            Rpc::CreateSnapshot => through!(create_snapshot),
            Rpc::DeleteSnapshot => through!(delete_snapshot),
            Rpc::ListSnapshots => through!(list_snapshots),
            Rpc::ControllerExpand => through!(controller_expand_volume),
            Rpc::ControllerGetVolume => through!(controller_get_volume),
            Rpc::ControllerModify => through!(controller_modify_volume),
            Rpc::NodeStage => through!(node_stage_volume),
            Rpc::NodeUnstage => through!(node_unstage_volume),
            Rpc::NodePublish => through!(node_publish_volume),
            Rpc::NodeUnpublish => through!(node_unpublish_volume),
            Rpc::NodeGetStats => through!(node_get_volume_stats),
            Rpc::NodeExpand => through!(node_expand_volume),
            Rpc::NodeGetCapabilities => through!(node_get_capabilities),
            Rpc::NodeGetInfo => through!(node_get_info),
        }
    }
}

/// One function of the adapter, from a request's bytes to its answer's.
async fn through<Q, A, F>(
    bytes: Vec<u8>,
    function: impl FnOnce(Request<Q>) -> F,
) -> Result<Bytes, Status>
where
    Q: Message + Default,
    A: Message,
    F: Future<Output = Result<Response<A>, Status>>,
{
    let request = Q::decode(bytes.as_slice());
    let request = request.map_err(|error| Status::internal(error.to_string()))?;
    let answer = function(Request::new(request)).await?;
    Ok(answer.into_inner().encode_to_vec().into())
}

impl Client for Flex {
    fn call<'a>(&'a self, call: &'a Call, deadline: Duration) -> Boxed<'a, Completion> {
        Box::pin(self.perform(call, deadline))
    }
}

/// The file's name, as CSI wants the name of a plugin.
fn name(program: &Path) -> String {
    const SUFFIX: &str = ".flexvolume";
    let stem = program.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let stem: String = stem.chars().map(plain).take(NAME_MAX - SUFFIX.len()).collect();
    match stem.trim_matches('-') {
        "" => format!("driver{SUFFIX}"),
        stem => format!("{stem}{SUFFIX}"),
    }
}

/// What Kubernetes passes to `attach`: the node's own name.
fn node_id() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "localhost".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/plugins/vendor~loop/loop", "loop.flexvolume")]
    #[case("/x/my_driver.sh", "my-driver.flexvolume")]
    #[case("/x/__", "driver.flexvolume")]
    fn a_file_gives_a_plugin_its_name(#[case] program: &str, #[case] want: &str) {
        assert_eq!(name(program.as_ref()), want);
    }

    #[test]
    fn a_long_name_is_cut() {
        assert_eq!(name("x".repeat(200).as_ref()).len(), NAME_MAX);
    }
}
