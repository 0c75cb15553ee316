//! The fold: journal entries in, effects out.
//!
//! Invariants:
//! - Pure. It reads no clock, no configuration, no environment, no random number; its effects are a function of
//!   the journal entries alone, whatever the batches they come in and wherever a run is broken off and restored.
//! - Integer. No value depends on a platform's floating point.
//! - One owner. A shard is one journal partition; nothing in it is shared.
//!
//! It deliberately does no I/O, writes no log line and knows no record format: bytes are the matter of `wire`.

pub mod activity;
pub mod effect;
pub mod entry;
pub mod fingerprint;
pub mod bytes;
pub mod clock;
mod now;
pub mod operator;
mod dedup;
mod rule;
mod score;
mod account;
mod prepared;
mod timer;
mod assess;
mod compact;
mod evaluate;
pub mod count;
pub mod shard;

pub use shard::{FOLD_VERSION, Refused, Restoring, Shard, Step};
