//! Which differences between two drivers a clause allows: one table, and nothing else. The first
//! row that fits names the clause. A row allows any two of its values, whoever has which, unless
//! it names the subject's alone.

use super::project::{Reach, Scene, Size, Value};
use crate::{action::Rpc, history::Code};

/// One allowed difference.
struct Row {
    /// Procedures; empty is any action.
    rpcs: &'static [Rpc],
    /// The subject's value is one of these.
    subject: &'static [Value],
    /// The reference's value is one of these.
    reference: &'static [Value],
    /// Only in these circumstances, seen from the subject.
    when: Option<Scene>,
    /// What allows it.
    clause: &'static str,
}

/// The clause that allows the difference, if one does.
pub fn clause(
    rpc: Option<Rpc>,
    subject: Value,
    reference: Value,
    scenes: &[Scene],
) -> Option<&'static str> {
    let fits = |row: &&Row| {
        (row.rpcs.is_empty() || rpc.is_some_and(|rpc| row.rpcs.contains(&rpc)))
            && row.subject.contains(&subject)
            && row.reference.contains(&reference)
            && row.when.is_none_or(|scene| scenes.contains(&scene))
    };
    TABLE.iter().find(fits).map(|row| row.clause)
}

const fn either(
    rpcs: &'static [Rpc],
    values: &'static [Value],
    when: Option<Scene>,
    clause: &'static str,
) -> Row {
    Row { rpcs, subject: values, reference: values, when, clause }
}

const ALWAYS: Option<Scene> = None;

const OK: Value = Value::Code(Code::Ok);
const ABORTED: Value = Value::Code(Code::Aborted);
const INVALID: Value = Value::Code(Code::InvalidArgument);
const NOT_FOUND: Value = Value::Code(Code::NotFound);
const RANGE: Value = Value::Code(Code::OutOfRange);
const EXHAUSTED: Value = Value::Code(Code::ResourceExhausted);
const STATE: Value = Value::Code(Code::FailedPrecondition);
/// Any size that meets the request.
const MET: &[Value] =
    &[Value::Size(Size::Exact), Value::Size(Size::Rounded), Value::Size(Size::Above)];
/// As `MET`, or none at all.
const MET_OR_NONE: &[Value] = &[
    Value::Size(Size::Exact),
    Value::Size(Size::Rounded),
    Value::Size(Size::Above),
    Value::Size(Size::None),
];
const STEP: &[Value] = &[Value::NodeStep(true), Value::NodeStep(false)];
const EXPAND: &[Rpc] = &[Rpc::ControllerExpand, Rpc::NodeExpand];
const SIZED: &[Rpc] = &[Rpc::CreateVolume, Rpc::ControllerExpand, Rpc::NodeExpand];

const TABLE: &[Row] = &[
    // Codes.
    either(&[], &[OK, ABORTED], ALWAYS, "general.concurrency.aborted"),
    either(
        EXPAND,
        &[OK, RANGE, INVALID],
        Some(Scene::AlreadyLarge),
        "controller-expand.already-large-ok",
    ),
    either(
        EXPAND,
        &[OK, INVALID],
        Some(Scene::OtherAccess),
        "controller-expand.err-exceeds-capabilities",
    ),
    either(
        &[Rpc::ControllerExpand],
        &[OK, STATE],
        Some(Scene::Unpublished),
        "get-plugin-capabilities.expansion-offline-not-published",
    ),
    either(
        &[Rpc::NodeExpand],
        &[OK, STATE],
        Some(Scene::Published),
        "get-plugin-capabilities.expansion-online-node-published",
    ),
    either(
        &[Rpc::NodeExpand],
        &[STATE, NOT_FOUND, INVALID],
        ALWAYS,
        "node-expand.not-staged-refused",
    ),
    either(
        &[Rpc::CreateVolume],
        &[OK, RANGE],
        Some(Scene::FromSource),
        "create-volume.larger-than-source",
    ),
    either(
        &[Rpc::NodePublish],
        &[OK, STATE],
        Some(Scene::Published),
        "node-publish.second-path-single-node",
    ),
    either(SIZED, &[INVALID, RANGE], ALWAYS, "general.capacity-range.inverted-rejected"),
    either(
        &[Rpc::ControllerExpand],
        &[RANGE, EXHAUSTED],
        ALWAYS,
        "controller-expand.err-out-of-range",
    ),
    either(&[Rpc::CreateVolume], &[RANGE, EXHAUSTED], ALWAYS, "create-volume.err-out-of-range"),
    // A malformed id may be called that instead of unknown.
    either(&[Rpc::ControllerExpand], UNKNOWN_ID, ALWAYS, "controller-expand.err-not-found"),
    either(
        &[Rpc::ControllerPublish],
        UNKNOWN_ID,
        ALWAYS,
        "controller-publish.err-volume-not-found",
    ),
    either(&[Rpc::ValidateCapabilities], UNKNOWN_ID, ALWAYS, "validate-capabilities.err-not-found"),
    either(&[Rpc::ControllerGetVolume], UNKNOWN_ID, ALWAYS, "controller-get-volume.err-not-found"),
    either(&[Rpc::NodeStage], UNKNOWN_ID, ALWAYS, "node-stage.err-not-found"),
    either(&[Rpc::NodePublish], UNKNOWN_ID, ALWAYS, "node-publish.err-not-found"),
    either(&[Rpc::NodeGetStats], UNKNOWN_ID, ALWAYS, "node-get-volume-stats.err-not-found"),
    // Sizes.
    either(&[Rpc::ControllerExpand], MET, ALWAYS, "controller-expand.result-at-least-required"),
    either(&[Rpc::CreateVolume], MET, ALWAYS, "create-volume.capacity-range-honored"),
    either(&[Rpc::CreateVolume], MET_OR_NONE, ALWAYS, "general.volume.capacity-zero-unknown"),
    either(&[Rpc::NodeExpand], MET_OR_NONE, ALWAYS, "node-expand.response-capacity"),
    // The node step.
    either(
        &[Rpc::ControllerExpand],
        STEP,
        Some(Scene::Block),
        "controller-expand.block-skips-node-step",
    ),
    either(&[Rpc::ControllerExpand], STEP, ALWAYS, "controller-expand.node-flag-truthful"),
    // Measured: earlier than the reference is fine, later only before the node step.
    Row {
        rpcs: &[],
        subject: &[Value::Fs(Reach::Full)],
        reference: &[Value::Fs(Reach::Short)],
        when: ALWAYS,
        clause: "node-expand.already-large-ok",
    },
    Row {
        rpcs: &[],
        subject: &[Value::Device(Reach::Full)],
        reference: &[Value::Device(Reach::Short)],
        when: ALWAYS,
        clause: "node-expand.already-large-ok",
    },
    Row {
        rpcs: &[],
        subject: &[Value::Fs(Reach::Short), Value::Device(Reach::Short)],
        reference: &[Value::Fs(Reach::Full), Value::Device(Reach::Full)],
        when: Some(Scene::NodeStep),
        clause: "controller-expand.co-node-step",
    },
];

const UNKNOWN_ID: &[Value] = &[INVALID, NOT_FOUND];

/// Every clause that the table names.
#[cfg(test)]
pub fn clauses() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|row| row.clause)
}
