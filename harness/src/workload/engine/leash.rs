//! Holds the process of a database while it starts, runs and stops, so that it can be ended at once by
//! someone who cannot wait for whoever has it in hand.

use std::{
    process::Child,
    sync::{Arc, Mutex},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

use super::lock;

/// One per database; clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Leash(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    process: Option<Arc<Mutex<Child>>>,
    cut: bool,
}

impl Leash {
    /// From now on this is the process. It leads a process group; one that comes after the cut is killed.
    pub fn hold(&self, process: Child) -> Arc<Mutex<Child>> {
        let process = Arc::new(Mutex::new(process));
        let mut state = lock(&self.0);
        if state.cut {
            kill_group(&process);
        }
        state.process = Some(process.clone());
        process
    }

    /// SIGKILL to the process with its group, and to any that comes after it.
    pub fn cut(&self) {
        let mut state = lock(&self.0);
        state.cut = true;
        if let Some(process) = &state.process {
            kill_group(process);
        }
    }

    /// The database was ended by the harness, whatever it looks like.
    pub fn is_cut(&self) -> bool {
        lock(&self.0).cut
    }
}

/// A number that belongs to somebody else by now is never used: a process waited for has none.
pub fn kill_group(process: &Mutex<Child>) {
    let mut child = lock(process);
    if let Ok(None) = child.try_wait() {
        let _ = killpg(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL);
    }
}
