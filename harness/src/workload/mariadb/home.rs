//! Where a server lives: its data on the volume, and everything else away from it.

use std::{
    fs, io,
    os::unix::{ffi::OsStrExt as _, fs::DirBuilderExt as _},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::workload::engine::{Met, Place};

/// The data directory's name on the volume.
const DATA: &str = "mariadb";
/// A file in it that says who made it.
const MARK: &str = "csi-stretch.made";
const SOCKET: &str = "s";
/// A unix socket's address has room for so many bytes, and a zero.
const SOCKET_BYTES_MAX: usize = 107;

/// The folders of one server.
pub struct Home {
    /// On the volume.
    pub data: PathBuf,
    /// Socket, process id and temporary files: a fresh folder, gone when this is dropped.
    pub scratch: TempDir,
    /// What the server says, kept beside the ledger.
    pub log: PathBuf,
}

impl Home {
    pub fn new(place: &Place) -> io::Result<Self> {
        let mut log = place.ledger.clone().into_os_string();
        log.push(".mariadbd.log");
        let data = place.path.join(DATA);
        Ok(Self { data, scratch: scratch(&place.ledger)?, log: log.into() })
    }

    pub fn socket(&self) -> PathBuf {
        self.scratch.path().join(SOCKET)
    }

    /// An empty data directory. What was there goes, if the harness made it.
    pub fn clear(&self) -> Result<(), Met> {
        let told = |error: io::Error| Met::of(&error);
        match fs::symlink_metadata(&self.data) {
            Ok(found) if found.is_dir() && self.is_ours().map_err(told)? => {
                fs::remove_dir_all(&self.data).map_err(told)?;
            }
            Ok(_) => {
                let text = format!("{} is there, and no run made it", self.data.display());
                return Err(Met::Lab(text));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(told(error)),
        }
        fs::DirBuilder::new().mode(0o700).create(&self.data).map_err(told)?;
        fs::File::create_new(self.data.join(MARK)).map(drop).map_err(told)
    }

    fn is_ours(&self) -> io::Result<bool> {
        let empty = fs::read_dir(&self.data)?.next().is_none();
        Ok(empty || fs::symlink_metadata(self.data.join(MARK)).is_ok_and(|mark| mark.is_file()))
    }

    /// Length of what the server has said so far.
    pub fn said(&self) -> u64 {
        fs::metadata(&self.log).map_or(0, |log| log.len())
    }

    /// What it said after that.
    pub fn words(&self, since: u64) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(log.get(since as usize..).unwrap_or_default()).into_owned()
    }
}

/// Beside the ledger if a socket's address can be that long, else where temporary files go.
fn scratch(ledger: &Path) -> io::Result<TempDir> {
    let beside = ledger.parent().map(Path::to_path_buf);
    let folders = beside.into_iter().chain([std::env::temp_dir(), PathBuf::from("/tmp")]);
    for folder in folders {
        let folder = std::path::absolute(folder)?;
        let Ok(made) = tempfile::Builder::new().prefix(".db").tempdir_in(folder) else { continue };
        if made.path().join(SOCKET).as_os_str().as_bytes().len() <= SOCKET_BYTES_MAX {
            return Ok(made);
        }
    }
    Err(io::Error::other("no folder for the server's socket: /tmp cannot be written to"))
}
