//! The folder of a run's reports.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::cli::outcome::Failure;

/// `out/<run-id>`; removed again when dropped, unless the run began.
#[derive(Debug)]
pub(super) struct Folder {
    /// Name of the run; unique because the folder is.
    pub run_id: String,
    path: PathBuf,
    began: bool,
}

impl Folder {
    /// Makes a new one.
    pub fn make(out: &Path) -> Result<Self, Failure> {
        let cannot = |error: io::Error| {
            Failure::report(format!("cannot write reports below {}: {error}", out.display()))
        };
        std::fs::create_dir_all(out).map_err(cannot)?;
        let stamp = jiff::Timestamp::now().strftime("%Y%m%dt%H%M%S").to_string();
        for attempt in 0..1000_u32 {
            let run_id = format!("{stamp}-{:x}-{attempt}", std::process::id());
            let path = out.join(&run_id);
            match std::fs::create_dir(&path) {
                Ok(()) => return Ok(Self { run_id, path, began: false }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(cannot(error)),
            }
        }
        Err(Failure::report(format!("too many runs at once below {}", out.display())))
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// From now on there is something in it worth keeping.
    pub fn began(&mut self) {
        self.began = true;
    }

    /// Points `latest` at it: a convenience; a file system without links does without it.
    pub fn link_latest(&self) {
        let (Some(parent), Some(name)) = (self.path.parent(), self.path.file_name()) else {
            return;
        };
        let temporary = parent.join(format!(".latest-{}", std::process::id()));
        if std::os::unix::fs::symlink(name, &temporary).is_ok()
            && std::fs::rename(&temporary, parent.join("latest")).is_err()
        {
            let _ = std::fs::remove_file(&temporary);
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.began {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
