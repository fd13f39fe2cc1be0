//! Black box: the binary, from outside, as a user or a CI job sees it. The memory tier needs no
//! privileges; tests named `loop_…` need root and real devices and say so when they skip.

mod bad_input;
mod ci;
mod commands;
mod databases;
mod interruption;
mod known;
mod replays;
mod rig;
mod runs;
mod secrets;
mod simulate;
