//! Starts the engine's process and listens to it. The process lives no longer than this one: its
//! standard input is a pipe, and it ends when that is closed.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::process::CommandExt as _,
    process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, Sender},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::{
    Settings, gate, lock,
    serve::{Line, Order, Ready, SCAN, STOP},
};
use crate::workload::engine::{
    Engine, Leash, Met, Place, Recovery, Scan, State, Stopped, Tick, Trouble, Verified, Window,
    kill_group,
};

/// How long opening may take; recovery reads a whole log and rewrites what it names.
const OPEN_PATIENCE: Duration = Duration::from_secs(120);
/// How long writing everything back may take. After that it is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(60);

/// How long a killed process may take to go. One that waits for a dead volume may never.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// Starts the process and waits until its loads begin.
pub fn start(settings: &Settings, place: &Place, leash: &Leash) -> Result<Box<dyn Engine>, Met> {
    super::check(settings).map_err(Met::lab)?;
    let order = Order {
        settings: settings.clone(),
        path: place.path.clone(),
        block: place.block,
        ledger: place.ledger.clone(),
        begun_us: Some(gate::now_us()),
    };
    let (mut pages, opened) = spawn(&order, place, leash).map_err(Met::lab)?;
    pages.ready = wait_until_open(&opened)?;
    Ok(Box::new(pages))
}

type Opened = Receiver<Result<Ready, Met>>;

