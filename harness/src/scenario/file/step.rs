//! One step: a verb, a raw `call`, or a request sent `again`.

use std::collections::BTreeMap;

use csi_stretch_oracle::action::{PathRef, Rpc};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::args::{
    AwaitArg, CapabilityFile, CopyArg, CreateArg, DatabaseArg, GrowArg, NodeExpandArg, PodArg,
    ProbeArg, PublishArg, RefArg, RequestArg, SnapshotArg, SourceFile, UnpublishArg, UntilArg,
    VolumeArg, WriteArg,
};
use super::{
    StepEntry,
    list::{ExpectFile, Names},
};
use crate::scenario::{
    lexeme::{Flag, Millis, Number, PartWord, Text},
    size::Size,
    word::{Args, Shorthand, Word},
};

/// Declares a struct that has the fields of a raw call besides its own.
macro_rules! with_call_fields {
    ($(#[$meta:meta])* $name:ident { $($body:tt)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct $name {
            $($body)*
            /// Volume of a raw call.
            pub volume: Option<Args<RefArg>>,
            /// CreateSnapshot; with `call`, the snapshot of a raw call.
            pub snapshot: Option<Args<SnapshotArg>>,
            /// Idempotency name of a raw create call.
            pub name: Option<Word<Text>>,
            /// `required_bytes` of a raw call.
            pub to: Option<Word<Size>>,
            /// `limit_bytes` of a raw call.
            pub limit: Option<Word<Size>>,
            /// `volume_capability` of a raw call.
            pub capability: Option<CapabilityFile>,
            /// `volume_content_source` of a raw call.
            pub source: Option<SourceFile>,
            /// `node_id` of a raw call; the handle `node` is the target's own.
            pub node: Option<Args<RefArg>>,
            /// `target_path` or `volume_path` of a raw call.
            pub path: Option<Word<PathRef>>,
            /// `staging_target_path` of a raw call.
            pub staging_path: Option<Word<PathRef>>,
            /// `readonly` of a raw call.
            pub readonly: Option<Word<Flag>>,
            /// `parameters` of a raw call.
            pub parameters: Option<BTreeMap<String, Word<Text>>>,
            /// `mutable_parameters` of a raw call.
            pub mutable_parameters: Option<BTreeMap<String, Word<Text>>>,
            /// `volume_context` of a raw call, instead of the driver's own.
            pub volume_context: Option<BTreeMap<String, Word<Text>>>,
            /// `publish_context` of a raw call, instead of the driver's own.
            pub publish_context: Option<BTreeMap<String, Word<Text>>>,
            /// `max_entries` of a raw listing.
            pub max_entries: Option<Word<Number>>,
            /// `starting_token` of a raw listing.
            pub starting_token: Option<Word<Text>>,
            /// Longest wait for the reply of a raw call.
            pub deadline: Option<Word<Millis>>,
        }
    };
}

with_call_fields! {
    /// The fields of a raw call; also what `with` takes, one at a time.
    CallFields {}
}

