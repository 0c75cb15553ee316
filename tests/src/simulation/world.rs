//! What a seed means before anything happens: topics, workers, models, faults.

use super::rng::Rng;
use engine::fingerprint;
use log::simulated::{Fault, Faults};
use log::{Cleanup, Stamp, TopicSpec};
use model::source::Source;
use model::time::{MINUTE, SECOND};
use pipeline::{settings, topic};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

/// The sources that activity comes from.
pub const SOURCES: [Source; 3] = [Source::Login, Source::FeatureUsage, Source::Support];

/// From what silence on an account is quiet, ms.
pub const QUIET: i64 = 180 * SECOND;

/// Within what time of what concerns all accounts each has its own instant, ms.
pub const SOON: i64 = 4 * MINUTE;

/// What tells the third source of chance of a seed from its second. By this one no seed that found a fault before there was
/// a third takes its time: it goes the way on which it found it.
const LAST: u64 = 151;

/// However little the skew, a clock that is no more wrong than this may pass for right, ms.
const UNTOLD: i64 = SECOND;

/// The rules of a source, of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Max delay, ms.
    pub delay: i64,
    /// Max skew, ms.
    pub skew: i64,
    /// Silent at most, ms.
    pub silent: Option<i64>,
    /// For how long an activity is known again.
    dedup: &'static str,
}

impl Rules {
    /// Of a world that takes its time: no time may lie after its stamp, perhaps.
    fn strict(self, slow: bool, last: &mut Rng) -> Self {
        if slow && last.chance(400) { Self { skew: 0, ..self } } else { self }
    }
}

/// The rules of each of [`SOURCES`].
pub type RuleSet = [Rules; 3];

/// A world that a seed gives.
#[derive(Clone, Debug)]
pub struct World {
    /// Journal partitions.
    pub journal: u32,
    /// Partitions of each of [`SOURCES`] at first.
    pub partitions: [u32; 3],
    /// Ingest and score workers.
    pub workers: [u32; 2],
    /// Account ids.
    pub accounts: Vec<String>,
    /// The rules of each of the models.
    pub rules: [RuleSet; 2],
    /// Which model is in force.
    pub force: usize,
    /// The first model and the one that is published in the midst of it.
    pub models: [String; 2],
    /// Whether records are deleted before they were read.
    pub deletes: bool,
    /// Whether offsets and state are lost or brought back.
    pub loses: bool,
    /// What goes wrong while it goes wrong.
    pub faults: Faults,
    /// What goes on when nothing goes wrong any more.
    pub calm: Faults,
    /// The settings of the ingest workers.
    pub ingest: settings::Ingest,
    /// The settings of the score workers.
    pub score: settings::Score,
    /// How many rounds of the schedule there are with faults.
    pub rounds: usize,
}

impl World {
    /// The world of a seed. What `more` decides was added later: what `rng` decides of a seed stays the same. So it is
    /// with what a third source decides, which is of worlds that take their time.
    #[must_use]
    pub fn new(rng: &mut Rng, more: &mut Rng) -> Self {
        let mut last = Rng::new(more.clone().next() ^ LAST);
        let slow = last.chance(330);
        let first = [(); 3].map(|()| rules(rng, "2h")).map(|own| own.strict(slow, &mut last));
        // Mostly the second model has rules of its own, of one source or of all.
        let second = first.map(|kept| {
            let dedup = more.pick(&["10m", "2h", "6h"]);
            let other = rules(more, dedup).strict(slow, &mut last);
            if more.chance(650) { other } else { kept }
        });
        let count = 5 + rng.below(10);
        let models = [model(rng, &first, "first"), model(rng, &second, "second")];
        let mut world = Self {
            journal: 2 + u32::try_from(rng.below(3)).unwrap_or(0),
            partitions: [(); 3].map(|()| 1 + u32::try_from(rng.below(3)).unwrap_or(0)),
            workers: [(); 2].map(|()| 1 + u32::try_from(rng.below(3)).unwrap_or(0)),
            accounts: accounts(rng, count),
            rules: [first, second],
            force: 0,
            models,
            deletes: more.chance(400),
            loses: more.chance(300),
            faults: faults(rng),
            calm: Faults::none(),
            ingest: settings::Ingest {
                commit_interval: Duration::from_millis(rng.pick(&[50, 500])),
                mark_interval: Duration::from_secs(rng.pick(&[3, 6])),
                transaction_bytes: rng.pick(&[512, 4 << 20]),
                max_record_bytes: 1_024,
                stop_in_a_row: 40,
                latest_turns: 2,
                ..settings::Ingest::default()
            },
            score: settings::Score {
                outbox_bytes: rng.pick(&[1, 4_096, 32 << 20]),
                checkpoint_interval: Duration::from_secs(rng.pick(&[1, 20, 60])),
                checkpoint_bytes: rng.pick(&[2_000, 20_000, 4 << 20]),
                // In every other world it is read ahead, however few accounts there are.
                ahead_from: if count.is_multiple_of(2) { 0 } else { usize::MAX },
                ..settings::Score::default()
            },
            rounds: 1_700 + rng.below(600),
        };
        if slow {
            world.slow_down(&mut last);
        }
        world
    }

