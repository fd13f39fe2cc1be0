//! FlexVolume: a driver that is an executable. Each call is one process, which gets an operation
//! and its arguments and answers with one JSON object.
//!
//! `exec` runs the process, `answer` reads what it said, `driver` remembers what one driver is able
//! to do, `options` writes the JSON that most operations take. Knows nothing of CSI.

mod answer;
mod driver;
mod exec;
mod operation;
mod options;

pub use answer::{Answer, Capabilities, Trouble};
pub use driver::Driver;
pub use exec::{ExecError, OUTPUT_BYTES_MAX};
pub use operation::Operation;
pub use options::Options;

#[cfg(test)]
mod tests;
