//! The script against a tiny simulated driver that is always right, and against one that is not.

mod live;
mod sim;
mod steps;
mod whole;
