//! The engine on a simulated disk, which can lose what was not synced, be full, or fail. The real
//! process on real disks is in `harness/tests/pages/`.

mod cuts;
mod damage;
mod full;
mod sim;
