//! Every metric of vitals: its name, labels, unit and meaning, and how it follows from how the workers stand.
//!
//! Nothing on the way of an activity counts anything here: the workers' own counts, which survive restarts, are
//! read when somebody asks. Labels come from closed sets (sources, partitions, bands and rules of the model);
//! account ids are never labels. The raw macros of `metrics` are used in this file only.

#![allow(clippy::disallowed_macros, reason = "this is the one place where metrics are named")]

use crate::admin::view::{PHASES, Standing, Transactions};
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge, with_local_recorder};
use metrics_exporter_prometheus::PrometheusBuilder;
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// What kind of number it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) unit: Unit,
    /// Its labels, as they are written in the table.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the table in deploy/README.md"))]
    pub(crate) labels: &'static str,
    pub(crate) about: &'static str,
}

const fn metric(
    name: &'static str,
    kind: Kind,
    unit: Unit,
    labels: &'static str,
    about: &'static str,
) -> Metric {
    Metric { name, kind, unit, labels, about }
}

use Kind::{Counter, Gauge};
use Unit::{Bytes, Count, Seconds};

const UNREADY: &str = "vitals_process_unready_reasons";
const UNACCOUNTED: &str = "vitals_process_unaccounted_records";
const POSITION: &str = "vitals_ingest_position_offset";
const INGEST_LAG: &str = "vitals_ingest_lag_records";
const WATERMARK: &str = "vitals_ingest_watermark_timestamp_seconds";
const WATERMARK_AGE: &str = "vitals_ingest_watermark_age_seconds";
const CONSUMED: &str = "vitals_ingest_consumed_total";
const REJECTED: &str = "vitals_ingest_rejected_total";
const SKIPPED: &str = "vitals_ingest_skipped_total";
const LOST: &str = "vitals_ingest_lost_total";
const STOPPED: &str = "vitals_ingest_stopped_partitions";
const INGEST_TRANSACTIONS: &str = "vitals_ingest_transactions_total";
const INGEST_DOUBT: &str = "vitals_ingest_in_doubt_transactions";
const BUFFERED: &str = "vitals_ingest_buffered_bytes";
const ACTIVITIES: &str = "vitals_score_activities_total";
const BACKWARDS: &str = "vitals_score_backwards_total";
const FORGOTTEN: &str = "vitals_score_forgotten_total";
const CROSSED: &str = "vitals_score_crossed_total";
const SCORE_TRANSACTIONS: &str = "vitals_score_transactions_total";
const SCORE_DOUBT: &str = "vitals_score_in_doubt_transactions";
const RESTORE_DONE: &str = "vitals_score_restore_done_records";
const RESTORE_LEFT: &str = "vitals_score_restore_left_records";
const SHARDS: &str = "vitals_score_shards";
const SCORE_LAG: &str = "vitals_score_lag_records";
const ADVANCED: &str = "vitals_score_advanced_timestamp_seconds";
const DEAD: &str = "vitals_score_dead_sources";
const ACCOUNTS: &str = "vitals_score_accounts";
const ALERTS: &str = "vitals_score_open_alerts";
const HELD: &str = "vitals_score_held_rules";
const OUTBOX: &str = "vitals_score_outbox_bytes";
const DIRTY: &str = "vitals_score_dirty_accounts";
const CHECKPOINT_LAG: &str = "vitals_score_checkpoint_lag_records";

