//! A driver that this run started, and owns: its process group dies with the harness, its output
//! goes to a log file, and it can be killed and started again at the same socket.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

/// Environment variable that marks every process a run starts, so that `clean` finds them.
pub const MARK: &str = "CSI_STRETCH_RUN";

/// How to start a driver.
#[derive(Clone, Debug)]
pub struct Launch {
    /// Program and arguments, placeholders filled in.
    pub command: Vec<String>,
    /// Additional environment, placeholders filled in.
    pub env: Vec<(String, String)>,
    /// The unix socket it will listen on.
    pub socket: PathBuf,
    /// Where its output goes (appended).
    pub log: PathBuf,
    /// Name of the run.
    pub run_id: String,
}

/// A running driver. Killed when dropped.
#[derive(Debug)]
pub struct Launched {
    launch: Launch,
    child: Mutex<Child>,
}

/// Why a driver could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The command cannot be run.
    #[error("cannot start `{command}`: {source}")]
    Spawn {
        /// As typed.
        command: String,
        /// The system's reason.
        source: io::Error,
    },
    /// It ended before it listened.
    #[error("`{command}` ended ({status}) before it listened on {socket}; its last words: {tail}")]
    Ended {
        /// As typed.
        command: String,
        /// Exit status.
        status: String,
        /// Where it should have listened.
        socket: PathBuf,
        /// End of its log.
        tail: String,
    },
    /// It never listened.
    #[error("`{command}` did not listen on {socket} within {seconds} s; its last words: {tail}")]
    Silent {
        /// As typed.
        command: String,
        /// Where it should have listened.
        socket: PathBuf,
        /// How long we waited.
        seconds: u64,
        /// End of its log.
        tail: String,
    },
}

impl Launched {
    /// Starts the driver and waits until its socket takes a connection, `patience` at most.
    pub async fn start(launch: Launch, patience: Duration) -> Result<Self, LaunchError> {
        let child = spawn(&launch)?;
        let launched = Self { launch, child: Mutex::new(child) };
        launched.listening(patience).await?;
        Ok(launched)
    }

    /// SIGKILL, then the same command again.
    pub async fn restart(&self, patience: Duration) -> Result<(), LaunchError> {
        self.kill(Signal::SIGKILL);
        let child = spawn(&self.launch)?;
        *self.child.lock().unwrap_or_else(PoisonError::into_inner) = child;
        self.listening(patience).await
    }

    /// Asks it to end, waits up to `patience`, then kills it.
    pub async fn stop(&self, patience: Duration) {
        self.signal(Signal::SIGTERM);
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline && self.exit_status().is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.kill(Signal::SIGKILL);
    }

    /// The unix socket it listens on.
    pub fn socket(&self) -> &Path {
        &self.launch.socket
    }

    async fn listening(&self, patience: Duration) -> Result<(), LaunchError> {
        let deadline = Instant::now() + patience;
        loop {
            if tokio::net::UnixStream::connect(&self.launch.socket).await.is_ok() {
                return Ok(());
            }
            let (command, socket) = (self.launch.command.join(" "), self.launch.socket.clone());
            let tail = tail(&self.launch.log);
            if let Some(status) = self.exit_status() {
                return Err(LaunchError::Ended { command, status, socket, tail });
            }
            if Instant::now() > deadline {
                return Err(LaunchError::Silent {
                    command,
                    socket,
                    seconds: patience.as_secs(),
                    tail,
                });
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn exit_status(&self) -> Option<String> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        child.try_wait().ok().flatten().map(|status| status.to_string())
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // The child leads its own group (see `spawn`); a group that is gone is what we want.
        let _ = killpg(Pid::from_raw(child.id().cast_signed()), signal);
    }

    fn kill(&self, signal: Signal) {
        self.signal(signal);
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = child.wait();
    }
}

impl Drop for Launched {
    fn drop(&mut self) {
        self.kill(Signal::SIGKILL);
    }
}

fn spawn(launch: &Launch) -> Result<Child, LaunchError> {
    let failed = |source| LaunchError::Spawn { command: launch.command.join(" "), source };
    let log = open_log(&launch.log).map_err(failed)?;
    let _ = std::fs::remove_file(&launch.socket);
    let (program, args) =
        launch.command.split_first().ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
    let mut command = Command::new(program);
    command
        .args(args)
        .env("CSI_ENDPOINT", format!("unix://{}", launch.socket.display()))
        .env(MARK, &launch.run_id)
        .envs(launch.env.iter().map(|(key, value)| (key, value)))
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(failed)?)
        .stderr(log)
        .process_group(0);
    die_with_parent(&mut command);
    command.spawn().map_err(failed)
}

/// The kernel kills the driver when the harness dies, even by SIGKILL.
#[expect(unsafe_code, reason = "pre_exec is the only hook between fork and exec")]
fn die_with_parent(command: &mut Command) {
    let parent = nix::unistd::getpid();
    // SAFETY: runs between fork and exec; prctl and getppid are async-signal-safe.
    unsafe {
        command.pre_exec(move || {
            nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
            // The parent may have died before prctl took effect.
            if nix::unistd::getppid() != parent {
                return Err(io::ErrorKind::Interrupted.into());
            }
            Ok(())
        });
    }
}

fn open_log(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// The last 400 bytes of a log, on one line.
fn tail(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let start = text.len().saturating_sub(400);
    let words = String::from_utf8_lossy(&text[start..]).trim().replace('\n', " | ");
    if words.is_empty() { "(none)".into() } else { words }
}
