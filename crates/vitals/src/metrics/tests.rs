use super::*;
use crate::admin::view::{Clock, Feed, Shard, Transactions, Way};
use crate::settings::Settings;
use crate::settings::key::{KEYS, Secrecy};
use std::path::Path;

/// Pinned: dashboards and alert rules hang on these names.
const NAMES: [&str; 32] = [
    "vitals_ingest_buffered_bytes",
    "vitals_ingest_consumed_total",
    "vitals_ingest_in_doubt_transactions",
    "vitals_ingest_lag_records",
    "vitals_ingest_lost_total",
    "vitals_ingest_position_offset",
    "vitals_ingest_rejected_total",
    "vitals_ingest_skipped_total",
    "vitals_ingest_stopped_partitions",
    "vitals_ingest_transactions_total",
    "vitals_ingest_watermark_age_seconds",
    "vitals_ingest_watermark_timestamp_seconds",
    "vitals_process_unaccounted_records",
    "vitals_process_unready_reasons",
    "vitals_score_accounts",
    "vitals_score_activities_total",
    "vitals_score_advanced_timestamp_seconds",
    "vitals_score_backwards_total",
    "vitals_score_checkpoint_lag_records",
    "vitals_score_crossed_total",
    "vitals_score_dead_sources",
    "vitals_score_dirty_accounts",
    "vitals_score_forgotten_total",
    "vitals_score_held_rules",
    "vitals_score_in_doubt_transactions",
    "vitals_score_lag_records",
    "vitals_score_open_alerts",
    "vitals_score_outbox_bytes",
    "vitals_score_restore_done_records",
    "vitals_score_restore_left_records",
    "vitals_score_shards",
    "vitals_score_transactions_total",
];

fn standing() -> Standing {
    let feed = |partition, watermark_ms| Feed {
        source: "login".to_owned(),
        partition,
        position: 5,
        end: Some(8),
        watermark: None,
        watermark_ms,
        consumed: 51,
        rejected: 2,
        skipped: 1,
        unaccounted: None,
        lost: 6,
        stopped: partition == 1,
        behind: false,
    };
    let shard = Shard {
        partition: 3,
        phase: "live".to_owned(),
        reason: None,
        way: None,
        position: 10,
        end: Some(12),
        accounts: 7,
        bands: [("healthy".to_owned(), 7)].into(),
        open_alerts: [("gone-quiet".to_owned(), 1)].into(),
        held_rules: [("gone-quiet".to_owned(), 2)].into(),
        counts: vec![crate::admin::view::Count {
            source: "login".to_owned(),
            partition: 0,
            applied: 40,
            duplicate: 3,
            late: 2,
            unused: 1,
            backwards: 0,
        }],
        forgotten: 0,
        crossed: 0,
        clocks: vec![Clock {
            source: "login".to_owned(),
            watermark_ms: 9_000,
            advanced_ms: 8_000,
            stands: true,
        }],
        model: None,
        dirty: 4,
        checkpoint_lag: 77,
    };
    let feeds = vec![feed(0, Some(9_000)), feed(1, Some(7_500))];
    let back = |partition, phase: &str, done, left| Shard {
        partition,
        phase: phase.to_owned(),
        way: Some(Way { done, left }),
        end: None,
        bands: BTreeMap::new(),
        open_alerts: BTreeMap::new(),
        held_rules: BTreeMap::new(),
        counts: Vec::new(),
        clocks: Vec::new(),
        dirty: 0,
        checkpoint_lag: 0,
        ..shard.clone()
    };
    let [one, two] = [back(4, "restoring", 30, 5), back(5, "replaying", 7, 8)];
    let tally = Transactions { committed: 6, aborted: 2, fenced: 0, unknown: 1, in_doubt: 1 };
    Standing {
        feeds,
        shards: vec![shard, one, two],
        ingest_transactions: tally,
        score_transactions: Transactions { committed: 9, ..Transactions::default() },
        buffered_bytes: 88,
        outbox_bytes: 99,
        ..Standing::default()
    }
}

#[test]
fn the_names_are_those_that_dashboards_know() {
    let mut names: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
    names.sort_unstable();
    assert_eq!(names, NAMES);
}

