//! Who owns which folder. A run keeps everything it makes below one folder of its own, with a
//! note of its process in it. When the process is gone and the folder is not, the run was killed:
//! `sweep` removes its processes, mounts, loop devices and files, and nothing else.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use nix::{
    mount::{MntFlags, umount2},
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde::{Deserialize, Serialize};

use super::audit;
use crate::{
    client::Dialect,
    target::{Transport, process::MARK},
};

const NOTE: &str = "owner.json";

/// How the name of a folder begins that has no note yet.
const UNNOTED: &str = ".new-";

/// A run's private folder, removed when dropped unless `keep` was called.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    keep: bool,
}

/// Who made a run's folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Name of the run.
    pub run_id: String,
    /// Process of the harness.
    pub pid: i32,
    /// When it started, in clock ticks since boot: tells it from a later process of that number.
    pub started: u64,
    /// Folders of its own elsewhere, for its staging and target paths.
    #[serde(default)]
    pub roots: Vec<PathBuf>,
    /// What else it takes to undo things on such a driver.
    #[serde(default)]
    pub way_back: Option<WayBack>,
    /// Its history file, to find volumes that it made on such a driver.
    pub history: PathBuf,
}

/// How to reach what a killed run made on a driver that it did not start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WayBack {
    /// Where the driver's Identity and Node services listen.
    pub endpoint: String,
    /// Where its Controller service listens, if elsewhere.
    pub controller_endpoint: Option<String>,
    /// What they speak, if the profile says so.
    #[serde(default)]
    pub dialect: Option<Dialect>,
    /// How they are spoken to.
    #[serde(default)]
    pub transport: Transport,
    /// The secrets file; its content is nowhere but there.
    pub secrets: Option<PathBuf>,
    /// Folder of staging paths; below it one per scenario.
    pub staging: PathBuf,
    /// Folder of target paths; below it one per scenario.
    pub targets: PathBuf,
}

impl Owner {
    /// Name of the run's folder until the note is in it.
    fn unnoted(&self) -> String {
        format!("{UNNOTED}{}-{}-{}", self.pid, self.started, self.run_id)
    }

    /// The reverse.
    fn of_unnoted(name: &str) -> Option<Self> {
        let mut parts = name.strip_prefix(UNNOTED)?.splitn(3, '-');
        let (pid, started) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let run_id = parts.next()?.to_owned();
        let (roots, way_back) = (Vec::new(), None);
        Some(Self { run_id, pid, started, roots, way_back, history: PathBuf::new() })
    }

    /// The owner of a run's folder, by its note, or by its name while there is none yet.
    fn of(dir: &Path) -> Option<Self> {
        if let Some(owner) = dir.file_name().and_then(|name| Self::of_unnoted(name.to_str()?)) {
            return Some(owner);
        }
        serde_json::from_slice(&fs::read(dir.join(NOTE)).ok()?).ok()
    }

    /// Its process is gone.
    fn is_dead(&self) -> bool {
        start_time(self.pid) != Some(self.started)
    }
}

/// What `sweep` removed, and what it could not.
#[derive(Debug, Default)]
pub struct Swept {
    /// One line each.
    pub removed: Vec<String>,
    /// One line each, with the reason.
    pub left: Vec<String>,
}

/// The folder that holds all runs' folders: `work_dir`, or one below the system's temporary
/// folder that only this user can enter.
pub fn root(work_dir: Option<&Path>) -> io::Result<PathBuf> {
    let root = work_dir.map_or_else(
        || std::env::temp_dir().join(format!("csi-stretch-{}", nix::unistd::geteuid())),
        Path::to_owned,
    );
    let root = std::path::absolute(root)?;
    let named = |error: io::Error| {
        let why = format!("cannot make {}: {error}; use --work-dir", root.display());
        io::Error::new(error.kind(), why)
    };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&root).map_err(named)?;
    let meta = fs::symlink_metadata(&root)?;
    if !meta.is_dir() || meta.uid() != nix::unistd::geteuid().as_raw() {
        let text = format!("{} is not a folder of this user's; use --work-dir", root.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    }
    Ok(root)
}