    /// Some commits take long while much goes wrong; and then each takes some time still, at times.
    fn slow_down(&mut self, last: &mut Rng) {
        self.faults.commit_ms = (1, last.pick(&[3 * SECOND, 20 * SECOND, 60 * SECOND]));
        self.faults = self.faults.clone().with(Fault::SlowCommit, last.pick(&[3_000, 20_000]));
        if last.chance(700) {
            // Hardly any, or always more than a clock may be off in silence.
            self.calm.commit_ms = last.pick(&[(1, 100), (UNTOLD * 7 / 5, UNTOLD * 8 / 5)]);
            self.calm = self.calm.clone().with(Fault::SlowCommit, 1_000_000);
            // Here one waits for another, so none may commit after each of its steps.
            let pace = Duration::from_secs(5);
            self.ingest.commit_interval = pace;
            (self.score.commit_least, self.score.commit_most) = (pace, pace);
        }
    }

    /// How long a commit takes at most when nothing goes wrong any more, ms.
    #[must_use]
    pub fn latency(&self) -> i64 {
        if self.calm.rate(Fault::SlowCommit) > 0 { self.calm.commit_ms.1 } else { 0 }
    }

    /// The rules of one of [`SOURCES`] that are in force.
    #[must_use]
    pub const fn in_force(&self, place: usize) -> Rules {
        self.rules[self.force][place]
    }

    /// Whether the models differ in their rules.
    #[must_use]
    pub fn rules_change(&self) -> bool {
        self.rules[0] != self.rules[1]
    }

    /// By how much a clock may be wrong without its owner knowing, at most.
    #[must_use]
    pub fn slack(&self) -> i64 {
        let of = |rules: &RuleSet| rules.iter().map(|rules| rules.skew).min();
        self.rules.iter().filter_map(of).max().unwrap_or(0).max(UNTOLD)
    }

    /// Every topic.
    #[must_use]
    pub fn topics(&self) -> Vec<TopicSpec> {
        let mut specs = topic::specs(self.journal, 1);
        for (source, count) in SOURCES.iter().zip(self.partitions) {
            let name = topic::of_source(*source);
            specs.retain(|spec| spec.name != name);
            specs.push(TopicSpec {
                name,
                partitions: count,
                stamp: Stamp::Create,
                cleanup: Cleanup::Keep,
                max_record_bytes: 1 << 20,
            });
        }
        specs
    }

    /// The names of the topics that activity comes from.
    #[must_use]
    pub fn sources() -> Vec<Arc<str>> {
        SOURCES.map(topic::of_source).to_vec()
    }
}

fn rules(rng: &mut Rng, dedup: &'static str) -> Rules {
    let delay = rng.pick(&[2 * SECOND, 10 * SECOND, 45 * SECOND]);
    let skew = rng.pick(&[5 * SECOND, 15 * SECOND]);
    let silent = rng.pick(&[None, Some(30 * SECOND), Some(60 * SECOND), Some(150 * SECOND)]);
    Rules { delay, skew, silent, dedup }
}

/// Accounts whose own instants come soon after what concerns all of them.
fn accounts(rng: &mut Rng, count: usize) -> Vec<String> {
    let spread = |id: &str| fingerprint::of(id.as_bytes()) % (15 * MINUTE).unsigned_abs();
    let ids = (rng.below(1_000)..).map(|number| format!("a{number}"));
    ids.filter(|id| spread(id) < SOON.unsigned_abs()).take(count).collect()
}

