//! Statistics of a volume are the volume's own and follow its growth.
//!
//! A total may differ from any measured size by what the file system keeps for itself, so it is
//! only compared with its own earlier value, and with the device as the most it can be.

use super::Check;
use crate::{
    action::Rpc,
    evidence::{Evidence, Op},
    history::Observation,
    report::{Class, Finding},
    words::{self, bytes, bytes_u64},
};

/// See the module.
pub const CHECK: Check = Check {
    name: "stats",
    about: "statistics are of the volume itself, and show its growth",
    clauses: &[CLAUSE],
    run,
};

const CLAUSE: &str = "node-get-volume-stats.reflects-expansion";

/// A volume when its statistics were asked for.
struct Shot<'a, 'b> {
    op: &'b Op<'a>,
    /// Total of the answer, bytes.
    total: i64,
    /// As measured last: file system, or device where there is none, bytes.
    size: u64,
}

fn run(evidence: &Evidence<'_>) -> Vec<Finding> {
    let shots: Vec<Shot<'_, '_>> =
        evidence.subject.iter().filter_map(|op| shot(evidence, op)).collect();
    let beyond = shots.iter().filter_map(|shot| beyond(evidence, shot));
    let stale = shots.iter().enumerate().filter_map(|(at, now)| {
        let same = |earlier: &&Shot<'_, '_>| earlier.op.volume() == now.op.volume();
        stale(shots[..at].iter().rev().find(same)?, now)
    });
    beyond.chain(stale).collect()
}

fn shot<'a, 'b>(evidence: &'b Evidence<'a>, op: &'b Op<'a>) -> Option<Shot<'a, 'b>> {
    op.call_of(Rpc::NodeGetStats)?;
    let total = op.reply()?.usage.iter().find(|usage| usage.unit == "BYTES")?.total;
    let seen = seen(evidence, op)?;
    let size = seen.fs.as_ref().map(|fs| fs.bytes).or(seen.device_bytes)?;
    Some(Shot { op, total, size })
}

/// The last look at the volume before the call; none if it shows something shared.
fn seen<'a>(evidence: &Evidence<'a>, op: &Op<'_>) -> Option<&'a Observation> {
    let before = evidence.subject.iter().filter(|o| o.end() < op.begin());
    let own = before.filter(|o| o.volume() == op.volume());
    let mut looks = own.rev().filter_map(|o| o.completion()?.observation());
    looks.next().filter(|seen| !seen.shared)
}

/// More than the device holds: these are the numbers of something else.
fn beyond(evidence: &Evidence<'_>, shot: &Shot<'_, '_>) -> Option<Finding> {
    let device = seen(evidence, shot.op)?.device_bytes?;
    let total = u64::try_from(shot.total).ok()?;
    (total > device).then(|| {
        let action = words::action(&shot.op.invoke.action);
        let what = format!(
            "{action} gave a total of {}, and the device has {}",
            bytes(shot.total),
            bytes_u64(device)
        );
        CHECK
            .breach(Class::Lie, CLAUSE, shot.op, what)
            .versus(format!("at most {}", bytes_u64(device)), bytes(shot.total))
    })
}

/// The volume has grown since, and the total has not.
fn stale(earlier: &Shot<'_, '_>, now: &Shot<'_, '_>) -> Option<Finding> {
    (now.size > earlier.size && now.total <= earlier.total).then(|| {
        let action = words::action(&now.op.invoke.action);
        let what = format!(
            "{action} gave a total of {} as before, and the volume grew from {} to {}",
            bytes(now.total),
            bytes_u64(earlier.size),
            bytes_u64(now.size)
        );
        CHECK
            .breach(Class::Lie, CLAUSE, now.op, what)
            .versus(format!("more than {}", bytes(earlier.total)), bytes(now.total))
            .proved_by(earlier.op)
    })
}
