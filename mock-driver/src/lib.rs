//! The reference CSI driver, which a run of csi-stretch compares every other driver with.
//!
//! Knows the wire types, loop devices and file system tools. Must not know the harness, the
//! oracle or its checks: a mistake shared by driver and judge would be seen by neither.
//!
//! ```text
//! rpc ──► driver ──► backing::{memory, loops ──► fs}
//!  │         └─────► state (records), profile (what is declared)
//!  └── defect (planted on purpose) wraps the calls of `driver` and the work of `backing`
//! ```

mod args;
pub mod backing;
mod defect;
mod driver;
#[cfg(feature = "loop")]
pub mod fs;
mod listen;
pub mod profile;
mod router;
mod rpc;
mod server;
mod state;
mod tls;

pub use args::Args;
pub use backing::{BackingError, FsType};
pub use defect::Defect;
pub use listen::{Incoming, ListenError, bind};
pub use profile::{Profile, ProfileError};
pub use server::{BackingKind, Dialect, Options, ServeError, serve};
pub use tls::Tls;
