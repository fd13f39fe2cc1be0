//! Judgement, pure: what was done (`action`, `history`), what the rules are (`clause`, and
//! `dialect`: which of them bind whom), what the
//! target offers (`offer`) and which of its faults are known (`known`), who judges (`check`, beside
//! the reference `compare`, all together `judge`), and what is said in the end (`words`, `verdict`,
//! `report`, and `diff` of two reports).
//!
//! This crate must not know async, I/O, clocks, randomness, wire types or the target's name.
//! Everything it says follows from the records of a history and nothing else, so that a history
//! on disk can be judged again, years later, with the same result.

pub mod action;
pub mod check;
pub mod clause;
pub mod compare;
pub mod dialect;
pub mod diff;
pub mod evidence;
pub mod history;
pub mod judge;
pub mod known;
pub mod model;
pub mod offer;
pub mod pattern;
pub mod report;
pub mod verdict;
pub mod words;
