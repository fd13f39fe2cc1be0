//! Worker `nemesis`: breaks something on purpose, and always heals it. Must not know why, nor
//! what a check will say.

use csi_stretch_oracle::{action::Fault, history::Completion};

use crate::Boxed;

/// Something that can break and heal the target's surroundings.
pub trait Nemesis: Send + Sync {
    /// Performs one fault.
    fn perform<'a>(&'a self, fault: &'a Fault) -> Boxed<'a, Completion>;
}
