//! Silence is an event: found in time, once, at the right instant, and not where the feed is silent.

#![allow(clippy::unwrap_used, reason = "a test")]

mod world;

use model::source::Source;
use model::time::SECOND;
use world::{Owned, Told, mark, run};

const MODEL: &str = "
format: 1
model: silence
owner: ops@example.com
score: { bands: { healthy: 70, at-risk: 0 } }
sources: { login: { silent_at_most: 10s, max_delay: 2s, max_skew: 1s } }
signals: { last_login: { since_last: login } }
goals:
  use:
    statement: They come back.
    owner: csm
    weight: 100
    measures: { last_login: { kind: leading, weight: 100, curve: { 5s: 100, 20s: 0 } } }
alerts: { silent: { when: { last_login: { at_least: 20s } }, notify: csm } }
";

/// 2026-01-01, in milliseconds.
const T: i64 = 1_767_225_600_000 + 3_600_000;

fn login(account: &str, offset: i64, second: i64) -> Owned {
    Owned::Activity(Told {
        source: Source::Login,
        partition: 0,
        offset,
        id: format!("{account}-{second}"),
        time: T + second * SECOND,
        account: account.into(),
        fields: vec![],
    })
}

fn told(second: i64, runs: &[(i64, i64)]) -> Owned {
    let runs: Vec<_> = runs.iter().map(|(a, b)| (T + a * SECOND, T + b * SECOND)).collect();
    let marks = mark(Source::Login, 1, &[(0, T + second * SECOND, &runs)]);
    Owned::Watermarks(engine::entry::Watermarks { sources: vec![marks], ..Default::default() })
}

#[test]
fn a_silent_account_is_found_and_an_account_of_a_silent_feed_is_not() {
    let mut journal =
        vec![Owned::Model(MODEL.into()), login("early", 0, -4000), told(-3000, &[(-4000, -4000)])];
    let mut offset = 1;
    for second in 0..=15 {
        if second == 0 {
            journal.push(login("a", offset, 0));
            offset += 1;
        }
        journal.push(login("b", offset, second));
        offset += 1;
        journal.push(told(second - 2, &[(second, second)]));
    }
    for second in 16..200 {
        journal.push(told(second - 2, &[]));
    }
    let (_, lines) = run(&journal);
    let alerts: Vec<_> = lines.iter().filter(|line| line.contains("alert")).collect();
    // `early` was silent before the feed began to run evenly: its clock stood at 10 s.
    assert_eq!(alerts.len(), 2, "{alerts:#?}");
    assert!(alerts[0].contains("fired") && alerts[0].contains(" early r"), "{}", alerts[0]);
    assert!(alerts[1].contains("fired") && alerts[1].contains(" a r"), "{}", alerts[1]);
    assert!(alerts[1].contains("at 2026-01-01T01:00:20Z"), "{}", alerts[1]);
}

const DAY: i64 = 86_400;

/// The model with an alert after so long.
fn longer(last: &str) -> String {
    MODEL.replace("20s: 0", &format!("{last}: 0")).replace(
        "silent: { when: { last_login: { at_least: 20s } }",
        &format!("long: {{ when: {{ last_login: {{ at_least: {last} }} }}"),
    )
}

/// Half of each of these days nobody logs in.
fn half_days(days: std::ops::Range<i64>) -> impl Iterator<Item = Owned> {
    days.map(|day| told((day + 1) * DAY - 2, &[(day * DAY, day * DAY + DAY / 2)]))
}

#[test]
fn a_model_that_looks_further_back_finds_what_was_dead_before_it_came() {
    let mut journal = vec![Owned::Model(MODEL.into()), login("a", 0, 0)];
    journal.extend(half_days(0..100));
    journal.push(Owned::Model(longer("60d")));
    journal.extend(half_days(100..125));
    let (_, lines) = run(&journal);
    let fired: Vec<_> = lines.iter().filter(|line| line.contains("long") && line.contains("fired")).collect();
    // It lives for 43,210 s a day: 60 days are over 42,010 s into day 119.
    assert_eq!(fired.len(), 1, "{fired:#?}");
    assert!(fired[0].contains("at 2026-04-30T12:40:10Z"), "{}", fired[0]);
}

#[test]
fn a_model_that_looks_back_beyond_what_is_remembered_begins_anew() {
    let mut journal = vec![Owned::Model(MODEL.into()), login("a", 0, 0)];
    journal.extend(half_days(0..100));
    // Of these no gap is remembered by now, and the account is silent for 470 days without them, for 520 with them.
    journal.push(told(520 * DAY, &[(100 * DAY, 520 * DAY)]));
    journal.push(Owned::Model(longer("490d")));
    journal.push(told(521 * DAY, &[(520 * DAY, 521 * DAY)]));
    let value = |shard: &mut engine::Shard| shard.standing("a", |standing| standing.lines[0].value);
    let (mut shard, lines) = run(&journal);
    let fired: Vec<_> = lines.iter().filter(|line| line.contains("long") && line.contains("fired")).collect();
    assert_eq!((fired.len(), value(&mut shard)), (0, Some(None)), "{fired:#?}");
    journal.push(login("a", 1, 521 * DAY));
    journal.push(told(523 * DAY, &[(521 * DAY, 523 * DAY)]));
    assert_eq!(value(&mut run(&journal).0), Some(Some(2 * DAY * SECOND)));
}
