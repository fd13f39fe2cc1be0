//! What this machine can do for a run: facts for `doctor` and for offers, each with the way to
//! get it. Looks only; starts no program.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// One thing that a run may need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Stable name: `root`, `cap.sys_resource`, `tool.mkfs.xfs`, `kernel.xfs`.
    pub name: &'static str,
    /// It is there.
    pub present: bool,
    /// What was found, or what is missing.
    pub why: String,
    /// What to do to get it.
    pub how_to_get: &'static str,
}

/// The machine in three words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// `Linux 6.1.0`.
    pub kernel: String,
    /// Number of processors this process may use.
    pub cpus: u32,
    /// The effective user is root.
    pub root: bool,
}

/// What is known of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The machine.
    pub machine: Machine,
    /// Every fact there is, in the order `doctor` shows them.
    pub list: Vec<Fact>,
}

impl Facts {
    /// Looks around.
    pub fn gather() -> Self {
        let root = nix::unistd::geteuid().is_root();
        let kernel = nix::sys::utsname::uname().map_or_else(
            |_| "unknown".to_owned(),
            |u| format!("{} {}", u.sysname().display(), u.release().display()),
        );
        let cpus = std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
        let rights = [root_fact(root), capability(21), capability(24), loop_control()];
        let kinds = KERNEL.iter().map(|(name, kind)| kernel_fs(name, kind));
        let tools = TOOLS.iter().map(tool_fact);
        let list = rights.into_iter().chain(kinds).chain(tools).collect();
        Self { machine: Machine { kernel, cpus, root }, list }
    }

    /// The fact with a name.
    pub fn get(&self, name: &str) -> Option<&Fact> {
        self.list.iter().find(|fact| fact.name == name)
    }

    /// Whether it is there; false for names that do not exist.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some_and(|fact| fact.present)
    }
}

const KERNEL: &[(&str, &str)] =
    &[("kernel.ext4", "ext4"), ("kernel.xfs", "xfs"), ("kernel.btrfs", "btrfs")];

