//! Names and short texts as small integers: objects are copied and compared all the time, and a
//! fleet has a hundred thousand of them.

use std::{collections::HashMap, sync::Arc};

/// A name or a short text, known to one `Names`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(u32);

macro_rules! well_known {
    ($($constant:ident = $number:literal, $text:literal;)*) => {
        impl Name {
            $(#[doc = concat!("`", $text, "`")] pub const $constant: Self = Self($number);)*
        }
        const WELL_KNOWN: &[&str] = &[$($text),*];
    };
}

well_known! {
    NONE = 0, "";
    PRE_RESIZE_CAPACITY = 1, "volume.alpha.kubernetes.io/pre-resize-capacity";
    NODE_EXPANSION_NOT_REQUIRED = 2, "volume.kubernetes.io/node-expansion-not-required";
    TRUE = 3, "true";
    RESIZER = 4, "volume.kubernetes.io/storage-resizer";
    PROVISIONER = 5, "volume.kubernetes.io/storage-provisioner";
    SELECTED_NODE = 6, "volume.kubernetes.io/selected-node";
    PROVISIONED_BY = 7, "pv.kubernetes.io/provisioned-by";
    NODE_ID = 8, "csi.alpha.kubernetes.io/node-id";
    BIND_COMPLETED = 9, "pv.kubernetes.io/bind-completed";
    PV_PROTECTION = 10, "kubernetes.io/pv-protection";
    PVC_PROTECTION = 11, "kubernetes.io/pvc-protection";
    RESTART_POD = 12,
        "Waiting for user to (re-)start a pod to finish file system resize of volume on node.";
    PROVISIONER_FINALIZER = 13, "external-provisioner.volume.kubernetes.io/finalizer";
    YES = 14, "yes";
    DEFAULT = 15, "default";
}

impl Name {
    /// The empty text, which stands for no name at all.
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }

    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// All names of one world.
#[derive(Clone, Debug)]
pub struct Names {
    texts: Vec<Arc<str>>,
    known: HashMap<Arc<str>, Name>,
}

impl Default for Names {
    fn default() -> Self {
        let mut names = Self { texts: Vec::new(), known: HashMap::new() };
        for text in WELL_KNOWN {
            names.of(text);
        }
        names
    }
}

impl Names {
    /// The name that stands for this text, made if there is none.
    pub fn of(&mut self, text: &str) -> Name {
        if let Some(name) = self.known.get(text) {
            return *name;
        }
        let name = Name(self.texts.len() as u32);
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.known.insert(text, name);
        name
    }

    /// The name that stands for this text, if somebody used it before.
    pub fn find(&self, text: &str) -> Option<Name> {
        self.known.get(text).copied()
    }

    /// What it stands for.
    pub fn text(&self, name: Name) -> &str {
        self.texts.get(name.index()).map_or("", |text| text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_name() {
        let mut names = Names::default();
        let one = names.of("one");
        assert_eq!(names.of("one"), one);
        assert_eq!(names.text(one), "one");
        assert_eq!(names.find("two"), None);
    }

    #[test]
    fn well_known_names_are_where_their_constants_say() {
        let mut names = Names::default();
        assert_eq!(names.of(""), Name::NONE);
        assert_eq!(names.of("default"), Name::DEFAULT);
        assert_eq!(names.text(Name::RESTART_POD).len(), 84);
        assert_eq!(names.of("pv.kubernetes.io/bind-completed"), Name::BIND_COMPLETED);
    }
}
