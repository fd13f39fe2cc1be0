//! A script whose calls are the orchestrator's: what its steps do to objects, how its calls become
//! actions, and what answers mean to it.

use std::collections::BTreeMap;

use csi_stretch_oracle::{
    action::{CapacityRange, PathRef, Ref},
    history::{Completion, Reply},
};

use super::{
    Action, Call, Next, Rpc, Script, Step, StepId, Task,
    state::{changes_sight, is_growth},
    task::{Flight, kind, reason},
};
use crate::{
    generator::orchestrator::{
        live::{Asked, ClaimSpec, Live, Part, Pause, State},
        profile::Profile,
        rpc::{self, Answer, Caps, Method, Place},
        store::Refusal,
        time::{At, Span},
        world::Ticket,
    },
    scenario::{ClaimState, Goal, PartWord, Planned, Volume, What},
};

/// Nobody gives up before this, however fast the orchestrator's clock goes: real microseconds.
const PATIENCE_US: u64 = 3_000_000;
/// So many calls while a step waits are a circle that no patience ends: the orchestrator's clock goes
/// no faster than ours while one is under way.
const CALLS_MAX: u64 = 500;
/// Nobody waits longer than this for calls that are never answered: real microseconds.
const HOPELESS_US: u64 = 300_000_000;
/// It is looked at again after this when nothing is due: real microseconds.
const LOOK_AGAIN_US: u64 = 5_000;

/// The orchestrator, and what a step waits for.
pub(super) struct Driven {
    live: Live,
    pace: u64,
    /// The call behind each ticket.
    calls: BTreeMap<Ticket, Method>,
    /// Answers that nobody has heard of yet.
    unheard: Vec<(Ticket, Answer)>,
    /// Procedures that were answered since this step began.
    answered: Vec<Rpc>,
    last: Option<String>,
    /// When the step began to wait, on both clocks, and after how many calls.
    since: Option<(At, u64, u64)>,
    asked: u64,
    told: usize,
}

/// What a step waits for.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub volume: String,
    pub target: u8,
    pub goal: Goal,
    pub within_ms: u64,
}

impl Driven {
    /// The orchestrator of a planned instance, if it has one.
    pub fn of(planned: &Planned) -> Option<Self> {
        let wanted = planned.script.orchestrator.as_ref()?;
        let profile = Profile::named(&wanted.profile).unwrap_or_default();
        // A cluster of one node and one class is refused by no rule.
        let live = Live::new(profile, wanted.pace, planned.seed).ok()?;
        Some(Self {
            live,
            pace: u64::from(wanted.pace),
            calls: BTreeMap::new(),
            unheard: Vec::new(),
            answered: Vec::new(),
            last: None,
            since: None,
            asked: 0,
            told: 0,
        })
    }

    pub fn tick(&mut self, now_us: u64, waits: bool) {
        self.live.tick(now_us, waits);
    }

    pub fn changes(&mut self) -> Vec<csi_stretch_oracle::history::ObjectChange> {
        let changes = self.live.changes(self.told).to_vec();
        self.told += changes.len();
        changes
    }

    /// Real milliseconds of a pause on the orchestrator's clock.
    pub fn pause(&self, ms: u64) -> u64 {
        ms.div_ceil(self.pace.max(1))
    }

    fn hear(&mut self) {
        for (ticket, answer) in std::mem::take(&mut self.unheard) {
            self.live.answered(ticket, answer);
        }
    }
}

impl Script {
    /// A claim, as the set-up and `restore` make it.
    pub(super) fn make_claim(&mut self, volume: &Volume, bytes: i64) {
        let spec = ClaimSpec {
            name: volume.handle.clone(),
            bytes: bytes.unsigned_abs(),
            block: volume.is_block(),
            shared: volume.mode == csi_stretch_oracle::action::AccessMode::MultiNodeMultiWriter,
        };
        self.on_objects(|live| live.claim(&spec));
        let volume = spec.name;
        let goal = Goal::State(ClaimState::Bound);
        let wish = Wish { volume, target: 0, goal, within_ms: 3_600_000 };
        self.tasks.push_back(Task::Until(wish));
    }

