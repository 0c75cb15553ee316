//! What a log must do to be a [`Log`]: one suite of assertions, run against every implementation.
//!
//! A test file brings a [`Rig`], which makes processes of one log and does to it what no process can: kill one,
//! leave a transaction undecided, compact now. [`run`] runs every case on a rig of its own. What a rig cannot do
//! it says by name ([`Unsupported`]), and the test file says which names it expects: nothing passes in silence.
//!
//! The suite waits for what may take its time (a marker, a rebalance, a busy coordinator) by [`Rig::pass`], up to
//! [`Rig::patience`], and asserts at once what must be true at once.

#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, reason = "a suite of assertions")]

mod actor;
mod compaction;
mod fencing;
mod handover;
mod reading;
mod stage;
mod topic;
mod transaction;
mod undecided;

pub use crate::simulated::Outcome;

use crate::{Log, Partition, Transaction};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// What a rig cannot do, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsupported(pub &'static str);

/// The outcome of a case that did not fail.
pub type Verdict = Result<(), Unsupported>;

/// A case and its name.
pub type Case<R> = (&'static str, fn(&mut R) -> Verdict);

/// A log under test, from outside.
///
/// All of a rig's processes see the same log. Names of processes are those given to [`Rig::process`].
pub trait Rig {
    /// The implementation.
    type Log: Log;

    /// A fresh process; one of the same name may have been there before.
    fn process(&mut self, name: &str) -> Self::Log;

    /// A name of a topic, group or writer that nothing else in the log has.
    fn name(&mut self, base: &str) -> String {
        base.to_owned()
    }

    /// Lets so much time pass.
    fn pass(&mut self, time: Duration);

    /// How long to wait for what must come.
    fn patience(&self) -> Duration {
        Duration::from_secs(60)
    }

    /// Kills the latest process of that name: no goodbye, and what it held stays undecided.
    ///
    /// # Errors
    /// [`Unsupported`].
    fn kill(&mut self, _process: &str) -> Verdict {
        Err(Unsupported("kill"))
    }

    /// Takes over the writer id `id` in the latest process of that name and leaves `transaction` open under it:
    /// its appends and offsets have arrived, the request to commit has not been sent.
    ///
    /// # Errors
    /// [`Unsupported`].
    fn hold(&mut self, _process: &str, _id: &str, _transaction: &Transaction<'_>) -> Verdict {
        Err(Unsupported("hold"))
    }

    /// The writer that holds a transaction under `id` asks now that it be decided so, even if it was killed or
    /// fenced meanwhile. Whether the log complied.
    ///
    /// # Errors
    /// [`Unsupported`].
    fn finish(&mut self, _id: &str, _outcome: Outcome) -> Result<bool, Unsupported> {
        Err(Unsupported("finish"))
    }

    /// Lets the log give up on every undecided transaction, as after its time-out.
    ///
    /// # Errors
    /// [`Unsupported`].
    fn expire_transactions(&mut self) -> Verdict {
        Err(Unsupported("expire_transactions"))
    }

    /// Lets a group forget the member that joined as `instance`, as after its session's time-out.
    ///
    /// # Errors
    /// [`Unsupported`].
    fn lose(&mut self, _group: &str, _instance: &str) -> Verdict {
        Err(Unsupported("lose"))
    }

    /// Compacts a topic as far as can be, tombstones included.
    ///
    /// # Errors
    /// [`Unsupported`].
    fn compact(&mut self, _topic: &str) -> Verdict {
        Err(Unsupported("compact"))
    }

    /// Deletes what stands before `offset`.
    ///
    /// # Errors
    /// [`Unsupported`].
    fn truncate_before(&mut self, _partition: &Partition, _offset: i64) -> Verdict {
        Err(Unsupported("truncate_before"))
    }

    /// A topic has `count` partitions from now on.
    ///
    /// # Errors
    /// [`Unsupported`].
    fn add_partitions(&mut self, _topic: &str, _count: u32) -> Verdict {
        Err(Unsupported("add_partitions"))
    }
}

/// Every case.
#[must_use]
pub fn cases<R: Rig>() -> Vec<Case<R>> {
    let mut cases = topic::cases();
    cases.extend(reading::cases());
    cases.extend(transaction::cases());
    cases.extend(undecided::cases());
    cases.extend(fencing::cases());
    cases.extend(handover::cases());
    cases.extend(compaction::cases());
    cases
}

/// Runs every case, each on a rig made for it; the names of those that were not supported, and what was lacking.
///
/// # Panics
/// If a case fails; all others are run before, and the message names those that failed.
pub fn run<R: Rig>(mut rig: impl FnMut(&'static str) -> R) -> Vec<(&'static str, Unsupported)> {
    let mut failed = Vec::new();
    let mut unsupported = Vec::new();
    for (name, case) in cases::<R>() {
        match catch_unwind(AssertUnwindSafe(|| case(&mut rig(name)))) {
            Ok(Ok(())) => {}
            Ok(Err(lacking)) => unsupported.push((name, lacking)),
            Err(_) => failed.push(name),
        }
    }
    assert!(failed.is_empty(), "the log breaks its contract: {failed:#?}");
    unsupported
}
