//! Sizes that cannot be: negative numbers, in any reply.

use super::CHECK;
use crate::{
    action::Rpc,
    evidence::Op,
    history::Reply,
    report::{Class, Finding},
};

/// The first negative number of a reply.
pub fn find(rpc: Rpc, reply: &Reply, op: &Op<'_>) -> Option<Finding> {
    let (clause, field, value) =
        numbers(reply).into_iter().find(|(_, _, value)| value.is_some_and(|value| value < 0))?;
    let value = value.unwrap_or_default();
    let what = format!("{rpc} replied {field} {value}");
    Some(CHECK.breach(Class::Code, clause, op, what).versus(">= 0", value.to_string()))
}

/// Clause, field and the smallest value of that field.
fn numbers(reply: &Reply) -> [(&'static str, &'static str, Option<i64>); 8] {
    const VOLUME: &str = "general.volume.capacity-non-negative";
    let entries = reply.entries.iter().flatten().map(|entry| entry.bytes).min();
    let usage = reply.usage.iter().map(|u| u.total.min(u.used).min(u.available)).min();
    [
        (VOLUME, "capacity_bytes", reply.volume.as_ref().map(|volume| volume.capacity_bytes)),
        (VOLUME, "capacity_bytes", reply.capacity_bytes),
        (VOLUME, "an entry of", entries),
        ("get-capacity.available-non-negative", "available_capacity", reply.available_capacity),
        ("get-capacity.limits-non-negative", "maximum_volume_size", reply.maximum_volume_size),
        ("get-capacity.limits-non-negative", "minimum_volume_size", reply.minimum_volume_size),
        ("node-get-volume-stats.non-negative", "usage", usage),
        (
            "create-snapshot.size-non-negative",
            "size_bytes",
            reply.snapshot.as_ref().map(|snapshot| snapshot.size_bytes),
        ),
    ]
}