    /// What a step does to the objects; false: it is no such step.
    pub(super) fn begin_objects(&mut self, what: &What) -> bool {
        match what.clone() {
            What::StartPod { volume, target, readonly } => {
                self.on_objects(|live| live.start_pod(&volume, target, readonly));
            }
            What::DeletePod { volume, target } => {
                self.on_objects(|live| live.delete_pod(&volume, target));
            }
            What::Request { volume, bytes } => {
                self.on_objects(|live| live.request(&volume, bytes.unsigned_abs()));
            }
            What::Until { volume, target, goal, within_ms } => {
                self.tasks.push_back(Task::Until(Wish { volume, target, goal, within_ms }));
            }
            What::Restart { part } => self.on_objects(|live| {
                live.restart(part_of(part));
                Ok(())
            }),
            What::Create { volume, range, .. } if self.driven.is_some() => {
                if let Some(volume) = self.volume(&volume) {
                    self.make_claim(&volume, range.required);
                }
            }
            _ => return false,
        }
        true
    }

    fn on_objects(&mut self, change: impl FnOnce(&mut Live) -> Result<(), Refusal>) {
        let Some(driven) = &mut self.driven else { return };
        if let Err(refusal) = change(&mut driven.live) {
            self.stop(format!("the API server refuses it: {}", refusal.message));
        }
    }

    /// The sidecars of a driver that was killed have ended with it.
    pub(super) fn sidecars_end(&mut self) {
        if let Some(driven) = &mut self.driven {
            driven.live.restart_sidecars();
        }
    }

    /// Whether the step may go on; it stops the script when nobody believes in it any more.
    pub(super) fn is_fulfilled(&mut self, wish: &Wish) -> bool {
        let Some(driven) = &mut self.driven else { return true };
        let met = match wish.goal {
            // A driver whose controller grows everything has no node step to wait for.
            Goal::Answered(Rpc::NodeExpand)
                if driven.live.is(&wish.volume, wish.target, State::Grown) =>
            {
                true
            }
            Goal::Answered(rpc) => driven.answered.contains(&rpc),
            Goal::State(state) => driven.live.is(&wish.volume, wish.target, state_of(state)),
        };
        if met {
            driven.since = None;
            return true;
        }
        let (now, real) = (driven.live.now(), driven.live.real_us());
        let (began, real_began, asked) = *driven.since.get_or_insert((now, real, driven.asked));
        let within: Span = wish.within_ms.saturating_mul(1000);
        let waited = real.saturating_sub(real_began);
        let in_vain = now.since(began) > within || driven.asked - asked > CALLS_MAX;
        if (in_vain && waited > PATIENCE_US) || waited > HOPELESS_US {
            let last = driven.last.as_deref().unwrap_or("no call was answered");
            let why = format!(
                "the orchestrator waited {} s in vain, with {} calls: {}; last: {last}",
                now.since(began) / 1_000_000,
                driven.asked - asked,
                driven.live.describe(&wish.volume),
            );
            self.stop(why);
            return true;
        }
        false
    }

    /// What the orchestrator wants now; `None`: the script can go on.
    pub(super) fn orchestrate(&mut self) -> Option<Next> {
        // A look and a restart are over in a moment, and are to see one state.
        let still = |flight: &Flight| {
            let brief = matches!(flight.action, Action::Probe(_) | Action::Fault(_));
            flight.ticket.is_none() && brief
        };
        if self.flights.iter().any(still) {
            return Some(Next::Pending);
        }
        let waits = self.flights.is_empty();
        let driven = self.driven.as_mut()?;
        driven.hear();
        if let Some(asked) = driven.live.next_call() {
            return Some(self.ask(&asked));
        }
        match driven.live.run() {
            Pause::Event => None,
            Pause::Idle(due) if waits => {
                Some(Next::Nap(due.unwrap_or(LOOK_AGAIN_US).clamp(1, LOOK_AGAIN_US)))
            }
            Pause::Idle(_) => Some(Next::Nap(LOOK_AGAIN_US)),
        }
    }

