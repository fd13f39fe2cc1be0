//! One scenario on one side: ask the generator, journal the invoke, hand it to the worker (every
//! call has a deadline), journal the completion, let the generator observe; at the end undo
//! everything and look for leaks. What the generator wants at once is under way at once.

use std::{path::PathBuf, sync::Arc, time::Duration};

use csi_stretch_oracle::{
    action::{Action, Call, Load, Rpc, Source},
    history::{
        Because, Code, Completion, Ended, Event, EventKind, Failure, Invoke, Leak, Record, Side,
        StepId, Stopped,
    },
};
use tokio::sync::watch;

use super::{
    audit,
    bindings::{Bindings, Made},
    cleanup,
    flight::{Flights, Job, Landed, harness_failure},
    journal::Journal,
    record::Recorder,
    sampler::Sampler,
    space,
    vigil::{Ending, Vigil},
};
use crate::{
    client::Client,
    generator::{Generator, Next, Step},
    host::Observer,
    nemesis::Nemesis,
    workload::worker::Ledgers,
};

/// A scenario has at most this many operations; a generator that wants more is broken.
const OPS_MAX: u32 = 100_000;

/// How long an interrupted run waits for what is under way.
const GRACE: Duration = Duration::from_secs(5);

/// Who performs actions, for one scenario on one side.
#[derive(Clone)]
pub struct Workers {
    /// Calls.
    pub client: Arc<dyn Client>,
    /// Probes.
    pub host: Arc<dyn Observer>,
    /// Loads. One ledger per scenario: handles are the scenario's own.
    pub workload: Arc<Ledgers>,
    /// Faults; `None`: the target cannot be restarted.
    pub nemesis: Option<Arc<dyn Nemesis>>,
    /// The watch over the driver; `None`: it is not this run's own.
    pub vigil: Option<Arc<Vigil>>,
    /// Makes answers fit for the journal.
    pub recorder: Recorder,
    /// Longest wait for a call that states none.
    pub deadline: Duration,
}

/// Where one scenario runs on one side.
pub struct Place {
    /// Number of the instance.
    pub scenario: u32,
    /// Its id.
    pub id: String,
    /// On whom.
    pub side: Side,
    /// This side's part of the run's folder.
    pub dir: PathBuf,
    /// The target's node id.
    pub node_id: String,
    /// Goes before the name of every volume and snapshot; unique per run and scenario.
    pub name_prefix: String,
    /// Folder for staging paths, this scenario's own.
    pub staging: PathBuf,
    /// Folder for target paths, this scenario's own.
    pub targets: PathBuf,
    /// Paths are real: mounts can be audited.
    pub real: bool,
}

/// Runs one scenario to its end, undoes it, and returns how it ended (also journalled).
pub async fn run(
    generator: &mut dyn Generator,
    workers: &Workers,
    place: &Place,
    journal: &Arc<Journal>,
    interrupted: &watch::Receiver<bool>,
) -> Ended {
    let bindings =
        Bindings::new(&place.node_id, &place.name_prefix, &place.staging, &place.targets);
    let mut interpreter = Interpreter {
        workers,
        place,
        journal,
        interrupted: interrupted.clone(),
        bindings,
        index: 0,
        op: 0,
        leaks: Vec::new(),
        full: None,
        sampler: None,
    };
    let (stopped, broken) = interpreter.script(generator).await;
    interpreter.sampler = None;
    interpreter.teardown().await;
    let ended = interpreter.ended(stopped, broken);
    let record = Record::Ended { scenario: place.scenario, side: place.side, ended: ended.clone() };
    journal.add(record, true);
    ended
}

struct Interpreter<'a> {
    workers: &'a Workers,
    place: &'a Place,
    journal: &'a Arc<Journal>,
    interrupted: watch::Receiver<bool>,
    bindings: Bindings,
    index: u32,
    op: u32,
    leaks: Vec<Leak>,
    /// The lab had no space left when something failed.
    full: Option<String>,
    /// Looks at databases, once one was opened.
    sampler: Option<Sampler>,
}

