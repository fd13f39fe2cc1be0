//! The folder of images: which files a volume and a snapshot have, made and removed in one step.
//!
//! ```text
//! volumes/<id>/disk.img     the content; sparse
//! volumes/<id>/lock         locked while a tool may work on the device
//! volumes/<id>/formatting   present while mkfs has not been proven to be finished
//! volumes/<id>/copied       present until a copy got an identity of its own
//! snapshots/<id>/disk.img
//! mnt/<id>/                 for mounts that only this backing sees
//! ```
//!
//! A folder is built as `<id>.new` and renamed, and renamed to `<id>.gone` before it is removed:
//! whatever a kill leaves is either whole or recognisably rubbish. Ids hold no dot.

use std::fs;
use std::path::{Path, PathBuf};

use super::place::{Place, sync_dir};
use crate::backing::{BackingError, Result};

/// The folder and what is where in it.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
}

/// A thing with an image: a volume or a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A volume.
    Volume,
    /// A snapshot.
    Snapshot,
}

impl Store {
    /// Opens the folder and makes what is missing in it.
    pub fn open(root: &Path) -> Result<Self> {
        let doing = || BackingError::io(format!("make the folder {}", root.display()));
        fs::create_dir_all(root).map_err(doing())?;
        // The kernel names backing files without symbolic links.
        let store = Self { root: fs::canonicalize(root).map_err(doing())? };
        for name in ["volumes", "snapshots", "mnt"] {
            fs::create_dir_all(store.root.join(name)).map_err(doing())?;
        }
        sync_dir(&store.root)?;
        Ok(store)
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The place of a volume or snapshot that has to exist.
    pub fn existing(&self, kind: Kind, id: &str) -> Result<Place> {
        let place = self.place(kind, id);
        if place.exists() { Ok(place) } else { Err(BackingError::Missing(id.to_owned())) }
    }

    /// The place of a volume or snapshot, whether it exists or not.
    pub fn place(&self, kind: Kind, id: &str) -> Place {
        Place::new(id, self.folder_of(kind).join(id))
    }

    /// Where this backing mounts a volume for itself.
    pub fn private_mount(&self, id: &str) -> PathBuf {
        self.root.join("mnt").join(id)
    }

    /// The ids of everything of this kind, finished or not, each once.
    pub fn ids(&self, kind: Kind) -> Result<Vec<String>> {
        let folder = self.folder_of(kind);
        let listing = || BackingError::io(format!("list {}", folder.display()));
        let mut ids = Vec::new();
        for entry in fs::read_dir(&folder).map_err(listing())? {
            let name = entry.map_err(listing())?.file_name();
            let name = name.to_string_lossy();
            ids.push(name.split('.').next().unwrap_or(&name).to_owned());
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    fn folder_of(&self, kind: Kind) -> PathBuf {
        self.root.join(match kind {
            Kind::Volume => "volumes",
            Kind::Snapshot => "snapshots",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_of_a_kill_are_listed_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        for name in ["v1.new", "v2.gone", "v2"] {
            fs::create_dir_all(store.root().join("volumes").join(name)).unwrap();
        }
        assert_eq!(store.ids(Kind::Volume).unwrap(), ["v1", "v2"]);
        for id in ["v1", "v2"] {
            store.place(Kind::Volume, id).remove().unwrap();
        }
        assert!(store.ids(Kind::Volume).unwrap().is_empty());
    }
}
