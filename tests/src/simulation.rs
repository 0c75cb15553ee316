//! The whole pipeline over the simulated log: the real workers, driven by a seeded scheduler that lets everything
//! go wrong, and an oracle that knows what must come out.
//!
//! ```text
//! seed ─> world (topics, models, settings, faults) ─> schedule: produce, step, kill, stall, rebalance, advance
//!                                                        │ then calm: faults end, time passes, all is folded
//!                                                        v
//!   outputs == fold of the journal · every record once · no activity after its time · all alive · bounded
//! ```
//! Invariants:
//! - A seed is a whole run: it asks no clock and no other source of chance, so the same seed is the same run.
//! - The oracle reads the log from outside; it shares with the workers only the fold and the formats, which have
//!   oracles of their own.
//! - What is a finding is said in words, with the seed and the tail of the trace.

#![allow(
    missing_docs,
    missing_debug_implementations,
    clippy::cast_possible_truncation,
    reason = "a library of tests: what is said in its modules is for whoever reads a finding"
)]

pub mod accounting;
pub mod crew;
pub mod deed;
pub mod deletion;
mod ending;
pub mod journal;
mod mischief;
mod outage;
pub mod outputs;
pub mod producer;
pub mod recorded;
pub mod rng;
pub mod schedule;
pub mod trace;
pub mod world;
pub mod wrong;

pub use deed::{Deed, Deeds};
pub use schedule::{Report, Weather, run};
