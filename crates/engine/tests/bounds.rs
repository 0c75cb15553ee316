//! Memory is bounded: beyond a ceiling a signal is unknown and the crossing is counted; it never grows without
//! bound and never lies.

#![allow(clippy::unwrap_used, reason = "a test")]

mod world;

use engine::Shard;
use engine::entry::{Entry, Watermarks};
use model::source::{Field, Source};
use model::time::{DAY, HOUR, MINUTE};
use world::random::{MODELS, START};
use world::{Lines, Told, fold, mark};

fn users(shard: &mut Shard) -> Option<i64> {
    value(shard, "users")
}

/// The value of a signal of account `a`.
fn value(shard: &mut Shard, name: &str) -> Option<i64> {
    let find = |standing: &engine::effect::Standing<'_>| {
        let plan = standing.plan;
        let line =
            standing.lines.iter().find(|line| plan.signals[plan.measures[line.measure].signal].name == name);
        line.unwrap().value
    };
    shard.standing("a", find).unwrap()
}

#[test]
fn beyond_the_ceiling_a_distinct_count_is_unknown_until_what_found_no_place_has_left() {
    let (mut shard, mut sink, mut offset) = (Shard::new(), Lines::default(), 0);
    let mut next = |shard: &mut Shard, entry: &Entry<'_>| {
        fold(shard, offset, entry, &mut sink);
        offset += 1;
    };
    let advance = |to: i64, runs: &[(i64, i64)]| {
        let sources =
            [Source::Login, Source::FeatureUsage, Source::Support, Source::Subscription, Source::Milestone];
        let sources = sources.map(|source| mark(source, 1, &[(0, to, runs)]));
        Entry::Watermarks(Watermarks { sources: sources.to_vec(), ..Default::default() })
    };
    next(&mut shard, &Entry::Model(MODELS[0]));
    let told = |user: i64, time: i64| Told {
        source: Source::FeatureUsage,
        partition: 0,
        offset: user,
        id: user.to_string(),
        time,
        account: "a".into(),
        fields: vec![
            (Field::User, user.to_string()),
            (Field::Feature, "x".into()),
            (Field::Count, "1".into()),
        ],
    };
    next(&mut shard, &Entry::Activity(told(0, START).activity()));
    next(&mut shard, &advance(START + HOUR, &[(START, START)]));
    let mut sizes = Vec::new();
    for user in 1..20_000 {
        let time = START + HOUR + user / 10;
        next(&mut shard, &Entry::Activity(told(user, time).activity()));
        if user == 1_000 {
            assert_eq!(users(&mut shard), Some(1_001_000_000));
        }
        if user % 5_000 == 4_999 {
            sizes.push(shard.size());
        }
    }
    assert_eq!(users(&mut shard), None, "beyond the ceiling it is not known");
    assert!(shard.counts().crossed > 10_000 && shard.counts().forgotten > 10_000);
    assert!(sizes[3] <= sizes[0] + sizes[0] / 4, "{sizes:?}");
    // The source lives on, so that the window passes; then one user comes.
    let mut now = START + 2 * HOUR;
    for _ in 0..30 {
        now += HOUR;
        next(&mut shard, &advance(now, &[(now - HOUR, now)]));
    }
    next(&mut shard, &Entry::Activity(told(30_000, now).activity()));
    assert_eq!(users(&mut shard), Some(1_000_000), "what found no place has left");
    assert!(shard.size() < sizes[0], "{} of {sizes:?}", shard.size());
}

#[test]
fn dead_time_is_forgotten_once_no_window_can_reach_it() {
    let (mut shard, mut sink) = (Shard::new(), Lines::default());
    fold(&mut shard, 0, &Entry::Model(MODELS[0]), &mut sink);
    let mut marker = Vec::new();
    let (mut most, mut before) = (0, 0);
    for i in 1..9_000 {
        // An activity every four hours of a source that is silent for at most two: a gap each time.
        let now = START + i * 4 * HOUR;
        let sources =
            vec![mark(Source::Login, 1, &[(0, now - MINUTE, &[(now - 2 * MINUTE, now - 2 * MINUTE)])])];
        fold(&mut shard, i, &Entry::Watermarks(Watermarks { sources, ..Default::default() }), &mut sink);
        marker.clear();
        shard.write_marker(&mut marker);
        most = most.max(marker.len());
        // Half of the time is lived, so after 6,000 of them it is 500 days.
        before = if i == 6_000 { most } else { before };
    }
    assert!(most < 100_000 && most < before + before / 16, "{most} bytes after {before}");
}

const SUM: &str = "
format: 1
model: sum
owner: ops@example.com
score: { bands: { healthy: 70, at-risk: 0 } }
signals: { used: { sum: count, from: feature-usage, over: 7d } }
goals:
  use:
    statement: Used.
    owner: csm
    weight: 100
    measures: { used: { kind: leading, weight: 100, curve: { 0: 0, 100: 100 } } }
";

#[test]
fn a_sum_beyond_its_range_is_unknown_whatever_comes_late() {
    let (mut shard, mut sink) = (Shard::new(), Lines::default());
    fold(&mut shard, 0, &Entry::Model(SUM), &mut sink);
    let mut offset = 0;
    let mut used = |shard: &mut Shard, time: i64, count: &str| {
        // One is the watermarks'.
        offset += if offset == 10_000 { 2 } else { 1 };
        let told = Told {
            source: Source::FeatureUsage,
            partition: 0,
            offset,
            id: offset.to_string(),
            time,
            account: "a".into(),
            fields: vec![(Field::Feature, "x".into()), (Field::Count, count.into())],
        };
        fold(shard, offset, &Entry::Activity(told.activity()), &mut sink);
    };
    // Neither day is beyond the range; both together are.
    for day in 0..2 {
        (0..5_000).for_each(|number| used(&mut shard, START + day * DAY + number, "1000000000"));
    }
    let sources =
        vec![mark(Source::FeatureUsage, 1, &[(0, START + 30 * HOUR, &[(START, START + 30 * HOUR)])])];
    let entry = Entry::Watermarks(Watermarks { sources, ..Default::default() });
    fold(&mut shard, 10_001, &entry, &mut Lines::default());
    assert_eq!(value(&mut shard, "used"), None);
    used(&mut shard, START, "-1000000000");
    assert_eq!(value(&mut shard, "used"), None, "it is beyond its range still");
    // Four thousand fewer are within it.
    (0..4_000).for_each(|number| used(&mut shard, START + number, "-1000000000"));
    assert_eq!(value(&mut shard, "used"), Some(5_999_000_000_000_000_000));
}