with_call_fields! {
    /// A step: exactly one verb, `call` or `again`, and what goes with it.
    StepFile {
        /// Create a volume that has `create: false`.
        #[serde(deserialize_with = "present")]
        pub create: Option<Args<CreateArg>>,
        /// ControllerPublish and NodeStage, each if offered and not yet done.
        #[serde(deserialize_with = "present")]
        pub stage: Option<Args<PublishArg>>,
        /// What is missing of ControllerPublish, NodeStage and NodePublish.
        #[serde(deserialize_with = "present")]
        pub publish: Option<Args<PublishArg>>,
        /// The reverse of `publish`.
        #[serde(deserialize_with = "present")]
        pub unpublish: Option<Args<UnpublishArg>>,
        /// `unpublish`, then `publish`.
        #[serde(deserialize_with = "present")]
        pub restart_pod: Option<Args<PublishArg>>,
        /// ControllerExpand if offered, then NodeExpand as the reply asks.
        pub grow: Option<Args<GrowArg>>,
        /// NodeExpand if it is due: the last reply asked for it, or only the node can.
        #[serde(deserialize_with = "present")]
        pub node_expand: Option<Args<NodeExpandArg>>,
        /// DeleteVolume.
        #[serde(deserialize_with = "present")]
        pub delete: Option<Args<VolumeArg>>,
        /// CreateVolume from a snapshot.
        pub restore: Option<Args<CopyArg>>,
        /// CreateVolume from a volume.
        pub clone: Option<Args<CopyArg>>,
        /// Write pattern blocks and sync them.
        pub write: Option<Args<WriteArg>>,
        /// Read everything back and compare.
        #[serde(deserialize_with = "present")]
        pub verify: Option<Args<VolumeArg>>,
        /// Start a writer in the background.
        #[serde(deserialize_with = "present")]
        pub start_writer: Option<Args<VolumeArg>>,
        /// Stop the writer.
        #[serde(deserialize_with = "present")]
        pub stop_writer: Option<Args<VolumeArg>>,
        /// See to it that a database runs: start it with its loads, or open again the one that
        /// ran before, as it was set up then.
        #[serde(deserialize_with = "present")]
        pub start_database: Option<Args<DatabaseArg>>,
        /// Wait for something of the database.
        pub r#await: Option<Args<AwaitArg>>,
        /// Shut the database down.
        #[serde(deserialize_with = "present")]
        pub stop_database: Option<Args<VolumeArg>>,
        /// Kill the database.
        #[serde(deserialize_with = "present")]
        pub kill_database: Option<Args<VolumeArg>>,
        /// Look at device, file system and mount.
        #[serde(deserialize_with = "present")]
        pub probe: Option<Args<ProbeArg>>,
        /// A pause.
        pub wait: Option<Word<Millis>>,
        /// Kill the driver and start it again.
        #[serde(deserialize_with = "present")]
        pub restart_driver: Option<Args<VolumeArg>>,
        /// A pod that uses the claim.
        #[serde(deserialize_with = "present")]
        pub start_pod: Option<Args<PodArg>>,
        /// Deletes that pod.
        #[serde(deserialize_with = "present")]
        pub delete_pod: Option<Args<PodArg>>,
        /// Edits the claim: another size is asked for.
        pub request: Option<Args<RequestArg>>,
        /// Waits for a state of the claim, or for an answer.
        pub until: Option<Args<UntilArg>>,
        /// A component's process ends, and another begins that remembers nothing.
        pub restart: Option<Word<PartWord>>,
        /// A raw call, starting from the full request that is legal now.
        pub call: Option<Word<Rpc>>,
        /// Fields of that request that are not sent.
        pub omit: Option<Names>,
        /// The last such request that succeeded, sent again.
        pub again: Option<Word<Rpc>>,
        /// The one field that is changed in it.
        pub with: Option<CallFields>,
        /// The one field that is left out of it.
        pub without: Option<Word<Text>>,
        /// Calls that are under way together: `call` and `again` steps.
        pub parallel: Option<Vec<StepEntry>>,
        /// Within `parallel`: how often the call is sent.
        pub times: Option<Word<Number>>,
        /// Codes that are right: one, a list, or `{pass, warn}`; `ok` by default.
        pub expect: Option<ExpectFile>,
        /// Clause that any other code breaks; by default the scenario's first.
        pub clause: Option<Word<Text>>,
    }
}

/// Keeps `publish:` (no value) apart from no `publish` at all.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(d: D) -> Result<Option<T>, D::Error> {
    T::deserialize(d).map(Some)
}

impl StepFile {
    /// The fields of a raw call alone.
    pub fn call_fields(&self) -> CallFields {
        CallFields {
            volume: self.volume.clone(),
            snapshot: self.snapshot.clone(),
            name: self.name.clone(),
            to: self.to.clone(),
            limit: self.limit.clone(),
            capability: self.capability.clone(),
            source: self.source.clone(),
            node: self.node.clone(),
            path: self.path.clone(),
            staging_path: self.staging_path.clone(),
            readonly: self.readonly.clone(),
            parameters: self.parameters.clone(),
            mutable_parameters: self.mutable_parameters.clone(),
            volume_context: self.volume_context.clone(),
            publish_context: self.publish_context.clone(),
            max_entries: self.max_entries.clone(),
            starting_token: self.starting_token.clone(),
            deadline: self.deadline.clone(),
        }
    }

