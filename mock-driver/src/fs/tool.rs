//! The one place that starts external programs.
//!
//! It knows arguments, exit status, time limits and Debian package names. It must not know what
//! a program's output means beyond "these were its last words".
//!
//! A program outlives a driver that is killed. So each one is started with the volume's locked
//! lock file as its standard input: the lock lives as long as the last process that holds the
//! file open, and a driver that comes back waits for it before it touches the device.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How much of a program's output is kept, bytes.
const OUTPUT_BYTES_MAX: u64 = 64 << 10;
/// How much of a program's last words goes into an error, bytes.
const LAST_WORDS_BYTES_MAX: usize = 600;
/// The longest pause between two looks at a running program.
const POLL_MAX: Duration = Duration::from_millis(10);
/// Where file system tools live even when a service's `PATH` does not say so.
const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Programs used, with the Debian package that has each.
const PACKAGES: &[(&str, &str)] = &[
    ("mkfs.ext4", "e2fsprogs"),
    ("e2fsck", "e2fsprogs"),
    ("resize2fs", "e2fsprogs"),
    ("tune2fs", "e2fsprogs"),
    ("mkfs.xfs", "xfsprogs"),
    ("xfs_repair", "xfsprogs"),
    ("mkfs.btrfs", "btrfs-progs"),
    ("btrfstune", "btrfs-progs"),
    ("btrfs", "btrfs-progs"),
];

/// Runs programs on one volume.
#[derive(Clone, Copy, Debug)]
pub struct Tools<'a> {
    lock: Option<&'a File>,
    limit: Duration,
}

impl<'a> Tools<'a> {
    /// Time limit of every run unless [`Tools::limit`] says otherwise.
    pub const LIMIT: Duration = Duration::from_secs(300);

    /// Programs hold `lock`, an open file that the caller has locked, until they end.
    pub const fn holding(lock: &'a File) -> Self {
        Self { lock: Some(lock), limit: Self::LIMIT }
    }

    /// Programs that only read, or whose device nobody else can reach.
    pub const fn unlocked() -> Self {
        Self { lock: None, limit: Self::LIMIT }
    }

    /// The same with another time limit for each run.
    #[must_use]
    pub const fn limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Runs a program to its end and accepts the exit status 0 only.
    pub fn run(&self, program: &'static str, args: &[&str], path: &Path) -> Result<(), ToolError> {
        self.run_accepting(program, args, path, &[0])
    }

    /// Runs a program with `path` as its last argument; `accepted` exit codes are success.
    ///
    /// # Errors
    /// Not installed, not startable, any other exit status, or still running at the limit (it is
    /// killed then).
    pub fn run_accepting(
        &self,
        program: &'static str,
        args: &[&str],
        path: &Path,
        accepted: &[i32],
    ) -> Result<(), ToolError> {
        let begun = Instant::now();
        let mut child = self.start(program, args, path)?;
        let output = [collect(child.stdout.take()), collect(child.stderr.take())];
        let status = wait(&mut child, begun + self.limit)
            .map_err(|source| ToolError::NotStarted { program, source })?;
        let Some(status) = status else {
            return Err(ToolError::TooSlow { program, seconds: self.limit.as_secs() });
        };
        let words = last_words(output);
        let took_ms = begun.elapsed().as_millis() as u64;
        tracing::debug!(program, ?args, path = %path.display(), %status, took_ms, "tool ended");
        match status.code() {
            Some(code) if accepted.contains(&code) => Ok(()),
            _ => Err(ToolError::Failed { program, status, words }),
        }
    }

    fn start(&self, program: &'static str, args: &[&str], path: &Path) -> Result<Child, ToolError> {
        let stdin = match self.lock {
            Some(lock) => lock.try_clone().map(Stdio::from),
            None => Ok(Stdio::null()),
        };
        let own = std::env::var("PATH").unwrap_or_default();
        Command::new(program)
            .args(args)
            .arg(path)
            .env("LC_ALL", "C")
            .env("PATH", format!("{own}:{SEARCH_PATH}"))
            .stdin(stdin.map_err(|source| ToolError::NotStarted { program, source })?)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| match source.kind() {
                io::ErrorKind::NotFound => {
                    ToolError::Missing { program, package: package(program) }
                }
                _ => ToolError::NotStarted { program, source },
            })
    }
}

