//! The whole pipeline on a real broker, in CPU time, beside Kafka Streams doing comparable work.
//!
//! ```text
//! workload ─> the activity that both read: that of the peer's generator, byte for byte
//! product ──> one run of `vitals` over it
//! present ──> the same activity as it happens now, for live runs
//! latency ──> from an activity to its alert, at a steady rate
//! comeback ─> from `kill -9` to the next output
//! peer ─────> its broker, its topics, one run of it
//! process ──> what a process has used so far
//! report ───> figures of a run, their medians, one side against the other
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a benchmark: a failure is a panic"
)]

pub mod comeback;
pub mod latency;
pub mod peer;
mod present;
mod process;
pub mod product;
pub mod report;
pub mod workload;
