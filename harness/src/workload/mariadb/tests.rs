//! The engine on a real server, which is on this host or the test says what is missing.

mod damage;
mod full;
mod kills;
mod names;
mod rig;
mod running;
