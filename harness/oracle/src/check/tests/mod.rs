//! Each check against histories: a clean one, each defect alone, and the variety that is legal.
//! All checks run on every history, so a defect that turns two checks red shows here.

use std::collections::BTreeSet;

use super::{CHECKS, table, testing::*};
use crate::{action::Rpc, history::Code};

mod always;
mod ambiguities;
mod codes;
mod data;
mod flags;
mod growth;
mod ids;
mod orchestrated;
mod repeats;
mod replies;
mod stats;

/// The whole path, as it should be.
pub(super) fn clean() -> H {
    H::xfs()
        .create(64)
        .publish()
        .see(64, 64)
        .expand(128)
        .reply(128, true)
        .node_expand(128)
        .size(128)
        .see(128, 128)
}

#[test]
fn a_clean_history_has_no_finding() {
    assert_eq!(clean().found(), Vec::<String>::new());
    assert_eq!(clean().report().verdict, crate::verdict::Verdict::Pass);
}

#[test]
fn names_are_unique_and_every_clause_exists() {
    let names: BTreeSet<&str> = CHECKS.iter().map(|check| check.name).collect();
    assert_eq!(names.len(), CHECKS.len());
    let catalogue = catalogue();
    for check in CHECKS {
        for clause in check.clauses {
            assert!(catalogue.get(clause).is_some(), "{}: {clause}", check.name);
        }
    }
    for clause in crate::compare::clauses() {
        assert!(catalogue.get(clause).is_some(), "comparison: {clause}");
    }
    for (rpc, ..) in Rpc::ALL {
        let implemented = table::implemented(*rpc);
        assert!(catalogue.get(&implemented).is_some(), "{implemented}");
        if let Some(clause) = table::idempotent(*rpc) {
            assert!(catalogue.get(clause).is_some(), "{clause}");
        }
    }
}

/// A finding names a clause of its check, or the step's own.
#[test]
fn every_code_is_refused_by_name() {
    let h = H::xfs().create(64).expect(&[Code::OutOfRange]).expand(128).fails(Code::Internal);
    let report = h.report();
    let finding = &report.findings[0].finding;
    assert_eq!(finding.what.matches("INTERNAL").count(), 1);
    assert_eq!(finding.expected.as_deref(), Some("OUT_OF_RANGE"));
    assert_eq!(finding.observed.as_deref(), Some("INTERNAL: no"));
    assert_eq!(finding.events, [2, 3]);
}
