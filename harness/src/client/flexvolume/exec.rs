//! One process: started in a group of its own, read, and ended with all its children when it is
//! late or says too much. A child that it leaves behind on purpose, as a FUSE daemon is, stays.

use std::{
    collections::BTreeMap,
    io,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use nix::{
    errno::Errno,
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{io::AsyncReadExt as _, net::unix::pipe::Receiver, process::Child, time::timeout};

use crate::orphan::die_with_parent;

/// Most that is read of an answer, bytes.
pub const OUTPUT_BYTES_MAX: usize = 1 << 20;

/// How long after its end the last words may take: a child may hold the pipe open for ever.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// A file that is being written cannot be run; who installs a driver is done soon.
const BUSY_TRIES: usize = 50;
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// How a process ended, and all it said.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    /// Both its outputs, as they came.
    pub said: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// No such file.
    #[error("there is no {}: give the path of the driver's executable", .0.display())]
    Missing(PathBuf),
    /// A file that cannot be run.
    #[error("{} cannot be run: {why}", path.display())]
    NotExecutable {
        /// Which.
        path: PathBuf,
        /// What to do about it.
        why: &'static str,
    },
    /// The system's own reason.
    #[error("cannot run {}: {source}", path.display())]
    System {
        /// Which.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// It took too long, and was killed.
    #[error("no answer within {0:?}; it was killed")]
    Deadline(Duration),
    /// It said too much, and was killed.
    #[error("an answer of more than {OUTPUT_BYTES_MAX} bytes; it was killed")]
    TooLarge,
}

/// Runs a program to its end, `deadline` at most. What drops the future ends the process, too.
pub async fn run(
    program: &Path,
    env: &BTreeMap<String, String>,
    args: &[&str],
    deadline: Duration,
) -> Result<Ended, ExecError> {
    let system = |source| ExecError::System { path: program.into(), source };
    let (output, pipe) = io::pipe().map_err(system)?;
    let mut output = Receiver::from_owned_fd(output.into()).map_err(system)?;
    let mut group = Group { child: spawn(program, env, args, pipe).await?, ended: false };
    let mut said = Vec::new();
    let watched = timeout(deadline, watch(&mut group.child, &mut output, &mut said)).await;
    match watched.map_err(|_| ExecError::Deadline(deadline))?.map_err(system)? {
        Some(status) => {
            group.ended = true;
            Ok(Ended { status, said })
        }
        None => Err(ExecError::TooLarge),
    }
}

/// Reads until the end; `None` when it says too much.
async fn watch(
    child: &mut Child,
    output: &mut Receiver,
    said: &mut Vec<u8>,
) -> io::Result<Option<ExitStatus>> {
    let mut chunk = vec![0; 64 << 10];
    let mut ended = None;
    loop {
        let read = match ended {
            None => tokio::select! {
                read = output.read(&mut chunk) => read?,
                status = child.wait() => {
                    ended = Some(status?);
                    continue;
                }
            },
            Some(_) => match timeout(LAST_WORDS, output.read(&mut chunk)).await {
                Ok(read) => read?,
                Err(_) => return Ok(ended),
            },
        };
        if read == 0 {
            return match ended {
                None => child.wait().await.map(Some),
                Some(_) => Ok(ended),
            };
        }
        said.extend_from_slice(&chunk[..read]);
        if said.len() > OUTPUT_BYTES_MAX {
            return Ok(None);
        }
    }
}

/// Kills the whole process group unless its leader has ended.
struct Group {
    child: Child,
    ended: bool,
}

impl Drop for Group {
    fn drop(&mut self) {
        // Without an id the leader has been waited for, and its number may be another's by now.
        if let Some(id) = self.child.id().filter(|_| !self.ended) {
            let _ = killpg(Pid::from_raw(id.cast_signed()), Signal::SIGKILL);
        }
    }
}

async fn spawn(
    program: &Path,
    env: &BTreeMap<String, String>,
    args: &[&str],
    pipe: io::PipeWriter,
) -> Result<Child, ExecError> {
    let system = |source| ExecError::System { path: program.into(), source };
    for tried in 0.. {
        let mut command = std::process::Command::new(program);
        command
            .args(args)
            .envs(env)
            .stdin(Stdio::null())
            .stdout(pipe.try_clone().map_err(system)?)
            .stderr(pipe.try_clone().map_err(system)?)
            .process_group(0);
        die_with_parent(&mut command);
        match tokio::process::Command::from(command).spawn() {
            Ok(child) => return Ok(child),
            Err(e) if is_busy(&e) && tried < BUSY_TRIES => {
                tokio::time::sleep(BUSY_PAUSE).await;
            }
            Err(e) => return Err(why(program, e)),
        }
    }
    Err(system(io::ErrorKind::ResourceBusy.into()))
}

fn why(program: &Path, error: io::Error) -> ExecError {
    let path = program.to_owned();
    let not = |why| ExecError::NotExecutable { path: path.clone(), why };
    match error.kind() {
        io::ErrorKind::NotFound if program.exists() => {
            not("what its first line (`#!`) names does not exist")
        }
        io::ErrorKind::NotFound => ExecError::Missing(path),
        io::ErrorKind::PermissionDenied => not("it is not executable (chmod +x)"),
        _ => ExecError::System { path, source: error },
    }
}

fn is_busy(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::ETXTBSY as i32)
}
