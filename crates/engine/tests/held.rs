//! A rule that cannot fire or resolve for longer than its `for` is counted.

#![allow(clippy::unwrap_used, reason = "a test")]

mod world;

use engine::Shard;
use engine::shard::Census;
use model::source::Source;
use model::time::{HOUR, MINUTE};
use std::collections::BTreeMap;
use world::{Lines, Owned, Told, fold, mark};

const MODEL: &str = "
format: 1
model: held
owner: ops@example.com
score: { bands: { healthy: 70, at-risk: 0 } }
sources:
  login: { silent_at_most: 1h, stale_after: 1h, max_delay: 1m, max_skew: 1s }
  support: { max_delay: 1m, max_skew: 1s }
signals:
  last_login: { since_last: login }
  open: { open: support }
goals:
  use:
    statement: They come back.
    owner: csm
    weight: 100
    measures:
      last_login: { kind: leading, weight: 100, curve: { 1h: 100, 20h: 0 } }
      open: { kind: leading, weight: 100, curve: { 0: 100, 9: 0 } }
alerts:
  at-once: { when: { last_login: { at_least: 20h } }, notify: csm }
  patient: { when: { last_login: { at_least: 20h } }, for: 3h, notify: csm }
  strain: { when: { open: { at_least: 2 }, last_login: { at_least: 20h } }, lag_at_most: 2h, for: 1h, notify: csm }
  asked: { when: { open: { at_least: 3 } }, notify: csm }
  careless: { when: { open: { at_least: 3 } }, if_unknown: proceed, notify: csm }
";

const T: i64 = 1_767_225_600_000;
const SPREAD: i64 = 15 * MINUTE;

/// A shard and the offset of its next entry.
struct Run(Shard, i64);

impl Run {
    fn fold(&mut self, entry: &Owned) {
        fold(&mut self.0, self.1, &entry.entry(), &mut Lines::default());
        self.1 += 1;
    }

    /// Activity of a source up to `active`, and its watermark at `upto`, both since the beginning.
    fn advance(&mut self, source: Source, active: i64, upto: i64) {
        let marks = mark(source, 1, &[(0, T + upto, &[(T, T + active)])]);
        self.fold(&Owned::Watermarks(engine::entry::Watermarks {
            sources: vec![marks],
            ..Default::default()
        }));
    }

    fn held(&self) -> BTreeMap<String, u64> {
        self.0.census().held
    }
}

fn held(rules: &[(&str, u64)]) -> BTreeMap<String, u64> {
    rules.iter().map(|(rule, count)| ((*rule).to_owned(), *count)).collect()
}

fn login(account: &str, offset: i64, time: i64) -> Owned {
    Owned::Activity(Told {
        source: Source::Login,
        partition: 0,
        offset,
        id: offset.to_string(),
        time: T + time,
        account: account.into(),
        fields: vec![],
    })
}

#[test]
fn a_rule_counts_once_it_is_held_for_longer_than_its_for() {
    let mut run = Run(Shard::new(), 0);
    run.fold(&Owned::Model(MODEL.into()));
    for (offset, account) in (0..).zip(["a", "b"]) {
        run.fold(&login(account, offset, 0));
    }
    assert_eq!(run.held(), held(&[]), "nothing is published yet, so no rule runs");
    // Support has a clock and said nothing yet: whether tickets are open is not known.
    for upto in [0, HOUR] {
        let quiet = mark(Source::Support, 1, &[(0, T + upto, &[])]);
        let watermarks = engine::entry::Watermarks { sources: vec![quiet], ..Default::default() };
        run.fold(&Owned::Watermarks(watermarks));
        run.advance(Source::Login, upto, upto);
    }
    assert_eq!(run.held(), held(&[("asked", 2), ("strain", 2)]));
    run.advance(Source::Support, 2 * HOUR, 2 * HOUR);
    run.advance(Source::Login, HOUR, 2 * HOUR);
    assert_eq!(run.held(), held(&[]), "a source that has begun knows that no ticket is open");
    // Logins end after an hour: dead from 2 h on, stale from 3 h on, as each account sees it.
    run.advance(Source::Support, 3 * HOUR, 3 * HOUR);
    run.advance(Source::Login, HOUR, 3 * HOUR);
    assert_eq!(run.held(), held(&[]));
    run.advance(Source::Support, 3 * HOUR + SPREAD + MINUTE, 3 * HOUR + SPREAD + MINUTE);
    run.advance(Source::Login, HOUR, 3 * HOUR + SPREAD + MINUTE);
    assert_eq!(run.held(), held(&[("at-once", 2)]));
    run.advance(Source::Support, 4 * HOUR + SPREAD + MINUTE, 4 * HOUR + SPREAD + MINUTE);
    run.advance(Source::Login, HOUR, 4 * HOUR + SPREAD + MINUTE);
    assert_eq!(run.held(), held(&[("at-once", 2), ("strain", 2)]));
    run.advance(Source::Login, HOUR, 7 * HOUR);
    assert_eq!(run.held(), held(&[("at-once", 2), ("patient", 2), ("strain", 2)]));
    // It comes back, and support catches up.
    for upto in [8 * HOUR, 8 * HOUR + SPREAD] {
        run.advance(Source::Login, upto, upto);
        run.advance(Source::Support, upto, upto);
    }
    assert_eq!(run.held(), held(&[]));
    // Support stands still, logins go on: more than two hours apart for more than an hour.
    run.advance(Source::Login, 11 * HOUR, 11 * HOUR);
    assert_eq!(run.held(), held(&[]));
    run.advance(Source::Login, 12 * HOUR, 12 * HOUR);
    assert_eq!(run.held(), held(&[("strain", 2)]));
    // Counted one after the other it is the same.
    let mut census = Census::default();
    (0..run.0.len()).for_each(|place| run.0.count(place..place + 1, &mut census));
    assert_eq!(census, run.0.census());
}
