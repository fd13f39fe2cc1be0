//! Runner: asks the generator, hands actions to workers, keeps the journal, and leaves nothing
//! behind. It knows the workers' traits only: no dialect, no file system, no verdict.
//!
//! `run` is a whole run, `interpreter` one scenario on one side, `bindings` what handles stand
//! for, `cleanup` the way back, `audit` the look for leaks, `journal` where events go, `record`
//! what of an answer goes there, `vigil` the watch over a driver that the run owns, `space` whether
//! the lab is full, `registry` who owns which folder, so that a killed run can be cleaned up by the
//! next one.

pub mod audit;
pub mod bindings;
pub mod cleanup;
mod flight;
pub mod interpreter;
pub mod journal;
pub mod record;
pub mod registry;
pub mod run;
pub mod salvage;
mod sampler;
pub mod session;
mod space;
pub mod vigil;

pub use interpreter::Workers;
pub use journal::Journal;
pub use run::Party;
pub use session::Session;
