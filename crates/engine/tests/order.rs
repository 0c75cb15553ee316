//! The order in which partitions' activities stand in the journal, and a partition that lags, change no value:
//! once all watermarks have passed an instant, every account stands the same.
//!
//! Which alerts were opened and resolved on the way is not compared: an alert says what was known when, and which
//! activity was known when a clock came by is what an interleaving is. (Two recorded runs say the same: their merge
//! makes one order of all; see `vitals/tests/oulad.rs`.) Which are open is a function of what is known once time has
//! gone on for longer than any rule waits, but where a rule has two limits and stands between them: there it is as
//! it was when it last was beyond one, and when that was is again a matter of what was known.

#![allow(clippy::unwrap_used, reason = "a test")]

mod world;

use engine::Shard;
use engine::effect::{AlertState, Effect, EffectId, Line, Sink, Standing};
use engine::entry::{Entry, Watermarks};
use model::source::Source;
use model::time::{HOUR, MINUTE};
use std::collections::{BTreeMap, BTreeSet};
use world::random::{MODELS, Random, activity};
use world::{Told, fold, mark};

const SOURCES: [Source; 5] =
    [Source::Login, Source::FeatureUsage, Source::Support, Source::Milestone, Source::Subscription];

/// Activities of each partition in the order of its offsets, each with the instant of its append: at most five
/// minutes after it happened.
fn lanes(random: &mut Random, start: i64) -> BTreeMap<(Source, u32), Vec<(i64, Told)>> {
    let mut lanes: BTreeMap<(Source, u32), Vec<(i64, Told)>> = BTreeMap::new();
    let mut now = start;
    for offset in 0..260 {
        now += random.below(20 * MINUTE);
        let source = SOURCES[usize::try_from(random.below(5)).unwrap()];
        let partition = u32::try_from(random.below(2)).unwrap();
        let time = now - random.below(4 * MINUTE);
        let told = activity(random, source, partition, offset, time);
        lanes.entry((source, partition)).or_default().push((now, told));
    }
    lanes
}

/// The open alerts of each account.
#[derive(Default)]
struct Open(BTreeMap<String, BTreeSet<String>>);

impl Sink for Open {
    fn effect(&mut self, _: EffectId, effect: &Effect<'_>) {
        if let Effect::Alert(alert) = effect {
            let open = self.0.entry(alert.standing.account.id.to_owned()).or_default();
            match alert.state {
                AlertState::Firing => assert!(open.insert(alert.rule.to_owned())),
                AlertState::Resolved(_) => assert!(open.remove(alert.rule)),
            }
        }
    }
}

/// Folds one interleaving: each partition is read in strides of its own, told about after each. `stalled` is read
/// only when all others are done.
fn interleave(
    lanes: &BTreeMap<(Source, u32), Vec<(i64, Told)>>,
    random: &mut Random,
    stalled: Option<(Source, u32)>,
    end: i64,
) -> (Vec<String>, Vec<String>) {
    let (mut shard, mut offset, mut sink) = (Shard::new(), 0, Open::default());
    let mut next = |shard: &mut Shard, entry: &Entry<'_>| {
        fold(shard, offset, entry, &mut sink);
        offset += 1;
    };
    next(&mut shard, &Entry::Model(MODELS[0]));
    let mut read: BTreeMap<(Source, u32), usize> = lanes.keys().map(|lane| (*lane, 0)).collect();
    loop {
        let open = |lane: &&(Source, u32)| read[*lane] < lanes[*lane].len();
        let ready: Vec<_> = lanes.keys().filter(open).copied().collect();
        let ready = match stalled.filter(|lane| ready.len() > 1 && ready.contains(lane)) {
            Some(lane) => ready.into_iter().filter(|other| *other != lane).collect(),
            None => ready,
        };
        if ready.is_empty() {
            break;
        }
        let lane = ready[usize::try_from(random.below(i64::try_from(ready.len()).unwrap())).unwrap()];
        let stride = 1 + usize::try_from(random.below(9)).unwrap();
        let place = read[&lane];
        let taken = &lanes[&lane][place..lanes[&lane].len().min(place + stride)];
        let mut runs = Vec::new();
        for (_, told) in taken {
            next(&mut shard, &Entry::Activity(told.activity()));
            runs.push((told.time, told.time));
        }
        read.insert(lane, place + taken.len());
        let appended = taken.last().unwrap().0;
        let told = mark(lane.0, 2, &[(lane.1, appended - 5 * MINUTE, &runs)]);
        next(&mut shard, &Entry::Watermarks(Watermarks { sources: vec![told], ..Default::default() }));
    }
    let all = SOURCES.map(|source| mark(source, 2, &[(0, end, &[]), (1, end, &[])]));
    next(&mut shard, &Entry::Watermarks(Watermarks { sources: all.to_vec(), ..Default::default() }));
    let stands = accounts(&mut shard, |standing| {
        format!("{} {:?} {} {:?}", standing.account.id, standing.score, standing.coverage, standing.lines)
    });
    // Somebody else is active, so that all sources live, for longer than any rule waits.
    for hour in 1..=30 {
        let now = end + hour * HOUR;
        let all = SOURCES.map(|source| mark(source, 2, &[(0, now, &[(now - HOUR, now)]), (1, now, &[])]));
        next(&mut shard, &Entry::Watermarks(Watermarks { sources: all.to_vec(), ..Default::default() }));
    }
    let open = accounts(&mut shard, |standing| {
        let id = standing.account.id;
        let value = |name: &str| {
            let of = |line: &&Line| {
                standing.plan.signals[standing.plan.measures[line.measure].signal].name == name
            };
            standing.lines.iter().find(of).and_then(|line| line.value)
        };
        // Between the two limits of a rule.
        let risk = standing.score.is_some_and(|score| (4_000..5_000).contains(&score));
        let busy = value("tickets").is_some_and(|tickets| tickets == 2_000_000);
        let between = |rule: &str| (rule == "risk" && risk) || (rule == "busy" && busy);
        let open = sink.0.get(id).into_iter().flatten().filter(|rule| !between(rule));
        format!("{id} {:?}", open.collect::<Vec<_>>())
    });
    (stands, open)
}

/// Something of each account.
fn accounts(shard: &mut Shard, mut show: impl FnMut(&Standing<'_>) -> String) -> Vec<String> {
    (0..5).filter_map(|i| shard.standing(&format!("account-{i}"), &mut show)).collect()
}

#[test]
fn neither_the_order_of_arrival_nor_a_stalled_partition_changes_where_accounts_stand_or_what_is_open() {
    let (mut scored, mut open) = (0, 0);
    for seed in 0..40 {
        let random = &mut Random(seed);
        let start = world::random::START + random.below(24 * HOUR);
        let lanes = lanes(random, start);
        let last = lanes.values().flatten().map(|(appended, _)| *appended).max().unwrap();
        let end = last + random.below(12 * HOUR);
        let one = interleave(&lanes, &mut Random(seed + 1_000), None, end);
        for other in 1..4 {
            let stalled =
                (other == 3).then_some((Source::FeatureUsage, 1)).filter(|lane| lanes.contains_key(lane));
            let again = interleave(&lanes, &mut Random(seed + 1_000 * (other + 1)), stalled, end);
            assert_eq!(one, again, "seed {seed}, interleaving {other}");
        }
        scored += one.0.iter().filter(|line| line.contains("Some(")).count();
        open += one.1.iter().map(|line| line.matches('"').count() / 2).sum::<usize>();
    }
    assert!(scored > 100 && open > 100, "{scored} scored, {open} alerts open");
}
