//! What the admin server answers, as it travels: the same types on both sides.

use model::time::EventTime;
use pipeline::{IngestStatus, Phase, ScoreStatus, ShardStatus};
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
    /// Transactions of score, since the start.
    pub(crate) commits: u64,
    /// Bytes of effects that wait for a transaction.
    pub(crate) outbox_bytes: u64,
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
    pub(crate) rejected: u64,
    pub(crate) skipped: u64,
    pub(crate) stopped: bool,
}

/// One journal partition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Shard {
    pub(crate) partition: u32,
    pub(crate) phase: String,
    pub(crate) reason: Option<String>,
    pub(crate) position: i64,
    pub(crate) end: Option<i64>,
    pub(crate) accounts: u64,
    pub(crate) bands: BTreeMap<String, u64>,
    pub(crate) open_alerts: BTreeMap<String, u64>,
    pub(crate) counts: Vec<Count>,
    /// Fingerprints forgotten before their time.
    pub(crate) forgotten: u64,
    /// Activities that found a signal at its ceiling.
    pub(crate) crossed: u64,
    pub(crate) clocks: Vec<Clock>,
    pub(crate) model: Option<String>,
    /// Changed accounts that are not stored yet.
    pub(crate) dirty: u64,
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
            rejected: feed.rejected,
            skipped: feed.skipped,
            stopped: feed.stopped,
        }));
    }

    /// Takes in a score worker.
    pub(crate) fn add_score(&mut self, status: &ScoreStatus) {
        self.shards.extend(status.shards.iter().map(shard));
        self.commits += status.commits;
        self.outbox_bytes += wide(status.outbox);
    }

    /// Puts all in order.
    pub(crate) fn sort(&mut self) {
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
        position: status.position,
        end: status.end,
        accounts: wide(status.accounts),
        bands: status.bands.clone(),
        open_alerts: status.open_alerts.clone(),
        counts: counts.collect(),
        forgotten: status.counts.forgotten,
        crossed: status.counts.crossed,
        clocks: clocks.collect(),
        model: status.model.map(|model| model.to_string()),
        dirty: wide(status.dirty),
    }
}

/// The words for what a shard is doing.
pub(crate) const PHASES: [&str; 5] = ["waiting", "restoring", "replaying", "live", "refused"];

fn phase(phase: &Phase) -> (&'static str, Option<String>) {
    match phase {
        Phase::Waiting => ("waiting", None),
        Phase::Restoring => ("restoring", None),
        Phase::Replaying => ("replaying", None),
        Phase::Live => ("live", None),
        Phase::Refused(reason) => ("refused", Some(reason.clone())),
    }
}

fn wide(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}
