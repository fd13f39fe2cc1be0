//! Starts the engine's process and listens to it. The process lives no longer than this one: its
//! standard input is a pipe, and it ends when that is closed.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::process::CommandExt as _,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, Sender},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::{
    Settings, gate, lock,
    serve::{Line, Order, Ready, STOP},
};
use crate::workload::engine::{Engine, Place, State, Stopped, Tick, Trouble, Window};

/// How long opening may take; recovery reads a whole log and rewrites what it names.
const OPEN_PATIENCE: Duration = Duration::from_secs(120);
/// How long writing everything back may take. After that it is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(60);

/// How long a killed process may take to go. One that waits for a dead volume may never.
const KILL_PATIENCE: Duration = Duration::from_secs(10);
const HUNG: &str = "its process did not go when it was killed: the volume keeps it waiting";
const CACHED: &str = "pages go through the page cache, for the volume takes no O_DIRECT";

/// Starts the process and waits until its loads begin.
pub fn start(settings: &Settings, place: &Place) -> io::Result<Box<dyn Engine>> {
    super::check(settings)?;
    let begun_us = gate::now_us();
    let mut child = Command::new(&place.program)
        .args(["engine", "pages"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(File::create(place.ledger.with_extension("log"))?)
        // Ctrl-C is for the harness, which ends this one in good order.
        .process_group(0)
        .spawn()?;
    let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::Error::other("the engine has no pipes"));
    };
    let seen = Arc::new(Mutex::new(Seen::default()));
    let (sender, opened) = mpsc::channel();
    let listener = {
        let seen = seen.clone();
        std::thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || listen(stdout, &seen, &sender))?
    };
    let ready = Ready::default();
    let mut pages = Pages { child, stdin: Some(stdin), seen, listener: Some(listener), ready };
    let order = Order {
        settings: settings.clone(),
        path: place.path.clone(),
        block: place.block,
        ledger: place.ledger.clone(),
        begun_us: Some(begun_us),
    };
    pages.say(&serde_json::to_string(&order).map_err(io::Error::other)?)?;
    pages.ready = wait_until_open(&opened)?;
    Ok(Box::new(pages))
}

fn wait_until_open(opened: &Receiver<Result<Ready, String>>) -> io::Result<Ready> {
    match opened.recv_timeout(OPEN_PATIENCE) {
        Ok(Ok(ready)) => Ok(ready),
        Ok(Err(why)) => Err(io::Error::other(why)),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            Err(io::Error::other("the engine ended before its database was open"))
        }
        Err(mpsc::RecvTimeoutError::Timeout) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("the engine's database was not open within {} s", OPEN_PATIENCE.as_secs()),
        )),
    }
}

/// What the process told.
#[derive(Default)]
struct Seen {
    tick: Tick,
    /// Since the last look.
    bulk: Window,
    query: Window,
    troubles: Vec<Trouble>,
    clean: bool,
}

fn listen(stdout: ChildStdout, seen: &Mutex<Seen>, opened: &Sender<Result<Ready, String>>) {
    for line in BufReader::new(stdout).lines() {
        let Ok(line) = line else { break };
        let Ok(line) = serde_json::from_str::<Line>(&line) else { continue };
        let mut seen = lock(seen);
        match line {
            Line::Refused(why) => drop(opened.send(Err(why))),
            Line::Ready(ready) => drop(opened.send(Ok(ready))),
            Line::Trouble(trouble) => seen.troubles.push(trouble),
            Line::Tick(progress) => {
                let mut tick = progress.tick;
                seen.bulk.merge(&std::mem::take(&mut tick.bulk));
                seen.query.merge(&std::mem::take(&mut tick.query));
                seen.tick = tick;
            }
            Line::Ended { clean } => seen.clean = clean,
        }
    }
    lock(seen).tick.state = State::Ended;
}

/// An engine in a process.
struct Pages {
    child: Child,
    stdin: Option<ChildStdin>,
    seen: Arc<Mutex<Seen>>,
    listener: Option<JoinHandle<()>>,
    ready: Ready,
}

impl Pages {
    fn say(&mut self, line: &str) -> io::Result<()> {
        match &mut self.stdin {
            Some(stdin) => writeln!(stdin, "{line}"),
            None => Ok(()),
        }
    }

    /// Waits for its end, and whether that came.
    fn wait(&mut self, patience: Duration) -> bool {
        const NAP: Duration = Duration::from_millis(2);
        let deadline = Instant::now() + patience;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                return false;
            }
            std::thread::sleep(NAP);
        }
        true
    }

    /// Kills it if it is still there. Everything that it said has been heard then.
    fn reap(&mut self) -> Stopped {
        let _ = self.child.kill();
        let ended = self.wait(KILL_PATIENCE);
        self.stdin = None;
        let mut remarks = Vec::new();
        match self.listener.take() {
            Some(listener) if ended => drop(listener.join()),
            _ => remarks.push(HUNG.to_owned()),
        }
        if !self.ready.direct {
            remarks.push(CACHED.to_owned());
        }
        let last = Tick { state: State::Ended, ..self.tick() };
        let mut seen = lock(&self.seen);
        Stopped {
            clean: seen.clean,
            last,
            troubles: std::mem::take(&mut seen.troubles),
            recovery: std::mem::take(&mut self.ready.recovery),
            remarks,
        }
    }
}

impl Engine for Pages {
    fn name(&self) -> &'static str {
        "pages (embedded)"
    }

    fn tick(&self) -> Tick {
        let mut seen = lock(&self.seen);
        let bulk = std::mem::take(&mut seen.bulk);
        let query = std::mem::take(&mut seen.query);
        Tick { bulk, query, ..seen.tick.clone() }
    }

    fn stop(mut self: Box<Self>) -> Stopped {
        // One that has ended already cannot hear it.
        let _ = self.say(STOP);
        self.wait(STOP_PATIENCE);
        self.reap()
    }

    fn kill(mut self: Box<Self>) -> Stopped {
        self.reap()
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        if self.listener.is_some() {
            self.reap();
        }
    }
}
