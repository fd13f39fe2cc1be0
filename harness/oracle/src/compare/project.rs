//! What of an outcome is worth comparing: code, class of the replied size, demand for a node
//! step, whether device and file system have what was promised, whether the data is whole. Ids,
//! times and exact sizes differ between any two drivers and are left out.

use std::collections::HashMap;

use crate::{
    action::{Call, Rpc},
    check::seen::Seen,
    evidence::Op,
    history::{Code, Completion, Observation, Outcome, Reply},
    model::{self, Model, State, Volume},
    words::bytes,
};

/// One comparable aspect of an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// `OK` or the code.
    Code(Code),
    /// A replied size beside the range asked for.
    Size(Size),
    /// `node_expansion_required`.
    NodeStep(bool),
    /// The measured device beside what was promised.
    Device(Reach),
    /// The measured file system beside the device.
    Fs(Reach),
    /// Every block is as it was acknowledged.
    Intact(bool),
}

/// A replied size beside the range asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// 0 or absent.
    None,
    /// Below the minimum.
    Below,
    /// The minimum.
    Exact,
    /// Above by less than the allocation unit.
    Rounded,
    /// Above by more.
    Above,
    /// Above the limit.
    AboveLimit,
}

/// Whether a measured size is what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It is.
    Full,
    /// It is not.
    Short,
    /// Not measured.
    Unseen,
}

/// A circumstance that a clause may depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    /// The volume was at least as large as asked before the call.
    AlreadyLarge,
    /// The controller has asked for a node step that is not done.
    NodeStep,
    /// A raw block volume.
    Block,
    /// A new volume made from another or a snapshot.
    FromSource,
    /// On a node, but not published.
    Unpublished,
    /// Published to a workload already.
    Published,
    /// The capability sent is not the volume's.
    OtherAccess,
}

/// A value and how it reads.
#[derive(Clone, Debug)]
pub struct Facet {
    /// For comparing.
    pub value: Value,
    /// For reading.
    pub shown: String,
}

/// An operation, projected.
#[derive(Clone, Debug)]
pub struct Projection {
    facets: Vec<Facet>,
    /// The circumstances.
    pub scenes: Vec<Scene>,
}

/// All operations of one side, by the number of their first event.
#[derive(Debug)]
pub struct Projections(HashMap<u32, Projection>);

impl Projections {
    /// Projects one side; `unit` is its allocation unit in bytes.
    pub fn of(ops: &[Op<'_>], unit: u64) -> Self {
        let mut all = HashMap::new();
        model::walk(ops, |model, op| {
            if let Some(completion) = op.completion() {
                let scenes = scenes(model, op);
                let facets = facets(model, op, completion, unit);
                all.insert(op.begin(), Projection { facets, scenes });
            }
        });
        Self(all)
    }

    /// `None` if it never came back.
    pub fn get(&self, op: &Op<'_>) -> Option<&Projection> {
        self.0.get(&op.begin())
    }
}

impl Projection {
    /// Aspects that both have and in which they differ. Where the codes differ, the rest is of no
    /// interest.
    pub fn differences<'a>(&'a self, other: &'a Self) -> Vec<(&'a Facet, &'a Facet)> {
        let same_aspect = |a: &Facet, b: &Facet| {
            std::mem::discriminant(&a.value) == std::mem::discriminant(&b.value)
        };
        let mut pairs: Vec<(&Facet, &Facet)> = Vec::new();
        for mine in &self.facets {
            let partner = other.facets.iter().find(|theirs| same_aspect(mine, theirs));
            pairs.extend(partner.filter(|theirs| theirs.value != mine.value).map(|t| (mine, t)));
        }
        if pairs.iter().any(|(mine, _)| matches!(mine.value, Value::Code(_))) {
            pairs.truncate(1);
        }
        pairs
    }
}

impl Facet {
    fn new(value: Value, shown: impl Into<String>) -> Self {
        Self { value, shown: shown.into() }
    }

    /// With the name of the aspect: `code OUT_OF_RANGE`.
    pub fn with_name(&self) -> String {
        let name = match self.value {
            Value::Code(_) => "code",
            Value::Size(_) => "size",
            Value::NodeStep(_) => "node expansion",
            Value::Device(_) => "device",
            Value::Fs(_) => "file system",
            Value::Intact(_) => "data",
        };
        format!("{name} {}", self.shown)
    }
}

