//! A folder with a loop backing in it, and a proof at the end that nothing was left behind.

#![cfg(feature = "loop")]
#![allow(dead_code, reason = "every test file uses another part")]

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use csi_stretch_mock::backing::loops::LoopBacking;
use csi_stretch_mock::backing::{Access, Backing, FileSystem, FsType, Mounting};
use csi_stretch_mock::fs::tool::Tools;

pub const MIB: u64 = 1 << 20;
/// Large enough for every file system.
pub const SMALL: u64 = 320 * MIB;

/// One test's folder. Dropping it checks for leaks and cleans up what a failed test left.
pub struct Lab {
    pub backing: LoopBacking,
    pub dir: tempfile::TempDir,
    begun: Instant,
}

impl Lab {
    /// `None`, with the reason printed, where this machine cannot do it.
    pub fn new() -> Option<Self> {
        if !nix::unistd::Uid::effective().is_root() {
            println!("skipped: needs root");
            return None;
        }
        if !Path::new("/dev/loop-control").exists() {
            println!("skipped: needs loop devices (/dev/loop-control)");
            return None;
        }
        for tool in ["mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "btrfstune", "resize2fs"] {
            if Command::new("sh")
                .args(["-c", &format!("command -v {tool}")])
                .output()
                .is_ok_and(|o| !o.status.success())
            {
                println!("skipped: needs {tool}");
                return None;
            }
        }
        let dir = tempfile::Builder::new().prefix("loop-lab-").tempdir().unwrap();
        let backing = LoopBacking::open(&dir.path().join("state")).unwrap();
        Some(Self { backing, dir, begun: Instant::now() })
    }

    /// A path in the lab's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A volume with a mounted file system at `<id>-stage`.
    pub fn staged(&self, id: &str, bytes: u64, fs_type: FsType) -> PathBuf {
        let path = self.path(&format!("{id}-stage"));
        self.backing.create(id, bytes, None).unwrap();
        self.backing.attach(id).unwrap();
        self.backing.stage(id, &path, &mounting(fs_type)).unwrap();
        path
    }

    /// Unmounts, detaches and deletes a volume that is staged only.
    pub fn retire(&self, id: &str) {
        self.backing.unstage(id, &self.path(&format!("{id}-stage"))).unwrap();
        self.backing.detach(id).unwrap();
        self.backing.delete(id).unwrap();
    }

    /// What the driver says about the file system.
    pub fn fs(&self, id: &str) -> FileSystem {
        self.backing.file_system(id).unwrap().expect("a file system")
    }

    /// Runs fsck over an unmounted volume's image.
    pub fn check(&self, id: &str, fs_type: FsType) {
        let image = self.path("state/volumes").join(id).join("disk.img");
        fs_type.ops().check(&Tools::unlocked(), &image).unwrap();
    }

    /// Lines of the kernel's tables that name this lab.
    pub fn traces(&self) -> Vec<String> {
        traces(self.dir.path())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        println!("timing: whole test: {:.0} ms", self.begun.elapsed().as_secs_f64() * 1e3);
        let left = self.traces();
        let removed = self.backing.remove_everything();
        if !std::thread::panicking() {
            assert_eq!(left, Vec::<String>::new(), "left behind");
            removed.unwrap();
            assert_eq!(self.traces(), Vec::<String>::new(), "left after removing everything");
        }
    }
}

/// Prints how long one step took.
pub fn timed<T>(what: &str, step: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let result = step();
    println!("timing: {what}: {:.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    result
}

/// Mounts and loop devices that name `folder`, read apart from the driver's own code.
pub fn traces(folder: &Path) -> Vec<String> {
    let name = folder.to_str().unwrap();
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mut all: Vec<String> =
        table.lines().filter(|line| line.contains(name)).map(str::to_owned).collect();
    for entry in fs::read_dir("/sys/block").unwrap().flatten() {
        let backing = entry.path().join("loop/backing_file");
        if let Ok(text) = fs::read_to_string(backing)
            && text.contains(name)
        {
            all.push(format!("{}: {}", entry.file_name().display(), text.trim()));
        }
    }
    all
}

/// Mounts of `fs_type` that are grown on the way where needed.
pub fn mounting(fs_type: FsType) -> Mounting {
    Mounting { fs_type, flags: vec![], grow: true }
}

/// The same without growth.
pub fn mounting_as_is(fs_type: FsType) -> Mounting {
    Mounting { grow: false, ..mounting(fs_type) }
}

pub fn mounted(fs_type: FsType) -> Access {
    Access::Mount(mounting(fs_type))
}

/// Size of a block device by its own tool, apart from the driver's code.
pub fn device_bytes(path: &Path) -> u64 {
    assert!(
        fs::metadata(path).unwrap().file_type().is_block_device(),
        "no device at {}",
        path.display()
    );
    let output = Command::new("blockdev").arg("--getsize64").arg(path).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
}

/// The total size that statvfs gives.
pub fn statvfs_bytes(path: &Path) -> u64 {
    let stat = nix::sys::statvfs::statvfs(path).unwrap();
    stat.blocks() * stat.fragment_size()
}

/// Whether this process may grow a mounted ext4 (CAP_SYS_RESOURCE is bit 24).
pub fn may_grow_mounted_ext4() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap();
    u64::from_str_radix(line.trim(), 16).unwrap() & (1 << 24) != 0
}

/// Bytes that belong to `seed` and nobody else.
pub fn pattern(seed: u8, bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at as u64 * 31 + at as u64 / 4096 + u64::from(seed) * 97) as u8).collect()
}
