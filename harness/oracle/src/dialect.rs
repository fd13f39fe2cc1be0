//! Which clauses bind a driver, by what it speaks. Checks and scenarios name the clauses of CSI 1; a
//! dialect that is older, or none of CSI's, is judged by the same checks, and what they say is put
//! under clauses that the dialect really has. What binds nobody there is no finding.

use crate::{
    clause::{Basis, Catalogue, Clause},
    report::{Class, Finding},
};

/// Begins the id of a clause that a dialect takes over from CSI 1: `dialect.` and the id there.
const PREFIX: &str = "dialect.";

/// The id of the clause that is checked.
pub fn adopted(id: &str) -> &str {
    id.strip_prefix(PREFIX).unwrap_or(id)
}

/// The clauses of one dialect.
#[derive(Debug)]
pub struct Rules {
    /// Those that bind a driver that speaks it.
    pub catalogue: Catalogue,
}

impl Rules {
    /// Of all clauses those of a dialect, by the name that histories have for it.
    pub fn of(dialect: &str, all: &Catalogue) -> Self {
        let own = |clause: &&Clause| clause.id.starts_with(PREFIX);
        let clauses = all.iter();
        let catalogue = match dialect {
            // CSI's own sentences of that time, and those for growth that the dialect takes over.
            "csi.v0" => {
                Catalogue::new(clauses.filter(|c| own(c) || c.since.starts_with("v0.")).cloned())
            }
            // No driver of FlexVolume ever promised CSI anything: all of it is our consequence.
            "flexvolume" => Catalogue::new(
                clauses
                    .filter(|clause| !own(clause))
                    .map(|clause| Clause { basis: Basis::Derived, ..clause.clone() }),
            ),
            _ => Catalogue::new(clauses.filter(|clause| !own(clause)).cloned()),
        };
        Self { catalogue }
    }

    /// What the dialect calls a clause; `None`: it does not have it.
    pub fn name(&self, id: &str) -> Option<&str> {
        let taken_over = || self.catalogue.get(&format!("{PREFIX}{id}"));
        self.catalogue.get(id).or_else(taken_over).map(|clause| clause.id.as_str())
    }

    /// Puts findings under the dialect's clauses. Those that accuse nobody stay in any case.
    pub fn apply(&self, findings: &mut Vec<Finding>) {
        findings.retain_mut(|finding| {
            let known = self.name(&finding.clause).map(str::to_owned);
            let stays = known.is_some();
            finding.clause = known.unwrap_or_default();
            stays
                || matches!(
                    finding.class,
                    Class::Vacuous | Class::Lab | Class::Profile | Class::Slo
                )
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{check::testing::catalogue::catalogue, clause::Level, verdict::Verdict};

    fn clause(id: &str, since: &str) -> Clause {
        let mut clause = catalogue().iter().next().unwrap().clone();
        (clause.id, clause.since, clause.level) = (id.into(), since.into(), Level::Must);
        clause.basis = Basis::Explicit;
        clause
    }

    fn all() -> Catalogue {
        Catalogue::new([
            clause("a.old", "v0.1.0"),
            clause("a.new", "v1.0.0"),
            clause("grow.new", "v1.1.0"),
            clause("dialect.grow.new", "csi.v0+resize"),
        ])
    }

    #[rstest::rstest]
    #[case("csi.v1", &[Some("a.old"), Some("a.new"), Some("grow.new")])]
    #[case("csi.v0", &[Some("a.old"), None, Some("dialect.grow.new")])]
    #[case("flexvolume", &[Some("a.old"), Some("a.new"), Some("grow.new")])]
    fn each_dialect_has_its_own_names(#[case] dialect: &str, #[case] want: &[Option<&str>]) {
        let rules = Rules::of(dialect, &all());
        let names: Vec<_> = ["a.old", "a.new", "grow.new"].map(|id| rules.name(id)).into();
        assert_eq!(names, want);
        let derived = rules.catalogue.iter().all(|clause| clause.basis == Basis::Derived);
        assert_eq!(derived, dialect == "flexvolume");
    }

    #[test]
    fn what_binds_nobody_is_no_finding() {
        let finding = |clause: &str, class| Finding {
            check: "c".into(),
            clause: clause.into(),
            class,
            verdict: Verdict::Fail,
            advisory: false,
            excused: None,
            step: None,
            what: String::new(),
            expected: None,
            observed: None,
            events: Vec::new(),
        };
        let mut findings = vec![
            finding("a.new", Class::Code),
            finding("grow.new", Class::Code),
            finding("a.new", Class::Vacuous),
        ];
        Rules::of("csi.v0", &all()).apply(&mut findings);
        let left: Vec<_> = findings.iter().map(|finding| finding.clause.as_str()).collect();
        assert_eq!(left, ["dialect.grow.new", ""]);
    }
}