/// Every kind of fault at some rate, or a few kinds often.
fn faults(rng: &mut Rng) -> Faults {
    // Which worlds take their time is not decided here.
    let kinds: Vec<Fault> = Fault::ALL.into_iter().filter(|fault| *fault != Fault::SlowCommit).collect();
    let mut faults = if rng.chance(500) {
        Faults::every(rng.pick(&[300, 1_000, 3_000]))
    } else {
        let mut few = Faults::every(150);
        for _ in 0..3 {
            few = few.with(rng.pick(&kinds), rng.pick(&[5_000, 30_000, 100_000]));
        }
        few
    };
    if rng.chance(500) {
        // With a clock that may be wrong, time is known less exactly, and so are promises on it.
        faults = faults.with(Fault::Clock, 0);
    }
    faults = faults.foreign_in(&World::sources()).with(Fault::SlowCommit, 0);
    faults.clock_ms = rng.pick(&[20 * SECOND, 3_600 * SECOND]);
    faults.marker_delay_ms = rng.pick(&[200, 3_000]);
    faults
}

fn span(ms: i64) -> String {
    format!("{}s", ms / SECOND)
}

fn model(rng: &mut Rng, rules: &RuleSet, name: &str) -> String {
    let mut text = format!("format: 1\nmodel: {name}\nowner: ops@example.com\n");
    text.push_str(
        "score: { bands: { healthy: 70, neutral: 45, at-risk: 0 }, min_coverage: 40% }\nsources:\n",
    );
    for (source, Rules { delay, skew, silent, dedup }) in SOURCES.iter().zip(rules) {
        let silent = silent.map_or_else(String::new, |silent| format!(", silent_at_most: {}", span(silent)));
        let stale = rng.pick(&["10m", "1d"]);
        let stale = if silent.is_empty() { String::new() } else { format!(", stale_after: {stale}") };
        // Writing to a string cannot fail.
        let (delay, skew) = (span(*delay), span(*skew));
        writeln!(
            text,
            "  {}: {{ max_delay: {delay}, max_skew: {skew}{silent}{stale}, dedup: {dedup} }}",
            source.name()
        )
        .unwrap_or_default();
    }
    let window = rng.pick(&["1h", "2h", "6h"]);
    let limit = rng.pick(&["1m", "3m", "8m"]);
    let margin = rng.pick(&["0s", "20s", "2m"]);
    let cooldown = rng.pick(&["0s", "1m", "5m"]);
    write!(
        text,
        "signals:
  last_login: {{ since_last: login }}
  logins:     {{ count: login, over: {window} }}
  users:      {{ distinct: user, from: feature-usage, over: 2h }}
  last_use:   {{ since_last: feature-usage }}
  open:       {{ open: support }}
goals:
  use:
    statement: They come back.
    owner: csm
    weight: 70
    measures:
      last_login: {{ kind: leading, weight: 40, curve: {{ 30s: 100, {limit}: 40, 12m: 0 }} }}
      logins:     {{ kind: leading, weight: 30, curve: {{ 0: 0, 20: 100 }} }}
      users:      {{ kind: leading, weight: 30, curve: {{ 0: 0, 4: 100 }} }}
  help:
    statement: Problems are few.
    owner: support
    weight: 30
    measures:
      open:       {{ kind: leading, weight: 100, curve: {{ 0: 100, 4: 0 }} }}
caps:
  - {{ name: gone, when: {{ last_use: {{ at_least: 10m }} }}, score_at_most: 44 }}
alerts:
  quiet:   {{ when: {{ last_login: {{ at_least: {} }} }}, for: {margin}, cooldown: {cooldown}, notify: csm }}
  low:     {{ when: {{ score: {{ below: 60 }} }}, clears_when: {{ score: {{ at_least: 65 }} }}, for: {margin}, notify: csm }}
  strain:  {{ when: {{ open: {{ at_least: 2 }}, last_use: {{ at_least: {limit} }} }}, keep_firing_for: {cooldown}, lag_at_most: 1m, notify: csm }}
",
        span(QUIET)
    )
    .unwrap_or_default();
    text
}
