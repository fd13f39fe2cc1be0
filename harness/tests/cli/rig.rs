//! A private folder, and the command to run in it.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

/// A test's own world: reports, work folder and sockets below one temporary folder.
pub struct Rig {
    dir: tempfile::TempDir,
}

impl Rig {
    pub fn new() -> Self {
        Self { dir: tempfile::Builder::new().prefix("st").tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn work(&self) -> PathBuf {
        self.path("work")
    }

    pub fn latest(&self, file: &str) -> PathBuf {
        self.path("out/latest").join(file)
    }

    pub fn read_latest(&self, file: &str) -> String {
        std::fs::read_to_string(self.latest(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
    }

    /// `csi-stretch` with these arguments, no colour, no inherited endpoint.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_csi-stretch"));
        command
            .args(args)
            .current_dir(self.dir.path())
            .env_remove("CSI_ENDPOINT")
            .env_remove("CLICOLOR_FORCE")
            .env_remove("GITHUB_ACTIONS")
            .env_remove("GITHUB_STEP_SUMMARY")
            .stdin(Stdio::null());
        command
    }

    /// `csi-stretch run` on the memory tier, into this rig's folders.
    pub fn run(&self, args: &[&str]) -> Command {
        let (out, work) = (self.path("out"), self.work());
        let mut command = self.command(&["run", "--tier", "memory"]);
        command.arg("--out").arg(out).arg("--work-dir").arg(work).args(args);
        command
    }

    /// Starts the mock on a socket of this rig and waits until it answers.
    pub fn mock(&self, args: &[&str]) -> Served {
        self.mock_at(&format!("unix://{}", self.path("mock.sock").display()), args)
    }

    /// The same anywhere else.
    pub fn mock_at(&self, endpoint: &str, args: &[&str]) -> Served {
        let mut command = self.command(&["mock", "--backing", "memory", "--listen", endpoint]);
        command.arg("--state-dir").arg(self.path("mock-state")).args(args);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let served = Served { child, endpoint: endpoint.to_owned() };
        wait_for("the mock", || listens(endpoint));
        served
    }
}

/// Whether something takes connections there.
pub fn listens(endpoint: &str) -> bool {
    use std::os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixStream},
    };
    if let Some(name) = endpoint.strip_prefix("unix-abstract:") {
        return UnixStream::connect_addr(&SocketAddr::from_abstract_name(name).unwrap()).is_ok();
    }
    match endpoint.strip_prefix("tcp://") {
        Some(address) => std::net::TcpStream::connect(address).is_ok(),
        None => UnixStream::connect(endpoint.trim_start_matches("unix://")).is_ok(),
    }
}

/// A port that nobody listens on.
pub fn free_tcp() -> String {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("tcp://{}", free.local_addr().unwrap())
}

/// A mock that is killed with the test.
pub struct Served {
    child: Child,
    endpoint: String,
}

impl Served {
    pub fn endpoint(&self) -> String {
        self.endpoint.clone()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs to the end; panics with both outputs if the exit code is another.
pub fn expect_exit(command: &mut Command, code: i32) -> Output {
    let output = command.output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(code),
        "{command:?}\n--- stdout\n{}\n--- stderr\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Polls, 20 s at most.
pub fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Everything below a folder.
pub fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}