/// Why a program did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// It is not installed.
    #[error("not found: install the Debian package {package}")]
    Missing {
        /// The program.
        program: &'static str,
        /// Where it comes from.
        package: &'static str,
    },
    /// It could not be started or waited for.
    #[error("did not start: {source}")]
    NotStarted {
        /// The program.
        program: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// It ran longer than its limit and was killed.
    #[error("killed after {seconds} s without an end")]
    TooSlow {
        /// The program.
        program: &'static str,
        /// The limit.
        seconds: u64,
    },
    /// It ended with an exit status that means failure.
    #[error("{status}: {words}")]
    Failed {
        /// The program.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// The end of its output.
        words: String,
    },
}

impl ToolError {
    /// The program that failed.
    pub const fn program(&self) -> &'static str {
        match self {
            Self::Missing { program, .. }
            | Self::NotStarted { program, .. }
            | Self::TooSlow { program, .. }
            | Self::Failed { program, .. } => program,
        }
    }
}

fn package(program: &str) -> &'static str {
    PACKAGES.iter().find(|(name, _)| *name == program).map_or("(unknown)", |(_, package)| package)
}

fn wait(child: &mut Child, deadline: Instant) -> io::Result<Option<ExitStatus>> {
    let mut pause = Duration::from_micros(200);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(POLL_MAX);
    }
}

fn collect<R: Read + Send + 'static>(pipe: Option<R>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut kept = Vec::new();
        if let Some(mut pipe) = pipe {
            // A program that cannot write its output would hang, so the rest is read and dropped.
            let _ = pipe.by_ref().take(OUTPUT_BYTES_MAX).read_to_end(&mut kept);
            let _ = io::copy(&mut pipe, &mut io::sink());
        }
        kept
    })
}

/// The end of the output, on one line; stderr last, because that is where reasons are.
fn last_words(output: [JoinHandle<Vec<u8>>; 2]) -> String {
    let all: Vec<u8> =
        output.into_iter().flat_map(|pipe| pipe.join().unwrap_or_default()).collect();
    let text = String::from_utf8_lossy(&all);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut from = line.len().saturating_sub(LAST_WORDS_BYTES_MAX);
    while !line.is_char_boundary(from) {
        from += 1;
    }
    line[from..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "/dev/null";

    #[test]
    fn a_missing_program_names_its_package() {
        let error = Tools::unlocked().run("mkfs.nothing", &[], Path::new(PATH)).unwrap_err();
        assert!(matches!(error, ToolError::Missing { program: "mkfs.nothing", .. }));
        assert_eq!(package("btrfstune"), "btrfs-progs");
    }

    #[test]
    fn a_failure_carries_the_last_words() {
        let run = Tools::unlocked().run("sh", &["-c", "echo why >&2; exit 3"], Path::new(PATH));
        let text = run.unwrap_err().to_string();
        assert!(text.contains("why") && text.contains('3'), "{text}");
    }

    #[test]
    fn accepted_codes_are_success() {
        let tools = Tools::unlocked();
        assert!(tools.run_accepting("sh", &["-c", "exit 1"], Path::new(PATH), &[0, 1]).is_ok());
    }

    #[test]
    fn a_hanging_program_is_killed_at_its_limit() {
        let tools = Tools::unlocked().limit(Duration::from_millis(50));
        let begun = Instant::now();
        let error = tools.run("sleep", &["60"], Path::new("0")).unwrap_err();
        assert!(matches!(error, ToolError::TooSlow { .. }), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_flood_of_output_does_not_block() {
        let script = "i=0; while [ $i -lt 30000 ]; do echo 0123456789; i=$((i+1)); done";
        Tools::unlocked().run("sh", &["-c", script], Path::new(PATH)).unwrap();
    }
}
