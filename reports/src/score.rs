//! How the tester itself did in its last test: defects planted in the reference driver, and how many
//! of them it named, each by just the clauses it breaks. `harness/tests/defects.rs` makes the
//! numbers and holds them to what it counts.

/// Defects that were planted.
pub const PLANTED: usize = 110;
/// Of those, named by the clauses that they break, and by no others.
pub const NAMED: usize = 110;
/// Classes of bugs that they are of.
pub const CLASSES: usize = 29;

/// One sentence, for the foot of a report.
pub fn sentence() -> String {
    format!(
        "This version names {NAMED} of {PLANTED} planted defects of {CLASSES} classes, each by the \
         clauses that it breaks and no others."
    )
}
