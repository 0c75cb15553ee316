//! Running the workers: each on a thread of its own, driven a step at a time; tokio only carries the admin server,
//! signals and supervision.
//!
//! ```text
//! crew ──> worker threads ──reports──> board <── admin server
//!   └─ how each ended ──> supervise <── signals
//! ```
//!
//! The admin server answers before anything else begins: workers start once the log answers and its topics are as they must
//! be ([`mod@premise`]); until then it says what is waited for.
//!
//! Shutdown, in this order, each with its budget: workers stop taking in and leave their groups (what is not
//! committed is read again by who comes next: nothing is lost by it) → threads are joined → the admin server
//! finishes what it was asked → the address file goes → the log is closed. A worker that fails ends the
//! process; one that refuses to go on keeps it alive and unready, and is tried again from time to time.

mod crew;
mod premise;
mod supervise;
mod worker;

pub(crate) use crew::{Crew, Stage};
pub(crate) use supervise::{failure, supervise};
pub(crate) use worker::End;

use model::source::Source;
use pipeline::settings::Rebuild;
use tokio::sync::oneshot;

/// How time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// By what comes in, and by the wall clock where nothing does.
    Live,
    /// By the times of the activities alone, up to the given instant or the greatest there is; ends by itself.
    Recorded {
        /// Up to where time is to advance.
        until: Option<i64>,
    },
}

/// What is run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// How time passes.
    pub(crate) mode: Mode,
    /// Whether shards are folded anew from the journal's beginning.
    pub(crate) rebuild: Rebuild,
}

/// What an ingest worker is told to do from outside.
#[derive(Debug)]
pub(crate) enum Order {
    /// Let a stopped source go on.
    Resume {
        /// Which one.
        source: Source,
        /// How many partitions were resumed, or why it failed.
        reply: oneshot::Sender<Result<usize, String>>,
    },
    /// Let a partition go on that is behind what its topic still holds.
    Skip {
        /// Of which source.
        source: Source,
        /// Which one.
        partition: u32,
        /// From which offset to which nothing was read, `None` where this worker refuses no such partition; or why it
        /// failed.
        reply: oneshot::Sender<Result<Option<(i64, i64)>, String>>,
    },
}
