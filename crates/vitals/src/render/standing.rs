//! How workers, topics and accounts of records stand.

use super::{clean, count, grouped, shown, table};
use crate::access::Topic;
use crate::admin::view::{Balance, Feed, Shard, Standing, Verified, Way};
use model::time::EventTime;
use std::collections::BTreeMap;

/// `vitals status`: the workers.
pub(crate) fn standing(standing: &Standing) -> String {
    let mut out = format!("instance {}, process {}: ", clean(&standing.instance), standing.pid);
    if standing.reasons.is_empty() {
        out += "ready\n\n";
    } else {
        out += "not ready\n";
        standing.reasons.iter().for_each(|reason| out += &format!("  {}\n", clean(reason)));
        out.push('\n');
    }
    let mut feeds = table(
        &["source", "part.", "position", "behind", "complete to", "rejected", "under way", "state"],
        1..4,
    );
    for feed in &standing.feeds {
        let behind = feed.end.map_or_else(|| "?".to_owned(), |end| count(unsigned(end - feed.position)));
        feeds.add_row(vec![
            feed.source.clone(),
            feed.partition.to_string(),
            feed.position.to_string(),
            behind,
            feed.watermark.clone().unwrap_or_else(|| "-".to_owned()),
            count(feed.rejected),
            feed.unaccounted.map_or_else(|| "?".to_owned(), |records| records.to_string()),
            state(feed).to_owned(),
        ]);
    }
    out += &shown("Sources", &feeds);
    let mut shards = table(&["journal", "phase", "position", "behind", "accounts", "not stored"], 2..6);
    for shard in &standing.shards {
        let behind = shard.end.map_or_else(|| "?".to_owned(), |end| count(unsigned(end - shard.position)));
        let position = shard.position.to_string();
        let accounts = count(shard.accounts);
        shards.add_row(vec![
            shard.partition.to_string(),
            phase(shard),
            position,
            behind,
            accounts,
            count(shard.dirty),
        ]);
    }
    out += &shown("Shards", &shards);
    out += &shown("Transactions since the start", &transactions(standing));
    out += &shown("Clocks", &clocks(standing));
    let counts = |title: [&str; 2], counts: BTreeMap<String, u64>| {
        let mut table = table(&title, 1..2);
        for (name, of) in counts {
            table.add_row(vec![clean(&name), grouped(of)]);
        }
        table
    };
    out += &shown("Accounts", &counts(["band", "accounts"], standing.bands()));
    out += &shown("Alerts that fire", &counts(["rule", "alerts"], standing.open_alerts()));
    out + &shown(
        "Rules held for longer than their `for`",
        &counts(["rule", "accounts"], standing.held_rules()),
    )
}

/// What a shard is doing, and how far it has come in it while it is on its way back.
fn phase(shard: &Shard) -> String {
    let Some(Way { done, left }) = shard.way else { return shard.phase.clone() };
    format!("{}, {} of {}", shard.phase, grouped(done), grouped(done + left))
}

fn transactions(standing: &Standing) -> comfy_table::Table {
    let head = ["transactions", "committed", "aborted", "fenced", "unknown at first", "in doubt"];
    let mut table = table(&head, 1..6);
    for (stage, of) in [("ingest", standing.ingest_transactions), ("score", standing.score_transactions)] {
        let counts = [of.committed, of.aborted, of.fenced, of.unknown, of.in_doubt].map(count);
        table.add_row([stage.to_owned()].into_iter().chain(counts));
    }
    table
}

/// The least T and A of each source over all shards, and whether its clock stands.
fn clocks(standing: &Standing) -> comfy_table::Table {
    let mut least: BTreeMap<&str, (i64, i64, bool)> = BTreeMap::new();
    for clock in standing.shards.iter().flat_map(|shard| &shard.clocks) {
        let all = least.entry(&clock.source).or_insert((i64::MAX, i64::MAX, false));
        *all = (all.0.min(clock.watermark_ms), all.1.min(clock.advanced_ms), all.2 || clock.stands);
    }
    let mut table = table(&["source", "complete to", "folded to", "state"], 0..0);
    for (source, (watermark, advanced, stands)) in least {
        let state = if stands { "no news: its clock stands" } else { "" };
        let instants = [watermark, advanced].map(|at| EventTime(at).to_string());
        let [watermark, advanced] = instants;
        table.add_row(vec![source.to_owned(), watermark, advanced, state.to_owned()]);
    }
    table
}

/// `vitals status`: the topics.
pub(crate) fn topics(topics: &[Topic]) -> String {
    let mut rows = table(&["topic", "partitions", "offsets"], 1..3);
    for topic in topics {
        let offsets = topic.partitions.iter().map(|(first, end)| unsigned(end - first)).sum();
        rows.add_row(vec![topic.name.clone(), topic.partitions.len().to_string(), count(offsets)]);
    }
    shown("Topics", &rows)
}

/// What records may be that are not accounted for, while a log is in use.
pub(crate) const UNDER_WAY: &str = "while a run goes on, these are under way";

/// The accounting of promise 2. `left`: what records may be that are not accounted for.
pub(crate) fn balance(balances: &[Balance], left: &str) -> String {
    let head =
        ["source", "records", "applied", "duplicate", "late", "rejected", "skipped", "unaccounted", "lost"];
    let mut rows = table(&head, 1..9);
    let mut whole = Balance::default();
    let row = |name: String, of: &Balance| {
        let counts = [of.records, of.applied, of.duplicate, of.late, of.rejected, of.skipped].map(count);
        [name]
            .into_iter()
            .chain(counts)
            .chain([of.unaccounted.to_string(), count(of.lost)])
            .collect::<Vec<_>>()
    };
    let several = balances.iter().any(|balance| balance.partition > 0);
    let says = |of: &&Balance| of.records > 0 || of.unaccounted != 0 || of.lost > 0;
    for balance in balances.iter().filter(says) {
        let name = &balance.source;
        let name = if several { format!("{name}/{}", balance.partition) } else { name.clone() };
        rows.add_row(row(name, balance));
        whole.add(balance);
    }
    rows.add_row(row("all".to_owned(), &whole));
    let verdict = match whole.unaccounted {
        0 => "every record is accounted for".to_owned(),
        some => format!("{some} records are not accounted for; {left}"),
    };
    shown(&format!("What became of every record: {verdict}"), &rows)
}

/// `vitals replay --verify`.
pub(crate) fn verified(found: &Verified) -> String {
    let Verified { entries, compared, superseded, missing, extra, different, .. } = *found;
    let mut rows = table(&["replay", "count"], 1..2);
    for (name, number) in [
        ("journal entries folded", entries),
        ("records equal", compared),
        ("replaced by a later one (compacted)", superseded),
        ("missing", missing),
        ("extra", extra),
        ("different", different),
    ] {
        rows.add_row(vec![name.to_owned(), grouped(number)]);
    }
    let verdict = if found.is_equal() { "equal, byte for byte" } else { "NOT equal" };
    let mut out = shown(&format!("The journal and the output topics are {verdict}"), &rows);
    for difference in &found.differences {
        out += &format!("{}\n", difference.lines().map(clean).collect::<Vec<_>>().join("\n"));
    }
    if !found.untouched.is_empty() {
        out += &format!("nothing of these journal partitions was folded yet: {:?}\n", found.untouched);
    }
    out
}

const fn state(feed: &Feed) -> &'static str {
    match (feed.behind, feed.stopped) {
        (true, _) => "refused",
        (false, true) => "stopped",
        (false, false) => "",
    }
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
