//! An alert opens and closes at most once per crossing; every one that was opened is resolved, with a reason.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod world;

use engine::effect::{AlertState, Effect, EffectId, Resolution, Sink};
use engine::entry::{Position, Watermarks};
use engine::{Shard, Step};
use model::source::{Field, Source};
use model::time::{DAY, HOUR, MINUTE};
use std::collections::{BTreeMap, BTreeSet};
use world::random::{Random, START, journal};
use world::{Owned, Told, fold, mark};

/// Transitions of each rule of each account: episode and state, and when.
#[derive(Default)]
struct Alerts(BTreeMap<(String, String), Vec<Transition>>);

/// Episode, state and instant.
type Transition = (u32, AlertState, i64);

impl Sink for Alerts {
    fn effect(&mut self, _: EffectId, effect: &Effect<'_>) {
        if let Effect::Alert(alert) = effect {
            let of = (alert.standing.account.id.to_owned(), alert.rule.to_owned());
            let at = alert.standing.as_of.0;
            assert_eq!(alert.ended_at.map(|at| at.0), (alert.state != AlertState::Firing).then_some(at));
            self.0.entry(of).or_default().push((alert.episode, alert.state, at));
        }
    }
}

impl Alerts {
    /// Fails unless each episode is opened once and closed once, one after another. Returns the reasons.
    fn reasons(&self, seed: u64) -> Vec<Resolution> {
        let mut reasons = Vec::new();
        for (of, transitions) in &self.0 {
            for (number, pair) in (1..).zip(transitions.chunks(2)) {
                let [(opened, AlertState::Firing, from), (closed, AlertState::Resolved(why), to)] = pair
                else {
                    panic!("seed {seed}: {of:?} is not opened and resolved in turns: {transitions:?}");
                };
                assert_eq!((*opened, *closed), (number, number), "seed {seed}: {of:?}");
                assert!(from <= to, "seed {seed}: {of:?}");
                reasons.push(*why);
            }
        }
        reasons
    }
}

fn about(account: i64, offset: i64, time: i64, field: Field, word: &str) -> Owned {
    Owned::Activity(Told {
        source: Source::Account,
        partition: 0,
        offset,
        id: format!("about-{account}-{offset}"),
        time,
        account: format!("account-{account}"),
        fields: vec![(field, word.to_owned())],
    })
}

/// Adds that accounts are tried and not scored for a while, and at the end that all are closed.
fn told_of(seed: u64, mut journal: Vec<Owned>) -> Vec<Owned> {
    let random = &mut Random(seed ^ 0x77);
    let mut now = START;
    for (place, entry) in journal.iter_mut().enumerate() {
        match entry {
            Owned::Model(text) => {
                *text = text.replacen("\nscore: {", "\nscore: { not_scored: { stage: [trial] },", 1);
                assert!(text.contains("not_scored"));
                if place > 0 {
                    // A later model has no such rule any more.
                    *text = text.replace("  quiet: {", "  hushed: {").replace("  risk: {", "  peril: {");
                }
            }
            Owned::Activity(told) => now = now.max(told.time),
            Owned::Watermarks(_) => {}
        }
    }
    let mut all = Vec::new();
    for (offset, one) in (0..).zip(journal) {
        let time = match &one {
            Owned::Activity(told) => told.time,
            Owned::Model(_) | Owned::Watermarks(_) => 0,
        };
        all.push(one);
        if time > 0 && random.one_in(20) {
            let stage = if random.one_in(2) { "trial" } else { "customer" };
            all.push(about(random.below(5), offset, time, Field::Stage, stage));
        }
    }
    let end = now + DAY;
    for account in 0..5 {
        all.push(about(account, 10_000 + account, end, Field::State, "closed"));
    }
    let sources = [
        Source::Login,
        Source::FeatureUsage,
        Source::Support,
        Source::Subscription,
        Source::Account,
        Source::Milestone,
    ];
    let marks = sources.map(|source| mark(source, 2, &[(0, end + HOUR, &[]), (1, end + HOUR, &[])]));
    all.push(Owned::Watermarks(Watermarks { sources: marks.to_vec(), ..Default::default() }));
    all
}

