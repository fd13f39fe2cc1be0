//! Scenarios: what to do to a driver, as data. Reads the files, explains what is wrong with them,
//! and plans which run on a target. Knows the oracle's vocabulary and a target's offers; must not
//! know sockets, nor who performs a step.

mod compile;
mod error;
mod file;
mod label;
mod lexeme;
mod library;
mod load;
mod matrix;
mod partition;
mod plan;
mod program;
mod size;
#[cfg(test)]
mod tests;
mod walk;
mod word;
mod yaml;

pub use error::{At, LoadError, LoadErrors};
pub use file::schema;
pub use label::Labels;
pub use library::{embedded, is_clause, load_dir, load_file};
pub use load::load;
pub use partition::Partition;
pub use plan::{Options, Planned, everything, plan, selected};
pub use program::Program;
pub use size::Sizes;

pub(crate) use error::{Problem, unknown};
pub(crate) use lexeme::{ClaimState, Keep, PartWord};
pub(crate) use program::{Change, Goal, Omit, Parallel, Volume, Wanted, What};

/// A scenario file that was read and found right.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Path without ending: `expansion/online-grow`.
    pub id: String,
    /// One sentence: what a driver has to get right.
    pub about: String,
    /// Clauses it provokes.
    pub clauses: Vec<String>,
    /// Offers it demands by name; more follow from its steps.
    pub requires: Vec<String>,
    /// Free words to select by.
    pub labels: Vec<String>,
    pub(crate) file: file::File,
}