    /// Verbs of this step, as written; `call` and `again` count.
    pub fn verbs(&self) -> Vec<&'static str> {
        let raw = self.call.is_some() || self.again.is_some();
        let verbs = [
            ("create", self.create.is_some()),
            ("stage", self.stage.is_some()),
            ("publish", self.publish.is_some()),
            ("unpublish", self.unpublish.is_some()),
            ("restart_pod", self.restart_pod.is_some()),
            ("grow", self.grow.is_some()),
            ("node_expand", self.node_expand.is_some()),
            ("delete", self.delete.is_some()),
            ("snapshot", self.snapshot.is_some() && !raw),
            ("restore", self.restore.is_some()),
            ("clone", self.clone.is_some()),
            ("write", self.write.is_some()),
            ("verify", self.verify.is_some()),
            ("start_writer", self.start_writer.is_some()),
            ("stop_writer", self.stop_writer.is_some()),
            ("start_database", self.start_database.is_some()),
            ("await", self.r#await.is_some()),
            ("stop_database", self.stop_database.is_some()),
            ("kill_database", self.kill_database.is_some()),
            ("probe", self.probe.is_some()),
            ("wait", self.wait.is_some()),
            ("restart_driver", self.restart_driver.is_some()),
            ("start_pod", self.start_pod.is_some()),
            ("delete_pod", self.delete_pod.is_some()),
            ("request", self.request.is_some()),
            ("until", self.until.is_some()),
            ("restart", self.restart.is_some()),
            ("call", self.call.is_some()),
            ("again", self.again.is_some()),
            ("parallel", self.parallel.is_some()),
        ];
        verbs.into_iter().filter(|(_, present)| *present).map(|(verb, _)| verb).collect()
    }

    /// A verb written alone: `- publish`.
    pub fn bare(verb: &str) -> Option<Self> {
        let mut step = Self::default();
        match verb {
            "create" => step.create = Some(Args(Shorthand::short(None))),
            "stage" => step.stage = Some(Args(Shorthand::short(None))),
            "publish" => step.publish = Some(Args(Shorthand::short(None))),
            "unpublish" => step.unpublish = Some(Args(Shorthand::short(None))),
            "restart_pod" => step.restart_pod = Some(Args(Shorthand::short(None))),
            "node_expand" => step.node_expand = Some(Args(Shorthand::short(None))),
            "delete" => step.delete = Some(Args(Shorthand::short(None))),
            "verify" => step.verify = Some(Args(Shorthand::short(None))),
            "start_writer" => step.start_writer = Some(Args(Shorthand::short(None))),
            "stop_writer" => step.stop_writer = Some(Args(Shorthand::short(None))),
            "start_pod" => step.start_pod = Some(Args(Shorthand::short(None))),
            "delete_pod" => step.delete_pod = Some(Args(Shorthand::short(None))),
            "start_database" => step.start_database = Some(Args(Shorthand::short(None))),
            "stop_database" => step.stop_database = Some(Args(Shorthand::short(None))),
            "kill_database" => step.kill_database = Some(Args(Shorthand::short(None))),
            "probe" => step.probe = Some(Args(Shorthand::short(None))),
            "restart_driver" => step.restart_driver = Some(Args(Shorthand::short(None))),
            _ => return None,
        }
        Some(step)
    }
}

impl CallFields {
    /// Keys that are there, as written.
    pub fn keys(&self) -> Vec<&'static str> {
        let keys = [
            ("volume", self.volume.is_some()),
            ("snapshot", self.snapshot.is_some()),
            ("name", self.name.is_some()),
            ("to", self.to.is_some()),
            ("limit", self.limit.is_some()),
            ("capability", self.capability.is_some()),
            ("source", self.source.is_some()),
            ("node", self.node.is_some()),
            ("path", self.path.is_some()),
            ("staging_path", self.staging_path.is_some()),
            ("readonly", self.readonly.is_some()),
            ("parameters", self.parameters.is_some()),
            ("mutable_parameters", self.mutable_parameters.is_some()),
            ("volume_context", self.volume_context.is_some()),
            ("publish_context", self.publish_context.is_some()),
            ("max_entries", self.max_entries.is_some()),
            ("starting_token", self.starting_token.is_some()),
            ("deadline", self.deadline.is_some()),
        ];
        keys.into_iter().filter(|(_, present)| *present).map(|(key, _)| key).collect()
    }
}