#[test]
fn every_alert_is_opened_once_and_resolved_once_with_a_reason() {
    let mut reasons = Vec::new();
    for seed in 0..100 {
        let (mut shard, mut alerts) = (Shard::new(), Alerts::default());
        for (offset, entry) in (0..).zip(told_of(seed, journal(seed, 250))) {
            fold(&mut shard, offset, &entry.entry(), &mut alerts);
        }
        assert!(shard.census().open_alerts.is_empty(), "seed {seed}: {:?}", shard.census());
        reasons.extend(alerts.reasons(seed));
    }
    let kinds: BTreeSet<&str> = reasons.iter().map(|reason| reason.name()).collect();
    let all = ["account-closed", "model-changed", "not-scored", "overridden", "recovered", "rule-removed"];
    assert_eq!(kinds, all.into(), "{} alerts", reasons.len());
    assert!(reasons.len() > 200, "{}", reasons.len());
}

const FLAPPING: &str = "
format: 1
model: flapping
owner: ops@example.com
score: { bands: { healthy: 70, at-risk: 0 } }
sources: { feature-usage: { max_delay: 1m, max_skew: 1m } }
signals: { load: { latest: value, from: feature-usage } }
goals:
  use:
    statement: They use it.
    owner: csm
    weight: 100
    measures: { load: { kind: leading, weight: 100, curve: { 0: 0, 100: 100 } } }
alerts:
  bare: { when: { load: { below: 50 } }, notify: csm }
  dwelling: { when: { load: { below: 50 } }, for: 10m, notify: csm }
  keeping: { when: { load: { below: 50 } }, keep_firing_for: 10m, notify: csm }
  cooling: { when: { load: { below: 50 } }, cooldown: 1h, notify: csm }
  apart: { when: { load: { below: 30 } }, clears_when: { load: { above: 70 } }, notify: csm }
";

#[test]
fn dwell_hysteresis_and_cooldown_bound_flapping() {
    let (mut shard, mut alerts) = (Shard::new(), Alerts::default());
    let mut offset = 0;
    let mut next = |entry: Owned| {
        fold(&mut shard, offset, &entry.entry(), &mut alerts);
        offset += 1;
    };
    next(Owned::Model(FLAPPING.into()));
    let tell = |to: i64| {
        let marks = mark(Source::FeatureUsage, 1, &[(0, to - MINUTE, &[(to, to)])]);
        Owned::Watermarks(Watermarks { sources: vec![marks], ..Default::default() })
    };
    next(tell(START - HOUR));
    // From 40 to 60 and back every two minutes for ten hours; then all is well.
    for i in 0..303 {
        let time = START + i * 2 * MINUTE;
        next(Owned::Activity(Told {
            source: Source::FeatureUsage,
            partition: 0,
            offset: i,
            id: i.to_string(),
            time,
            account: "a".into(),
            fields: vec![(Field::Value, if i % 2 == 1 && i < 300 { "40" } else { "60" }.into())],
        }));
        next(tell(time));
    }
    next(tell(START + 12 * HOUR));
    let reasons = alerts.reasons(0);
    assert!(reasons.iter().all(|why| *why == Resolution::Recovered));
    let opened = |rule: &str| alerts.0.get(&("a".into(), rule.to_owned())).map_or(0, |all| all.len() / 2);
    // Once per crossing at most; none of the time a crossing must last; once, while the pauses are too short to
    // end it; once an hour; none of two limits apart.
    assert!((100..=150).contains(&opened("bare")), "{}", opened("bare"));
    assert_eq!(opened("dwelling"), 0);
    assert_eq!(opened("keeping"), 1);
    assert!((9..=10).contains(&opened("cooling")), "{}", opened("cooling"));
    assert_eq!(opened("apart"), 0);
}

/// A model of two sources; the alerts of a test follow.
const INHIBITION: &str = "
format: 1
model: inhibition
owner: ops@example.com
score: { bands: { healthy: 70, at-risk: 0 } }
sources: { feature-usage: { max_delay: 1m, max_skew: 1m }, subscription: { max_delay: 1m, max_skew: 1m } }
signals:
  load: { latest: value, from: feature-usage }
  seats: { latest: seats, from: subscription }
goals:
  use:
    statement: They use it.
    owner: csm
    weight: 100
    measures:
      load: { kind: leading, weight: 50, curve: { 0: 0, 100: 100 } }
      seats: { kind: leading, weight: 50, curve: { 0: 0, 100: 100 } }
alerts:
";

const GRAVE: &str = "grave: { when: { load: { below: 50 } }, keep_firing_for: 20m, notify: csm }";
const LESSER: &str =
    "lesser: { when: { seats: { below: 10 } }, for: 30m, inhibited_by: [grave], notify: csm }";
