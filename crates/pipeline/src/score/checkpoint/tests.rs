use super::super::records::Records;
use super::*;
use crate::golden::golden;
use crate::topic;
use crate::variant::Correct;
use engine::Step;
use engine::activity::{Activity, Fields};
use engine::effect::{Effect, EffectId, Sink};
use engine::entry::{Entry, Lost, PartitionMark, Run, SourceMark, Watermarks};
use model::source::Source;
use model::time::{EventTime, HOUR};
use proptest::prelude::*;
use proptest::sample::Index;
use std::fmt::Write;

const MODEL: &str = "
format: 1
model: small
owner: tests
score: { bands: { fine: 50, bad: 0 } }
signals: { logins: { count: login, over: 7d } }
goals:
  all:
    statement: They are there.
    owner: csm
    weight: 1
    measures: { logins: { kind: leading, weight: 1, curve: { 0: 0, 9: 100 } } }
";

struct Nobody;

impl Sink for Nobody {
    fn effect(&mut self, _: EffectId, _: &Effect<'_>) {}
}

const TIME: EventTime = EventTime(1_781_560_800_000);

fn activity(offset: i64, account: &str) -> Entry<'_> {
    let id = offset.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let (source, fields) = (Source::Login, Fields::default());
    Entry::Activity(Activity { source, partition: 0, offset, id, time: TIME, account, fields })
}

fn fold(shard: &mut Shard, offset: i64, entry: &Entry<'_>) {
    let at = Position { offset, entry: 0, minute: i64::MIN };
    let mut step = shard.fold(at, entry, &mut Nobody).unwrap();
    while step == Step::More {
        step = shard.go_on(&mut Nobody);
    }
}

/// Two accounts and an hour.
fn shard() -> Shard {
    let time = TIME;
    let runs = vec![Run { first: time, last: time }];
    let (watermark, lost) = (Some(EventTime(time.0 + HOUR)), Lost::default());
    let mark = PartitionMark { partition: 0, watermark, runs, rejected: 1, skipped: 2, lost };
    let source = SourceMark { source: Source::Login, partition_count: 1, partitions: vec![mark] };
    let marks = Entry::Watermarks(Watermarks { sources: vec![source], ..Watermarks::default() });
    let mut shard = Shard::new();
    let entries = [Entry::Model(MODEL), activity(7, "northwind"), activity(9, "s\u{fc}d-ost"), marks];
    for (offset, entry) in (0..).zip(&entries) {
        fold(&mut shard, offset, entry);
    }
    shard
}

/// Records by key and value, in words; of a long value its length.
fn text(appends: &Appends) -> String {
    let mut text = String::new();
    for record in appends.records() {
        let value = match record.value {
            None => "none".to_owned(),
            Some(value) if value.len() > 1_000 => {
                format!("{}... {} bytes", value[..4].escape_ascii(), value.len())
            }
            Some(value) => value.escape_ascii().to_string(),
        };
        let (key, partition) = (record.key.unwrap_or_default().escape_ascii(), record.partition);
        writeln!(text, "{} {partition} {key}: {value}", record.topic).unwrap();
    }
    text
}

/// The whole checkpoint of a shard.
fn stored(shard: &mut Shard) -> Appends {
    let (mut appends, topic) = (Appends::default(), topic::STATE.into());
    let ground = Ground { since: 4_711, journal: 16 };
    let mut checkpoint = Checkpoint::restored(BTreeMap::new(), false, ground, Position::START);
    let settings = settings::Score::default();
    checkpoint.add::<Correct>(
        shard,
        &mut appends,
        &topic,
        3,
        millis(settings.checkpoint_interval),
        &settings,
    );
    appends
}

fn records(appends: &Appends) -> Records {
    let mut records = Records::default();
    for record in appends.records() {
        records.put(record.key.unwrap_or_default(), record.value);
    }
    records
}

fn restore(records: &mut Records) -> Option<Shard> {
    let marker = records.value(kind::MARKER, &[])?.into_owned();
    let (_, marker) = read_mark(&marker)?;
    let id = *Restoring::models(marker).ok()?.first()?;
    let model = String::from_utf8(records.value(kind::MODEL, &id.0)?.into_owned()).ok()?;
    let mut restoring = Restoring::new(marker, |_| Some(&model)).ok()?;
    let head = records.value(kind::HEAD, &[])?.into_owned();
    records.take_accounts(|_, value| restoring.add(value.ok_or(())?).map(drop).map_err(drop)).ok()?;
    let mut shard = restoring.finish();
    shard.read_head(&head).ok()?;
    Some(shard)
}

#[test]
fn state_records_version_1() {
    let mut shard = shard();
    let (appends, state) = (stored(&mut shard), Arc::from(topic::STATE));
    let mut split = Appends::default();
    put(&mut split, &state, 3, kind::MODEL, &[7; 32], &vec![b'x'; 2 * CHUNK]);
    remove(&mut split, &state, 3, kind::MODEL, &[7; 32], 3);
    golden("state-v1.txt", &(text(&appends) + &text(&split)));
    let mut restored = restore(&mut records(&appends)).unwrap();
    for id in ["northwind", "s\u{fc}d-ost"] {
        assert_eq!(restored.account_bytes(id), shard.account_bytes(id));
    }
    let parts = |shard: &mut Shard| {
        let (mut marker, mut head) = (Vec::new(), Vec::new());
        shard.write_marker(&mut marker);
        shard.write_head(&mut head);
        (marker, head)
    };
    assert_eq!(parts(&mut restored), parts(&mut shard));
}

