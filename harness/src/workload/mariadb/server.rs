//! The server's process: made ready, asked to end, killed. It lives no longer than the harness, and how
//! it ended is known at once.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Sender},
    },
    time::{Duration, Instant},
};

use nix::{
    libc,
    sys::signal::{Signal, kill},
    unistd::{Pid, geteuid},
};

use super::{client::Client, home::Home};
use crate::{
    host::facts,
    orphan::die_with_parent,
    workload::engine::{Leash, Met, Settings, kill_group, lock},
};

/// How long the system tables, or a start with its recovery, may take.
const START_PATIENCE: Duration = Duration::from_secs(120);
/// How long a shutdown may take, which writes all changed pages back. After that it is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(60);
/// How long a killed process may take to go. One that waits for a dead volume may never.
const KILL_PATIENCE: Duration = Duration::from_secs(10);
const NAP: Duration = Duration::from_millis(5);

/// Told what the server does.
pub trait Watch: Send + Sync {
    /// Every now and then while it runs.
    fn look(&self);
    /// It ended, asked to or not.
    fn ended(&self, end: &End);
}

/// How a server ended.
#[derive(Clone, Debug)]
pub struct End {
    pub status: ExitStatus,
    /// It was stopped or killed by the harness.
    pub asked: bool,
    /// The error that it told last, or its last words.
    pub last_words: String,
    /// It said that the volume was full.
    pub full: bool,
}

/// A server that takes connections. Killed when dropped.
pub struct Server {
    home: Arc<Home>,
    child: Arc<Mutex<Child>>,
    end: Arc<Mutex<Option<End>>>,
    asked: Arc<AtomicBool>,
    /// Length of the log before the start.
    since: u64,
}

/// Makes the system tables in an empty data directory.
pub fn install(settings: &Settings, home: &Home, leash: &Leash) -> io::Result<()> {
    let since = home.said();
    let mut command = Command::new(program("tool.mariadb-install-db")?);
    command
        .arg("--no-defaults")
        .args(common(settings, home))
        .args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
    prepare(&mut command, home)?;
    let child = leash.hold(command.spawn()?);
    let deadline = Instant::now() + START_PATIENCE;
    let status = loop {
        let ended = lock(&child).try_wait()?;
        match ended {
            Some(status) => break status,
            None if Instant::now() > deadline => {
                kill_group(&child);
                let text = format!("not done within {} s", START_PATIENCE.as_secs());
                return Err(io::Error::new(io::ErrorKind::TimedOut, text));
            }
            None => std::thread::sleep(NAP),
        }
    };
    if status.success() {
        return Ok(());
    }
    Err(End::read(status, false, &home.words(since)).failure("mariadb-install-db"))
}

impl Server {
    /// Starts it on a data directory with system tables, and waits until it answers.
    pub fn start(
        settings: &Settings,
        home: Arc<Home>,
        watch: Arc<dyn Watch>,
        leash: &Leash,
    ) -> io::Result<(Self, Client)> {
        let since = home.said();
        let mut command = Command::new(program("tool.mariadbd")?);
        command.arg("--no-defaults").args(common(settings, &home)).args(own(settings, &home));
        prepare(&mut command, &home)?;
        let (end, asked) = (Arc::default(), Arc::<AtomicBool>::default());
        let (sender, started) = mpsc::channel();
        let keeper =
            Keeper { home: home.clone(), since, watch, asked: asked.clone(), leash: leash.clone() };
        let told = Arc::clone(&end);
        std::thread::Builder::new()
            .name("mariadbd".to_owned())
            .spawn(move || keeper.keep(command, &sender, &told))?;
        let child = started.recv().map_err(io::Error::other)??;
        let server = Self { home, child, end, asked, since };
        let client = server.wait_until_ready()?;
        Ok((server, client))
    }

