//! An alert opens and closes at most once per crossing; every one that was opened is resolved, with a reason.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod world;

use engine::Shard;
use engine::effect::{AlertState, Effect, EffectId, Resolution, Sink};
use engine::entry::Watermarks;
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
