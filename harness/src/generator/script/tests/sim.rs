//! A driver, node and workload in a few lines: strict about order and fields, always right.
//! Sizes only; it shares no code with the script, so that one mistake cannot blind both.

use std::collections::{BTreeMap, BTreeSet};

use csi_stretch_oracle::{
    action::{Access, Action, Call, CapacityRange, Load, PathRef, Ref, Rpc, Source},
    history::{
        Code, Completion, Event, EventKind, Failure, FsGeometry, Invoke, LoadReport, ObjectChange,
        Observation, Outcome, Reply, Stopped,
    },
    offer::{KNOWN, Offers},
};

use crate::generator::{Generator, Next, Script, Step};

/// What kind of driver it is.
#[derive(Clone, Debug)]
pub struct Flavour {
    pub name: &'static str,
    /// Offers that it lacks.
    pub lacks: &'static [&'static str],
    /// The controller grows the file system, too, so that the node has nothing to do.
    pub whole: bool,
    pub granularity: u64,
    pub maximum: u64,
}

impl Flavour {
    pub fn has(&self, offer: &str) -> bool {
        self.offers().has(offer)
    }

    pub fn offers(&self) -> Offers {
        let lacks = |name: &str| self.lacks.contains(&name);
        let has = KNOWN.iter().map(|(name, _)| *name).filter(|name| !lacks(name));
        let online = if lacks("expand.online") { "OFFLINE" } else { "ONLINE" };
        Offers {
            has: has.map(str::to_owned).collect(),
            declared: [("GetPluginCapabilities".to_owned(), vec![online.to_owned()])].into(),
            granularity: self.granularity,
            maximum: self.maximum,
            ..Offers::default()
        }
    }
}

#[derive(Default)]
pub struct Sim {
    volumes: BTreeMap<String, Volume>,
    snapshots: BTreeMap<String, (String, i64)>,
}

#[derive(Clone, Default)]
struct Volume {
    bytes: i64,
    fs: i64,
    block: bool,
    attached: bool,
    staged: bool,
    targets: BTreeMap<u8, bool>,
}

type Answer = Result<Reply, Code>;

impl Sim {
    /// What comes back.
    pub fn perform(&mut self, flavour: &Flavour, action: &Action) -> Completion {
        let outcome = match action {
            Action::Call(call) => self.call(flavour, call).map(|r| Outcome::Reply(Box::new(r))),
            Action::Probe(probe) => {
                self.look(&probe.volume, &probe.path).map(|o| Outcome::Observation(Box::new(o)))
            }
            Action::Load(load) => self.load(load),
            Action::Fault(_) | Action::Wait(_) => Ok(Outcome::Done),
        };
        outcome.map_or_else(
            |code| Completion::Fail(Failure { code, message: format!("{action:?}") }),
            Completion::Ok,
        )
    }

    /// Volumes that are in use with a file system smaller than the device: a node step was due.
    pub fn unfinished(&self) -> Vec<&str> {
        let small = |volume: &Volume| volume.in_use() && !volume.block && volume.fs < volume.bytes;
        self.volumes.iter().filter(|(_, v)| small(v)).map(|(name, _)| name.as_str()).collect()
    }

    fn look(&self, handle: &str, path: &PathRef) -> Result<Observation, Code> {
        let volume = self.volumes.get(handle).ok_or(Code::Unobservable)?;
        if !volume.is_at(path) {
            return Err(Code::Unobservable);
        }
        let fs = (!volume.block).then(|| FsGeometry {
            kind: "ext4".to_owned(),
            bytes: volume.fs.cast_unsigned(),
            slack_bytes: 0,
        });
        Ok(Observation {
            device_bytes: Some(volume.bytes.cast_unsigned()),
            fs,
            ..Observation::default()
        })
    }

    fn load(&self, load: &Load) -> Result<Outcome, Code> {
        let volume = self.volumes.get(load.volume()).ok_or(Code::Unbound)?;
        let writes = matches!(load, Load::Write { .. } | Load::Start { .. } | Load::Open { .. });
        if let Some(path) = load.path() {
            let readonly =
                matches!(path, PathRef::Target(n) if volume.targets.get(n) == Some(&true));
            if !volume.is_at(path) || (writes && readonly) {
                return Err(Code::Io);
            }
        }
        Ok(Outcome::Loaded(LoadReport::default()))
    }

