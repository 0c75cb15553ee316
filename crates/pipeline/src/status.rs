//! How workers stand, as plain data for people, metrics and readiness.

use crate::ingest::Feed;
use engine::count::Counts;
use model::plan::ModelId;
use model::source::Source;
use std::collections::BTreeMap;

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
    /// Whether it is stopped since too many were rejected.
    pub stopped: bool,
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
            stopped: feed.kept.stopped,
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

/// How one shard stands.
#[derive(Clone, Debug)]
pub struct ShardStatus {
    /// The journal partition.
    pub partition: u32,
    /// What it is doing.
    pub phase: Phase,
    /// The offset of the journal record that it folds next.
    pub position: i64,
    /// The high watermark when last known.
    pub end: Option<i64>,
    /// How many accounts it holds.
    pub accounts: usize,
    /// Accounts by band; the last name is `unknown`.
    pub bands: BTreeMap<String, u64>,
    /// Open alerts by rule.
    pub open_alerts: BTreeMap<String, u64>,
    /// What became of every activity.
    pub counts: Counts,
    /// T, A and whether the clock stands, of each source with a watermark.
    pub clocks: Vec<(Source, i64, i64, bool)>,
    /// The model in force.
    pub model: Option<ModelId>,
    /// Changed accounts that are not stored yet.
    pub dirty: usize,
}

/// How a score worker stands.
#[derive(Clone, Debug, Default)]
pub struct ScoreStatus {
    /// Its shards.
    pub shards: Vec<ShardStatus>,
    /// Why it is not ready; empty if it is.
    pub reasons: Vec<String>,
    /// Transactions committed since the start.
    pub commits: u64,
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
            position: 0,
            end: None,
            accounts: 0,
            bands: BTreeMap::new(),
            open_alerts: BTreeMap::new(),
            counts: Counts::default(),
            clocks: Vec::new(),
            model: None,
            dirty: 0,
        };
        let Some(folding) = state.folding() else { return status };
        let shard = &folding.shard;
        status.position = folding.next;
        status.end = folding.end;
        status.accounts = shard.len();
        status.counts = shard.counts().clone();
        status.model = shard.plan().map(|plan| plan.id);
        status.dirty = shard.dirty();
        for source in Source::ALL {
            let clock = shard.clock(source);
            if let (Some(watermark), Some(at)) = (clock.watermark(), clock.at()) {
                status.clocks.push((source, watermark, at, clock.is_out()));
            }
        }
        let (bands, alerts) = shard.census();
        (status.bands, status.open_alerts) = (bands, alerts);
        status
    }
}