    /// A call of a component's, as the one that performs it wants it.
    fn ask(&mut self, asked: &Asked) -> Next {
        let call = self.call_of(asked);
        let action = Action::Call(Box::new(call));
        let part = self.current.parts.entry((kind(&action), false)).or_default();
        let id = StepId { step: self.current.step, verb: self.current.verb.clone(), part: *part };
        *part += 1;
        if let Some(driven) = &mut self.driven {
            driven.calls.insert(asked.ticket, asked.rpc.method);
            driven.asked += 1;
        }
        self.flights.push(Flight {
            op: None,
            action: action.clone(),
            about: asked.claim.clone(),
            optional: false,
            accepted: None,
            ticket: Some(asked.ticket),
        });
        Next::Step(Box::new(Step { id, action, expect: None }))
    }

    fn call_of(&mut self, asked: &Asked) -> Call {
        let Asked { rpc: wanted, claim, target, .. } = asked;
        let procedure = procedure(wanted.method);
        let volume = claim.as_deref().and_then(|name| self.volume(name));
        let Some(volume) = volume else { return Call::new(procedure) };
        let mut call = self.full(procedure, &volume);
        if wanted.bytes > 0 {
            let required = i64::try_from(wanted.bytes).unwrap_or(i64::MAX);
            call.capacity_range = Some(CapacityRange { required, limit: 0 });
        }
        match (procedure, wanted.path) {
            (Rpc::NodePublish | Rpc::NodeUnpublish | Rpc::NodeExpand, Some(Place::Target(_))) => {
                call.path = Some(PathRef::Target(target.unwrap_or(0)));
            }
            (Rpc::NodeExpand, Some(Place::Staging)) => call.path = Some(PathRef::Staging),
            _ => {}
        }
        if procedure == Rpc::NodePublish {
            call.readonly = wanted.read_only;
        }
        if is_growth(procedure) && wanted.capability.is_none() {
            call.capability = None;
        }
        if procedure == Rpc::NodeExpand && !wanted.staging {
            call.staging_path = None;
        }
        call.volume = Some(Ref::Handle(volume.handle));
        call
    }

    /// An answer to a call of a component's: the sizes are looked at before anybody hears of it.
    pub(super) fn heard(&mut self, flight: &Flight, completion: &Completion) {
        let (Action::Call(call), Some(ticket)) = (&flight.action, flight.ticket) else { return };
        if let Some(reply) = completion.reply() {
            self.world.succeeded(call, Some(reply));
        }
        if let Some(handle) = &flight.about {
            self.world.touched(call.rpc, handle);
        }
        let ok = matches!(completion, Completion::Ok(_));
        let shows = if ok { changes_sight(call.rpc) } else { is_growth(call.rpc) };
        if let Some(volume) = flight.about.clone().filter(|_| shows) {
            let look = Task::Look { volume, only: None, stale: true, optional: true };
            self.tasks.push_front(look);
        }
        let Some(driven) = &mut self.driven else { return };
        driven.answered.push(call.rpc);
        if flight.about.is_some() {
            driven.last = Some(format!("{}: {}", call.rpc, reason(completion)));
        }
        let method = driven.calls.remove(&ticket);
        let answer = answer(&mut driven.live, method, completion);
        driven.unheard.push((ticket, answer));
    }

    /// A new step waits for nothing that was before it.
    pub(super) fn forget_answers(&mut self) {
        if let Some(driven) = &mut self.driven {
            driven.answered.clear();
            driven.since = None;
        }
    }

    /// A call about this volume is under way, so that a look at it would see it halfway.
    pub(super) fn is_busy(&self, volume: &str) -> bool {
        let about = |flight: &Flight| flight.about.as_deref() == Some(volume);
        self.flights.iter().any(|flight| flight.ticket.is_some() && about(flight))
    }

    /// Something of the script's own is under way.
    pub(super) fn works(&self) -> bool {
        self.flights.iter().any(|flight| flight.ticket.is_none())
    }

    pub(super) fn tick_live(&mut self, now_us: u64) {
        let pauses = |flight: &Flight| matches!(flight.action, Action::Wait(_));
        let waits = self.flights.iter().all(pauses);
        if let Some(driven) = &mut self.driven {
            driven.tick(now_us, waits);
        }
    }
}

