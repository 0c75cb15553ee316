//! A recorded stream, lived through: the real workers in live mode over the simulated log, whose clock goes by the
//! times of the stream.
//!
//! ```text
//! stream ───> producers append, each record when it happened or a little later ─┐
//! schedule ─> who is stepped when, what is stalled ─────────────────────────────┴─> ingest ─> journal ─> score
//!               then all is read, and the watermark of every source stands at one instant
//!                 └─> outputs == fold of the journal, every record accounted for: where does each account stand?
//! ```
//! Invariants:
//! - What stands in the source topics is the stream's alone: in every schedule the same records at the same offsets.
//! - Every activity keeps max delay, by the clock of the log; [`play`] checks it.
//! - How far time has come is read from the journal, by rules written apart from the fold.

#![allow(
    missing_docs,
    missing_debug_implementations,
    reason = "a library of tests: what is said in its modules is for whoever reads a finding"
)]

mod ending;
mod outputs;
mod run;
mod schedule;
mod stream;

pub use ending::{End, Stand};
pub use run::play;
pub use schedule::{Schedule, Stall};
pub use stream::Stream;
