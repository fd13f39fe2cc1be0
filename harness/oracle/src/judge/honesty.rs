//! Declared against observed: for each state of a volume, what the driver's capabilities say of
//! growth there, and what happened when it was tried. Facts only; the checks judge them.
//!
//! A try is a request for real growth with nothing wrong in it but, at most, the state. Refusals
//! because of the size or of another call under way say nothing about the state.

use std::collections::{BTreeMap, HashMap};

use super::scenario::Judged;
use crate::{
    action::{Access, Call, PathRef, Rpc},
    check::{
        seen::{Seen, range},
        table,
    },
    evidence::{Evidence, Op},
    history::{Code, Completion, Run},
    model::{self, Model, State, Volume},
    offer::Offers,
    report::{Honesty, HonestyRow, Promise, Standing},
};

/// One growth that was tried.
#[derive(Clone, Debug)]
pub struct Try {
    rpc: Rpc,
    block: bool,
    state: State,
    end: Ending,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Ending {
    Refused(Code),
    /// Answered OK; whether it was measured as large as asked.
    Ok(Option<bool>),
}

const STATES: [(State, &str); 4] = [
    (State::Created, "created"),
    (State::NodeReady, "node-ready"),
    (State::VolReady, "vol-ready"),
    (State::Published, "published"),
];

/// The tries of one instance, in order of completion.
pub fn tries(evidence: &Evidence<'_>) -> Vec<Try> {
    let mut tries: Vec<Try> = Vec::new();
    // Growths that were answered OK and may still be measured, by volume: which, size, call's end.
    let mut open: HashMap<&str, Vec<(usize, u64, u32)>> = HashMap::new();
    let offers = &evidence.run.target.offers;
    model::walk(evidence.subject, |model, op| {
        if let Some((handle, tried, size)) = tried(model, op, offers) {
            if tried.end == Ending::Ok(None) {
                let open = open.entry(handle).or_default();
                // What a larger growth makes of the volume proves nothing for a smaller one.
                open.retain(|(_, known, _)| *known >= size);
                open.push((tries.len(), size, op.end()));
            }
            tries.push(tried);
        }
        if op.call_of(Rpc::DeleteVolume).is_some() {
            op.volume().map(|handle| open.remove(handle));
        }
        if let Some((handle, seen)) = Seen::of(model, op)
            && let Some(device) = seen.device
        {
            // While a node step is due, nothing has to be there yet.
            let due = model.volume(handle).is_some_and(|volume| volume.node_step);
            let whole = seen.is_short(None) != Some(true);
            // One that was seen grown stays that, and is not measured again.
            let mut waits = |(at, size, end): &(usize, u64, u32)| {
                let later = seen.op.begin() > *end;
                let Some(growth) = tries.get_mut(*at).filter(|_| later) else { return true };
                let grown = device >= *size && (growth.rpc == Rpc::ControllerExpand || whole);
                if grown || !due {
                    growth.end = Ending::Ok(Some(grown));
                }
                !grown
            };
            if let Some(open) = open.get_mut(handle) {
                open.retain(|one| waits(one));
            }
        }
    });
    tries
}

/// The volume, the try, and the size that was asked for.
fn tried<'a>(model: &Model, op: &Op<'a>, offers: &Offers) -> Option<(&'a str, Try, u64)> {
    let call = op.call().filter(|call| table::expands(call.rpc) && !op.is_teardown())?;
    let handle = op.volume()?;
    let volume = model.volume(handle)?;
    let (required, limit) = range(op)?;
    let sane = required > 0 && (limit == 0 || limit >= required);
    let possible = offers.maximum == 0 || required.unsigned_abs() <= offers.maximum;
    let plain = sane && possible && call.deadline_ms.is_none();
    if !plain || !is_real(call, volume, required, offers) {
        return None;
    }
    let end = match op.completion()? {
        Completion::Ok(_) => Ending::Ok(None),
        Completion::Fail(failure) if tells(call.rpc, failure.code) => Ending::Refused(failure.code),
        Completion::Fail(_) | Completion::Info(_) => return None,
    };
    let block = volume.access.as_ref()? == &Access::Block;
    let tried = Try { rpc: call.rpc, block, state: volume.state(), end };
    Some((handle, tried, required.unsigned_abs()))
}

/// There is something to grow, in the order that the specification has.
fn is_real(call: &Call, volume: &Volume, required: i64, offers: &Offers) -> bool {
    match call.rpc {
        Rpc::ControllerExpand => required > volume.size(),
        _ if !matches!(call.path, Some(PathRef::Staging | PathRef::Target(_))) => false,
        _ if offers.has("controller.expand") => volume.node_step,
        _ => required > volume.size(),
    }
}

