//! What the admin server answers, as it travels: the same types on both sides.

use model::source::Source;
use model::time::EventTime;
use pipeline::status::{IngestStatus, Phase, ScoreStatus, ShardStatus};
use pipeline::{Account, Verification};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The answer of `/livez`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Alive {
    pub(crate) instance: String,
    pub(crate) pid: u32,
}

/// The answer of `/readyz`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ready {
    pub(crate) ready: bool,
    /// Why not; empty if it is.
    pub(crate) reasons: Vec<String>,
}

/// The answer to anything that could not be done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Complaint {
    pub(crate) error: String,
}

/// The answer of `/append`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Appended {
    pub(crate) records: usize,
}

/// The answer of `/models`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ModelName {
    pub(crate) id: String,
}

/// The answer of `/sources/{source}/{partition}/skip`: from which offset to which nothing was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Skipped {
    pub(crate) from: i64,
    pub(crate) to: i64,
}

/// How all workers stand.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Standing {
    /// The instance.
    pub(crate) instance: String,
    /// The process.
    pub(crate) pid: u32,
    /// Why it is not ready; empty if it is.
    pub(crate) reasons: Vec<String>,
    /// Source partitions, by source and number.
    pub(crate) feeds: Vec<Feed>,
    /// Journal partitions, by number.
    pub(crate) shards: Vec<Shard>,
    /// What became of the transactions of ingest and of score, since the start.
    pub(crate) ingest_transactions: Transactions,
    pub(crate) score_transactions: Transactions,
    /// Bytes that were read and wait for a transaction.
    #[serde(default)]
    pub(crate) buffered_bytes: u64,
    /// Bytes of effects that wait for a transaction.
    pub(crate) outbox_bytes: u64,
    /// How many partitions the journal has, once known.
    pub(crate) journal_partitions: Option<u32>,
}

/// What became of transactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Transactions {
    pub(crate) committed: u64,
    /// Sent again.
    pub(crate) aborted: u64,
    /// Refused since another writer had taken over.
    pub(crate) fenced: u64,
    /// Those whose outcome was not known at first; once it is, they count among the others too.
    pub(crate) unknown: u64,
    /// Those whose outcome is not known yet.
    pub(crate) in_doubt: u64,
}

impl Transactions {
    /// Takes in those of another worker.
    fn add(&mut self, other: pipeline::status::Transactions) {
        self.committed += other.committed;
        self.aborted += other.aborted;
        self.fenced += other.fenced;
        self.unknown += other.unknown;
        self.in_doubt += u64::from(other.in_doubt);
    }
}

/// How far a shard has come on its way back: offsets of the state topic while it is restoring, of the journal while
/// it is replaying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Way {
    pub(crate) done: u64,
    pub(crate) left: u64,
}

/// One source partition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Feed {
    pub(crate) source: String,
    pub(crate) partition: u32,
    pub(crate) position: i64,
    pub(crate) end: Option<i64>,
    /// Complete up to here.
    pub(crate) watermark: Option<String>,
    pub(crate) watermark_ms: Option<i64>,
    /// Records consumed, ever.
    pub(crate) consumed: u64,
    pub(crate) rejected: u64,
    pub(crate) skipped: u64,
    /// Records consumed less those of which it is said what became of them. Known where this process has all
    /// shards and they are live.
    pub(crate) unaccounted: Option<i64>,
    /// Offsets whose records were deleted before they were read, and accepted as lost, ever.
    pub(crate) lost: u64,
    pub(crate) stopped: bool,
    /// Whether it is refused since records were deleted before they were read.
    pub(crate) behind: bool,
}

/// One journal partition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Shard {
    pub(crate) partition: u32,
    pub(crate) phase: String,
    pub(crate) reason: Option<String>,
    pub(crate) way: Option<Way>,
    pub(crate) position: i64,
    pub(crate) end: Option<i64>,
    pub(crate) accounts: u64,
    pub(crate) bands: BTreeMap<String, u64>,
    pub(crate) open_alerts: BTreeMap<String, u64>,
    /// Accounts by rule that is held for longer than its `for`.
    #[serde(default)]
    pub(crate) held_rules: BTreeMap<String, u64>,
    pub(crate) counts: Vec<Count>,
    /// Fingerprints forgotten before their time.
    pub(crate) forgotten: u64,
    /// Activities that found a signal at its ceiling.
    pub(crate) crossed: u64,
    pub(crate) clocks: Vec<Clock>,
    pub(crate) model: Option<String>,
    /// Changed accounts that are not stored yet.
    pub(crate) dirty: u64,
    /// Offsets of the journal since its checkpoint.
    #[serde(default)]
    pub(crate) checkpoint_lag: u64,
}

