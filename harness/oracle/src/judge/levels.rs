//! What a breach weighs: the clause's level decides between failure and advice.

use std::cmp::Reverse;

use crate::{
    clause::{Catalogue, Level},
    report::{Class, Finding},
    verdict::Verdict,
};

/// Sets verdict and advisory by the level of the clause. A breach of a SHOULD or MAY only
/// advises, unless `strict`; a remark is legal, so `strict` turns it into a failure only where
/// the clause is a SHOULD. A clause that the catalogue does not have is the harness's fault.
pub fn apply(mut finding: Finding, catalogue: &Catalogue, strict: bool) -> Finding {
    if matches!(finding.class, Class::Vacuous | Class::Lab | Class::Slo) {
        return finding;
    }
    let Some(clause) = catalogue.get(&finding.clause) else {
        finding.what =
            format!("unknown clause `{}` in the finding: {}", finding.clause, finding.what);
        (finding.class, finding.verdict, finding.advisory) = (Class::Lab, Verdict::Error, false);
        return finding;
    };
    let should = matches!(clause.level, Level::Should | Level::ShouldNot);
    let fails = if finding.advisory { strict && should } else { strict || clause.level.binds() };
    (finding.verdict, finding.advisory) =
        if fails { (Verdict::Fail, false) } else { (Verdict::Pass, true) };
    finding
}

/// Sorts worst first.
pub fn weight(finding: &Finding) -> (Reverse<Verdict>, Class) {
    (Reverse(finding.verdict), finding.class)
}
