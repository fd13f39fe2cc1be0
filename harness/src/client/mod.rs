//! Worker `client`: sends one call to a driver and says what came back. One file per dialect; a
//! dialect must not know scenarios, checks, or what was expected.

use std::time::Duration;

use csi_stretch_oracle::{action::Call, history::Completion};

use crate::Boxed;

pub mod address;
pub mod channel;
mod connect_error;
pub mod control;
pub mod csi_v1;
pub mod flexvolume;
pub mod secrets;
pub mod status;
pub mod wire;

/// A driver behind a connection, in one dialect.
pub trait Client: Send + Sync {
    /// Sends a call whose references are all literal (ids, paths and contexts filled in) and waits
    /// at most `deadline`. Never panics and never hangs, whatever the driver does.
    fn call<'a>(&'a self, call: &'a Call, deadline: Duration) -> Boxed<'a, Completion>;
}