/// What became of the activities of one source partition within a shard.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Count {
    pub(crate) source: String,
    pub(crate) partition: u32,
    pub(crate) applied: u64,
    pub(crate) duplicate: u64,
    pub(crate) late: u64,
    pub(crate) unused: u64,
    pub(crate) backwards: u64,
}

/// The time of one source within a shard.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Clock {
    pub(crate) source: String,
    /// Complete up to here, ms since the epoch.
    pub(crate) watermark_ms: i64,
    /// Folded up to here, ms since the epoch.
    pub(crate) advanced_ms: i64,
    /// Whether it stands, since the source is silent.
    pub(crate) stands: bool,
}

/// What `replay --verify` found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Verified {
    /// Journal entries folded.
    pub(crate) entries: u64,
    /// Records that are equal.
    pub(crate) compared: u64,
    /// Records of the compacted topic that a later one has replaced.
    pub(crate) superseded: u64,
    /// Records that the journal gives and no topic holds.
    pub(crate) missing: u64,
    /// Records that a topic holds and the journal does not give.
    pub(crate) extra: u64,
    /// Records that differ.
    pub(crate) different: u64,
    /// The first differences, in words.
    pub(crate) differences: Vec<String>,
    /// Journal partitions of which nothing was folded yet.
    pub(crate) untouched: Vec<u32>,
}

impl Verified {
    /// Whether there is nothing to complain about.
    pub(crate) const fn is_equal(&self) -> bool {
        self.missing == 0 && self.extra == 0 && self.different == 0
    }
}

impl From<Verification> for Verified {
    fn from(found: Verification) -> Self {
        let Verification { entries, compared, superseded, missing, extra, different, differences, untouched } =
            found;
        Self { entries, compared, superseded, missing, extra, different, differences, untouched }
    }
}

/// What became of the records of a source partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Balance {
    pub(crate) source: String,
    pub(crate) partition: u32,
    /// Records that stand in the topic.
    pub(crate) records: u64,
    pub(crate) applied: u64,
    pub(crate) duplicate: u64,
    pub(crate) late: u64,
    pub(crate) rejected: u64,
    pub(crate) skipped: u64,
    /// Records of which it is not said what became of them.
    pub(crate) unaccounted: i64,
    /// Offsets whose records were deleted before they were read, and accepted as lost: none of them is among the others.
    pub(crate) lost: u64,
}

impl Balance {
    pub(crate) fn of((source, partition): (Source, u32), account: &Account) -> Self {
        let Account { records, applied, duplicate, late, rejected, skipped, lost, .. } = *account;
        let unaccounted = account.unaccounted();
        let source = source.name().to_owned();
        Self { source, partition, records, applied, duplicate, late, rejected, skipped, unaccounted, lost }
    }

    /// Takes in another partition.
    pub(crate) fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.applied += other.applied;
        self.duplicate += other.duplicate;
        self.late += other.late;
        self.rejected += other.rejected;
        self.skipped += other.skipped;
        self.unaccounted += other.unaccounted;
        self.lost += other.lost;
    }
}

impl Standing {
    /// Takes in an ingest worker.
    pub(crate) fn add_ingest(&mut self, status: &IngestStatus) {
        self.feeds.extend(status.feeds.iter().map(|feed| Feed {
            source: feed.source.name().to_owned(),
            partition: feed.partition,
            position: feed.position,
            end: feed.end,
            watermark: feed.watermark.map(|at| EventTime(at).to_string()),
            watermark_ms: feed.watermark,
            consumed: feed.consumed,
            rejected: feed.rejected,
            skipped: feed.skipped,
            unaccounted: None,
            lost: feed.lost,
            stopped: feed.stopped,
            behind: feed.behind,
        }));
        self.ingest_transactions.add(status.transactions);
        self.buffered_bytes += wide(status.buffered);
        self.journal_partitions = self.journal_partitions.max(status.journal);
    }

