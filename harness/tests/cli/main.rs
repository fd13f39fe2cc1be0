//! Black box: the binary, from outside, as a user or a CI job sees it. The memory tier needs no
//! privileges; tests named `loop_…` need root and real devices and say so when they skip.

mod bad_input;
mod certificates;
mod ci;
mod commands;
mod databases;
mod dialects;
mod flexvolume;
mod grpcurl;
mod hostile;
mod interruption;
mod known;
mod raw;
mod replays;
mod rig;
mod rpc;
mod runs;
mod secrets;
mod simulate;
mod transport;
