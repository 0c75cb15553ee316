//! What can be set of the workers, with the defaults.

use std::time::Duration;

/// Who a worker is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The instance of vitals; part of transactional ids and of every output's `ce_source`. Default `vitals`.
    pub instance: String,
    /// The process among those that share the work of an instance. Outputs do not tell it. Default none.
    pub process: String,
    /// The worker's number within its stage. Default 0.
    pub worker: u32,
    /// The journal's epoch: a journal begun anew has the next. Default 1.
    pub epoch: u32,
}

impl Default for Identity {
    fn default() -> Self {
        Self { instance: "vitals".to_owned(), process: String::new(), worker: 0, epoch: 1 }
    }
}

impl Identity {
    /// The transactional id and group instance of a worker of `stage`: stable over restarts.
    #[must_use]
    pub fn id(&self, stage: &str) -> String {
        let between = if self.process.is_empty() { "" } else { "-" };
        format!("{}{between}{}-{stage}-{}", self.instance, self.process, self.worker)
    }
}

/// The ingest worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ingest {
    /// At most how long accepted records wait for their transaction. Default 50 ms.
    pub commit_interval: Duration,
    /// How often watermarks are told while they move. Default 1 s.
    pub mark_interval: Duration,
    /// How many bytes a transaction may hold before it is sent. Default 4 MiB.
    pub transaction_bytes: usize,
    /// The greatest source record, in bytes. Default 1 MiB.
    pub max_record_bytes: usize,
    /// A source stops after so many rejected records in a row. Default 1,000.
    pub stop_in_a_row: u64,
    /// A source stops when half of at least so many records within five minutes are rejected. Default 10,000.
    pub stop_share_of: u64,
    /// Whether source partitions whose offsets are lost go on where the journal ends. Default no: they are refused.
    pub rebuild: Rebuild,
    /// Over how many watermark entries of a recorded run its accounts take turns to be published as they stand: what is
    /// so now is mostly superseded as soon as the run goes on. Default 900, which is as many as there can be.
    pub latest_turns: u16,
    /// How long one poll may wait. Default 5 ms.
    pub wait: Duration,
}

impl Default for Ingest {
    fn default() -> Self {
        Self {
            commit_interval: Duration::from_millis(50),
            mark_interval: Duration::from_secs(1),
            transaction_bytes: 4 << 20,
            max_record_bytes: 1 << 20,
            stop_in_a_row: 1_000,
            stop_share_of: 10_000,
            rebuild: Rebuild::No,
            latest_turns: engine::entry::Latest::TURNS,
            wait: Duration::from_millis(5),
        }
    }
}

/// The score worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Score {
    /// At least how long between two commits. Default 5 ms.
    pub commit_least: Duration,
    /// At most how long effects wait for their transaction. Default 100 ms.
    pub commit_most: Duration,
    /// How many bytes of effects may wait before folding pauses. Default 32 MiB.
    pub outbox_bytes: usize,
    /// Within what time each changed account is stored, unless the ceiling is reached. Default 60 s.
    pub checkpoint_interval: Duration,
    /// How many bytes of accounts a shard stores a second at most; where that is too few for the interval, checkpoints
    /// fall behind. Default 4 MiB.
    pub checkpoint_bytes: usize,
    /// Whether the state topic is not read and all is folded from the journal's beginning. Default no.
    pub rebuild: Rebuild,
    /// From how many accounts of a shard on a frame is read ahead, so that its accounts are in the cache when they are
    /// folded; with fewer they are there anyway. Default 4,096.
    pub ahead_from: usize,
    /// How long one poll may wait. Default 5 ms.
    pub wait: Duration,
}

/// Where a shard's state comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rebuild {
    /// From the state topic.
    #[default]
    No,
    /// From the journal, from its beginning.
    Yes,
}

impl Default for Score {
    fn default() -> Self {
        Self {
            commit_least: Duration::from_millis(5),
            commit_most: Duration::from_millis(100),
            outbox_bytes: 32 << 20,
            checkpoint_interval: Duration::from_secs(60),
            checkpoint_bytes: 4 << 20,
            rebuild: Rebuild::No,
            ahead_from: 4_096,
            wait: Duration::from_millis(5),
        }
    }
}

/// Whether `span` has passed between two readings of the wall clock; a clock that was set back says nothing, so it
/// has.
pub(crate) fn has_passed(now: i64, since: i64, span: Duration) -> bool {
    now < since || now.saturating_sub(since) >= millis(span)
}

pub(crate) fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