/// On the score, which counts time otherwise, and inhibited by one that is inhibited.
const LEAST: &str =
    "least: { when: { score: { below: 70 } }, for: 40m, inhibited_by: [lesser], notify: csm }";

/// What happens at a minute, when time has come to the minute before.
#[derive(Clone, Debug)]
enum Event {
    Load(i64),
    Seats(i64),
    /// Nothing, but time goes on.
    Time,
    /// A model with these alerts comes.
    Model(Vec<&'static str>),
}

fn inhibition(alerts: &[&str]) -> Owned {
    Owned::Model(alerts.iter().fold(INHIBITION.to_owned(), |text, alert| text + "  " + alert + "\n"))
}

/// The alerts of an account of which all was well for an hour, and the number of steps of the fold.
fn play(alerts: &[&str], events: &[(i64, Event)]) -> (Alerts, usize) {
    let before = [(-60, Event::Load(100)), (-60, Event::Seats(100)), (-2, Event::Time)];
    let mut journal = vec![inhibition(alerts)];
    let mut untold = None;
    for (minute, event) in before.iter().chain(events) {
        let time = START + minute * MINUTE;
        let mark = |source: Source| {
            let runs: Vec<(i64, i64)> =
                untold.into_iter().filter(|(told, _)| *told == source).map(|(_, at)| (at, at)).collect();
            mark(source, 1, &[(0, time - MINUTE, &runs)])
        };
        let sources = vec![mark(Source::FeatureUsage), mark(Source::Subscription)];
        journal.push(Owned::Watermarks(Watermarks { sources, ..Default::default() }));
        let (source, field, value) = match event {
            Event::Load(value) => (Source::FeatureUsage, Field::Value, value),
            Event::Seats(value) => (Source::Subscription, Field::Seats, value),
            Event::Time => continue,
            Event::Model(alerts) => {
                journal.push(inhibition(alerts));
                continue;
            }
        };
        untold = Some((source, time));
        journal.push(Owned::Activity(Told {
            source,
            partition: 0,
            offset: time,
            id: format!("{source}-{time}"),
            time,
            account: "a".into(),
            fields: vec![(field, value.to_string())],
        }));
    }
    let (mut shard, mut alerts, mut steps) = (Shard::new(), Alerts::default(), 0);
    for (offset, entry) in (0..).zip(&journal) {
        let at = Position { offset, entry: 0, minute: i64::MIN };
        let mut step = shard.fold(at, &entry.entry(), &mut alerts).unwrap();
        steps += 1;
        while step == Step::More {
            step = shard.go_on(&mut alerts);
            steps += 1;
        }
    }
    (alerts, steps)
}

const FIRED: AlertState = AlertState::Firing;
const RECOVERED: AlertState = AlertState::Resolved(Resolution::Recovered);

impl Alerts {
    /// The transitions of a rule: state and instant.
    fn of(&self, rule: &str) -> Vec<(AlertState, i64)> {
        let told = self.0.get(&("a".into(), rule.to_owned())).into_iter().flatten();
        told.map(|(_, state, at)| (*state, *at)).collect()
    }
}

const fn at(minute: i64) -> i64 {
    START + minute * MINUTE
}

#[test]
fn an_inhibited_alert_fires_as_the_other_resolves_if_its_time_is_over_by_then() {
    let events = [
        (0, Event::Load(40)),
        (1, Event::Seats(5)),
        // All that is told from here on is of the other source.
        (90, Event::Load(100)),
        (200, Event::Time),
    ];
    for alerts in [[GRAVE, LESSER, LEAST], [LEAST, LESSER, GRAVE], [LESSER, LEAST, GRAVE]] {
        let (told, _) = play(&alerts, &events);
        assert_eq!(told.of("grave"), [(FIRED, at(-1)), (RECOVERED, at(109))]);
        assert_eq!(told.of("lesser"), [(FIRED, at(109))]);
        // What is inhibited is not open, and inhibits none; what is open when it fires stays so.
        assert_eq!(told.of("least"), [(FIRED, at(40))]);
    }
    // By an activity, rather than as time goes on.
    let grave = "grave: { when: { load: { below: 50 } }, notify: csm }";
    let (told, _) = play(&[LESSER, grave], &events);
    assert_eq!(told.of("grave"), [(FIRED, at(-1)), (RECOVERED, at(89))]);
    assert_eq!(told.of("lesser"), [(FIRED, at(89))]);
}

#[test]
fn what_no_longer_holds_as_the_other_resolves_does_not_fire_and_what_is_open_ends_by_itself() {
    let over = [
        (0, Event::Load(40)),
        (1, Event::Seats(5)),
        (60, Event::Seats(100)),
        (90, Event::Load(100)),
        (200, Event::Time),
    ];
    let (told, _) = play(&[LESSER, GRAVE], &over);
    assert_eq!(told.of("grave"), [(FIRED, at(-1)), (RECOVERED, at(109))]);
    assert_eq!(told.of("lesser"), []);
    // Not long enough by then: it waits for the rest of its time.
    let late = [(0, Event::Load(40)), (90, Event::Load(100)), (100, Event::Seats(5)), (200, Event::Time)];
    let (told, _) = play(&[LESSER, GRAVE], &late);
    assert_eq!(told.of("lesser"), [(FIRED, at(129))]);
    let open = [
        (0, Event::Seats(5)),
        (50, Event::Load(40)),
        (60, Event::Seats(100)),
        (70, Event::Seats(5)),
        (150, Event::Load(100)),
        (300, Event::Time),
    ];
    let (told, _) = play(&[LESSER, GRAVE], &open);
    assert_eq!(told.of("grave"), [(FIRED, at(49)), (RECOVERED, at(169))]);
    assert_eq!(told.of("lesser"), [(FIRED, at(29)), (RECOVERED, at(59)), (FIRED, at(169))]);
}

#[test]
fn of_alerts_that_would_fire_at_once_only_that_which_inhibits_does() {
    let grave = "grave: { when: { load: { below: 50 } }, notify: csm }";
    let lesser = "lesser: { when: { load: { below: 60 } }, notify: csm, inhibited_by: grave }";
    let least = "least: { when: { score: { below: 80 } }, notify: csm, inhibited_by: [lesser, grave] }";
    let events = [(0, Event::Load(40)), (10, Event::Load(55)), (20, Event::Load(100)), (30, Event::Time)];
    for alerts in [[grave, lesser, least], [least, lesser, grave]] {
        let (told, _) = play(&alerts, &events);
        assert_eq!(told.of("grave"), [(FIRED, at(-1)), (RECOVERED, at(9))]);
        // As the first resolves the second fires, which inhibits the third.
        assert_eq!(told.of("lesser"), [(FIRED, at(9)), (RECOVERED, at(19))]);
        assert_eq!(told.of("least"), []);
    }
}

#[test]
fn an_inhibited_alert_whose_time_is_over_makes_nothing_due() {
    let on_score = "scored: { when: { score: { below: 90 } }, for: 10m, inhibited_by: [grave], notify: csm }";
    let events = [(0, Event::Load(40)), (1, Event::Seats(5)), (30 * 24 * 60, Event::Time)];
    let (told, steps) = play(&[GRAVE, LESSER, on_score], &events);
    assert_eq!([told.of("lesser"), told.of("scored")], [[], []]);
    // It is published each day; minutes are more than 40,000.
    assert!(steps < 200, "{steps}");
}

#[test]
fn a_later_model_may_change_what_inhibits_an_alert_and_leaves_it_where_it_stands() {
    let free = "lesser: { when: { seats: { below: 10 } }, for: 30m, notify: csm }";
    let events = [
        (0, Event::Load(40)),
        (1, Event::Seats(5)),
        (60, Event::Model(vec![GRAVE, free])),
        (80, Event::Time),
        (90, Event::Model(vec![GRAVE, LESSER])),
        (160, Event::Seats(100)),
        (170, Event::Time),
    ];
    let (told, _) = play(&[GRAVE, LESSER], &events);
    let taken = at(59) + i64::try_from(engine::fingerprint::of(b"a") % 900_000).unwrap();
    assert_eq!(told.of("grave"), [(FIRED, at(-1))]);
    // It fires when the account takes the model, a spread after that came, and stays open under the next one.
    assert_eq!(told.of("lesser"), [(FIRED, taken), (RECOVERED, at(159))]);

    // A rule that is gone inhibits none.
    let events =
        [(0, Event::Load(40)), (1, Event::Seats(5)), (60, Event::Model(vec![free])), (80, Event::Time)];
    let (told, _) = play(&[GRAVE, LESSER], &events);
    assert_eq!(told.of("grave"), [(FIRED, at(-1)), (AlertState::Resolved(Resolution::RuleRemoved), taken)]);
    assert_eq!(told.of("lesser"), [(FIRED, taken)]);
}
