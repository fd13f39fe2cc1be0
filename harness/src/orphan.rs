//! No process that a run starts lives on without it.

use std::{io, os::unix::process::CommandExt as _, process::Command};

use nix::sys::signal::Signal;

/// The kernel kills the process when the thread that starts it ends, even by SIGKILL of the harness.
#[expect(unsafe_code, reason = "pre_exec is the only hook between fork and exec")]
pub fn die_with_parent(command: &mut Command) {
    let parent = nix::unistd::getpid();
    // SAFETY: runs between fork and exec; prctl and getppid are async-signal-safe.
    unsafe {
        command.pre_exec(move || {
            nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
            // The parent may have died before prctl took effect.
            if nix::unistd::getppid() != parent {
                return Err(io::ErrorKind::Interrupted.into());
            }
            Ok(())
        });
    }
}
