//! Starts the engine's process and listens to it. The process lives no longer than this one: its
//! standard input is a pipe, and it ends when that is closed.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
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

const CACHED: &str = "pages go through the page cache, for the volume takes no O_DIRECT";

/// Starts the process and waits until its loads begin.
pub fn start(settings: &Settings, place: &Place) -> io::Result<Box<dyn Engine>> {
    settings.check()?;
    let begun_us = gate::now_us();
    let mut child = Command::new(&place.program)
        .args(["engine", "pages"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
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

    /// Everything it said has been heard when this returns.
    fn reap(&mut self) -> Stopped {
        let _ = self.child.wait();
        self.stdin = None;
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
        let last = self.tick();
        let mut seen = lock(&self.seen);
        let remarks = if self.ready.direct { vec![] } else { vec![CACHED.to_owned()] };
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
    fn tick(&self) -> Tick {
        let mut seen = lock(&self.seen);
        let bulk = std::mem::take(&mut seen.bulk);
        let query = std::mem::take(&mut seen.query);
        Tick { bulk, query, ..seen.tick.clone() }
    }

    fn stop(mut self: Box<Self>) -> Stopped {
        const NAP: Duration = Duration::from_millis(5);
        // One that has ended already cannot hear it.
        let _ = self.say(STOP);
        let deadline = Instant::now() + STOP_PATIENCE;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(NAP);
        }
        let _ = self.child.kill();
        self.reap()
    }

    fn kill(mut self: Box<Self>) -> Stopped {
        let _ = self.child.kill();
        self.reap()
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        if self.listener.is_some() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