    fn call(&mut self, flavour: &Flavour, call: &Call) -> Answer {
        for offer in call.rpc.needs() {
            if !flavour.has(offer) {
                return Err(Code::Unimplemented);
            }
        }
        match call.rpc {
            Rpc::CreateVolume => self.create(flavour, call),
            Rpc::CreateSnapshot => {
                let bytes = self.volume(call)?.bytes;
                let source = handle(call.volume.as_ref())?.to_owned();
                let name = handle(call.snapshot.as_ref())?.to_owned();
                let old = self.snapshots.entry(name).or_insert((source.clone(), bytes));
                if old.0 == source { Ok(Reply::default()) } else { Err(Code::AlreadyExists) }
            }
            Rpc::DeleteVolume => {
                let handle = match handle(call.volume.as_ref()) {
                    Ok(handle) => handle,
                    Err(Code::NotFound) => return Ok(Reply::default()),
                    Err(code) => return Err(code),
                };
                if self.volumes.get(handle).is_some_and(Volume::in_use) {
                    return Err(Code::FailedPrecondition);
                }
                self.volumes.remove(handle);
                Ok(Reply::default())
            }
            Rpc::ControllerExpand => {
                let volume = self.volume(call)?;
                volume.controller_expand(flavour, call.capacity_range)
            }
            Rpc::NodeExpand => self.volume(call)?.node_expand(flavour, call),
            Rpc::GetPluginCapabilities
            | Rpc::ControllerGetCapabilities
            | Rpc::NodeGetCapabilities => Ok(capabilities(flavour, call.rpc)),
            Rpc::ValidateCapabilities if call.capability.is_none() => Err(Code::InvalidArgument),
            Rpc::NodeGetStats if call.path.is_none() => Err(Code::InvalidArgument),
            Rpc::ListVolumes if call.starting_token.is_some() => Err(Code::Aborted),
            Rpc::ValidateCapabilities | Rpc::NodeGetStats | Rpc::ControllerGetVolume => {
                self.volume(call).map(|_| Reply::default())
            }
            Rpc::ControllerPublish
            | Rpc::ControllerUnpublish
            | Rpc::NodeStage
            | Rpc::NodeUnstage
            | Rpc::NodePublish
            | Rpc::NodeUnpublish => self.volume(call)?.move_to(flavour, call),
            _ => Ok(Reply::default()),
        }
    }

    fn create(&mut self, flavour: &Flavour, call: &Call) -> Answer {
        let handle = handle(call.volume.as_ref())?.to_owned();
        let capability = call.capability.as_ref().ok_or(Code::InvalidArgument)?;
        call.name.as_ref().ok_or(Code::InvalidArgument)?;
        let range = call.capacity_range.unwrap_or(CapacityRange { required: 1, limit: 0 });
        let bytes = size(flavour, range)?;
        if let Some(old) = self.volumes.get(&handle) {
            let fits =
                old.bytes >= range.required && (range.limit == 0 || old.bytes <= range.limit);
            return if fits { Ok(Reply::default()) } else { Err(Code::AlreadyExists) };
        }
        let source = match &call.source {
            None => 0,
            Some(Source::Snapshot(id)) => {
                self.snapshots.get(id.handle().unwrap_or_default()).ok_or(Code::NotFound)?.1
            }
            Some(Source::Volume(id)) => {
                self.volumes.get(id.handle().unwrap_or_default()).ok_or(Code::NotFound)?.bytes
            }
        };
        if bytes < source {
            return Err(Code::OutOfRange);
        }
        let block = capability.access == Access::Block;
        self.volumes.insert(handle, Volume { bytes, fs: bytes, block, ..Volume::default() });
        Ok(Reply::default())
    }

    fn volume(&mut self, call: &Call) -> Result<&mut Volume, Code> {
        let handle = handle(call.volume.as_ref())?;
        self.volumes.get_mut(handle).ok_or(Code::NotFound)
    }
}

impl Volume {
    fn in_use(&self) -> bool {
        self.attached || self.staged || !self.targets.is_empty()
    }

    fn is_at(&self, path: &PathRef) -> bool {
        match path {
            PathRef::Staging => self.staged && !self.block,
            PathRef::Target(n) => self.targets.contains_key(n),
            PathRef::Of(_) | PathRef::Literal(_) => false,
        }
    }

