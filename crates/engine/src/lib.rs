//! The fold: journal entries in, effects out.
//!
//! Invariants:
//! - Pure. It reads no clock, no configuration, no environment, no random number; its effects are a function of
//!   the journal entries alone, whatever the batches they come in and wherever a run is broken off and restored.
//! - Integer. No value depends on a platform's floating point.
//! - One owner. A shard is one journal partition; nothing in it is shared.
//!
//! It deliberately does no I/O, writes no log line and knows no record format: bytes are the matter of `wire`.

mod account;
pub mod activity;
mod assess;
pub mod bytes;
pub mod clock;
pub mod count;
mod dedup;
pub mod effect;
pub mod entry;
mod evaluate;
pub mod fingerprint;
mod now;
pub mod operator;
mod overriding;
mod parts;
mod prepared;
mod reading;
mod rule;
mod score;
pub mod shard;
mod timer;

pub use shard::{FOLD_VERSION, Refused, Restoring, Shard, Step};