/// All of them, by name within each part.
pub(crate) const METRICS: [Metric; 32] = [
    metric(UNREADY, Gauge, Count, "", "reasons why the process is not ready; `/readyz` tells them"),
    metric(
        UNACCOUNTED,
        Gauge,
        Count,
        "source, partition",
        "records consumed less those of which it is said what became of them; told where all journal partitions are live in this process",
    ),
    metric(POSITION, Gauge, Count, "source, partition", "offset up to which a source partition was read"),
    metric(
        INGEST_LAG,
        Gauge,
        Count,
        "source, partition",
        "offsets between that and the end of the partition",
    ),
    metric(
        WATERMARK,
        Gauge,
        Seconds,
        "source",
        "instant up to which a source is complete: the least of its partitions",
    ),
    metric(WATERMARK_AGE, Gauge, Seconds, "source", "how far that lies behind the wall clock"),
    metric(CONSUMED, Counter, Count, "source, partition", "records consumed, since ever"),
    metric(
        REJECTED,
        Counter,
        Count,
        "source, partition",
        "records that went to the dead-letter topic, since ever",
    ),
    metric(SKIPPED, Counter, Count, "source, partition", "records without a value, since ever"),
    metric(
        LOST,
        Counter,
        Count,
        "source, partition",
        "offsets whose records were deleted before they were read, and accepted as lost: at most so many records, since ever; none of them is among the consumed",
    ),
    metric(STOPPED, Gauge, Count, "source", "partitions stopped since too many records were rejected"),
    metric(
        INGEST_TRANSACTIONS,
        Counter,
        Count,
        "outcome",
        "transactions of ingest by outcome (committed, aborted, fenced; unknown at first, then counted as what it came to), since the start of the process",
    ),
    metric(
        INGEST_DOUBT,
        Gauge,
        Count,
        "",
        "transactions of ingest whose outcome is not known yet; nothing is taken in meanwhile",
    ),
    metric(BUFFERED, Gauge, Bytes, "", "what was read of sources and waits for a transaction"),
    metric(
        ACTIVITIES,
        Counter,
        Count,
        "source, partition, outcome",
        "activities by what became of them (applied, duplicate, late, unused), since ever",
    ),
    metric(
        BACKWARDS,
        Counter,
        Count,
        "source, partition",
        "activities whose offset was not above all before it: none, unless something is broken",
    ),
    metric(
        FORGOTTEN,
        Counter,
        Count,
        "",
        "fingerprints for de-duplication that went early since an account was at its ceiling",
    ),
    metric(CROSSED, Counter, Count, "", "activities that found a signal of an account at its ceiling"),
    metric(
        SCORE_TRANSACTIONS,
        Counter,
        Count,
        "outcome",
        "transactions of score by outcome (committed, aborted, fenced; unknown at first, then counted as what it came to), since the start of the process",
    ),
    metric(
        SCORE_DOUBT,
        Gauge,
        Count,
        "",
        "transactions of score whose outcome is not known yet; nothing is taken in meanwhile",
    ),
    metric(SHARDS, Gauge, Count, "phase", "journal partitions owned by this process, by what they are doing"),
    metric(
        RESTORE_DONE,
        Gauge,
        Count,
        "topic",
        "offsets of the state read and of the journal folded again by shards on their way back",
    ),
    metric(
        RESTORE_LEFT,
        Gauge,
        Count,
        "topic",
        "offsets that these shards have still to read (state) and to fold again (journal)",
    ),
    metric(SCORE_LAG, Gauge, Count, "partition", "offsets of the journal that are not folded yet"),
    metric(
        ADVANCED,
        Gauge,
        Seconds,
        "source",
        "instant up to which the fold has advanced a source: the least of all shards",
    ),
    metric(
        DEAD,
        Gauge,
        Count,
        "source",
        "shards in which a source's clock stands, since nothing comes from it",
    ),
    metric(
        ACCOUNTS,
        Gauge,
        Count,
        "band",
        "accounts by band; with open alerts and held rules counted in turn, about 20,000 a second and worker",
    ),
    metric(ALERTS, Gauge, Count, "rule", "alerts that fire"),
    metric(
        HELD,
        Gauge,
        Count,
        "rule",
        "accounts for which a rule has been held for longer than its `for`: nothing fires or resolves meanwhile",
    ),
    metric(OUTBOX, Gauge, Bytes, "", "effects that wait for a transaction"),
    metric(DIRTY, Gauge, Count, "", "changed accounts that are not stored yet"),
    metric(
        CHECKPOINT_LAG,
        Gauge,
        Count,
        "partition",
        "offsets of the journal since the checkpoint: what a restart folds again",
    ),
];

/// The text of `/metrics`. Each is made anew from how the workers stand, so that nothing of a partition that is gone
/// stays behind.
pub(crate) fn render(standing: &Standing) -> String {
    let recorder = PrometheusBuilder::new().build_recorder();
    with_local_recorder(&recorder, || {
        for Metric { name, kind, unit, about, .. } in METRICS {
            match kind {
                Counter => describe_counter!(name, unit, about),
                Gauge => describe_gauge!(name, unit, about),
            }
        }
        gauge!(UNREADY).set(float(standing.reasons.len()));
        ingest(standing);
        score(standing);
        restore(standing);
        transactions(INGEST_TRANSACTIONS, INGEST_DOUBT, standing.ingest_transactions);
        transactions(SCORE_TRANSACTIONS, SCORE_DOUBT, standing.score_transactions);
    });
    recorder.handle().render()
}

fn ingest(standing: &Standing) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let mut stopped: BTreeMap<String, u64> = BTreeMap::new();
    let mut watermarks: BTreeMap<String, Option<i64>> = BTreeMap::new();
    for feed in &standing.feeds {
        let labels = [("source", feed.source.clone()), ("partition", feed.partition.to_string())];
        gauge!(POSITION, &labels).set(float(feed.position));
        if let Some(end) = feed.end {
            gauge!(INGEST_LAG, &labels).set(float((end - feed.position).max(0)));
        }
        if let Some(unaccounted) = feed.unaccounted {
            gauge!(UNACCOUNTED, &labels).set(float(unaccounted));
        }
        counter!(CONSUMED, &labels).absolute(feed.consumed);
        counter!(REJECTED, &labels).absolute(feed.rejected);
        counter!(SKIPPED, &labels).absolute(feed.skipped);
        counter!(LOST, &labels).absolute(feed.lost);
        *stopped.entry(feed.source.clone()).or_default() += u64::from(feed.stopped);
        // A source is complete as far as the least of its partitions is: not at all while one has no watermark.
        let least = watermarks.entry(feed.source.clone()).or_insert(Some(i64::MAX));
        *least = least.zip(feed.watermark_ms).map(|(a, b)| a.min(b));
    }
    for (source, count) in stopped {
        gauge!(STOPPED, "source" => source).set(float(count));
    }
    for (source, watermark) in watermarks {
        if let Some(watermark) = watermark {
            let seconds = float(watermark) / 1_000.0;
            gauge!(WATERMARK, "source" => source.clone()).set(seconds);
            gauge!(WATERMARK_AGE, "source" => source).set(now - seconds);
        }
    }
}

