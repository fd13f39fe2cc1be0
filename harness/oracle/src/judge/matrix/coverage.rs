//! What the clauses add up to. Derived clauses are our consequences and the orchestrator's clauses
//! bind the harness, so neither ever counts as coverage of what the specification asks of a driver.

use std::collections::BTreeSet;

use crate::{
    clause::{Basis, Catalogue, Party},
    report::{ClauseResult, ClauseState, Coverage, Tally},
};

/// Adds up the matrix, and what the catalogue has besides.
pub fn coverage(clauses: &[ClauseResult], catalogue: &Catalogue) -> Coverage {
    let mut coverage = Coverage::default();
    for clause in clauses {
        coverage.of(clause.party, clause.basis).add(Some(clause.state));
    }
    let known: BTreeSet<&str> = clauses.iter().map(|clause| clause.id.as_str()).collect();
    for clause in catalogue.iter().filter(|clause| !known.contains(clause.id.as_str())) {
        coverage.of(clause.party, clause.basis).add(None);
    }
    coverage
}

impl Coverage {
    fn of(&mut self, party: Party, basis: Basis) -> &mut Tally {
        match (party, basis) {
            (Party::Orchestrator, _) => &mut self.orchestrator,
            (Party::Plugin, Basis::Derived) => &mut self.derived,
            (Party::Plugin, _) => &mut self.stated,
        }
    }
}

impl Tally {
    fn add(&mut self, state: Option<ClauseState>) {
        self.total += 1;
        let of_state = match state {
            Some(ClauseState::Broken) => &mut self.broken,
            Some(ClauseState::Advised) => &mut self.advised,
            Some(ClauseState::Kept) => &mut self.kept,
            Some(ClauseState::Unsupported) => &mut self.unsupported,
            Some(ClauseState::Untested) => &mut self.untested,
            Some(ClauseState::Excepted) => &mut self.excepted,
            None => &mut self.unclaimed,
        };
        *of_state += 1;
    }
}
