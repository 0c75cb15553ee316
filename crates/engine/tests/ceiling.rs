//! An account with more than a signal may hold: the signal is unknown, each activity without a place is counted, the
//! account grows no more, and the other signals go on. Whether it is known again is a matter of what the signal is:
//! what is in no window any more is no loss; a ticket or a milestone without a place may be open for ever.

#![allow(clippy::unwrap_used, reason = "a test")]

mod world;

use engine::Shard;
use engine::entry::Watermarks;
use model::source::{Field, Source};
use model::time::{DAY, HOUR, MINUTE};
use std::collections::BTreeMap;
use world::random::START;
use world::{Lines, Owned, Told, fold, mark};

const MODEL: &str = "
format: 1
model: ceilings
owner: ops@example.com
score: { bands: { healthy: 70, at-risk: 0 } }
sources: { feature-usage: { max_delay: 1m, max_skew: 1m }, support: { max_delay: 1m, max_skew: 1m }, milestone: { max_delay: 1m, max_skew: 1m } }
signals:
  users: { distinct: user, from: feature-usage, over: 3h }
  growth: { trend: users, against: previous }
  used: { count: feature-usage, over: 3h }
  tickets: { open: support }
  reached: { reached: milestone }
  late: { overdue: milestone }
goals:
  use:
    statement: They use it.
    owner: csm
    weight: 100
    measures:
      growth: { kind: leading, weight: 20, curve: { 0%: 0, 100%: 100 } }
      used: { kind: leading, weight: 20, curve: { 0: 0, 100: 100 } }
      tickets: { kind: leading, weight: 20, curve: { 0: 100, 10: 0 } }
      reached: { kind: leading, weight: 20, curve: { 0%: 0, 100%: 100 } }
      late: { kind: leading, weight: 20, curve: { 0: 100, 10: 0 } }
";

const SOURCES: [Source; 3] = [Source::FeatureUsage, Source::Support, Source::Milestone];

/// A shard with one account, and its time.
struct World {
    shard: Shard,
    offset: i64,
    now: i64,
}

impl World {
    fn new() -> Self {
        let mut world = Self { shard: Shard::new(), offset: 0, now: START };
        world.next(&Owned::Model(MODEL.into()));
        world.advance(HOUR);
        world
    }

    fn next(&mut self, entry: &Owned) {
        fold(&mut self.shard, self.offset, &entry.entry(), &mut Lines::default());
        self.offset += 1;
    }

    /// Lets time pass for all sources, in which somebody is always active.
    fn advance(&mut self, by: i64) {
        let from = self.now;
        self.now += by;
        let marks = SOURCES.map(|source| mark(source, 1, &[(0, self.now - MINUTE, &[(from, self.now)])]));
        self.next(&Owned::Watermarks(Watermarks { sources: marks.to_vec(), ..Default::default() }));
    }

    fn tell(&mut self, source: Source, fields: &[(Field, String)]) {
        let (offset, time) = (self.offset, self.now);
        let (id, fields) = (offset.to_string(), fields.to_vec());
        self.next(&Owned::Activity(Told {
            source,
            partition: 0,
            offset,
            id,
            time,
            account: "a".into(),
            fields,
        }));
    }

    fn user(&mut self, number: i64) {
        self.tell(Source::FeatureUsage, &[(Field::User, format!("user-{number}"))]);
    }

    fn ticket(&mut self, number: i64, kind: &str) {
        self.tell(Source::Support, &[(Field::Ticket, format!("t{number}")), (Field::Kind, kind.into())]);
    }

    fn milestone(&mut self, number: i64, kind: &str) {
        let due = (Field::DueAt, (self.now + HOUR).to_string());
        self.tell(
            Source::Milestone,
            &[(Field::Milestone, format!("m{number}")), (Field::Kind, kind.into()), due],
        );
    }

    /// The known values, in whole units.
    fn known(&mut self) -> BTreeMap<String, i64> {
        let values = self.shard.standing("a", |standing| {
            let name =
                |measure: usize| standing.plan.signals[standing.plan.measures[measure].signal].name.clone();
            let lines = standing.lines.iter();
            lines.filter_map(|line| Some((name(line.measure), line.value? / 1_000_000))).collect()
        });
        values.unwrap()
    }