fn scenes(model: &Model, op: &Op<'_>) -> Vec<Scene> {
    let volume = op.volume().and_then(|handle| model.volume(handle));
    let state = volume.map(Volume::state);
    let call = op.call();
    let required = call.and_then(|call| call.capacity_range).map_or(0, |range| range.required);
    let sent = call.and_then(|call| call.capability.as_ref()).map(|capability| &capability.access);
    let known = volume.and_then(|volume| volume.access.as_ref());
    [
        (Scene::AlreadyLarge, required > 0 && volume.is_some_and(|v| required <= v.size())),
        (Scene::NodeStep, volume.is_some_and(|volume| volume.node_step)),
        (Scene::Block, volume.is_some_and(Volume::is_block)),
        (Scene::FromSource, call.is_some_and(|call| call.source.is_some())),
        (Scene::Unpublished, matches!(state, Some(State::NodeReady | State::VolReady))),
        (Scene::Published, state == Some(State::Published)),
        (Scene::OtherAccess, known.zip(sent).is_some_and(|(known, sent)| known != sent)),
    ]
    .into_iter()
    .filter_map(|(scene, holds)| holds.then_some(scene))
    .collect()
}

fn facets(model: &Model, op: &Op<'_>, completion: &Completion, unit: u64) -> Vec<Facet> {
    let code = completion.code();
    let mut facets = vec![Facet::new(Value::Code(code), code.name())];
    match completion {
        Completion::Ok(Outcome::Reply(reply)) => {
            facets.extend(op.call().into_iter().flat_map(|call| answer(call, reply, unit)));
        }
        Completion::Ok(Outcome::Observation(seen)) => facets.extend(sizes(model, op, seen)),
        Completion::Ok(Outcome::Loaded(report)) => {
            let intact = report.mismatches_total == 0 && report.mismatches.is_empty();
            let shown = if intact { "whole" } else { "damaged" };
            facets.push(Facet::new(Value::Intact(intact), shown));
        }
        _ => (),
    }
    facets
}

fn answer(call: &Call, reply: &Reply, unit: u64) -> Vec<Facet> {
    let told = match call.rpc {
        Rpc::CreateVolume => reply.volume.as_ref().map_or(0, |volume| volume.capacity_bytes),
        Rpc::ControllerExpand | Rpc::NodeExpand => reply.capacity_bytes.unwrap_or(0),
        _ => return Vec::new(),
    };
    let range = call.capacity_range.map_or((0, 0), |range| (range.required, range.limit));
    let size = class(told, range, unit);
    let name = match size {
        Size::None => "not told".to_owned(),
        Size::Below => format!("below the minimum ({})", bytes(told)),
        Size::Exact => format!("as asked ({})", bytes(told)),
        Size::Rounded => format!("rounded up ({})", bytes(told)),
        Size::Above => format!("above what was asked ({})", bytes(told)),
        Size::AboveLimit => format!("above the limit ({})", bytes(told)),
    };
    let step = reply.node_expansion_required.map(|required| {
        let shown = if required { "required" } else { "not required" };
        Facet::new(Value::NodeStep(required), shown)
    });
    std::iter::once(Facet::new(Value::Size(size), name)).chain(step).collect()
}

fn class(told: i64, (required, limit): (i64, i64), unit: u64) -> Size {
    let over = told.saturating_sub(required).unsigned_abs();
    match told {
        told if told <= 0 => Size::None,
        told if told < required => Size::Below,
        told if limit > 0 && told > limit => Size::AboveLimit,
        told if told == required => Size::Exact,
        _ if required > 0 && over < unit => Size::Rounded,
        _ => Size::Above,
    }
}

fn sizes(model: &Model, op: &Op<'_>, raw: &Observation) -> Vec<Facet> {
    let Some((handle, seen)) = Seen::of(model, op) else { return Vec::new() };
    let promised = model.volume(handle).map_or(0, |volume| volume.promised.unsigned_abs());
    let device = match seen.device {
        None => Reach::Unseen,
        Some(size) if size < promised => Reach::Short,
        Some(_) => Reach::Full,
    };
    let fs = match seen.is_short(None) {
        None => Reach::Unseen,
        Some(true) => Reach::Short,
        Some(false) => Reach::Full,
    };
    let shown = |reach, full: &str, short: &str| {
        match reach {
            Reach::Full => full,
            Reach::Short => short,
            Reach::Unseen if raw.shared => "without one of its own",
            Reach::Unseen => "not measured",
        }
        .to_owned()
    };
    vec![
        Facet::new(Value::Device(device), shown(device, "as promised", "too small")),
        Facet::new(Value::Fs(fs), shown(fs, "fills the device", "smaller than the device")),
    ]
}
