//! A whole run: every planned instance on the subject and then, with the same plan and seed, on
//! the reference; side by side as far as `jobs` allows.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use csi_stretch_oracle::{
    action::{Call, Rpc},
    history::{Because, End, Ended, Leak, Record, Run, Side, Stopped},
    offer::Offers,
};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
};

use super::{
    Journal,
    interpreter::{self, Place},
    session::{OpenError, Opening, Session, own_roots},
    vigil::Vigil,
};
use crate::{generator::Script, scenario::Planned};

/// One side of a run.
pub struct Party {
    /// The open target.
    pub session: Session,
    /// How it was opened.
    pub opening: Opening,
    /// The plan, gated by this side's own offers; instances have the same numbers on both sides.
    pub plan: Vec<Planned>,
}

impl Party {
    /// Opens a target; there is no plan for it yet.
    pub async fn open(opening: Opening) -> Result<Self, OpenError> {
        let session = Session::open(&opening).await?;
        Ok(Self { session, opening, plan: Vec::new() })
    }
}

/// What decides how a run goes on.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Scenarios side by side.
    pub jobs: u16,
    /// When set, no further scenario is begun. Whoever reads the journal may set it.
    pub enough: Arc<AtomicBool>,
}

/// Runs the plan. The history is in the journal when this returns; `run` is its first record.
pub async fn run(
    run: Run,
    subject: &Arc<Party>,
    reference: Option<&Arc<Party>>,
    journal: &Arc<Journal>,
    pace: &Pace,
    interrupted: &watch::Receiver<bool>,
) {
    let name_prefix = run.id.clone();
    journal.add(Record::Run(Box::new(run)), true);
    for planned in &subject.plan {
        journal.add(Record::Scenario(Box::new(planned.instance.clone())), false);
    }
    let jobs = u32::from(pace.jobs.max(1));
    let gate = Arc::new(Semaphore::new(jobs as usize));
    let mut tasks = JoinSet::new();
    for (position, planned) in subject.plan.iter().enumerate() {
        if planned.instance.skip.is_some() {
            continue;
        }
        // A scenario that restarts the driver would disturb all others: it takes every place.
        let places = if planned.script.is_exclusive() { jobs } else { 1 };
        let Ok(permit) = gate.clone().acquire_many_owned(places).await else { break };
        while tasks.try_join_next().is_some() {}
        if *interrupted.borrow() {
            break;
        }
        if passed_over(subject, planned, pace, journal) {
            continue;
        }
        let (subject, reference) = (subject.clone(), reference.cloned());
        let (journal, interrupted) = (journal.clone(), interrupted.clone());
        tasks.spawn(async move {
            let _permit = permit;
            // Both sides follow the script that fits the subject, so that their steps line up.
            let offers = &subject.session.target.offers;
            one(&subject, offers, Side::Subject, position, &journal, &interrupted).await;
            if let Some(reference) = reference {
                one(&reference, offers, Side::Reference, position, &journal, &interrupted).await;
            }
        });
    }
    while tasks.join_next().await.is_some() {}
    let leaks = listed(subject, &name_prefix).await;
    let end = End { at_us: journal.now_us(), interrupted: *interrupted.borrow(), leaks };
    journal.add(Record::End(end), true);
}

/// Nothing more is begun once the driver has ended, or one failure was enough; what was planned
/// says so.
fn passed_over(subject: &Party, planned: &Planned, pace: &Pace, journal: &Journal) -> bool {
    let (scenario, id) = (planned.instance.number, &planned.instance.id);
    let stopped = match subject.session.vigil().and_then(Vigil::known) {
        Some(ending) => ending.stops(id),
        None if pace.enough.load(Ordering::Relaxed) => {
            let why = "another scenario failed before".to_owned();
            Stopped { because: Because::NotStarted, why }
        }
        None => return false,
    };
    let ended = Ended {
        at_us: journal.now_us(),
        stopped: Some(stopped),
        driver_ended: None,
        broken: None,
        leaks: Vec::new(),
    };
    journal.add(Record::Ended { scenario, side: Side::Subject, ended }, false);
    true
}

/// One instance on one side, unless that side cannot run it.
async fn one(
    party: &Party,
    offers: &Offers,
    side: Side,
    position: usize,
    journal: &Arc<Journal>,
    interrupted: &watch::Receiver<bool>,
) {
    let runs = |planned: &&Planned| planned.instance.skip.is_none();
    let Some(planned) = party.plan.get(position).filter(runs) else { return };
    // A reference that has ended is no comparison any more; the scenario it ended in says so.
    if side == Side::Reference && party.session.vigil().and_then(Vigil::known).is_some() {
        return;
    }
    let number = planned.instance.number;
    let roots = party.opening.path_roots();
    let (staging, targets) = own_roots(roots, number, planned.instance.path_bytes);
    let place = Place {
        scenario: number,
        id: planned.instance.id.clone(),
        side,
        dir: party.opening.dir.clone(),
        node_id: party.session.declared.node_id.clone(),
        name_prefix: Opening::name_prefix(&party.opening.run_id, number),
        staging,
        targets,
        real: party.session.target.tier == csi_stretch_oracle::history::Tier::Loop,
    };
    let workers = party.session.workers(planned.seed ^ side as u64);
    let mut script = Script::new(planned, offers);
    interpreter::run(&mut script, &workers, &place, journal, interrupted).await;
}

/// Volumes of this run that the driver still lists. Names are not in a listing, so only drivers
/// whose ids hold the name can be audited this way; the others' deletions are judged one by one.
async fn listed(subject: &Party, name_prefix: &str) -> Vec<Leak> {
    if !subject.session.target.offers.has("controller.list") {
        return Vec::new();
    }
    let mut leaks = Vec::new();
    let mut token = None;
    let mut seen = HashSet::new();
    // Bounded: a hostile driver may hand out tokens for ever.
    for _ in 0..1000 {
        let call = Call { starting_token: token.take(), ..Call::new(Rpc::ListVolumes) };
        let completion = subject.session.client().call(&call, subject.opening.deadline).await;
        let Some(reply) = completion.reply() else { break };
        for entry in reply.entries.iter().flatten().filter(|entry| entry.id.contains(name_prefix)) {
            leaks.push(subject.session.recorder().leak(Leak {
                kind: "volume".into(),
                what: entry.id.clone(),
                why: "still listed after its deletion was answered OK".into(),
            }));
        }
        match &reply.next_token {
            Some(next) if !next.is_empty() && seen.insert(next.clone()) => {
                token = Some(next.clone());
            }
            _ => break,
        }
    }
    leaks
}