fn procedure(method: Method) -> Rpc {
    match method {
        Method::Probe => Rpc::Probe,
        Method::GetPluginInfo => Rpc::GetPluginInfo,
        Method::GetPluginCapabilities => Rpc::GetPluginCapabilities,
        Method::ControllerGetCapabilities => Rpc::ControllerGetCapabilities,
        Method::CreateVolume => Rpc::CreateVolume,
        Method::DeleteVolume => Rpc::DeleteVolume,
        Method::ControllerPublishVolume => Rpc::ControllerPublish,
        Method::ControllerUnpublishVolume => Rpc::ControllerUnpublish,
        Method::ControllerExpandVolume => Rpc::ControllerExpand,
        Method::NodeGetInfo => Rpc::NodeGetInfo,
        Method::NodeGetCapabilities => Rpc::NodeGetCapabilities,
        Method::NodeStageVolume => Rpc::NodeStage,
        Method::NodeUnstageVolume => Rpc::NodeUnstage,
        Method::NodePublishVolume => Rpc::NodePublish,
        Method::NodeUnpublishVolume => Rpc::NodeUnpublish,
        Method::NodeExpandVolume => Rpc::NodeExpand,
    }
}

/// What the orchestrator makes of what came back.
fn answer(live: &mut Live, method: Option<Method>, completion: &Completion) -> Answer {
    let failure = match completion {
        Completion::Fail(failure) | Completion::Info(failure) => failure,
        Completion::Ok(_) => {
            let reply = completion.reply().cloned().unwrap_or_default();
            return Ok(rpc::Reply {
                bytes: bytes(&reply),
                node_expansion: reply.node_expansion_required == Some(true),
                caps: caps(method, &reply),
                handle: reply.volume.map(|volume| live.name(&volume.id)).unwrap_or_default(),
                context: None,
            });
        }
    };
    let message = live.name(&failure.message);
    let code = (!failure.code.is_ours()).then_some(failure.code);
    Err(rpc::Failure { code, message })
}

fn bytes(reply: &Reply) -> u64 {
    let of_volume = reply.volume.as_ref().map(|volume| volume.capacity_bytes);
    let bytes = of_volume.or(reply.capacity_bytes).unwrap_or(0);
    u64::try_from(bytes).unwrap_or(0)
}

fn caps(method: Option<Method>, reply: &Reply) -> Caps {
    let node = method == Some(Method::NodeGetCapabilities);
    let expand = if node { Caps::NODE_EXPAND } else { Caps::CONTROLLER_EXPAND };
    let known = [
        ("CONTROLLER_SERVICE", Caps::CONTROLLER_SERVICE),
        ("CREATE_DELETE_VOLUME", Caps::CREATE_DELETE),
        ("PUBLISH_UNPUBLISH_VOLUME", Caps::PUBLISH),
        ("PUBLISH_READONLY", Caps::PUBLISH_READONLY),
        ("STAGE_UNSTAGE_VOLUME", Caps::STAGE),
        ("SINGLE_NODE_MULTI_WRITER", Caps::SEVERAL_WRITERS),
        ("EXPAND_VOLUME", expand),
    ];
    let held = reply.capabilities.iter().flatten();
    held.filter_map(|name| known.iter().find(|(known, _)| known == name))
        .fold(Caps::default(), |caps, (_, cap)| caps.with(*cap))
}

fn part_of(part: PartWord) -> Part {
    match part {
        PartWord::Resizer => Part::Resizer,
        PartWord::Provisioner => Part::Provisioner,
        PartWord::Attacher => Part::Attacher,
        PartWord::Kubelet => Part::Kubelet,
    }
}

fn state_of(state: ClaimState) -> State {
    match state {
        ClaimState::Bound => State::Bound,
        ClaimState::Running => State::Running,
        ClaimState::Gone => State::Gone,
        ClaimState::Detached => State::Detached,
        ClaimState::Grown => State::Grown,
        ClaimState::NodePending => State::NodePending,
        ClaimState::Failed => State::Failed,
    }
}
