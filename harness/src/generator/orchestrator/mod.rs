//! The orchestrator: what Kubernetes does with a driver, as pure state machines over a store of API
//! objects. Time comes in with events and randomness with a seed, so that the same code drives a
//! real driver and a simulated fleet.

pub mod attach_detach;
pub mod attacher;
pub mod binder;
pub mod component;
pub mod conditions;
pub mod fleet;
mod greeting;
mod hash;
mod jobs;
pub mod kubelet;
pub mod live;
pub mod names;
pub mod objects;
pub mod patch;
pub mod profile;
pub mod provisioner;
pub mod quantity;
pub mod queue;
pub mod random;
pub mod resizer;
pub mod rpc;
pub mod slow;
pub mod store;
pub mod time;
pub mod world;
