//! A driver that this run started, and owns: its process group dies with the harness, its output
//! goes to a log file, and it can be killed and started again at the same socket.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

use super::log::Copying;
use crate::{client::secrets::Secrets, orphan::die_with_parent};

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
    /// Where its output goes (appended), without the secrets.
    pub log: PathBuf,
    /// What its output must not hold.
    pub secrets: Secrets,
    /// Longest wait until it listens.
    pub patience: Duration,
    /// Name of the run.
    pub run_id: String,
}

/// A running driver. Killed when dropped.
#[derive(Debug)]
pub struct Launched {
    launch: Launch,
    running: Mutex<Running>,
    /// It was told to end.
    asked: AtomicBool,
}

#[derive(Debug)]
struct Running {
    child: Child,
    log: Copying,
}

/// How long its last words may take to reach the log.
const LAST_WORDS: Duration = Duration::from_millis(500);

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
    #[error(
        "`{command}` did not listen on {socket} within {patience:?} (`start_timeout` of the \
         target profile); its last words: {tail}"
    )]
    Silent {
        /// As typed.
        command: String,
        /// Where it should have listened.
        socket: PathBuf,
        /// How long we waited.
        patience: Duration,
        /// End of its log.
        tail: String,
    },
}

impl Launched {
    /// Starts the driver and waits until its socket takes a connection.
    pub async fn start(launch: Launch) -> Result<Self, LaunchError> {
        let running = Mutex::new(spawn(&launch)?);
        let launched = Self { launch, running, asked: AtomicBool::new(false) };
        launched.listening().await?;
        Ok(launched)
    }

    /// SIGKILL, then the same command again.
    pub async fn restart(&self) -> Result<(), LaunchError> {
        self.kill(Signal::SIGKILL);
        let running = spawn(&self.launch)?;
        *self.running() = running;
        self.listening().await
    }

    /// How it ended, if it did and nobody had asked it to: exit status and last words.
    pub fn ended(&self) -> Option<String> {
        let asked = self.asked.load(Ordering::Acquire);
        let status = self.exit_status().filter(|_| !asked)?;
        Some(format!("{status}; its last words: {}", self.tail()))
    }

    /// Asks it to end, waits up to `patience`, then kills it.
    pub async fn stop(&self, patience: Duration) {
        self.asked.store(true, Ordering::Release);
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

    async fn listening(&self) -> Result<(), LaunchError> {
        let patience = self.launch.patience;
        let deadline = Instant::now() + patience;
        loop {
            if tokio::net::UnixStream::connect(&self.launch.socket).await.is_ok() {
                return Ok(());
            }
            let late = Instant::now() > deadline;
            let status = self.exit_status();
            if late || status.is_some() {
                let (command, tail) = (shown(&self.launch), self.tail());
                let socket = self.launch.socket.clone();
                return Err(match status {
                    Some(status) => LaunchError::Ended { command, status, socket, tail },
                    None => LaunchError::Silent { command, socket, patience, tail },
                });
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn exit_status(&self) -> Option<String> {
        self.running().child.try_wait().ok().flatten().map(|status| status.to_string())
    }

    /// The last 400 bytes of its log, on one line.
    fn tail(&self) -> String {
        if self.exit_status().is_some() {
            let log = self.running().log.clone();
            log.settle(LAST_WORDS);
        }
        let text = std::fs::read(&self.launch.log).unwrap_or_default();
        let start = text.len().saturating_sub(400);
        let words = String::from_utf8_lossy(&text[start..]).trim().replace('\n', " | ");
        if words.is_empty() { "(none)".into() } else { words }
    }

    fn signal(&self, signal: Signal) {
        // The child leads its own group (see `spawn`); a group that is gone is what we want.
        let _ = killpg(Pid::from_raw(self.running().child.id().cast_signed()), signal);
    }

    fn kill(&self, signal: Signal) {
        self.signal(signal);
        let mut running = self.running();
        let _ = running.child.wait();
        running.log.settle(LAST_WORDS);
    }
}

impl Drop for Launched {
    fn drop(&mut self) {
        self.kill(Signal::SIGKILL);
    }
}

/// The command for people.
fn shown(launch: &Launch) -> String {
    launch.secrets.scrub(&launch.command.join(" ")).into_owned()
}

fn spawn(launch: &Launch) -> Result<Running, LaunchError> {
    let failed = |source| LaunchError::Spawn { command: shown(launch), source };
    let log = open_log(&launch.log).map_err(failed)?;
    let (output, pipe) = io::pipe().map_err(failed)?;
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
        .stdout(pipe.try_clone().map_err(failed)?)
        .stderr(pipe)
        .process_group(0);
    die_with_parent(&mut command);
    let child = command.spawn().map_err(failed)?;
    Ok(Running { child, log: Copying::start(output, log, launch.secrets.clone()) })
}

fn open_log(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}
