//! What a later model brings is unknown until there is enough to say something of it.

#![allow(clippy::unwrap_used, reason = "a test")]

mod world;

use engine::Shard;
use engine::entry::Watermarks;
use model::number::SCALE;
use model::source::{Field, Source};
use model::time::{DAY, HOUR, MINUTE};
use world::random::START;
use world::{Lines, Owned, Told, fold, mark};

/// A model of one signal.
fn model(signal: &str) -> String {
    format!(
        "
format: 1
model: learned
score: {{ bands: {{ healthy: 70, at-risk: 0 }} }}
signals:
  it: {{ {signal} }}
  uses: {{ count: feature-usage, over: 28d }}
goals:
  use:
    statement: They use it.
    owner: csm
    weight: 100
    measures:
      it: {{ kind: leading, weight: 20, curve: {{ 0: 0, 10: 100 }} }}
      uses: {{ kind: leading, weight: 20, curve: {{ 0: 0, 100: 100 }} }}
"
    )
}

struct World {
    shard: Shard,
    offset: i64,
    day: i64,
}

impl World {
    fn next(&mut self, entry: &Owned) {
        fold(&mut self.shard, self.offset, &entry.entry(), &mut Lines::default());
        self.offset += 1;
    }

    fn learn(&mut self, signal: &str) {
        self.next(&Owned::Model(model(signal)));
    }

    /// Lets a day pass, of which one hour tells of a value of 4, and says what the signal is.
    fn day(&mut self) -> Option<i64> {
        let (from, to) = (START + self.day * DAY, START + (self.day + 1) * DAY);
        self.day += 1;
        self.next(&Owned::Activity(Told {
            source: Source::FeatureUsage,
            partition: 0,
            offset: self.offset,
            id: self.offset.to_string(),
            time: from + HOUR,
            account: "a".into(),
            fields: vec![(Field::Value, "4".into())],
        }));
        // A spread and a max delay beyond the end of the day.
        let at = to + 15 * MINUTE;
        let marks = mark(Source::FeatureUsage, 1, &[(0, at, &[(from, to)])]);
        self.next(&Owned::Watermarks(Watermarks { sources: vec![marks], ..Default::default() }));
        self.shard.standing("a", |standing| standing.lines[0].value).unwrap()
    }

    /// On which day from now on it is known.
    fn days_until_known(&mut self) -> usize {
        let mut days = 1;
        while self.day().is_none() {
            days += 1;
            assert!(days < 500);
        }
        days
    }
}

#[test]
fn a_decayed_mean_is_known_after_three_half_lives_or_its_window() {
    for (signal, days) in [
        ("mean: value, from: feature-usage, half_life: 2d", 6),
        ("mean: value, from: feature-usage, half_life: 2d, over: 4d", 4),
        ("mean: value, from: feature-usage, half_life: 100d", 300),
        ("mean: value, from: feature-usage, over: 12d", 12),
    ] {
        let mut world = World { shard: Shard::new(), offset: 0, day: 0 };
        world.learn("latest: value, from: feature-usage");
        assert_eq!(world.day(), Some(4 * SCALE));
        world.learn(signal);
        assert_eq!(world.days_until_known(), days, "{signal}");
    }
}

#[test]
fn another_half_life_of_the_same_mean_counts_from_when_that_came() {
    let mean =
        |half_life: u32| format!("mean: value, from: feature-usage, over: 20d, half_life: {half_life}d");
    let mut world = World { shard: Shard::new(), offset: 0, day: 0 };
    world.learn("latest: value, from: feature-usage");
    world.day();
    world.learn(&mean(2));
    assert_eq!(world.days_until_known(), 6);
    // Twelve days since it came, of which six have passed; then three, which have.
    world.learn(&mean(4));
    assert_eq!(world.days_until_known(), 6);
    world.learn(&mean(1));
    assert_eq!(world.days_until_known(), 1);
    // The first model knows all there is.
    let mut world = World { shard: Shard::new(), offset: 0, day: 0 };
    world.learn(&mean(2));
    assert_eq!(world.days_until_known(), 1);
    world.learn(&mean(4));
    assert_eq!(world.days_until_known(), 1);
}