#[test]
fn accounts_are_stored_at_a_rate_and_how_far_the_marker_lies_behind_is_known() {
    const ACCOUNTS: i64 = 300;
    /// How much wall time lies between two transactions, ms.
    const STEP: i64 = 100;
    let names: Vec<String> = (0..ACCOUNTS).map(|number| format!("account-{number}")).collect();
    // From a rate at which a sweep takes many intervals to one that never binds.
    for ceiling in [4_000, 40_000, 4 << 20] {
        let settings = settings::Score {
            checkpoint_bytes: ceiling,
            checkpoint_interval: std::time::Duration::from_secs(2),
            ..settings::Score::default()
        };
        let mut shard = Shard::new();
        fold(&mut shard, 0, &Entry::Model(MODEL));
        let mut checkpoint = Checkpoint::restored(BTreeMap::new(), false, Ground::default(), Position::START);
        let (mut stored, mut largest, mut lags) = (Vec::new(), 0, Vec::new());
        for number in 1..=600 {
            for more in 0..5 {
                let place = usize::try_from((number * 5 + more) % ACCOUNTS).unwrap();
                fold(&mut shard, number * 5 + more, &activity(number * 5 + more, &names[place]));
            }
            let (mut appends, topic) = (Appends::default(), topic::STATE.into());
            checkpoint.add::<Correct>(&mut shard, &mut appends, &topic, 3, number * STEP, &settings);
            let sizes =
                appends.records().filter(|record| record.key.is_some_and(|key| key[0] == kind::ACCOUNT));
            let sizes: Vec<usize> = sizes.map(|record| record.value.map_or(0, <[u8]>::len)).collect();
            largest = sizes.iter().copied().fold(largest, usize::max);
            stored.push(sizes.iter().sum::<usize>());
            lags.push(checkpoint.lag(shard.position()));
        }
        let seconds =
            stored.windows(1_000 / usize::try_from(STEP).unwrap()).map(|second| second.iter().sum());
        let most: usize = seconds.max().unwrap();
        // What is left over of a second before may be used, but no more.
        assert!(most <= 2 * ceiling + largest, "{most} of {ceiling}, {largest}");
        if ceiling == 4_000 {
            assert!(most >= ceiling / 2, "the rate is used: {most}");
        }
        let total: usize = stored.iter().sum();
        assert!(total <= ceiling * 61 + largest, "{total} within a minute at {ceiling} a second");
        // Sweeps come to their end at any rate, and the faster the closer.
        let ends = lags.windows(2).filter(|pair| pair[1] < pair[0]).count();
        let lag = *lags.iter().skip(300).max().unwrap();
        println!("{ceiling}: {total} bytes, {ends} sweeps, a lag of {lag} records at most");
        assert!(ends > 1, "{ends} sweeps at {ceiling}");
        // Two intervals of fifty records a second, where the rate does not bind.
        assert!(ceiling < 4 << 20 || lag <= 2 * 2 * 50 + 5, "{lag}");
    }
}

proptest! {
    #[test]
    fn damaged_records_are_refused_or_harmless(
        changes in proptest::collection::vec((any::<Index>(), any::<Index>(), any::<u8>(), any::<bool>()), 1..4),
        cut in proptest::option::of((any::<Index>(), any::<Index>()))
    ) {
        let appends = stored(&mut shard());
        let mut all: Vec<(Vec<u8>, Vec<u8>)> = appends
            .records()
            .map(|record| (record.key.unwrap_or_default().to_vec(), record.value.unwrap_or_default().to_vec()))
            .collect();
        for (which, at, byte, of_key) in changes {
            let which = which.index(all.len());
            let bytes = if of_key { &mut all[which].0 } else { &mut all[which].1 };
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        if let Some((which, at)) = cut {
            let which = which.index(all.len());
            let len = at.index(all[which].1.len().max(1));
            all[which].1.truncate(len);
        }
        let mut records = Records::default();
        all.iter().for_each(|(key, value)| records.put(key, Some(value)));
        if let Some(mut shard) = restore(&mut records) {
            let _stored_again = stored(&mut shard);
        }
    }

    #[test]
    fn records_of_any_bytes_never_panic(
        all in proptest::collection::vec(
            ("[ahkm]?[\\x00-\\x03]?[a-b]{0,2}", proptest::option::of(proptest::collection::vec(any::<u8>(), 0..20))),
            0..12
        )
    ) {
        let mut records = Records::default();
        for (key, value) in &all {
            records.put(key.as_bytes(), value.as_deref());
        }
        for kind in [kind::ACCOUNT, kind::HEAD, kind::MARKER, kind::MODEL] {
            let value = records.value(kind, b"a");
            prop_assert!(value.is_none_or(|value| value.len() <= 20 * all.len()));
        }
        prop_assert!(restore(&mut records).is_none());
    }
}