    /// Strict about order: nothing below before what is above.
    fn move_to(&mut self, flavour: &Flavour, call: &Call) -> Answer {
        let target = match &call.path {
            Some(PathRef::Target(n)) => Some(*n),
            _ => None,
        };
        let needs_path = matches!(call.rpc, Rpc::NodePublish | Rpc::NodeUnpublish);
        let needs_use =
            matches!(call.rpc, Rpc::ControllerPublish | Rpc::NodeStage | Rpc::NodePublish);
        if (needs_path && target.is_none()) || (needs_use && call.capability.is_none()) {
            return Err(Code::InvalidArgument);
        }
        self.compatible(flavour, call, target)?;
        let ready = !flavour.has("controller.publish") || self.attached;
        let staged = !flavour.has("node.stage") || self.staged;
        let legal = match call.rpc {
            Rpc::NodeStage => ready,
            Rpc::NodePublish => ready && staged,
            Rpc::NodeUnstage => self.targets.is_empty(),
            Rpc::ControllerUnpublish => self.targets.is_empty() && !self.staged,
            _ => true,
        };
        if !legal {
            return Err(Code::FailedPrecondition);
        }
        match (call.rpc, target) {
            (Rpc::ControllerPublish, _) => self.attached = true,
            (Rpc::ControllerUnpublish, _) => self.attached = false,
            (Rpc::NodeStage, _) => self.staged = true,
            (Rpc::NodeUnstage, _) => self.staged = false,
            (Rpc::NodePublish, Some(n)) => _ = self.targets.insert(n, call.readonly),
            (_, Some(n)) => _ = self.targets.remove(&n),
            _ => {}
        }
        Ok(Reply::default())
    }

    /// Whether the request has all that it needs, and agrees with what is there already.
    fn compatible(&self, flavour: &Flavour, call: &Call, target: Option<u8>) -> Result<(), Code> {
        let other_access = call
            .capability
            .as_ref()
            .is_some_and(|capability| (capability.access == Access::Block) != self.block);
        let other_target =
            target.and_then(|n| self.targets.get(&n)).is_some_and(|old| *old != call.readonly);
        match call.rpc {
            Rpc::ControllerPublish => match &call.node {
                None => Err(Code::InvalidArgument),
                Some(Ref::Literal { .. }) => Err(Code::NotFound),
                Some(_) if self.attached && call.readonly => Err(Code::AlreadyExists),
                Some(_) => Ok(()),
            },
            Rpc::NodeStage | Rpc::NodeUnstage if call.staging_path.is_none() => {
                Err(Code::InvalidArgument)
            }
            Rpc::NodePublish if flavour.has("node.stage") && call.staging_path.is_none() => {
                Err(Code::FailedPrecondition)
            }
            Rpc::NodeStage if self.staged && other_access => Err(Code::AlreadyExists),
            Rpc::NodePublish if other_target => Err(Code::AlreadyExists),
            _ => Ok(()),
        }
    }

    fn controller_expand(&mut self, flavour: &Flavour, range: Option<CapacityRange>) -> Answer {
        let range = range.ok_or(Code::InvalidArgument)?;
        let wanted = size(flavour, range)?;
        if !flavour.has("expand.online") && self.in_use() {
            return Err(Code::FailedPrecondition);
        }
        if range.limit > 0 && self.bytes > range.limit {
            return Err(Code::OutOfRange);
        }
        self.bytes = self.bytes.max(wanted);
        let node = flavour.has("node.expand") && !flavour.whole && !self.block;
        if !node {
            self.fs = self.bytes;
        }
        Ok(Reply {
            capacity_bytes: Some(self.bytes),
            node_expansion_required: Some(node && self.fs < self.bytes),
            ..Reply::default()
        })
    }

    fn node_expand(&mut self, flavour: &Flavour, call: &Call) -> Answer {
        let path = call.path.as_ref().ok_or(Code::InvalidArgument)?;
        let here = match path {
            PathRef::Staging => self.staged,
            path => self.is_at(path),
        };
        if !here {
            return Err(Code::FailedPrecondition);
        }
        if call.staging_path.is_some() && !flavour.has("node.stage") {
            return Err(Code::InvalidArgument);
        }
        if let Some(range) = call.capacity_range {
            let wanted = size(flavour, range)?;
            if !flavour.has("controller.expand") {
                self.bytes = self.bytes.max(wanted);
            } else if wanted > self.bytes {
                return Err(Code::OutOfRange);
            }
        }
        self.fs = self.bytes;
        Ok(Reply { capacity_bytes: Some(self.bytes), ..Reply::default() })
    }
}

