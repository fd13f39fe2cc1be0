//! Arguments of verbs and the compound fields of raw calls.

use csi_stretch_oracle::action::{AccessMode, Engine, Guise, PathRef, Place, Rpc, Until};
use schemars::JsonSchema;
use serde::Deserialize;

use super::list::Names;
use crate::scenario::{
    lexeme::{AccessWord, Amount, ClaimState, Flag, Handle, Keep, Kind, Millis, Number, Text},
    size::Size,
    word::{Args, Shorthand, Word},
};

/// Declares the arguments of a verb; the first key is what the one-word form sets.
macro_rules! args {
    ($(#[$meta:meta])* $name:ident as $title:literal {
        $(#[$first_meta:meta])* $first:ident: $first_type:ty,
        $($(#[$key_meta:meta])* $key:ident: $type:ty,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct $name {
            $(#[$first_meta])* pub $first: Option<Word<$first_type>>,
            $($(#[$key_meta])* pub $key: Option<$type>,)*
        }

        impl Shorthand for $name {
            type Short = $first_type;
            const NAME: &'static str = $title;
            fn short(word: Option<Word<$first_type>>) -> Self {
                let mut args = Self::default();
                args.$first = word;
                args
            }
        }
    };
}

args! {
    /// A verb that only needs to know which volume.
    VolumeArg as "volume_argument" {
        /// Handle; left out: the scenario's only volume.
        volume: Handle,
    }
}

args! {
    /// `create`.
    CreateArg as "create" {
        /// Handle of a volume with `create: false`.
        volume: Handle,
        /// Size; left out: its base size.
        size: Word<Size>,
        /// Largest size.
        limit: Word<Size>,
    }
}

args! {
    /// `publish`, `stage`, `restart_pod`.
    PublishArg as "publish" {
        /// Handle; left out: the scenario's only volume.
        volume: Handle,
        /// Which workload's path, from 0.
        target: Word<Number>,
        /// Publish read-only.
        readonly: Word<Flag>,
        /// Path of a node expansion that is still due.
        path: Word<PathRef>,
    }
}

args! {
    /// `unpublish`.
    UnpublishArg as "unpublish" {
        /// Handle; left out: the scenario's only volume.
        volume: Handle,
        /// Stop at this state.
        keep: Word<Keep>,
    }
}

args! {
    /// `grow`.
    GrowArg as "grow" {
        /// At least this size.
        to: Size,
        /// At most this size.
        limit: Word<Size>,
        /// Handle; left out: the scenario's only volume.
        volume: Word<Handle>,
        /// Path of the node expansion.
        path: Word<PathRef>,
        /// In so many growths of equal size, one after another.
        times: Word<Number>,
    }
}

args! {
    /// `node_expand`.
    NodeExpandArg as "node_expand" {
        /// Path of the node expansion.
        path: PathRef,
        /// Handle; left out: the scenario's only volume.
        volume: Word<Handle>,
        /// At least this size; left out: as last asked of the controller.
        to: Word<Size>,
        /// At most this size.
        limit: Word<Size>,
        /// Fields of the request that are not sent.
        omit: Names,
    }
}

args! {
    /// `snapshot`, the verb and the field of a raw call.
    SnapshotArg as "snapshot" {
        /// Handle of the snapshot.
        r#as: Handle,
        /// Verb only: handle of the volume; left out: the scenario's only volume.
        of: Word<Handle>,
        /// Raw call only: an id that is sent as it is.
        literal: Word<Text>,
    }
}

args! {
    /// `restore` (from a snapshot) and `clone` (from a volume).
    CopyArg as "copy" {
        /// Handle of the source.
        from: Handle,
        /// Handle of the new volume.
        r#as: Word<Handle>,
        /// Size; left out: that of the source.
        size: Word<Size>,
        /// Largest size.
        limit: Word<Size>,
    }
}

args! {
    /// `write`.
    WriteArg as "write" {
        /// How much.
        bytes: Amount,
        /// `append` (default), or `end`: the last bytes of a block device.
        place: Word<Place>,
        /// What the first block of a block device is to look like.
        like: Word<Guise>,
        /// Handle; left out: the scenario's only volume.
        volume: Word<Handle>,
    }
}

args! {
    /// `start_database`.
    DatabaseArg as "database" {
        /// `pages` (embedded, the default) or `mariadb`.
        engine: Engine,
        /// Connections that insert rows, 2 by default.
        bulk: Word<Number>,
        /// Connections that read and update rows by key, 4 by default.
        queries: Word<Number>,
        /// Size of a row, 1KiB by default.
        row: Word<Amount>,
        /// Of a hundred queries so many are updates, 20 by default.
        updates: Word<Number>,
        /// Rows inserted a second at most; left out: as fast as it goes.
        rate: Word<Number>,
        /// No more data than this is inserted; left out: until the volume is full.
        data: Word<Amount>,
        /// Handle; left out: the scenario's only volume.
        volume: Word<Handle>,
    }
}

args! {
    /// `await`.
    AwaitArg as "await" {
        /// `full`: a writer waits for room; `80%`: so much is used; `8MiB`: so much more is written.
        until: Until,
        /// Longest wait, 60s by default.
        within: Word<Millis>,
        /// Handle; left out: the scenario's only volume.
        volume: Word<Handle>,
    }
}

args! {
    /// `start_pod`, `delete_pod`.
    PodArg as "pod" {
        /// Handle of its claim; left out: the scenario's only volume.
        volume: Handle,
        /// Which pod of the claim, from 0; also the number of its path.
        target: Word<Number>,
        /// `start_pod`: the pod only reads.
        readonly: Word<Flag>,
    }
}

args! {
    /// `request`.
    RequestArg as "request" {
        /// What the claim asks for from now on.
        to: Size,
        /// Handle; left out: the scenario's only volume.
        volume: Word<Handle>,
    }
}

args! {
    /// `until`.
    UntilArg as "until" {
        /// What the objects show.
        state: ClaimState,
        /// The driver has answered this call, and nobody has heard of it yet.
        answered: Word<Rpc>,
        /// Handle; left out: the scenario's only volume.
        volume: Word<Handle>,
        /// Which pod of the claim, from 0.
        target: Word<Number>,
        /// Longest wait on the orchestrator's clock, `3600s` by default.
        within: Word<Millis>,
    }
}

args! {
    /// `probe`.
    ProbeArg as "probe" {
        /// Handle; left out: the scenario's only volume.
        volume: Handle,
        /// Where; left out: everywhere it is staged or published.
        path: Word<PathRef>,
    }
}

args! {
    /// An id: a handle, or literally.
    RefArg as "id" {
        /// Handle.
        handle: Handle,
        /// An id that is sent as it is.
        literal: Word<Text>,
    }
}

/// How a volume is used, in a raw call.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CapabilityFile {
    /// `mount` (default) or `block`.
    pub access: Option<Word<AccessWord>>,
    /// File system, or `block`.
    pub fs: Option<Word<Kind>>,
    /// CSI access mode, `single_node_writer` by default.
    pub mode: Option<Word<AccessMode>>,
    /// Mount options.
    pub flags: Vec<Word<Text>>,
}

/// What a new volume is filled from, in a raw call.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SourceFile {
    /// A snapshot.
    pub snapshot: Option<Args<RefArg>>,
    /// A volume.
    pub volume: Option<Args<RefArg>>,
}
