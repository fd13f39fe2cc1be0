//! Answers that a scenario did not expect and that are right all the same, because of something
//! that only the driver knows: its pool, its allocation unit, the kinds of volume it makes.

use crate::{
    action::Rpc,
    check::{
        Check,
        seen::{ROOM, range},
        table,
    },
    evidence::{Evidence, Op},
    history::{Code, Completion, Expect},
    report::Finding,
};

/// A volume that was to be refused as too small for the new request is large enough for it (the
/// driver rounds up): OK is then right (create-volume.existing-compatible-ok).
pub fn satisfied(op: &Op<'_>) -> bool {
    let range = op.call_of(Rpc::CreateVolume).and_then(|call| call.capacity_range);
    let volume = op.reply().and_then(|reply| reply.volume.as_ref());
    let (Some(range), Some(volume)) = (range, volume) else { return false };
    range.required >= 0
        && range.limit >= 0
        && volume.capacity_bytes >= range.required.max(1)
        && (range.limit == 0 || (range.required..=range.limit).contains(&volume.capacity_bytes))
}

/// A write found no room where a growth had been asked for that, as measured, did not come about.
/// What is wrong is the growth, and that is told by `grown` or by the refusal itself.
pub fn not_grown(evidence: &Evidence<'_>, op: &Op<'_>) -> bool {
    let Some(volume) = op.volume().filter(|_| op.code() == Some(Code::NoSpace)) else {
        return false;
    };
    let all = evidence.subject.iter();
    let before = all.filter(|o| o.volume() == Some(volume) && o.end() < op.begin());
    let (mut asked, mut size, mut room) = (0, None, 0);
    for op in before {
        if op.call().is_some_and(|call| table::expands(call.rpc)) {
            asked = range(op).map_or(asked, |(required, _)| asked.max(required.unsigned_abs()));
        }
        let seen = op.completion().and_then(|completion| completion.observation());
        if let Some(seen) = seen {
            // A device has all of its bytes; a file system keeps some.
            room = if seen.fs.is_some() { ROOM.max(asked / 100) } else { 0 };
            size = seen.fs.as_ref().map(|fs| fs.bytes).or(seen.device_bytes).or(size);
        }
    }
    size.is_some_and(|size: u64| size.saturating_add(room) < asked)
}

/// A node step was asked for more than the device has, because the controller had refused to grow
/// it. The refusal is what is wrong, not the node.
pub fn device_not_grown(evidence: &Evidence<'_>, op: &Op<'_>) -> bool {
    let range = op.call_of(Rpc::NodeExpand).and_then(|call| call.capacity_range);
    let Some(range) = range.filter(|_| op.code() == Some(Code::OutOfRange)) else { return false };
    let all = evidence.subject.iter();
    let before = || all.clone().filter(|o| o.volume() == op.volume() && o.end() < op.begin());
    let refused = |o: &Op<'_>| {
        let refusal = matches!(o.completion(), Some(Completion::Fail(_) | Completion::Info(_)));
        refusal && o.call_of(Rpc::ControllerExpand).is_some()
    };
    let device = before().filter_map(|o| o.completion()?.observation()?.device_bytes).next_back();
    before().any(refused) && device.is_some_and(|bytes| bytes < range.required.unsigned_abs())
}

/// The driver does make volumes of this scenario's kind.
fn made_one(evidence: &Evidence<'_>) -> bool {
    let made = |op: &Op<'_>| op.call_of(Rpc::CreateVolume).is_some() && op.reply().is_some();
    evidence.subject.iter().any(made)
}

/// A finding that blames nobody, if the refusal is lawful as far as anybody can know.
pub fn excuse(
    check: &Check,
    evidence: &Evidence<'_>,
    op: &Op<'_>,
    expect: &Expect,
) -> Option<Finding> {
    let call = op.call()?;
    if !expect.pass.contains(&Code::Ok) {
        return None;
    }
    let offers = &evidence.run.target.offers;
    let makes = matches!(call.rpc, Rpc::CreateVolume | Rpc::CreateSnapshot | Rpc::ControllerExpand);
    let limited = call.capacity_range.is_some_and(|range| range.limit > 0);
    match op.code()? {
        // Notes on the specification, 25: a pool that is merely full.
        Code::ResourceExhausted if makes => {
            let what = "the driver's pool is full: give it more room, or try fewer --jobs";
            Some(check.no_blame(crate::report::Class::Vacuous, evidence, Some(op), what))
        }
        // 3: a limit that the allocation unit cannot meet.
        Code::OutOfRange
            if (makes || call.rpc == Rpc::NodeExpand) && limited && offers.granularity <= 1 =>
        {
            let what = "no size of this driver may fit the range: say `sizes: {granularity, \
                        minimum}` in a target profile";
            Some(check.not_applicable(evidence, Some(op), what))
        }
        // Nor that the volume is larger than the driver makes any, where nobody said how large that is.
        Code::OutOfRange
            if (makes || call.rpc == Rpc::NodeExpand) && offers.assumed && offers.maximum == 0 =>
        {
            let what = "this size may be beyond the driver's largest volume, or below its smallest: \
                        say `sizes: {minimum, maximum}` in a target profile, and a refusal within \
                        them fails";
            Some(check.no_blame(crate::report::Class::Vacuous, evidence, Some(op), what))
        }
        // Nobody has to make every kind of volume.
        Code::InvalidArgument
            if call.rpc == Rpc::CreateVolume && offers.assumed && !made_one(evidence) =>
        {
            let what = "the driver refuses this kind of volume: say `access` and `fs` in a target \
                        profile, and a refusal of what they list fails";
            Some(check.not_applicable(evidence, Some(op), what))
        }
        _ => None,
    }
}