impl RunDir {
    /// Makes the folder of a run, with its owner's note.
    pub fn create(root: &Path, owner: &Owner) -> io::Result<Self> {
        let path = root.join(&owner.run_id);
        let new = root.join(owner.unnoted());
        fs::DirBuilder::new().mode(0o700).create(&new)?;
        fs::write(new.join(NOTE), serde_json::to_vec(owner)?)?;
        // A run that is killed before this leaves a folder whose name is note enough.
        fs::rename(&new, &path)?;
        Ok(Self { path, keep: false })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves everything for inspection.
    pub fn keep(&mut self) {
        self.keep = true;
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        if !self.keep {
            sweep(&self.path);
        }
    }
}

/// Runs whose process is gone, with their folders.
pub fn dead(root: &Path) -> Vec<(Owner, PathBuf)> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let owner = Owner::of(&entry.path()).filter(Owner::is_dead)?;
            Some((owner, entry.path()))
        })
        .collect()
}

/// The note for this very process.
pub fn this_process(
    run_id: &str,
    roots: Vec<PathBuf>,
    way_back: Option<WayBack>,
    history: &Path,
) -> Owner {
    let pid = std::process::id().cast_signed();
    Owner {
        run_id: run_id.to_owned(),
        pid,
        started: start_time(pid).unwrap_or_default(),
        roots,
        way_back,
        history: std::path::absolute(history).unwrap_or_else(|_| history.to_owned()),
    }
}

/// Removes what a run left: its processes, then mounts, loop devices and files below its folders.
/// Its note stays until all is gone.
pub fn sweep(run_dir: &Path) -> Swept {
    let mut swept = Swept::default();
    let note = fs::read(run_dir.join(NOTE)).ok();
    let mut folders = Vec::new();
    if let Some(owner) = note.and_then(|text| serde_json::from_slice::<Owner>(&text).ok()) {
        kill_marked(&owner.run_id, &mut swept);
        folders = owner.roots;
    }
    folders.push(run_dir.to_owned());
    for point in folders.iter().flat_map(|folder| audit::mounts_below(folder)) {
        let done =
            umount2(&point, MntFlags::empty()).or_else(|_| umount2(&point, MntFlags::MNT_DETACH));
        swept.note(format!("mount {}", point.display()), done.map_err(io::Error::from));
    }
    for (node, backing) in audit::loops_below(run_dir) {
        let done = detach(&node, &backing);
        swept.note(format!("loop device {} ({})", node.display(), backing.display()), done);
    }
    for folder in &folders {
        // Never delete through a mount that would not go.
        let free = audit::mounts_below(folder).is_empty();
        if free && swept.left.is_empty() && folder.exists() {
            swept.note(format!("folder {}", folder.display()), fs::remove_dir_all(folder));
        }
    }
    swept
}

impl Swept {
    fn note(&mut self, what: String, done: io::Result<()>) {
        match done {
            Ok(()) => self.removed.push(what),
            Err(error) => self.left.push(format!("{what}: {error}")),
        }
    }
}

/// Kills processes that carry the run's mark in their environment (this one never does).
fn kill_marked(run_id: &str, swept: &mut Swept) {
    let mark = format!("{MARK}={run_id}");
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    for entry in processes {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        let marked = environment.split(|byte| *byte == 0).any(|var| var == mark.as_bytes());
        if marked && pid != std::process::id().cast_signed() {
            let done = kill(Pid::from_raw(pid), Signal::SIGKILL).map_err(io::Error::from);
            swept.note(format!("process {pid}"), done);
            wait_gone(pid);
        }
    }
}

