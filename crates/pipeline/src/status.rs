//! How workers stand, as plain data for people, metrics and readiness.

use crate::ingest::Feed;
use engine::count::Counts;
use engine::shard::Census;
use model::plan::ModelId;
use model::source::Source;

/// What became of the transactions of a worker, since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transactions {
    /// Those that were committed; of those whose outcome was not known at first, once it was.
    pub committed: u64,
    /// Those that were aborted and are sent again; of those whose outcome was not known at first, once it was.
    pub aborted: u64,
    /// Those that were refused since another writer has taken over.
    pub fenced: u64,
    /// Those whose outcome was not known at first.
    pub unknown: u64,
    /// Whether the outcome of the last one is not known yet: nothing is taken in until it is.
    pub in_doubt: bool,
}

/// How an ingest worker stands.
#[derive(Clone, Debug, Default)]
pub struct IngestStatus {
    /// Its source partitions.
    pub feeds: Vec<FeedStatus>,
    /// Why it is not ready; empty if it is.
    pub reasons: Vec<String>,
    /// How many partitions are assigned and not started.
    pub waiting: usize,
    /// How many partitions the journal has, once known.
    pub journal: Option<u32>,
    /// What became of its transactions.
    pub transactions: Transactions,
    /// Bytes that were read and wait for a transaction.
    pub buffered: usize,
}

/// How one source partition stands.
#[derive(Clone, Debug)]
pub struct FeedStatus {
    /// Its source.
    pub source: Source,
    /// Its number.
    pub partition: u32,
    /// Up to which offset everything was read.
    pub position: i64,
    /// The high watermark when last asked.
    pub end: Option<i64>,
    /// Its watermark, ms since the epoch.
    pub watermark: Option<i64>,
    /// Records consumed so far, ever: accepted, rejected or skipped.
    pub consumed: u64,
    /// Records rejected so far, ever.
    pub rejected: u64,
    /// Records skipped so far, ever.
    pub skipped: u64,
    /// Offsets whose records were deleted before they were read, and accepted as lost, ever: at most so many records.
    pub lost: u64,
    /// Whether it is stopped since too many were rejected.
    pub stopped: bool,
    /// Whether it is refused since records were deleted before they were read.
    pub behind: bool,
}

impl FeedStatus {
    pub(crate) fn of(source: Source, partition: u32, position: i64, end: Option<i64>, feed: &Feed) -> Self {
        Self {
            source,
            partition,
            position,
            end,
            watermark: feed.watermark,
            consumed: feed.kept.consumed,
            rejected: feed.kept.rejected,
            skipped: feed.kept.skipped,
            lost: feed.kept.lost.offsets,
            stopped: feed.kept.stopped,
            behind: feed.behind.is_some(),
        }
    }
}

/// What a shard is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It waits for its committed offset, which a predecessor's transaction holds.
    Waiting,
    /// It reads its state.
    Restoring,
    /// It folds what was folded before, without effects.
    Replaying,
    /// It is at work.
    Live,
    /// It does not go live.
    Refused(String),
}

/// How far a shard has come on a part of its way back: offsets of the state topic while it is restoring, of the
/// journal while it is replaying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// Offsets passed.
    pub done: u64,
    /// Offsets to go.
    pub left: u64,
}

impl Way {
    pub(crate) fn new(from: i64, at: i64, to: i64) -> Self {
        let span = |from: i64, to: i64| to.saturating_sub(from).max(0).unsigned_abs();
        Self { done: span(from, at), left: span(at, to) }
    }
}

/// How one shard stands.
#[derive(Clone, Debug)]
pub struct ShardStatus {
    /// The journal partition.
    pub partition: u32,
    /// What it is doing.
    pub phase: Phase,
    /// How far it has come in what it is doing, while it is on its way back.
    pub way: Option<Way>,
    /// The offset of the journal record that it folds next.
    pub position: i64,
    /// The high watermark when last known.
    pub end: Option<i64>,
    /// How many accounts it holds.
    pub accounts: usize,
    /// Its accounts as they were counted last.
    pub census: Census,
    /// What became of every activity.
    pub counts: Counts,
    /// T, A and whether the clock stands, of each source with a watermark.
    pub clocks: Vec<(Source, i64, i64, bool)>,
    /// The model in force.
    pub model: Option<ModelId>,
    /// Changed accounts that are not stored yet.
    pub dirty: usize,
    /// Offsets of the journal since its checkpoint: what a restart folds again.
    pub checkpoint_lag: u64,
}

/// How a score worker stands.
#[derive(Clone, Debug, Default)]
pub struct ScoreStatus {
    /// Its shards.
    pub shards: Vec<ShardStatus>,
    /// Why it is not ready; empty if it is.
    pub reasons: Vec<String>,
    /// What became of its transactions.
    pub transactions: Transactions,
    /// Bytes of effects that wait.
    pub outbox: usize,
}

impl ShardStatus {
    pub(crate) fn of<L: log::Log, V: crate::variant::Variant>(
        partition: u32,
        state: &crate::score::State<L, V>,
    ) -> Self {
        let mut status = Self {
            partition,
            phase: state.phase(),
            way: state.way(),
            position: 0,
            end: None,
            accounts: 0,
            census: Census::default(),
            counts: Counts::default(),
            clocks: Vec::new(),
            model: None,
            dirty: 0,
            checkpoint_lag: 0,
        };
        let Some(folding) = state.folding() else { return status };
        let shard = &folding.shard;
        status.position = folding.next;
        status.end = folding.end;
        status.accounts = shard.len();
        status.counts = shard.counts().clone();
        status.model = shard.plan().map(|plan| plan.id);
        status.dirty = shard.dirty();
        status.checkpoint_lag = folding.checkpoint.lag(folding.position);
        for source in Source::ALL {
            let clock = shard.clock(source);
            if let (Some(watermark), Some(at)) = (clock.watermark(), clock.at()) {
                status.clocks.push((source, watermark, at, clock.is_out()));
            }
        }
        status.census = folding.census.clone().unwrap_or_default();
        status
    }
}