    fn wait_until_ready(&self) -> io::Result<Client> {
        let deadline = Instant::now() + START_PATIENCE;
        let mut client = Client::new(&self.home.socket())?;
        loop {
            if let Some(end) = self.end() {
                return Err(end.failure("mariadbd"));
            }
            if client.ping().is_ok() {
                return Ok(client);
            }
            if Instant::now() > deadline {
                let (told, _) = last_words(&self.words());
                let patience = START_PATIENCE.as_secs();
                let text = format!("mariadbd did not answer within {patience} s; it said: {told}");
                return Err(io::Error::new(io::ErrorKind::TimedOut, text));
            }
            std::thread::sleep(NAP);
        }
    }

    /// Everything it said since the start.
    pub fn words(&self) -> String {
        self.home.words(self.since)
    }

    /// How it ended, if it did.
    pub fn end(&self) -> Option<End> {
        lock(&self.end).clone()
    }

    /// Asks it to shut down. Whether it did so as it should.
    pub fn stop(&self) -> bool {
        let ended_before = self.end().is_some();
        self.asked.store(true, Ordering::SeqCst);
        {
            let mut child = lock(&self.child);
            if let Ok(None) = child.try_wait() {
                let _ = kill(pid(&child), Signal::SIGTERM);
            }
        }
        let end = self.wait(STOP_PATIENCE);
        if end.is_none() {
            self.kill();
        }
        !ended_before && end.is_some_and(|end| end.status.success())
    }

    /// SIGKILL. Whether it is gone.
    pub fn kill(&self) -> bool {
        self.asked.store(true, Ordering::SeqCst);
        let _ = lock(&self.child).kill();
        self.wait(KILL_PATIENCE).is_some()
    }

    /// How it ended, if it does within that time.
    pub fn wait(&self, patience: Duration) -> Option<End> {
        let deadline = Instant::now() + patience;
        loop {
            let end = self.end();
            if end.is_some() || Instant::now() > deadline {
                return end;
            }
            std::thread::sleep(NAP);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.end().is_none() {
            self.kill();
        }
    }
}

/// The thread that starts the process has to live as long: with it the process dies.
struct Keeper {
    home: Arc<Home>,
    since: u64,
    watch: Arc<dyn Watch>,
    asked: Arc<AtomicBool>,
    leash: Leash,
}

impl Keeper {
    fn keep(
        self,
        mut command: Command,
        started: &Sender<io::Result<Arc<Mutex<Child>>>>,
        told: &Mutex<Option<End>>,
    ) {
        const LOOKS: u32 = 10;
        let child = match command.spawn() {
            Ok(child) => self.leash.hold(child),
            Err(error) => return drop(started.send(Err(error))),
        };
        let _ = started.send(Ok(child.clone()));
        let mut naps = 0;
        let status = loop {
            let ended = lock(&child).try_wait();
            match ended {
                Ok(Some(status)) => break status,
                // Nobody else waits for it.
                Err(_) => break ExitStatus::default(),
                Ok(None) => {}
            }
            if naps % LOOKS == 0 {
                self.watch.look();
            }
            naps += 1;
            std::thread::sleep(NAP);
        };
        let asked = self.asked.load(Ordering::SeqCst) || self.leash.is_cut();
        let end = End::read(status, asked, &self.home.words(self.since));
        self.watch.ended(&end);
        *lock(told) = Some(end);
    }
}

impl End {
    fn read(status: ExitStatus, asked: bool, words: &str) -> Self {
        let (last_words, full) = last_words(words);
        Self { status, asked, last_words, full }
    }

    /// Whose an end is that nobody asked for.
    pub fn met(&self, words: String) -> Met {
        match self.status.signal() {
            _ if self.full => Met::Full(words),
            // Somebody else's, the kernel's for want of memory perhaps.
            Some(libc::SIGKILL | libc::SIGTERM | libc::SIGINT | libc::SIGHUP) => Met::Lab(words),
            _ => Met::Volume(words),
        }
    }