/// Fact, programs of which one is enough, and how to get one.
type Tool = (&'static str, &'static [&'static str], &'static str);

/// Tools that an environment variable may name, for they are not always in PATH.
const NAMED: &[(&str, &str)] = &[
    ("tool.mariadbd", "CSI_STRETCH_MARIADBD"),
    ("tool.mariadb-install-db", "CSI_STRETCH_MARIADB_INSTALL_DB"),
];

/// Tools that the command line names: facts and paths.
static GIVEN: Mutex<Vec<(&str, PathBuf)>> = Mutex::new(Vec::new());

/// The server, and where the program that makes its system tables is from there, if that is not found
/// otherwise than with it.
const SERVER: &str = "tool.mariadbd";
const BESIDE: (&str, &[&str]) = ("tool.mariadb-install-db", &["", "../bin", "../scripts"]);

const TOOLS: &[Tool] = &[
    ("tool.mkfs.ext4", &["mkfs.ext4"], "apt install e2fsprogs"),
    ("tool.e2fsck", &["e2fsck"], "apt install e2fsprogs"),
    ("tool.resize2fs", &["resize2fs"], "apt install e2fsprogs"),
    ("tool.mkfs.xfs", &["mkfs.xfs"], "apt install xfsprogs"),
    ("tool.xfs_growfs", &["xfs_growfs"], "apt install xfsprogs"),
    ("tool.mkfs.btrfs", &["mkfs.btrfs"], "apt install btrfs-progs"),
    ("tool.btrfs", &["btrfs"], "apt install btrfs-progs"),
    ("tool.mount", &["mount"], "apt install mount"),
    (
        "tool.mariadbd",
        &["mariadbd", "mysqld"],
        "apt install mariadb-server-core mariadb-client-core, or `run --mariadbd`, CSI_STRETCH_MARIADBD",
    ),
    (
        "tool.mariadb-install-db",
        &["mariadb-install-db", "mysql_install_db"],
        "apt install mariadb-server-core mariadb-client-core, or name it in CSI_STRETCH_MARIADB_INSTALL_DB",
    ),
    ("tool.chromium", &["chromium", "chromium-browser", "google-chrome"], "apt install chromium"),
];

fn root_fact(present: bool) -> Fact {
    let why = format!("effective user id is {}", nix::unistd::geteuid());
    Fact { name: "root", present, why, how_to_get: "run as root (sudo)" }
}

fn capability(bit: u32) -> Fact {
    let (name, how_to_get) = match bit {
        21 => ("cap.sys_admin", "run as root, in a container with `--privileged`"),
        _ => ("cap.sys_resource", "in a container add `--cap-add SYS_RESOURCE`"),
    };
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let present = effective(&status).is_some_and(|set| set >> bit & 1 == 1);
    let lacks = match bit {
        21 => "not effective; needed to mount",
        _ => "not effective; the kernel refuses to grow a mounted ext4 without it",
    };
    let why = if present { "effective" } else { lacks }.to_owned();
    Fact { name, present, why, how_to_get }
}

/// The effective capabilities in `/proc/self/status`.
fn effective(status: &str) -> Option<u64> {
    let set = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(set.trim(), 16).ok()
}

fn loop_control() -> Fact {
    let opened = fs::File::options().read(true).write(true).open("/dev/loop-control");
    Fact {
        name: "loop",
        present: opened.is_ok(),
        why: match opened {
            Ok(_) => "/dev/loop-control can be opened".into(),
            Err(error) => format!("/dev/loop-control: {error}"),
        },
        how_to_get: "run as root; without the file `modprobe loop`, in a container `-v /dev:/dev`",
    }
}

fn kernel_fs(name: &'static str, kind: &str) -> Fact {
    let known = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    let release = nix::sys::utsname::uname().ok();
    let release = release.map(|u| u.release().display().to_string()).unwrap_or_default();
    let modules = fs::read_to_string(format!("/lib/modules/{release}/modules.dep"));
    let (present, why) = if knows(&known, kind) {
        (true, "known to the running kernel".to_owned())
    } else if has_module(&modules.unwrap_or_default(), kind) {
        (true, format!("a module of kernel {release}"))
    } else {
        (false, format!("neither in /proc/filesystems nor a module of kernel {release}"))
    };
    Fact { name, present, why, how_to_get: "use a kernel built with this file system" }
}

/// Lines are `nodev<TAB>name` or `<TAB>name`.
fn knows(filesystems: &str, kind: &str) -> bool {
    filesystems.lines().any(|line| line.split_whitespace().last() == Some(kind))
}

/// Lines are `kernel/fs/xfs/xfs.ko.xz: …`.
fn has_module(modules: &str, kind: &str) -> bool {
    let start = format!("{kind}.ko");
    let mut names = modules.lines().filter_map(|line| line.split(':').next()?.rsplit('/').next());
    names.any(|name| name.starts_with(&start))
}

fn tool_fact(tool: &Tool) -> Fact {
    let (name, _, how_to_get) = *tool;
    let found = locate(tool);
    let present = found.is_ok();
    let why = found.map_or_else(|missing| missing, |path| path.display().to_string());
    Fact { name, present, why, how_to_get }
}

/// The program of a fact, or the fact that it is missing.
pub fn tool(name: &str) -> Result<PathBuf, Fact> {
    let Some(tool) = TOOLS.iter().find(|tool| tool.0 == name) else {
        let why = format!("no tool is called {name}");
        return Err(Fact { name: "tool", present: false, why, how_to_get: "see `doctor`" });
    };
    locate(tool).map_err(|_| tool_fact(tool))
}

/// From now on this is the program of the fact, whatever the environment and PATH say.
pub fn give(name: &'static str, path: &Path) -> Result<(), String> {
    // A relative path would stand for something else in another folder.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if !is_program(&path).unwrap_or(false) {
        return Err(format!("{} is no program", path.display()));
    }
    GIVEN.lock().unwrap_or_else(PoisonError::into_inner).push((name, path));
    Ok(())
}

fn given(name: &str) -> Option<PathBuf> {
    let given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    given.iter().rev().find(|(fact, _)| *fact == name).map(|(_, path)| path.clone())
}

/// A server that was named brings along what belongs to it.
fn beside(server: &Path, programs: &[&str]) -> Option<PathBuf> {
    let folders = BESIDE.1.iter().filter_map(|folder| Some(server.parent()?.join(folder)));
    let mut files = folders.flat_map(|folder| programs.iter().map(move |name| folder.join(name)));
    files.find(|file| is_program(file).unwrap_or(false))
}

