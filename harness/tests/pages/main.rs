//! The embedded engine as a process on real disks: killed, copied, starved of room, compared while it runs. Tests named
//! `loop_…` need root and real devices and say so when they skip.

mod full;
mod kills;
mod rig;
mod running;