#[test]
fn the_difference_of_the_counts_is_told_once_all_shards_are_live() {
    let difference = |standing: &Standing| {
        let text = render(standing);
        let of = |line: &&str| line.starts_with("vitals_process_unaccounted_records{");
        text.lines().filter(of).map(str::to_owned).collect::<Vec<_>>()
    };
    let mut standing = standing();
    standing.shards.truncate(1);
    standing.conclude();
    assert!(difference(&standing).is_empty(), "the journal may have more partitions");
    standing.journal_partitions = Some(1);
    standing.conclude();
    // Of partition 0: 51 consumed, 40 applied, 3 duplicate, 2 late, 1 unused, 2 rejected, 1 skipped.
    let [told, nothing] = [(0, 2), (1, 48)].map(|(partition, count)| {
        format!("vitals_process_unaccounted_records{{source=\"login\",partition=\"{partition}\"}} {count}")
    });
    let mut found = difference(&standing);
    found.sort_unstable();
    assert_eq!(found, [told, nothing]);
    standing.shards[0].phase = "replaying".to_owned();
    standing.conclude();
    assert!(difference(&standing).is_empty());
}

#[test]
fn what_workers_tell_is_rendered_and_nothing_else() {
    let text = render(&standing());
    for line in [
        "vitals_ingest_rejected_total{source=\"login\",partition=\"1\"} 2",
        "vitals_ingest_lost_total{source=\"login\",partition=\"1\"} 6",
        "vitals_ingest_lag_records{source=\"login\",partition=\"0\"} 3",
        "vitals_ingest_watermark_timestamp_seconds{source=\"login\"} 7.5",
        "vitals_ingest_stopped_partitions{source=\"login\"} 1",
        "vitals_score_activities_total{source=\"login\",partition=\"0\",outcome=\"applied\"} 40",
        "vitals_score_held_rules{rule=\"gone-quiet\"} 2",
        "vitals_score_accounts{band=\"healthy\"} 7",
        "vitals_score_shards{phase=\"live\"} 1",
        "vitals_score_shards{phase=\"refused\"} 0",
        "vitals_score_dead_sources{source=\"login\"} 1",
        "vitals_score_lag_records{partition=\"3\"} 2",
        "vitals_ingest_buffered_bytes 88",
        "vitals_score_outbox_bytes 99",
        "vitals_score_checkpoint_lag_records{partition=\"3\"} 77",
        "vitals_score_restore_done_records{topic=\"state\"} 30",
        "vitals_score_restore_left_records{topic=\"state\"} 5",
        "vitals_score_restore_done_records{topic=\"journal\"} 7",
        "vitals_score_restore_left_records{topic=\"journal\"} 8",
        "vitals_ingest_transactions_total{outcome=\"committed\"} 6",
        "vitals_ingest_transactions_total{outcome=\"aborted\"} 2",
        "vitals_ingest_transactions_total{outcome=\"unknown\"} 1",
        "vitals_ingest_in_doubt_transactions 1",
        "vitals_score_transactions_total{outcome=\"committed\"} 9",
        "vitals_score_in_doubt_transactions 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let name = line.split(['{', ' ']).next().unwrap();
        assert!(NAMES.contains(&name), "{name}");
    }
}

fn metrics_table() -> String {
    let mut table = "| metric | kind | labels | meaning |\n| --- | --- | --- | --- |\n".to_owned();
    for Metric { name, kind, labels, about, .. } in METRICS {
        let kind = if kind == Counter { "counter" } else { "gauge" };
        table += &format!("| `{name}` | {kind} | {labels} | {about} |\n");
    }
    table
}

fn settings_table() -> String {
    let mut table = "| key | default | meaning |\n| --- | --- | --- |\n".to_owned();
    for key in &KEYS {
        let value = (key.show)(&Settings::default()).to_string();
        let value = if key.secrecy == Secrecy::Hidden { "`\"\"`".to_owned() } else { format!("`{value}`") };
        table += &format!("| `{}` | {value} | {} |\n", key.name, key.about);
    }
    table
}

/// The text of a page between two marks is what is generated; `UPDATE_PAGES=1` writes it there.
fn holds(page: &str, mark: &str, table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(page);
    let text = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = (format!("<!-- begin {mark} -->\n"), format!("<!-- end {mark} -->"));
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("{page} has no {begin}"));
    let (found, after) = rest.split_once(&end).unwrap_or_else(|| panic!("{page} has no {end}"));
    if std::env::var_os("UPDATE_PAGES").is_some() {
        std::fs::write(&path, format!("{before}{begin}{table}{end}{after}")).unwrap();
    } else {
        assert_eq!(found, table, "{page} is out of date; run this test with UPDATE_PAGES=1");
    }
}

#[test]
fn the_pages_hold_the_tables_of_metrics_and_settings() {
    holds("deploy/README.md", "metrics", &metrics_table());
    holds("README.md", "settings", &settings_table());
}
