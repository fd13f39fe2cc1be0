//! Checks: pure functions from evidence to findings, one idea per file.
//!
//! To add one, write `check/<idea>.rs` with a `pub const CHECK` and list it in [`CHECKS`]. Nothing
//! else in the project has to change: the clause matrix, `list checks` and every report read this
//! table. A check must not know the target's name, and must not fail what the specification allows.
//!
//! One defect should turn one check red. Where two could see it, one leaves it to the other and
//! says so in its module's doc.

use crate::{
    evidence::{Evidence, Op},
    report::{Class, Finding},
    verdict::Verdict,
};

mod access_type;
mod alive;
mod answered;
mod capacity_contract;
mod code_expected;
mod context;
mod data_kept;
mod declared;
mod denied;
mod error_text;
mod field_limits;
mod grown;
mod idempotent;
mod identity;
mod implemented;
mod lab;
mod listing;
mod locked;
mod never_shrinks;
mod node_flag;
mod refused_without_effect;
mod reply_fields;
pub(crate) mod seen;
mod stands;
mod stats;
pub(crate) mod table;
mod teardown;
#[cfg(test)]
pub(crate) mod testing;
mod vacuous;
mod volume_id;

pub(crate) use teardown::leaked;

/// A named rule of judgement.
#[derive(Debug)]
pub struct Check {
    /// `never-shrinks`; unique.
    pub name: &'static str,
    /// One sentence: what it looks for.
    pub about: &'static str,
    /// Clauses it can find broken. A finding must name one of them, or the step's own.
    pub clauses: &'static [&'static str],
    /// The judgement.
    pub run: fn(&Evidence<'_>) -> Vec<Finding>,
}

/// Every check, in the order in which findings of equal weight are listed.
pub const CHECKS: &[Check] = &[
    alive::CHECK,
    data_kept::CHECK,
    volume_id::CHECK,
    never_shrinks::CHECK,
    grown::CHECK,
    node_flag::CHECK,
    capacity_contract::CHECK,
    idempotent::CHECK,
    refused_without_effect::CHECK,
    stands::CHECK,
    denied::CHECK,
    locked::CHECK,
    access_type::CHECK,
    stats::CHECK,
    context::CHECK,
    listing::CHECK,
    declared::CHECK,
    identity::CHECK,
    reply_fields::CHECK,
    field_limits::CHECK,
    implemented::CHECK,
    code_expected::CHECK,
    error_text::CHECK,
    answered::CHECK,
    teardown::CHECK,
    vacuous::CHECK,
    lab::CHECK,
];

/// Checks of which each clause is provoked by any reply of its procedure: no scenario has to.
const ALWAYS_ON: &[&str] = &["declared", "identity", "reply-fields", "field-limits", "implemented"];

/// Clauses of other checks that any reply of their procedure provokes.
const ALWAYS_ON_CLAUSES: &[&str] = &[
    "general.volume.id-required",
    "general.volume.capacity-non-negative",
    "get-capacity.available-non-negative",
    "get-capacity.limits-non-negative",
    "node-get-volume-stats.non-negative",
    "create-snapshot.size-non-negative",
    "create-volume.response-volume",
    "controller-expand.capacity-bytes-required",
    "list-volumes.all",
];

/// Whether any reply of the clause's procedure is judged by it.
pub fn is_always_on(clause: &str) -> bool {
    let mut checks = CHECKS.iter().filter(|check| ALWAYS_ON.contains(&check.name));
    ALWAYS_ON_CLAUSES.contains(&clause) || checks.any(|check| check.clauses.contains(&clause))
}

impl Check {
    /// A breach of `clause`, proved by `op`. Whether it fails or only advises follows from the
    /// clause's level (`judge` applies it), so a check need not know.
    pub fn breach(
        &self,
        class: Class,
        clause: &str,
        op: &Op<'_>,
        what: impl Into<String>,
    ) -> Finding {
        Finding {
            check: self.name.to_owned(),
            clause: clause.to_owned(),
            class,
            verdict: Verdict::Fail,
            advisory: false,
            excused: None,
            step: Some(op.invoke.step.clone()),
            what: what.into(),
            expected: None,
            observed: None,
            events: op.events(),
        }
    }

    /// Something that accuses nobody: the scenario proves nothing (`inconclusive`), or the
    /// harness or the lab broke (`error`). It stands under the scenario's first clause, which is
    /// what stays unproved.
    pub fn no_blame(
        &self,
        class: Class,
        evidence: &Evidence<'_>,
        op: Option<&Op<'_>>,
        what: impl Into<String>,
    ) -> Finding {
        let verdict = if class == Class::Lab { Verdict::Error } else { Verdict::Inconclusive };
        self.blameless(class, verdict, evidence, op, what.into())
    }

    /// Something that was to be judged under `clause` and could not be: neither kept nor broken.
    pub fn unproved(&self, clause: &str, op: &Op<'_>, what: impl Into<String>) -> Finding {
        let finding = self.breach(Class::Vacuous, clause, op, what);
        Finding { verdict: Verdict::Inconclusive, ..finding }
    }

    /// The scenario has no meaning for this target, as only running it could show: a skip, unless
    /// something else was found wrong.
    pub fn not_applicable(
        &self,
        evidence: &Evidence<'_>,
        op: Option<&Op<'_>>,
        what: impl Into<String>,
    ) -> Finding {
        self.blameless(Class::Vacuous, Verdict::Skip, evidence, op, what.into())
    }

    fn blameless(
        &self,
        class: Class,
        verdict: Verdict,
        evidence: &Evidence<'_>,
        op: Option<&Op<'_>>,
        what: String,
    ) -> Finding {
        Finding {
            check: self.name.to_owned(),
            clause: evidence.instance.clauses.first().cloned().unwrap_or_default(),
            class,
            verdict,
            advisory: false,
            excused: None,
            step: op.map(|op| op.invoke.step.clone()),
            what,
            expected: None,
            observed: None,
            events: op.map_or(Vec::new(), Op::events),
        }
    }
}

impl Finding {
    /// Adds what was due and what there was, in short.
    #[must_use]
    pub fn versus(mut self, expected: impl Into<String>, observed: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self.observed = Some(observed.into());
        self
    }

    /// Adds another operation to the proof.
    #[must_use]
    pub fn proved_by(mut self, op: &Op<'_>) -> Self {
        self.events.extend(op.events());
        self.events.sort_unstable();
        self.events.dedup();
        self
    }

    /// Makes it a remark: legal, but worth knowing, whatever the clause's level.
    #[must_use]
    pub fn remark(mut self) -> Self {
        self.verdict = Verdict::Pass;
        self.advisory = true;
        self
    }
}

#[cfg(test)]
mod tests;