/// A killed process lets go of mounts and devices a little later.
fn wait_gone(pid: i32) {
    for _ in 0..200 {
        if start_time(pid).is_none() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// Field 22 of /proc/PID/stat; `None` if there is no such process, or only its zombie.
fn start_time(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may itself hold blanks and parentheses.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    if fields.first() == Some(&"Z") {
        return None;
    }
    fields.get(19)?.parse().ok()
}

/// Detaches a loop device after making sure, with the device held open, that it still is ours: a
/// number that is free is given to the next caller at once.
#[expect(unsafe_code, reason = "LOOP_CLR_FD has no safe wrapper")]
fn detach(node: &Path, backing: &Path) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;
    nix::ioctl_none_bad!(loop_clr_fd, 0x4C01);
    let device = fs::File::open(node)?;
    let name = node.file_name().unwrap_or_default();
    let ours =
        || audit::backing_file(&Path::new("/sys/block").join(name)).as_deref() == Some(backing);
    if !ours() {
        return Ok(());
    }
    // SAFETY: an ioctl without argument on a descriptor that is open.
    unsafe { loop_clr_fd(device.as_raw_fd()) }?;
    drop(device);
    // Of a device in use the kernel only notes that it is to go when that ends.
    for _ in 0..200 {
        if !ours() {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Err(io::Error::new(io::ErrorKind::ResourceBusy, "it is still in use"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(pid: i32, started: u64) -> Owner {
        let (run_id, history) = (format!("r{pid}"), PathBuf::new());
        Owner { run_id, pid, started, roots: Vec::new(), way_back: None, history }
    }

    #[test]
    fn only_runs_whose_process_is_gone_are_dead() {
        let root = tempfile::tempdir().unwrap();
        let live = this_process("live", Vec::new(), None, Path::new("h"));
        let _live = RunDir::create(root.path(), &live).unwrap();
        // Our own number, but another start: the number was given to somebody else.
        let mut reused = RunDir::create(root.path(), &owner(live.pid, live.started + 1)).unwrap();
        reused.keep();
        let dead: Vec<String> = dead(root.path()).into_iter().map(|(o, _)| o.run_id).collect();
        assert_eq!(dead, [format!("r{}", live.pid)]);
    }

    /// Killed between making the folder and noting whose it is, before and after the note's bytes.
    #[test]
    fn a_folder_without_its_note_is_known_by_its_name() {
        let root = tempfile::tempdir().unwrap();
        let live = this_process("live-1", Vec::new(), None, Path::new("h"));
        let gone = Owner { started: live.started + 1, ..live.clone() };
        for owner in [&live, &gone] {
            fs::create_dir(root.path().join(owner.unnoted())).unwrap();
        }
        fs::write(root.path().join(gone.unnoted()).join(NOTE), "{\"run_id").unwrap();
        let dead = dead(root.path());
        assert_eq!(dead.len(), 1, "{dead:?}");
        assert_eq!((&*dead[0].0.run_id, &dead[0].1), ("live-1", &root.path().join(gone.unnoted())));
        let swept = sweep(&dead[0].1);
        assert!(swept.left.is_empty() && !dead[0].1.exists(), "{swept:?}");
        assert!(root.path().join(live.unnoted()).exists());
    }

    #[test]
    fn sweep_kills_what_carries_the_mark_and_removes_the_folder() {
        let root = tempfile::tempdir().unwrap();
        let run_id = format!("sweep-test-{}", std::process::id());
        let dir =
            RunDir::create(root.path(), &Owner { run_id: run_id.clone(), ..owner(1, 0) }).unwrap();
        let mut child =
            std::process::Command::new("sleep").arg("60").env(MARK, &run_id).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(50));
        let path = dir.path().to_owned();
        // Reaped beside, so that the sweep does not wait for a zombie.
        let reaper = std::thread::spawn(move || child.wait());
        let swept = sweep(&path);
        assert!(swept.removed.iter().any(|line| line.starts_with("process ")), "{swept:?}");
        assert!(!path.exists());
        assert!(reaper.join().unwrap().is_ok());
    }

    /// Paths can be elsewhere: `--target-dir`, `--staging-dir`.
    #[test]
    fn sweep_removes_the_runs_folders_elsewhere_and_not_their_neighbours() {
        let (root, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let roots = vec![elsewhere.path().join("r1")];
        fs::create_dir_all(roots[0].join("0/pod")).unwrap();
        fs::create_dir_all(elsewhere.path().join("r2")).unwrap();
        let dir = RunDir::create(root.path(), &Owner { roots: roots.clone(), ..owner(1, 0) });
        drop(dir.unwrap());
        assert!(!roots[0].exists() && elsewhere.path().join("r2").exists());
    }

    #[test]
    fn a_folder_of_somebody_elses_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let link = root.path().join("link");
        std::os::unix::fs::symlink("/etc", &link).unwrap();
        assert!(super::root(Some(&link)).is_err());
    }
}
