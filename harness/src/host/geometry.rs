//! How large a mounted file system is, from the most trustworthy source there is for its kind:
//!
//! | kind | trusted | why | fallback, named in the notes |
//! |---|---|---|---|
//! | xfs | XFS_IOC_FSGEOMETRY | the superblock on disk lags | superblock after syncfs |
//! | btrfs | BTRFS_IOC_FS_INFO, DEV_INFO | on disk only after a commit | superblock after syncfs |
//! | ext4 | superblock through the device's page cache | the kernel changes that very page | none |
//!
//! ext4 has no ioctl that tells its size, and its statfs leaves out overhead that varies.

use std::{
    ffi::OsStr,
    fs::File,
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use csi_stretch_oracle::history::FsGeometry;

use super::{
    device::Device,
    ioctl,
    mountinfo::Mount,
    superblock::{self, xfs},
};

/// More device numbers than any volume has.
const DEVICES_MAX: u64 = 1024;

/// A btrfs and where it lives.
#[derive(Debug)]
pub struct Btrfs {
    /// Its size.
    pub geometry: FsGeometry,
    /// Its devices.
    pub members: Vec<PathBuf>,
}

/// Size of the file system mounted as `mount`, of which `root` is an open folder.
pub fn measure(
    mount: &Mount,
    root: &File,
    device: &Device,
    notes: &mut Vec<String>,
) -> Option<FsGeometry> {
    let asked = match mount.fs_type.as_str() {
        "xfs" => Some(ask_xfs(root)),
        "btrfs" => Some(ask_btrfs(root).map(|found| found.geometry)),
        "ext2" | "ext3" | "ext4" => None,
        other => {
            notes.push(format!("size of the file system not measured: {other} is not known here"));
            return None;
        }
    };
    match asked {
        Some(Ok(geometry)) => return Some(geometry),
        Some(Err(error)) => notes.push(format!(
            "the kernel does not tell the size of this {} ({error}); read from the superblock",
            mount.fs_type
        )),
        None => {}
    }
    read_superblock(mount, root, device, notes)
}

/// Asks the kernel about a mounted XFS.
fn ask_xfs(root: &File) -> io::Result<FsGeometry> {
    let reply = ioctl::xfs_geometry(root)?;
    let (block_bytes, group_blocks) = (reply.u32(0), reply.u32(8));
    xfs::geometry(block_bytes.into(), reply.u64(32), group_blocks.into())
        .ok_or_else(|| io::Error::other("a geometry of zeros"))
}

/// Asks the kernel about a mounted btrfs.
pub fn ask_btrfs(root: &File) -> io::Result<Btrfs> {
    let info = ioctl::btrfs_info(root)?;
    let (last, sector_bytes) = (info.u64(0), info.u32(36));
    let (mut bytes, mut members) = (0_u64, Vec::new());
    for id in 1..=last.min(DEVICES_MAX) {
        match ioctl::btrfs_device(root, id) {
            Ok(device) => {
                bytes = bytes.saturating_add(device.u64(32));
                members.push(Path::new(OsStr::from_bytes(device.text(3072))).to_owned());
            }
            Err(error) if error.raw_os_error() == Some(nix::libc::ENODEV) => {}
            Err(error) => return Err(error),
        }
    }
    let slack_bytes = u64::from(sector_bytes) * members.len() as u64;
    Ok(Btrfs { geometry: FsGeometry { kind: "btrfs".into(), bytes, slack_bytes }, members })
}

fn read_superblock(
    mount: &Mount,
    root: &File,
    device: &Device,
    notes: &mut Vec<String>,
) -> Option<FsGeometry> {
    let Some(file) = &device.file else {
        notes.push("size of the file system not measured: its device cannot be opened".into());
        return None;
    };
    if let Err(error) = nix::unistd::syncfs(root) {
        notes.push(format!("syncfs before reading the superblock failed: {error}"));
    }
    superblock::read(file, &mount.fs_type)
        .map_err(|error| notes.push(format!("size of the file system not measured: {error}")))
        .ok()
}
