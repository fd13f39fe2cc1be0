//! Target: an endpoint, or a command that starts one, plus what it declares it can do.
//!
//! `profile` is what a person says about a driver, `known` which of its faults they know,
//! `endpoint` where it is, `transport` how it is spoken to there, `process` a driver that this run
//! started, `discover` what the driver says of itself, `offers` all of that put together with what
//! this host allows, `reference` the profile of a mock that can be compared with it.

pub mod discover;
pub mod endpoint;
pub mod known;
mod log;
pub mod offers;
pub mod process;
pub mod profile;
pub mod reference;
pub mod secrets;
pub mod support;
pub mod transport;

pub use discover::{Declared, meet};
pub use endpoint::Endpoint;
pub use process::Launched;
pub use profile::Profile;
pub use transport::Transport;