/// The size for a range, or why there is none.
fn size(flavour: &Flavour, range: CapacityRange) -> Result<i64, Code> {
    let CapacityRange { required, limit } = range;
    if required < 0 || limit < 0 || (required == 0 && limit == 0) {
        return Err(Code::InvalidArgument);
    }
    let unit = i64::try_from(flavour.granularity).unwrap();
    let maximum = i64::try_from(flavour.maximum).unwrap();
    if required > maximum || (limit > 0 && required > limit) {
        return Err(Code::OutOfRange);
    }
    let bytes = (required.max(1) - 1) / unit * unit + unit;
    if limit > 0 && bytes > limit { Err(Code::OutOfRange) } else { Ok(bytes) }
}

fn capabilities(flavour: &Flavour, rpc: Rpc) -> Reply {
    let known: &[(&str, &str)] = match rpc {
        Rpc::GetPluginCapabilities => &[("controller", "CONTROLLER_SERVICE")],
        Rpc::ControllerGetCapabilities => &[
            ("controller.create", "CREATE_DELETE_VOLUME"),
            ("controller.publish", "PUBLISH_UNPUBLISH_VOLUME"),
            ("controller.expand", "EXPAND_VOLUME"),
        ],
        _ => &[("node.stage", "STAGE_UNSTAGE_VOLUME"), ("node.expand", "EXPAND_VOLUME")],
    };
    let held = known.iter().filter(|(offer, _)| flavour.has(offer));
    Reply {
        capabilities: Some(held.map(|(_, name)| (*name).to_owned()).collect()),
        ..Reply::default()
    }
}

fn handle(id: Option<&Ref>) -> Result<&str, Code> {
    match id.ok_or(Code::InvalidArgument)? {
        Ref::Handle(handle) => Ok(handle),
        Ref::Literal { .. } => Err(Code::NotFound),
    }
}

/// Steps and their answers, to the end.
pub struct Ran {
    pub steps: Vec<(Step, Completion)>,
    pub stopped: Option<Stopped>,
    pub objects: Vec<ObjectChange>,
}

/// Most steps that any script may take.
const STEPS_MAX: usize = 4000;
/// How long everything takes, microseconds.
const TAKES_US: u64 = 100;

/// Drives a script; `answer` may replace what the simulation says.
pub fn drive(mut script: Script, answer: &mut dyn FnMut(&Action) -> Completion) -> Ran {
    let mut ran = Ran { steps: Vec::new(), stopped: None, objects: Vec::new() };
    let mut ids = BTreeSet::new();
    let mut under_way: Vec<(u32, Step)> = Vec::new();
    let several = script.driven.is_some();
    let mut now_us = 0;
    loop {
        assert!(ran.steps.len() < STEPS_MAX, "the script does not end: {:?}", ran.steps.last());
        script.tick(now_us);
        let next = script.next();
        ran.objects.extend(script.objects());
        match next {
            Next::Step(step) => {
                let alone = under_way.is_empty() || step.id.verb == "parallel";
                assert!(alone || several, "one thing at a time: {:?}", step.id);
                let kind = super::super::kind(&step.action);
                assert!(ids.insert((step.id.clone(), kind)), "twice: {:?}", step.id);
                let op = u32::try_from(ids.len()).unwrap();
                let invoke = Invoke {
                    step: step.id.clone(),
                    action: step.action.clone(),
                    expect: step.expect.clone(),
                };
                observe(&mut script, op, EventKind::Invoke(Box::new(invoke)));
                under_way.push((op, *step));
            }
            Next::Done(stopped) => {
                assert!(under_way.is_empty(), "over, with calls under way");
                return Ran { stopped, ..ran };
            }
            Next::Nap(us) if under_way.is_empty() => now_us += us,
            Next::Pending | Next::Nap(_) => {
                // Those sent together come back in any order; here the last comes first.
                let (op, step) = under_way.pop().expect("something is under way");
                let completion = answer(&step.action);
                now_us += TAKES_US;
                script.tick(now_us);
                observe(&mut script, op, EventKind::Complete(Box::new(completion.clone())));
                ran.steps.push((step, completion));
            }
        }
    }
}

fn observe(script: &mut Script, op: u32, kind: EventKind) {
    script.observe(&Event { index: op, op, at_us: 0, kind });
}