    fn crossed(&self) -> u64 {
        self.shard.counts().crossed
    }
}

/// Tells of `most`, for which there is place, and of many more.
fn cross(world: &mut World, most: i64, mut tell: impl FnMut(&mut World, i64)) {
    (0..most).for_each(|number| tell(world, number));
    assert_eq!(world.crossed(), 0, "all have a place");
    // Until the fingerprints of ids are at their own cap too.
    let full = most + 5_000;
    (most..full).for_each(|number| tell(world, number));
    let size = world.shard.size();
    (full..full + 5_000).for_each(|number| tell(world, number));
    assert_eq!(world.crossed(), 10_000, "each without a place is counted");
    assert!(world.shard.size() <= size + size / 8, "{size} and then {} bytes", world.shard.size());
}

#[test]
fn a_trend_of_distinct_with_too_many_pairs_is_unknown_until_both_windows_have_passed() {
    let mut world = World::new();
    let grow = |world: &mut World| {
        (0..10).for_each(|user| world.user(user));
        world.advance(4 * HOUR);
        (0..20).for_each(|user| world.user(user));
        world.advance(10 * MINUTE);
        world.known().get("growth").copied()
    };
    assert_eq!(grow(&mut world), Some(200));
    world.advance(8 * HOUR);
    // The count of the users themselves has a lower ceiling, which is not in question here.
    let most = 4 * 4_096;
    (0..most).for_each(|user| world.user(user));
    let (full, crossed) = (world.shard.size(), world.crossed());
    assert!(world.known().contains_key("used"));
    (most..most + 3_000).for_each(|user| world.user(user));
    // Each found no place with either.
    assert_eq!(world.crossed() - crossed, 2 * 3_000);
    assert!(world.shard.size() <= full + full / 4);
    world.advance(4 * HOUR);
    (0..20).for_each(|user| world.user(user));
    world.advance(10 * MINUTE);
    let known = world.known();
    assert!(!known.contains_key("growth") && known["used"] == 20, "{known:?}");
    world.advance(8 * HOUR);
    assert_eq!(grow(&mut world), Some(200), "what found no place has left both windows");
}

#[test]
fn an_account_with_too_many_tickets_has_an_unknown_number_of_open_ones() {
    let mut world = World::new();
    world.user(0);
    cross(&mut world, 4_096, |world, number| world.ticket(number, "opened"));
    assert!(!world.known().contains_key("tickets") && world.known()["used"] == 1);
    (0..14_096).for_each(|number| world.ticket(number, "solved"));
    world.advance(40 * DAY);
    world.ticket(10_000, "opened");
    // That those without a place were solved could not be noted either.
    assert!(!world.known().contains_key("tickets"), "{:?}", world.known());
}

#[test]
fn tickets_that_were_forgotten_in_time_give_their_place_to_others() {
    let mut world = World::new();
    for month in 0..4 {
        for number in 0..3_000 {
            world.ticket(10_000 * month + number, "opened");
            world.ticket(10_000 * month + number, "solved");
        }
        world.advance(40 * DAY);
    }
    world.ticket(1, "opened");
    assert_eq!((world.known()["tickets"], world.crossed()), (1, 0));
}

#[test]
fn an_account_with_too_many_milestones_knows_neither_what_is_reached_nor_what_is_late() {
    let mut world = World::new();
    world.user(0);
    cross(&mut world, 1_024, |world, number| world.milestone(number, "planned"));
    world.advance(2 * HOUR);
    let known = world.known();
    assert!(
        !known.contains_key("reached") && !known.contains_key("late") && known.contains_key("used"),
        "{known:?}"
    );
    (0..11_024).for_each(|number| world.milestone(number, "reached"));
    world.advance(400 * DAY);
    let known = world.known();
    assert!(!known.contains_key("reached") && !known.contains_key("late"), "{known:?}");
}
