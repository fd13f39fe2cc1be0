//! The resize conditions of a claim. There are four, so they are kept in place.

use super::{names::Name, time::At};

/// A condition that the expansion of a volume sets; its status is always `True`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionKind {
    /// `Resizing`
    Resizing,
    /// `FileSystemResizePending`
    FileSystemResizePending,
    /// `ControllerResizeError`
    ControllerResizeError,
    /// `NodeResizeError`
    NodeResizeError,
}

impl ConditionKind {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Resizing,
        Self::FileSystemResizePending,
        Self::ControllerResizeError,
        Self::NodeResizeError,
    ];

    /// As the API spells it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Resizing => "Resizing",
            Self::FileSystemResizePending => "FileSystemResizePending",
            Self::ControllerResizeError => "ControllerResizeError",
            Self::NodeResizeError => "NodeResizeError",
        }
    }

    /// From the API's spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.text() == text)
    }
}

/// One condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Which.
    pub kind: ConditionKind,
    /// What it says; none is the empty name.
    pub message: Name,
    /// When it was set last; the API keeps whole seconds.
    pub since: At,
}

/// The conditions of a claim, in the order in which they came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conditions([Option<Condition>; 4]);

impl Conditions {
    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = &Condition> {
        self.0.iter().flatten()
    }

    /// No condition is set.
    pub fn is_empty(&self) -> bool {
        self.0[0].is_none()
    }

    /// This condition, if it is set.
    pub fn get(&self, kind: ConditionKind) -> Option<&Condition> {
        self.iter().find(|condition| condition.kind == kind)
    }

    /// It is set.
    pub fn has(&self, kind: ConditionKind) -> bool {
        self.get(kind).is_some()
    }

    /// Sets it where it stands, or as the last one.
    pub fn set(&mut self, condition: Condition) {
        let same = |held: &Option<Condition>| held.is_none_or(|held| held.kind == condition.kind);
        if let Some(place) = self.0.iter_mut().find(|held| same(held)) {
            *place = Some(condition);
        }
    }

    /// Drops it; the others keep their order.
    pub fn remove(&mut self, kind: ConditionKind) {
        let mut kept = Self::default();
        self.iter().filter(|held| held.kind != kind).for_each(|held| kept.set(*held));
        *self = kept;
    }

    /// How csi-resizer puts a new condition in: the others stay only if `keep`.
    #[must_use]
    pub fn merged(&self, new: Condition, keep: bool) -> Self {
        let mut merged = Self::default();
        for held in self.iter() {
            if held.kind == new.kind {
                merged.set(new);
            } else if keep {
                merged.set(*held);
            }
        }
        merged.set(new);
        merged
    }
}