/// Nothing here is the volume's: only the process itself looks at that.
fn spawn(order: &Order, place: &Place, leash: &Leash) -> io::Result<(Pages, Opened)> {
    let mut child = Command::new(&place.program)
        .args(["engine", "pages"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(File::create(place.ledger.with_extension("log"))?)
        // Ctrl-C is for the harness, which ends this one in good order.
        .process_group(0)
        .spawn()?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let child = leash.hold(child);
    let seen = Arc::new(Mutex::new(Seen::default()));
    let mut pages =
        Pages { child, leash: leash.clone(), stdin, seen, listener: None, ready: Ready::default() };
    let stdout = stdout.ok_or_else(|| io::Error::other("the engine has no pipes"))?;
    let (sender, opened) = mpsc::channel();
    let seen = pages.seen.clone();
    let listen = move || listen(stdout, &seen, &sender);
    pages.listener = Some(std::thread::Builder::new().name("engine".to_owned()).spawn(listen)?);
    pages.say(&serde_json::to_string(order).map_err(io::Error::other)?)?;
    Ok((pages, opened))
}

fn wait_until_open(opened: &Opened) -> Result<Ready, Met> {
    match opened.recv_timeout(OPEN_PATIENCE) {
        Ok(answer) => answer,
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            Err(Met::lab("the engine ended before its database was open"))
        }
        Err(mpsc::RecvTimeoutError::Timeout) => Err(Met::Late(format!(
            "the engine's database was not open within {} s",
            OPEN_PATIENCE.as_secs()
        ))),
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
    /// Who waits for a comparison.
    scan: Option<Sender<Option<Box<Verified>>>>,
    /// It said that it ends; whether everything is on the volume.
    ended: Option<bool>,
    /// It says nothing more.
    silent: bool,
}

fn listen(stdout: ChildStdout, seen: &Mutex<Seen>, opened: &Sender<Result<Ready, Met>>) {
    for line in BufReader::new(stdout).lines() {
        let Ok(line) = line else { break };
        let Ok(line) = serde_json::from_str::<Line>(&line) else { continue };
        let mut seen = lock(seen);
        match line {
            Line::Refused(met) => drop(opened.send(Err(met))),
            Line::Ready(ready) => drop(opened.send(Ok(ready))),
            Line::Trouble(trouble) => seen.troubles.push(trouble),
            Line::Tick(progress) => {
                let mut tick = progress.tick;
                seen.bulk.merge(&std::mem::take(&mut tick.bulk));
                seen.query.merge(&std::mem::take(&mut tick.query));
                seen.tick = tick;
            }
            Line::Scanned(found) => _ = seen.scan.take().map(|waits| waits.send(found)),
            Line::Ended { clean } => seen.ended = Some(clean),
        }
    }
    let mut seen = lock(seen);
    (seen.scan, seen.silent) = (None, true);
    seen.tick.state = State::Ended;
}

/// An engine in a process.
struct Pages {
    child: Arc<Mutex<Child>>,
    leash: Leash,
    stdin: Option<ChildStdin>,
    seen: Arc<Mutex<Seen>>,
    listener: Option<JoinHandle<()>>,
    ready: Ready,
}

impl Pages {
    fn say(&self, line: &str) -> io::Result<()> {
        let Some(mut stdin) = self.stdin.as_ref() else { return Ok(()) };
        // One write: a line is never cut in two by another.
        stdin.write_all(format!("{line}\n").as_bytes())
    }

    /// Waits for its end, and whether that came.
    fn wait(&self, patience: Duration) -> Option<ExitStatus> {
        const NAP: Duration = Duration::from_millis(2);
        let deadline = Instant::now() + patience;
        loop {
            // One that somebody else waited for is gone as well.
            let status = lock(&self.child).try_wait().unwrap_or(Some(ExitStatus::default()));
            if status.is_some() || Instant::now() > deadline {
                return status;
            }
            std::thread::sleep(NAP);
        }
    }

    /// Kills it if it is still there. Everything that it said has been heard then. `own`: how it ended
    /// before, if it did.
    fn reap(&mut self, own: Option<ExitStatus>) -> Stopped {
        kill_group(&self.child);
        let gone = self.wait(KILL_PATIENCE).is_some();
        self.stdin = None;
        match self.listener.take() {
            Some(listener) if gone => drop(listener.join()),
            _ => {}
        }
        let last = Tick { state: State::Ended, ..self.tick() };
        let mut seen = lock(&self.seen);
        let mut troubles = std::mem::take(&mut seen.troubles);
        let mut add = |doing: &str, met| {
            troubles.push(Trouble { at_us: last.at_us, doing: doing.to_owned(), met, page: None });
        };
        // Whatever the volume does to it, it says so: this came from outside, or is its own fault.
        if let Some(status) = own.filter(|_| seen.ended.is_none() && !self.leash.is_cut()) {
            let why = format!("its process ended, and did not say why ({status})");
            add("run the engine", Met::Lab(why));
        }
        if !gone {
            add("kill the engine", Met::hung());
        }
        Stopped { clean: seen.ended == Some(true), last, troubles }
    }
}

impl Engine for Pages {
    fn name(&self) -> &'static str {
        "pages (embedded)"
    }

    fn recovery(&self) -> Option<&Recovery> {
        (!self.ready.fresh).then_some(&self.ready.recovery)
    }

    fn tick(&self) -> Tick {
        let mut seen = lock(&self.seen);
        let bulk = std::mem::take(&mut seen.bulk);
        let query = std::mem::take(&mut seen.query);
        Tick { bulk, query, ..seen.tick.clone() }
    }

    fn scan(&self) -> Scan {
        let (sender, answer) = mpsc::channel();
        {
            let mut seen = lock(&self.seen);
            // Otherwise nobody would ever drop it.
            seen.scan = (!seen.silent).then_some(sender);
        }
        let asked = self.say(SCAN);
        Box::new(move || {
            asked?;
            let found = answer.recv().ok().flatten();
            found.map(|found| *found).ok_or_else(|| io::ErrorKind::BrokenPipe.into())
        })
    }

    fn stop(mut self: Box<Self>) -> Stopped {
        // One that has ended already cannot hear it.
        let _ = self.say(STOP);
        let own = self.wait(STOP_PATIENCE);
        let mut stopped = self.reap(own);
        if own.is_none() && !self.leash.is_cut() {
            stopped.troubles.push(Trouble {
                at_us: stopped.last.at_us,
                doing: "shut down".to_owned(),
                met: Met::Volume(format!("not done within {} s", STOP_PATIENCE.as_secs())),
                page: None,
            });
        }
        stopped
    }

    fn kill(mut self: Box<Self>) -> Stopped {
        let own = lock(&self.child).try_wait().ok().flatten();
        self.reap(own)
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        if self.listener.is_some() {
            self.reap(None);
        }
    }
}