    /// Takes in a score worker.
    pub(crate) fn add_score(&mut self, status: &ScoreStatus) {
        self.shards.extend(status.shards.iter().map(shard));
        self.score_transactions.add(status.transactions);
        self.outbox_bytes += wide(status.outbox);
    }

    /// Accounts by band, over all shards.
    pub(crate) fn bands(&self) -> BTreeMap<String, u64> {
        sum(self.shards.iter().map(|shard| &shard.bands))
    }

    /// Alerts that fire by rule, over all shards.
    pub(crate) fn open_alerts(&self) -> BTreeMap<String, u64> {
        sum(self.shards.iter().map(|shard| &shard.open_alerts))
    }

    /// Accounts by rule that is held for longer than its `for`, over all shards.
    pub(crate) fn held_rules(&self) -> BTreeMap<String, u64> {
        sum(self.shards.iter().map(|shard| &shard.held_rules))
    }

    /// Puts all in order and compares what was consumed with what became of it, once all workers are taken in.
    pub(crate) fn conclude(&mut self) {
        let live = self.shards.iter().filter(|shard| shard.phase == LIVE).count();
        let is_whole = self.journal_partitions.is_some_and(|all| live == all as usize);
        let mut folded: BTreeMap<(&str, u32), u64> = BTreeMap::new();
        for count in self.shards.iter().flat_map(|shard| &shard.counts) {
            let sum = folded.entry((&count.source, count.partition)).or_default();
            *sum += count.applied + count.duplicate + count.late + count.unused;
        }
        for feed in &mut self.feeds {
            let folded = folded.get(&(feed.source.as_str(), feed.partition)).copied().unwrap_or(0);
            let said = folded + feed.rejected + feed.skipped;
            feed.unaccounted = is_whole.then(|| feed.consumed.cast_signed() - said.cast_signed());
        }
        self.feeds.sort_by(|a, b| (&a.source, a.partition).cmp(&(&b.source, b.partition)));
        self.shards.sort_by_key(|shard| shard.partition);
    }
}

fn shard(status: &ShardStatus) -> Shard {
    let (phase, reason) = phase(&status.phase);
    let counts = status.counts.iter().map(|(source, partition, count)| Count {
        source: source.name().to_owned(),
        partition,
        applied: count.applied,
        duplicate: count.duplicate,
        late: count.late,
        unused: count.unused,
        backwards: count.backwards,
    });
    let clocks = status.clocks.iter().map(|(source, watermark_ms, advanced_ms, stands)| Clock {
        source: source.name().to_owned(),
        watermark_ms: *watermark_ms,
        advanced_ms: *advanced_ms,
        stands: *stands,
    });
    Shard {
        partition: status.partition,
        phase: phase.to_owned(),
        reason,
        way: status.way.map(|way| Way { done: way.done, left: way.left }),
        position: status.position,
        end: status.end,
        accounts: wide(status.accounts),
        bands: status.census.bands.clone(),
        open_alerts: status.census.open_alerts.clone(),
        held_rules: status.census.held.clone(),
        counts: counts.collect(),
        forgotten: status.counts.forgotten,
        crossed: status.counts.crossed,
        clocks: clocks.collect(),
        model: status.model.map(|model| model.to_string()),
        dirty: wide(status.dirty),
        checkpoint_lag: status.checkpoint_lag,
    }
}

/// The word for a shard that is at work.
const LIVE: &str = "live";

/// The words for what a shard is doing.
pub(crate) const PHASES: [&str; 5] = ["waiting", "restoring", "replaying", LIVE, "refused"];

fn phase(phase: &Phase) -> (&'static str, Option<String>) {
    match phase {
        Phase::Waiting => ("waiting", None),
        Phase::Restoring => ("restoring", None),
        Phase::Replaying => ("replaying", None),
        Phase::Live => (LIVE, None),
        Phase::Refused(reason) => ("refused", Some(reason.clone())),
    }
}

fn sum<'a>(parts: impl Iterator<Item = &'a BTreeMap<String, u64>>) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for (name, count) in parts.flatten() {
        *sums.entry(name.clone()).or_default() += count;
    }
    sums
}

fn wide(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}