    /// An end that nobody asked for. `InvalidData` is what the server could not live with.
    pub fn failure(&self, who: &str) -> io::Error {
        let kind = match self.met(String::new()) {
            Met::Full(_) => io::ErrorKind::StorageFull,
            Met::Volume(_) => io::ErrorKind::InvalidData,
            _ => io::ErrorKind::Other,
        };
        let why = if self.full { ", for the volume is full" } else { "" };
        let text = format!("{who} ended ({}){why}; it said: {}", self.status, self.last_words);
        io::Error::new(kind, text)
    }
}

/// Whose an error of the server is. What a server that is `fresh` cannot live with was there before
/// the volume had anything to lose.
pub fn blame(error: &io::Error, fresh: bool) -> Met {
    let words = crate::words::clean(&error.to_string());
    match error.kind() {
        io::ErrorKind::StorageFull => Met::Full(words),
        io::ErrorKind::TimedOut => Met::Late(words),
        io::ErrorKind::InvalidData if !fresh => Met::Volume(words),
        _ => Met::Lab(words),
    }
}

/// The error that a log tells last, or its last line; and whether it says that the volume is full.
pub fn last_words(words: &str) -> (String, bool) {
    const FULL: [&str; 4] = ["out of disk space", "no space left", "error 28", "errno: 28"];
    const ERRORS: [&str; 2] = ["[FATAL]", "[ERROR]"];
    let last = |mark| words.lines().rev().find(|line| line.contains(mark));
    let told = ERRORS.into_iter().find_map(last).or_else(|| words.lines().last());
    let lower = words.to_lowercase();
    let full = FULL.iter().any(|mark| lower.contains(mark));
    (crate::words::clean(told.unwrap_or("(nothing)")), full)
}

fn program(fact: &str) -> io::Result<PathBuf> {
    facts::tool(fact).map_err(|missing| {
        let text = format!("{}; {}", missing.why, missing.how_to_get);
        io::Error::new(io::ErrorKind::NotFound, text)
    })
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed())
}

/// No signal of a terminal reaches it, its output goes to the log, and it dies with its starter.
fn prepare(command: &mut Command, home: &Home) -> io::Result<()> {
    let log: File = OpenOptions::new().create(true).append(true).open(&home.log)?;
    let path = std::env::var("PATH").unwrap_or_default();
    command
        .env("PATH", format!("{path}:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0);
    die_with_parent(command);
    Ok(())
}

/// What both programs take.
fn common(settings: &Settings, home: &Home) -> Vec<String> {
    let mut all = vec![
        format!("--datadir={}", home.data.display()),
        format!("--tmpdir={}", home.scratch.path().display()),
        format!("--innodb-log-file-size={}", settings.log_bytes),
        format!("--innodb-buffer-pool-size={}", settings.pool_bytes),
        "--skip-name-resolve".to_owned(),
    ];
    // As whom it runs is settled: a server that changes its user would outlive the harness, and
    // might not get at the volume.
    if geteuid().is_root() {
        all.push("--user=root".to_owned());
    }
    all
}

/// What the server takes beside that.
fn own(settings: &Settings, home: &Home) -> Vec<String> {
    let scratch = home.scratch.path().display();
    let fixed = [
        "--skip-networking",
        "--skip-log-bin",
        "--performance-schema=0",
        "--local-infile=0",
        "--max-allowed-packet=1G",
        "--innodb-file-per-table=1",
        "--innodb-flush-log-at-trx-commit=1",
        "--innodb-flush-method=O_DIRECT",
        "--innodb-lock-wait-timeout=5",
        "--innodb-buffer-pool-dump-at-shutdown=0",
        "--innodb-buffer-pool-load-at-startup=0",
    ];
    let mut all = vec![
        format!("--socket={}", home.socket().display()),
        format!("--pid-file={scratch}/pid"),
        format!("--innodb-doublewrite={}", u8::from(settings.doublewrite)),
        // Some for whoever looks in while it runs.
        format!("--max-connections={}", settings.threads() + 16),
    ];
    all.extend(fixed.map(str::to_owned));
    all
}
