//! The objects of the API that the life of a volume touches, typed and compact. References between
//! them are names, as in the API. Must not know who reads or writes them.

use super::{conditions::Conditions, names::Name, time::At};

mod claim;
mod cluster;
mod volume;

pub use claim::{Claim, ClaimPhase, Resize};
pub use cluster::{Attachment, Class, Driver, Node, Pod, PodPhase, PodVolume};
pub use volume::{ClaimRef, Csi, Reclaim, SecretRef, Volume, VolumePhase};

/// Pairs of names with few members: annotations, labels, parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs(Vec<(Name, Name)>);

impl Pairs {
    /// The value of this key.
    pub fn get(&self, key: Name) -> Option<Name> {
        self.0.iter().find(|(held, _)| *held == key).map(|(_, value)| *value)
    }

    /// The key is there.
    pub fn has(&self, key: Name) -> bool {
        self.get(key).is_some()
    }

    /// Sets the key.
    pub fn set(&mut self, key: Name, value: Name) {
        match self.0.iter_mut().find(|(held, _)| *held == key) {
            Some(pair) => pair.1 = value,
            None => self.0.push((key, value)),
        }
    }

    /// Removes the key.
    pub fn remove(&mut self, key: Name) {
        self.0.retain(|(held, _)| *held != key);
    }

    /// In the order in which they were set.
    pub fn iter(&self) -> impl Iterator<Item = (Name, Name)> + '_ {
        self.0.iter().copied()
    }

    /// Nothing is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(Name, Name)> for Pairs {
    fn from_iter<I: IntoIterator<Item = (Name, Name)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

/// What every object has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// Its name, unique within kind and namespace.
    pub name: Name,
    /// Its namespace; none for objects of the cluster.
    pub namespace: Name,
    /// Never used twice; 0 until the store has taken it.
    pub uid: u64,
    /// `resourceVersion`: that of the write that made this state.
    pub version: u64,
    /// `creationTimestamp`
    pub created: At,
    /// `deletionTimestamp`: it goes when its last finalizer goes.
    pub deleting: Option<At>,
    /// Who must let it go before it is gone.
    pub finalizers: Vec<Name>,
    /// Annotations.
    pub annotations: Pairs,
    /// Labels.
    pub labels: Pairs,
}

impl Meta {
    /// A new object.
    pub fn named(namespace: Name, name: Name) -> Self {
        Self { name, namespace, ..Self::default() }
    }

    /// Adds a finalizer once.
    pub fn hold(&mut self, finalizer: Name) {
        if !self.finalizers.contains(&finalizer) {
            self.finalizers.push(finalizer);
        }
    }

    /// Removes a finalizer.
    pub fn let_go(&mut self, finalizer: Name) {
        self.finalizers.retain(|held| *held != finalizer);
    }
}

/// Access modes of a claim or a volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Modes(u8);

impl Modes {
    /// `ReadWriteOnce`
    pub const RWO: Self = Self(1);
    /// `ReadOnlyMany`
    pub const ROX: Self = Self(2);
    /// `ReadWriteMany`
    pub const RWX: Self = Self(4);
    /// `ReadWriteOncePod`
    pub const RWOP: Self = Self(8);
    /// Each with the API's spelling.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::RWO, "ReadWriteOnce"),
        (Self::ROX, "ReadOnlyMany"),
        (Self::RWX, "ReadWriteMany"),
        (Self::RWOP, "ReadWriteOncePod"),
    ];

    /// These and those.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// All of those are among these.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The first one, which is all that a kubelet looks at.
    #[must_use]
    pub fn first(self) -> Self {
        Self(self.0 & self.0.wrapping_neg())
    }

    /// No mode at all.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The API's spellings.
    pub fn texts(self) -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().filter(move |(mode, _)| self.has(*mode)).map(|(_, text)| text)
    }
}

/// The kinds of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// PersistentVolumeClaim
    Claim,
    /// PersistentVolume
    Volume,
    /// Pod
    Pod,
    /// Node, with what CSINode says of it
    Node,
    /// VolumeAttachment
    Attachment,
    /// StorageClass
    Class,
    /// CSIDriver
    Driver,
}

impl Kind {
    /// The API's plural, as its messages have it.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Claim => "persistentvolumeclaims",
            Self::Volume => "persistentvolumes",
            Self::Pod => "pods",
            Self::Node => "nodes",
            Self::Attachment => "volumeattachments",
            Self::Class => "storageclasses",
            Self::Driver => "csidrivers",
        }
    }
}