/// Whether a refusal with that code is about the state.
fn tells(rpc: Rpc, code: Code) -> bool {
    match code {
        Code::Aborted | Code::OutOfRange | Code::ResourceExhausted => false,
        // An unknown path or id on the node is how it says that the volume is not there.
        Code::InvalidArgument | Code::NotFound => rpc == Rpc::NodeExpand,
        code => !code.is_ours(),
    }
}

/// The table of a run.
pub fn honesty(run: &Run, judged: &[Judged]) -> Honesty {
    let offers = &run.target.offers;
    let declared = |service: &str, name: &str| {
        offers.declared.get(service).is_some_and(|list| list.iter().any(|one| one == name))
    };
    let modes = ["ONLINE", "OFFLINE"].into_iter().filter(|mode| declared("plugin", mode));
    let modes: Vec<String> = modes.map(str::to_owned).collect();
    let mut rows = Vec::new();
    for rpc in [Rpc::ControllerExpand, Rpc::NodeExpand] {
        for block in [false, true] {
            let reachable = STATES.iter().filter(|(state, _)| is_reachable(*state, offers));
            rows.extend(
                reachable.map(|(state, _)| row(offers, &modes, judged, (rpc, block, *state))),
            );
        }
    }
    Honesty {
        controller: offers.has("controller.expand"),
        node: offers.has("node.expand"),
        modes,
        rows,
    }
}

/// Whether a volume of the target passes through that state at all.
fn is_reachable(state: State, offers: &Offers) -> bool {
    match state {
        State::Created => true,
        State::NodeReady => offers.has("controller.publish"),
        State::VolReady => offers.has("node.stage"),
        State::Published => offers.has("node"),
    }
}

fn row(
    offers: &Offers,
    modes: &[String],
    judged: &[Judged],
    (rpc, block, state): (Rpc, bool, State),
) -> HonestyRow {
    let declared = promise(offers, modes, rpc, state);
    let mut row = HonestyRow {
        call: rpc.full_name().to_owned(),
        access: if block { "block" } else { "mount" }.to_owned(),
        state: STATES.iter().find(|(known, _)| *known == state).map_or("", |s| s.1).to_owned(),
        declared,
        standing: Standing::Untried,
        grown: 0,
        not_grown: 0,
        not_measured: 0,
        refused: BTreeMap::new(),
        why: None,
        scenario: None,
    };
    for case in judged {
        let fits = |one: &&Try| (one.rpc, one.block, one.state) == (rpc, block, state);
        for one in case.tries.iter().filter(fits) {
            match one.end {
                Ending::Refused(code) => *row.refused.entry(code.to_string()).or_default() += 1,
                Ending::Ok(Some(true)) => row.grown += 1,
                Ending::Ok(Some(false)) => row.not_grown += 1,
                Ending::Ok(None) => row.not_measured += 1,
            }
            let now = standing(&row);
            if now.contradicts() && now != row.standing {
                row.scenario = Some(case.result.id.clone());
            }
            row.standing = now;
        }
    }
    row.why = (row.standing == Standing::Untried).then(|| untried(offers, rpc, block));
    row
}

/// What the capabilities say (notes on the specification: sequences, and 7 to 10).
fn promise(offers: &Offers, modes: &[String], rpc: Rpc, state: State) -> Promise {
    let offline_only = modes == ["OFFLINE"];
    match (rpc, state) {
        (Rpc::ControllerExpand, _) if !offers.has("controller.expand") => Promise::Absent,
        (Rpc::ControllerExpand, State::Created) => Promise::Works,
        (Rpc::ControllerExpand, _) if modes.is_empty() => Promise::Open,
        (Rpc::ControllerExpand, State::Published) if offline_only => Promise::Refused,
        (Rpc::ControllerExpand, _) if offline_only => Promise::Open,
        (Rpc::ControllerExpand, _) => Promise::Works,
        (_, _) if !offers.has("node.expand") => Promise::Absent,
        (_, State::Created | State::NodeReady) => Promise::Refused,
        // A node step on a published volume is allowed, never demanded (10).
        (_, State::Published) if offers.has("node.stage") => Promise::Open,
        _ => Promise::Works,
    }
}

fn standing(row: &HonestyRow) -> Standing {
    let ok = row.grown > 0 || row.not_measured > 0;
    let refused = !row.refused.is_empty();
    match row.declared {
        _ if row.not_grown > 0 => Standing::Lies,
        Promise::Works if refused => Standing::Refuses,
        Promise::Refused | Promise::Absent if ok => Standing::Modest,
        _ if row.grown > 0 || refused => Standing::Agrees,
        _ if row.not_measured > 0 => Standing::Unmeasured,
        _ => Standing::Untried,
    }
}

fn untried(offers: &Offers, rpc: Rpc, block: bool) -> String {
    let access = if block { "access.block" } else { "access.mount" };
    let needs = rpc.needs().iter().copied().chain([access]);
    offers.gap(needs).unwrap_or_else(|| "no scenario that ran tried it".to_owned())
}