fn score(standing: &Standing) {
    let mut phases: BTreeMap<&str, u64> = PHASES.iter().map(|phase| (*phase, 0)).collect();
    let mut counts: BTreeMap<(&str, u32), [u64; 5]> = BTreeMap::new();
    let mut advanced: BTreeMap<&str, (i64, u64)> = BTreeMap::new();
    let (mut forgotten, mut crossed, mut dirty) = (0, 0, 0);
    for shard in &standing.shards {
        *phases.entry(shard.phase.as_str()).or_default() += 1;
        if let Some(end) = shard.end {
            let lag = float((end - shard.position).max(0));
            gauge!(SCORE_LAG, "partition" => shard.partition.to_string()).set(lag);
        }
        let lag = float(shard.checkpoint_lag);
        gauge!(CHECKPOINT_LAG, "partition" => shard.partition.to_string()).set(lag);
        for count in &shard.counts {
            let sums = counts.entry((&count.source, count.partition)).or_default();
            let parts = [count.applied, count.duplicate, count.late, count.unused, count.backwards];
            sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
        }
        for clock in &shard.clocks {
            let (least, dead) = advanced.entry(&clock.source).or_insert((i64::MAX, 0));
            *least = (*least).min(clock.advanced_ms);
            *dead += u64::from(clock.stands);
        }
        forgotten += shard.forgotten;
        crossed += shard.crossed;
        dirty += shard.dirty;
    }
    for (phase, count) in phases {
        gauge!(SHARDS, "phase" => phase.to_owned()).set(float(count));
    }
    for ((source, partition), [applied, duplicate, late, unused, backwards]) in counts {
        let place = [("source", source.to_owned()), ("partition", partition.to_string())];
        for (outcome, count) in
            [("applied", applied), ("duplicate", duplicate), ("late", late), ("unused", unused)]
        {
            let [source, partition] = place.clone();
            let labels = [source, partition, ("outcome", outcome.to_owned())];
            counter!(ACTIVITIES, &labels).absolute(count);
        }
        counter!(BACKWARDS, &place).absolute(backwards);
    }
    for (source, (least, dead)) in advanced {
        gauge!(ADVANCED, "source" => source.to_owned()).set(float(least) / 1_000.0);
        gauge!(DEAD, "source" => source.to_owned()).set(float(dead));
    }
    for (band, count) in standing.bands() {
        gauge!(ACCOUNTS, "band" => band).set(float(count));
    }
    for (rule, count) in standing.open_alerts() {
        gauge!(ALERTS, "rule" => rule).set(float(count));
    }
    for (rule, count) in standing.held_rules() {
        gauge!(HELD, "rule" => rule).set(float(count));
    }
    counter!(FORGOTTEN).absolute(forgotten);
    counter!(CROSSED).absolute(crossed);
    gauge!(BUFFERED).set(float(standing.buffered_bytes));
    gauge!(OUTBOX).set(float(standing.outbox_bytes));
    gauge!(DIRTY).set(float(dirty));
}

fn restore(standing: &Standing) {
    for (topic, phase) in [("state", "restoring"), ("journal", "replaying")] {
        let ways = standing.shards.iter().filter(|shard| shard.phase == phase).filter_map(|shard| shard.way);
        let (done, left) = ways.fold((0, 0), |sum, way| (sum.0 + way.done, sum.1 + way.left));
        gauge!(RESTORE_DONE, "topic" => topic).set(float(done));
        gauge!(RESTORE_LEFT, "topic" => topic).set(float(left));
    }
}

fn transactions(total: &'static str, doubt: &'static str, tally: Transactions) {
    let Transactions { committed, aborted, fenced, unknown, in_doubt } = tally;
    for (outcome, count) in
        [("committed", committed), ("aborted", aborted), ("fenced", fenced), ("unknown", unknown)]
    {
        counter!(total, "outcome" => outcome).absolute(count);
    }
    gauge!(doubt).set(float(in_doubt));
}

/// Gauges are floats; beyond 2^53 the last digits go.
fn float<T: TryInto<i64>>(number: T) -> f64 {
    let number: i64 = number.try_into().unwrap_or(i64::MAX);
    number as f64
}

#[cfg(test)]
mod tests;
