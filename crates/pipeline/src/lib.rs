//! From source records to outputs, exactly once: the ingest and the score worker, over any [`log::Log`].
//!
//! A worker is driven one step at a time and never waits longer than it is told to: a thread drives it in
//! production, a scheduler in the simulation. It shares nothing. Wall time comes from the log.

mod balance;
mod commit;
mod committed;
mod failure;
#[cfg(test)]
mod golden;
mod ingest;
mod metadata;
mod model_topic;
mod outside;
mod refusal;
pub mod rehearsal;
mod score;
pub mod settings;
pub mod status;
pub mod topic;
#[doc(hidden)]
pub mod variant;
mod verify;

pub use balance::{Account, balance};
pub use failure::{Failure, Progress};
pub use ingest::{Ingest, Recorded};
pub use model_topic::{PublishError, Published, publish, publish_now};
pub use outside::Patience;
pub use score::Score;
pub use verify::{Verification, verify};