impl Interpreter<'_> {
    /// Returns why the script stopped early, and what broke, if anything did.
    async fn script(&mut self, generator: &mut dyn Generator) -> (Option<Stopped>, Option<String>) {
        let mut flights = Flights::default();
        let ended = self.fly(generator, &mut flights).await;
        if *self.interrupted.borrow() {
            // A database may take a minute to end in good order, and nobody wants that now.
            self.workers.workload.stop_all();
        }
        // What is under way at the driver would be in the way of undoing it: give it a moment.
        let patience = GRACE.min(self.workers.deadline);
        while !flights.is_empty() {
            for landed in flights.next_within(patience).await {
                self.finish(landed, Some(generator)).await;
            }
        }
        ended
    }

    async fn fly(
        &mut self,
        generator: &mut dyn Generator,
        flights: &mut Flights,
    ) -> (Option<Stopped>, Option<String>) {
        while self.op < OPS_MAX {
            if *self.interrupted.borrow() {
                let why = "interrupted".into();
                return (Some(Stopped { because: Because::Interrupted, why }), None);
            }
            generator.tick(self.journal.now_us());
            let next = generator.next();
            self.journal_objects(generator);
            match next {
                Next::Step(step) => {
                    let op = self.begin(&step, Some(generator));
                    let job = self.prepare(&step.action);
                    flights.start(op, *step, job, self.workers);
                }
                Next::Done(stopped) => return (stopped, None),
                Next::Pending if flights.is_empty() => {
                    return (None, Some("the generator waits for nothing".into()));
                }
                waits @ (Next::Pending | Next::Nap(_)) => {
                    let mut interrupted = self.interrupted.clone();
                    let landed = tokio::select! {
                        landed = flights.next(), if !flights.is_empty() => landed,
                        () = raised(&mut interrupted) => None,
                        () = nap(&waits) => None,
                    };
                    let Some(landed) = landed else { continue };
                    let broken = (landed.completion.code() == Code::Harness)
                        .then(|| failure_text(&landed.completion));
                    self.finish(landed, Some(generator)).await;
                    if broken.is_some() {
                        return (None, broken);
                    }
                }
            }
            if let Some(full) = &self.full {
                return (None, Some(full.clone()));
            }
            if let Some(ending) = self.ending() {
                return (Some(ending.stops(&self.place.id)), None);
            }
        }
        (None, Some(format!("the generator asked for more than {OPS_MAX} operations")))
    }

    /// LIFO; goes on after failures, and is not cut short by an interruption.
    async fn teardown(&mut self) {
        self.workers.workload.stop_all();
        let mut part = 0;
        while self.ending().is_none()
            && let Some(undo) = cleanup::next(&mut self.bindings)
        {
            let id = StepId { step: StepId::TEARDOWN, verb: "teardown".into(), part };
            part += 1;
            let step = Step { id, action: Action::Call(Box::new(undo)), expect: Some(ok()) };
            let op = self.begin(&step, None);
            let completion = match self.prepare(&step.action) {
                Ok(job) => job.run(self.workers).await,
                Err(completion) => completion,
            };
            let action = step.action.clone();
            let completion = self.finish(Landed { op, step, completion }, None).await;
            if let Action::Call(call) = &action {
                self.leaks.extend(cleanup::leak(call, &completion));
            }
        }
    }

    /// What is left when the driver ended before everything was undone.
    fn not_undone(&mut self) -> Vec<Leak> {
        let left = self.bindings.made.iter().filter(|made| !made.deleted);
        let leak = |made: &Made| Leak {
            kind: if made.is_snapshot { "snapshot" } else { "volume" }.to_owned(),
            what: made.id.clone().unwrap_or_else(|| made.handle.clone()),
            why: "the driver's process ended before it could be removed".to_owned(),
        };
        left.map(leak).collect()
    }

    /// How it all ended, with what was left behind.
    fn ended(&mut self, stopped: Option<Stopped>, broken: Option<String>) -> Ended {
        // It may also have ended after its last answer.
        let vigil = self.workers.vigil.clone();
        let ending = vigil.as_deref().and_then(|vigil| vigil.look(&self.place.id));
        let mut leaks = std::mem::take(&mut self.leaks);
        match ending {
            Some(_) => leaks.extend(self.not_undone()),
            None if self.place.real => {
                leaks.extend(audit::paths(&self.place.staging, &self.place.targets));
            }
            None => {}
        }
        let recorder = &self.workers.recorder;
        let here = ending.filter(|ending| ending.scenario == self.place.id);
        let driver_ended = here.map(|ending| recorder.text(&ending.how));
        let (driver_ended, gone) = match self.place.side {
            Side::Subject => (driver_ended, None),
            Side::Reference => (None, driver_ended),
        };
        Ended {
            at_us: self.journal.now_us(),
            stopped,
            driver_ended,
            broken: broken.or_else(|| gone.map(|how| format!("the reference driver ended: {how}"))),
            leaks: leaks.into_iter().map(|leak| recorder.leak(leak)).collect(),
        }
    }

    /// How the driver ended, as far as this run has noticed.
    fn ending(&self) -> Option<&Ending> {
        self.workers.vigil.as_deref().and_then(Vigil::known)
    }

    /// Journals the invoke.
    fn begin(&mut self, step: &Step, generator: Option<&mut dyn Generator>) -> u32 {
        let op = self.op;
        self.op += 1;
        let invoke = Invoke {
            step: step.id.clone(),
            action: step.action.clone(),
            expect: step.expect.clone(),
        };
        let durable = makes_something(&step.action);
        self.journal_event(op, EventKind::Invoke(Box::new(invoke)), generator, durable);
        op
    }

    /// Journals the completion, and returns it as recorded.
    async fn finish(
        &mut self,
        landed: Landed,
        generator: Option<&mut dyn Generator>,
    ) -> Completion {
        let Landed { op, step, completion } = landed;
        if let Action::Call(call) = &step.action {
            self.bindings.learn(call, &completion);
        }
        let durable = makes_something(&step.action);
        let completion = self.workers.recorder.completion(&completion);
        let completion = self.blame(&step.action, completion).await;
        let kind = EventKind::Complete(Box::new(completion.clone()));
        self.journal_event(op, kind, generator, durable);
        completion
    }

    /// What failed because the lab is full, or because the driver's process is gone, is not held
    /// against this very call.
    async fn blame(&mut self, action: &Action, completion: Completion) -> Completion {
        if self.full.is_none() {
            self.full = space::trouble(&self.place.dir, &completion);
        }
        let (Completion::Fail(failure) | Completion::Info(failure)) = &completion else {
            return completion;
        };
        let ask = matches!(action, Action::Call(_)) && failure.code == Code::Unavailable;
        if !ask && !matches!(action, Action::Fault(_)) {
            return completion;
        }
        let Some(vigil) = &self.workers.vigil else { return completion };
        match vigil.look_again(&self.place.id).await {
            Some(_) => Completion::Info(Failure {
                code: Code::DriverEnded,
                message: failure.message.clone(),
            }),
            None => completion,
        }
    }

    /// Binds the action to this target; `Err`: it ends before any worker sees it.
    fn prepare(&mut self, action: &Action) -> Result<Job, Completion> {
        Ok(match action {
            Action::Call(call) => {
                let resolved = self.bindings.resolve(call).map_err(Completion::Fail)?;
                self.bindings.sending(call);
                if let Some(broken) = self.fork_ledger(call) {
                    return Err(broken);
                }
                if let Some(broken) = self.make_paths(call) {
                    return Err(broken);
                }
                Job::Call(Box::new(resolved))
            }
            Action::Probe(probe) => Job::Probe(self.bindings.path(&probe.volume, &probe.path)),
            Action::Load(load) => {
                self.watch(load);
                let volume = load.volume();
                let path = load.path().map(|path| self.bindings.path(volume, path));
                let block = self.bindings.is_block(volume);
                Job::Load { load: load.clone(), path: path.unwrap_or_default(), block }
            }
            Action::Fault(fault) => Job::Fault(fault.clone()),
            Action::Wait(wait) => Job::Wait(Duration::from_millis(wait.ms)),
        })
    }

    /// From the first database on, its volume is looked at all the time.
    fn watch(&mut self, load: &Load) {
        if matches!(load, Load::Open { .. }) && self.sampler.is_none() {
            let (scenario, side) = (self.place.scenario, self.place.side);
            self.sampler = Some(Sampler::start(self.workers, self.journal, scenario, side));
        }
    }

    /// The orchestrator makes the staging folder, and the folder around a target path.
    fn make_paths(&self, call: &Call) -> Option<Completion> {
        let volume = call.volume.as_ref()?.handle()?;
        let folder = match call.rpc {
            Rpc::NodeStage => self.bindings.path(volume, call.staging_path.as_ref()?),
            Rpc::NodePublish => {
                self.bindings.path(volume, call.path.as_ref()?).parent()?.to_owned()
            }
            _ => return None,
        };
        let own =
            folder.starts_with(&self.place.staging) || folder.starts_with(&self.place.targets);
        if !own {
            return None;
        }
        std::fs::create_dir_all(&folder)
            .err()
            .map(|error| harness_failure(&format!("cannot make {}: {error}", folder.display())))
    }

    /// A copy of a volume has to hold what was acknowledged before the copying call went out.
    fn fork_ledger(&self, call: &Call) -> Option<Completion> {
        let handle = |r: Option<&csi_stretch_oracle::action::Ref>| {
            r.and_then(csi_stretch_oracle::action::Ref::handle).map(str::to_owned)
        };
        let copy = match (call.rpc, &call.source) {
            (Rpc::CreateSnapshot, _) => {
                (handle(call.volume.as_ref()), handle(call.snapshot.as_ref()))
            }
            (Rpc::CreateVolume, Some(Source::Snapshot(r) | Source::Volume(r))) => {
                (handle(Some(r)), handle(call.volume.as_ref()))
            }
            _ => return None,
        };
        let (Some(source), Some(new)) = copy else { return None };
        let forked = self.workers.workload.fork(&source, &new);
        let told = |error| format!("cannot copy the ledger of {source} for {new}: {error}");
        forked.err().map(|error| harness_failure(&told(error)))
    }

    fn journal_objects(&self, generator: &mut dyn Generator) {
        let changes = generator.objects();
        if !changes.is_empty() {
            let (scenario, side) = (self.place.scenario, self.place.side);
            self.journal.add(Record::Objects { scenario, side, changes }, false);
        }
    }

    fn journal_event(
        &mut self,
        op: u32,
        kind: EventKind,
        generator: Option<&mut dyn Generator>,
        durable: bool,
    ) {
        let event = Event { index: self.index, op, at_us: self.journal.now_us(), kind };
        self.index += 1;
        if let Some(generator) = generator {
            generator.observe(&event);
        }
        let record = Record::Event { scenario: self.place.scenario, side: self.place.side, event };
        self.journal.add(record, durable);
    }
}

/// Resolves when the generator wants to be asked again, whatever happens.
async fn nap(next: &Next) {
    match next {
        Next::Nap(us) => tokio::time::sleep(Duration::from_micros(*us)).await,
        _ => std::future::pending().await,
    }
}

/// Resolves when the run is interrupted, never otherwise.
async fn raised(interrupted: &mut watch::Receiver<bool>) {
    if interrupted.wait_for(|raised| *raised).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// A killed run's journal has to know of everything that may have to be removed.
fn makes_something(action: &Action) -> bool {
    matches!(action, Action::Call(call) if matches!(
        call.rpc,
        Rpc::CreateVolume
            | Rpc::CreateSnapshot
            | Rpc::ControllerPublish
            | Rpc::NodeStage
            | Rpc::NodePublish
    ))
}

fn ok() -> csi_stretch_oracle::history::Expect {
    csi_stretch_oracle::history::Expect { pass: vec![Code::Ok], warn: Vec::new(), clause: None }
}

fn failure_text(completion: &Completion) -> String {
    match completion {
        Completion::Fail(failure) | Completion::Info(failure) => failure.message.clone(),
        Completion::Ok(_) => String::new(),
    }
}
