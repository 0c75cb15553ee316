//! How a stream is lived through: by whom, how closely, and what is held back.

use log::simulated::{Fault, Faults};
use model::source::Source;
use model::time::{HOUR, MINUTE};

/// A source partition that is not delivered for a while; its records are there, and its end is known.
#[derive(Clone, Copy, Debug)]
pub struct Stall {
    pub source: Source,
    pub partition: u32,
    /// From when until when, by the clock of the log.
    pub from: i64,
    pub until: i64,
}

/// Who is stepped when.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub name: &'static str,
    /// Of every choice: how late producers are, who is stepped, which partition a poll begins with.
    pub seed: u64,
    /// Ingest and score workers.
    pub workers: [u32; 2],
    /// The longest stretch between two rounds, ms.
    pub stretch: i64,
    /// How often in a thousand a worker is stepped in a round.
    pub care: u64,
    /// How often it is stepped then, unless it has nothing to do.
    pub steps: usize,
    /// What the log does meanwhile: nothing that changes what is true.
    pub faults: Faults,
    pub stall: Option<Stall>,
}

impl Schedule {
    /// Everything is read soon after it came.
    #[must_use]
    pub fn close() -> Self {
        Self {
            name: "close",
            seed: 1,
            workers: [1, 1],
            stretch: 15 * MINUTE,
            care: 1_000,
            steps: usize::MAX,
            faults: Faults::none(),
            stall: None,
        }
    }

    /// Several workers, each stepped now and then, of which none reads all that there is; few records a poll.
    #[must_use]
    pub fn ragged() -> Self {
        Self {
            name: "ragged",
            seed: 2,
            workers: [3, 2],
            stretch: 40 * MINUTE,
            care: 400,
            steps: 30,
            faults: Faults::benign(20_000).with(Fault::SmallBatch, 300_000),
            stall: None,
        }
    }

    /// Workers that come back every few days and find a backlog, which they read partition by partition.
    #[must_use]
    pub fn behind() -> Self {
        Self {
            name: "behind",
            seed: 3,
            workers: [2, 1],
            stretch: 60 * HOUR,
            care: 600,
            steps: usize::MAX,
            faults: Faults::none().with(Fault::SmallBatch, 700_000),
            stall: None,
        }
    }

    /// Everything is read soon after it came, but for one partition.
    #[must_use]
    pub fn stalled(stall: Stall) -> Self {
        Self { name: "stalled", seed: 4, workers: [2, 2], stall: Some(stall), ..Self::close() }
    }
}