fn locate((name, programs, _): &Tool) -> Result<PathBuf, String> {
    let server = given(SERVER).filter(|_| *name == BESIDE.0);
    if let Some(path) = given(name).or_else(|| beside(&server?, programs)) {
        return Ok(path);
    }
    let variable = NAMED.iter().find(|(fact, _)| fact == name).map(|(_, variable)| *variable);
    if let Some((variable, path)) = variable.and_then(|v| Some((v, std::env::var_os(v)?))) {
        let path = PathBuf::from(path);
        return match is_program(&path) {
            Ok(true) => Ok(path),
            _ => Err(format!("{variable} is {}, which is no program", path.display())),
        };
    }
    let missing = || format!("no {} in PATH, /usr/sbin or /sbin", programs.join(" or "));
    programs.iter().find_map(|program| find(program)).ok_or_else(missing)
}

/// Where a program is; the folders for administrators are looked at even if PATH lacks them.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
    let extra = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    folders
        .chain(extra)
        .map(|folder| folder.join(program))
        .find(|file| is_program(file).unwrap_or(false))
}

fn is_program(file: &Path) -> io::Result<bool> {
    let metadata = fs::metadata(file)?;
    Ok(metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn every_fact_has_a_name_of_its_own_and_a_way_to_get_it() {
        let facts = Facts::gather();
        for fact in &facts.list {
            assert_eq!(facts.list.iter().filter(|f| f.name == fact.name).count(), 1, "{fact:?}");
            assert!(!fact.why.is_empty() && !fact.how_to_get.is_empty(), "{fact:?}");
        }
        assert_eq!(facts.has("root"), facts.machine.root);
        assert!(facts.machine.kernel.starts_with("Linux ") && facts.machine.cpus > 0);
        assert!(!facts.has("no.such.fact"));
    }

    #[rstest]
    #[case("Name:\tx\nCapEff:\t000001fffeffffff\n", Some(0x1ff_feff_ffff))]
    #[case("CapEff: what", None)]
    #[case("", None)]
    fn effective_capabilities(#[case] status: &str, #[case] want: Option<u64>) {
        assert_eq!(effective(status), want);
    }

    #[rstest]
    #[case("nodev\tproc\n\text4\n", "ext4", true)]
    #[case("nodev\tproc\n\text4\n", "ext", false)]
    #[case("", "xfs", false)]
    fn known_file_systems(#[case] text: &str, #[case] kind: &str, #[case] want: bool) {
        assert_eq!(knows(text, kind), want);
    }

    #[rstest]
    #[case("kernel/fs/xfs/xfs.ko.xz: kernel/lib/crc.ko.xz\n", "xfs", true)]
    #[case("kernel/fs/ext4/ext4.ko:\n", "xfs", false)]
    #[case("kernel/x/notxfs.ko: kernel/fs/xfs/xfs.ko\n", "xfs", false)]
    fn modules_of_the_kernel(#[case] text: &str, #[case] kind: &str, #[case] want: bool) {
        assert_eq!(has_module(text, kind), want);
    }

    #[test]
    fn a_server_that_is_named_brings_its_tools_along() {
        let folder = tempfile::tempdir().unwrap();
        let program = |name: &str| {
            let path = folder.path().canonicalize().unwrap().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            path
        };
        let (server, install) = (program("sbin/server"), program("bin/mysql_install_db"));
        assert!(give(SERVER, folder.path()).unwrap_err().ends_with("is no program"));
        assert!(give(SERVER, Path::new("/no/such")).is_err());
        let tools = ["mariadb-install-db", "mysql_install_db"];
        GIVEN.lock().unwrap().push(("tool.of.this.test", server.clone()));
        assert_eq!(given("tool.of.this.test"), Some(server.clone()));
        assert_eq!(beside(&server, &tools).unwrap().canonicalize().unwrap(), install);
        assert_eq!(beside(&server, &["mariadbd"]), None);
    }

    #[test]
    fn programs_are_found_by_name_only() {
        assert!(find("sh").is_some_and(|path| path.is_absolute()));
        assert_eq!(find("no-such-program-anywhere"), None);
    }
}
