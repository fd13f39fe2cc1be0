//! A loop device and its mounts for one test; undone in reverse order when the test ends, however
//! it ends.

use std::{fs, process::Command};

use tempfile::TempDir;

/// One loop device over a sparse file, formatted.
pub struct Lab {
    dir: TempDir,
    pub device: String,
    mounted: Vec<String>,
}

impl Lab {
    /// `None` after saying what is missing. An empty kind leaves the device raw.
    pub fn new(kind: &str, bytes: u64) -> Option<Self> {
        let dir = image(bytes)?;
        let path = dir.path().join("image").to_str().unwrap().to_owned();
        let force = if kind == "ext4" { "-F" } else { "-f" };
        if !kind.is_empty() {
            let mkfs = format!("mkfs.{kind}");
            let Ok(made) = Command::new(&mkfs).args(["-q", force, &path]).output() else {
                println!("skipped: needs {mkfs}");
                return None;
            };
            assert!(made.status.success(), "{made:?}");
        }
        Some(Self::attach(dir, &["--find", "--show", &path]))
    }

    /// A raw device that refuses writes.
    pub fn read_only(bytes: u64) -> Option<Self> {
        let dir = image(bytes)?;
        let path = dir.path().join("image").to_str().unwrap().to_owned();
        Some(Self::attach(dir, &["--find", "--show", "--read-only", &path]))
    }

    fn attach(dir: TempDir, how: &[&str]) -> Self {
        // Another process may take the free device first.
        let device = (0..20).find_map(|_| {
            let said = Command::new("losetup").args(how).output().unwrap();
            said.status.success().then(|| String::from_utf8(said.stdout).unwrap())
        });
        Self { dir, device: device.unwrap().trim().to_owned(), mounted: Vec::new() }
    }

    /// A path below the test's folder.
    pub fn at(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    /// `major:minor` of the device.
    pub fn number(&self) -> String {
        let name = self.device.trim_start_matches("/dev/");
        fs::read_to_string(format!("/sys/block/{name}/dev")).unwrap().trim().to_owned()
    }

    pub fn mount(&mut self, options: &[&str], name: &str) {
        fs::create_dir_all(self.at(name)).unwrap();
        let (device, at) = (self.device.clone(), self.at(name));
        run("mount", &[options, &[&device, &at]].concat());
        self.mounted.push(at);
    }

    pub fn bind(&mut self, from: &str, to: &str) {
        fs::create_dir_all(self.at(to)).unwrap();
        self.bind_from(&self.at(from), to);
    }

    pub fn bind_from(&mut self, from: &str, to: &str) {
        let at = self.at(to);
        run("mount", &["--bind", from, &at]);
        self.mounted.push(at);
    }

    pub fn unmount(&mut self, name: &str) {
        let at = self.at(name);
        run("umount", &[&at]);
        self.mounted.retain(|mounted| *mounted != at);
    }

    /// Grows the image and tells the loop device.
    pub fn resize(&self, bytes: u64) {
        let image = fs::File::options().write(true).open(self.at("image")).unwrap();
        image.set_len(bytes).unwrap();
        run("losetup", &["--set-capacity", &self.device]);
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for at in self.mounted.iter().rev() {
            let _ = Command::new("umount").arg(at).status();
        }
        let _ = Command::new("losetup").args(["--detach", &self.device]).status();
    }
}

/// A folder with a sparse image, if this machine can attach one.
fn image(bytes: u64) -> Option<TempDir> {
    if !nix::unistd::geteuid().is_root() || fs::metadata("/dev/loop-control").is_err() {
        println!("skipped: needs root and /dev/loop-control");
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    fs::File::create(dir.path().join("image")).unwrap().set_len(bytes).unwrap();
    Some(dir)
}

/// Output of a tool that must succeed.
pub fn run(tool: &str, args: &[&str]) -> String {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let output = Command::new(tool).args(args).env("PATH", path).output().unwrap();
    assert!(output.status.success(), "{tool} {args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}
