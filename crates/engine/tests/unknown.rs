//! Unknown is not zero: it has no weight. Stale is not fresh: it keeps value and weight, and is not covered.

#![allow(clippy::unwrap_used, reason = "a test")]

mod world;

use engine::Shard;
use engine::effect::Freshness::{self, Fresh, Stale, Unknown};
use engine::entry::Watermarks;
use model::source::{Field, Source};
use model::time::HOUR;
use world::{Owned, Told, mark, run};

/// Three parts of the weight are on logins, one on what is answered.
const MODEL: &str = "
format: 1
model: unknown
score: { bands: { healthy: 70, at-risk: 0 }, min_coverage: 50% }
sources: { login: { silent_at_most: 12h, stale_after: 1d }, feedback: { stale_after: 1d } }
signals:
  logins: { count: login, over: 7d }
  csat: { mean: score, from: feedback, over: 7d }
goals:
  use: { statement: They use it., owner: csm, weight: 75, measures: { logins: { kind: leading, weight: 1, curve: { 0: 0, 4: 100 } } } }
  voice: { statement: They like it., owner: csm, weight: 25, measures: { csat: { kind: quality, weight: 1, curve: { 0: 0, 10: 100 } } } }
alerts:
  low: { when: { score: { below: 70 } }, critical_when: { score: { below: 60 } }, notify: csm }
  sour: { when: { csat: { at_most: 9 } }, notify: csm }
  quick: { when: { csat: { at_most: 9 } }, if_unknown: proceed, critical_when: { score: { below: 60 } }, notify: csm }
";

/// Midnight of 2026-01-01.
const T: i64 = 1_767_225_600_000;

/// So many hours after midnight.
fn told(source: Source, hour: i64, fields: Vec<(Field, String)>) -> Owned {
    let id = format!("{}-{hour}", source.name());
    let time = T + hour * HOUR;
    Owned::Activity(Told { source, partition: 0, offset: hour, id, time, account: "acme".into(), fields })
}

fn login(hour: i64) -> Owned {
    told(Source::Login, hour, Vec::new())
}

fn answer(hour: i64, score: &str) -> Owned {
    told(Source::Feedback, hour, vec![(Field::Score, score.into())])
}

/// Both sources are complete up to `hour`; in both something came, from anybody, between these hours.
fn complete(hour: i64, lived: Option<(i64, i64)>) -> Owned {
    let runs: Vec<(i64, i64)> =
        lived.into_iter().map(|(from, to)| (T + from * HOUR, T + to * HOUR)).collect();
    let sources = [Source::Login, Source::Feedback];
    let sources = sources.map(|source| mark(source, 1, &[(0, T + hour * HOUR, &runs)]));
    Owned::Watermarks(Watermarks { sources: sources.into(), ..Watermarks::default() })
}

/// Score, whether there is a band, coverage; and of each measure how well it is known, its weight and its value.
type Stands = (Option<u32>, bool, u32, Vec<(Freshness, u32, Option<i64>)>);

fn stands(shard: &mut Shard) -> Stands {
    let shown = shard.standing("acme", |standing| {
        let lines = standing.lines.iter().map(|line| (line.freshness, line.weight, line.value));
        (standing.score, standing.band.is_some(), standing.coverage, lines.collect())
    });
    shown.unwrap()
}

const fn whole(number: i64) -> Option<i64> {
    Some(number * model::number::SCALE)
}

#[test]
fn what_is_not_known_leaves_its_weight_to_the_others() {
    let journal = [Owned::Model(MODEL.into()), login(1), login(2), complete(3, Some((1, 2)))];
    let (mut shard, _) = run(&journal);
    // Two logins of four are 50 points. Nobody was asked: that is not a zero, which would make 37.5 of them.
    let logins = (Fresh, 10_000, whole(2));
    assert_eq!(stands(&mut shard), (Some(5_000), true, 7_500, vec![logins, (Unknown, 0, None)]));
    let journal: Vec<Owned> = journal.into_iter().chain([answer(3, "10")]).collect();
    let (mut shard, _) = run(&journal);
    let lines = vec![(Fresh, 7_500, whole(2)), (Fresh, 2_500, whole(10))];
    assert_eq!(stands(&mut shard), (Some(6_250), true, 10_000, lines));
}

#[test]
fn a_gap_is_unknown_and_leaves_its_weight_to_its_siblings() {
    let with_gap = MODEL
        .replace("signals:\n", "signals:\n  behind: { gap_to: best }\n")
        .replace("measures: { logins: {", "measures: { behind: { kind: leading, weight: 1, curve: { 0%: 100, 60%: 0 } }, logins: {")
        + "  behind: { when: { behind: { above: 20% } }, notify: csm }
outcomes: { good: { subscription: { kind: renewed } } }
benchmarks: { best: { cohort: { outcome: good, within: 90d }, by: segment, value: median, signals: logins, refresh: 7d, min_accounts: 3 } }
";
    let stands = |model: &str| {
        let told = [login(1), login(2), answer(3, "10"), complete(4, Some((1, 2)))];
        let journal: Vec<Owned> = [Owned::Model(model.into())].into_iter().chain(told).collect();
        let (mut shard, lines) = run(&journal);
        (stands(&mut shard), lines.iter().any(|line| line.contains("alert behind")))
    };
    let ((score, band, coverage, mut lines), fired) = stands(&with_gap);
    assert_eq!((lines.remove(0), fired), ((Unknown, 0, None), false));
    // All but the coverage is as without it: of three quarters of the weight, half is the gap's.
    let without = (Some(6_250), true, 10_000, vec![(Fresh, 7_500, whole(2)), (Fresh, 2_500, whole(10))]);
    assert_eq!(((score, band, 10_000, lines), false), stands(MODEL));
    assert_eq!((stands(MODEL).0, coverage), (without, 6_250));
}

#[test]
fn what_is_stale_keeps_value_and_weight_and_is_not_covered() {
    let mut journal = vec![Owned::Model(MODEL.into()), login(1), login(2), answer(3, "10")];
    journal.push(complete(4, Some((1, 2))));
    // Logins are dead from hour 14 on, and stale a day after that: nobody has fewer of them for it.
    journal.extend((5..60).map(|hour| complete(hour, None)));
    let (mut shard, lines) = run(&journal);
    let (logins, csat) = ((Stale, 7_500, whole(2)), (Fresh, 2_500, whole(10)));
    // A quarter is known and fresh, half is needed: the score is shown, and is no base for a band or an alert.
    assert_eq!(stands(&mut shard), (Some(6_250), false, 2_500, vec![logins, csat]));
    let alerts: Vec<&String> = lines.iter().filter(|line| line.contains("alert low")).collect();
    assert_eq!(alerts.len(), 1, "{alerts:#?}");
    assert!(alerts[0].contains("fired warning"), "{alerts:#?}");
    // They live again.
    journal.push(complete(60, Some((59, 60))));
    journal.push(complete(61, None));
    assert_eq!(
        stands(&mut run(&journal).0),
        (Some(6_250), true, 10_000, vec![(Fresh, 7_500, whole(2)), csat])
    );
}

#[test]
fn a_rule_holds_while_what_it_asks_is_not_known() {
    let model = Owned::Model(MODEL.replace("min_coverage: 50%", "min_coverage: 90%"));
    let fired = |journal: &[Owned]| {
        let lines = run(journal).1;
        let fired = lines.iter().filter(|line| line.contains(" fired "));
        fired.map(|line| line.split(' ').skip(2).take(4).collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    let mut journal = vec![model, login(1), complete(2, Some((1, 2)))];
    journal.extend((3..40).map(|hour| complete(hour, None)));
    // The score is 25 and rests on three quarters of the weight, later on nothing that is fresh.
    assert!(fired(&journal).is_empty());
    let answered = [answer(40, "5"), complete(41, None)];
    let at_once: Vec<Owned> =
        journal[..2].iter().chain(&answered[..1]).chain(&journal[2..]).cloned().collect();
    assert_eq!(
        fired(&at_once),
        ["low #1 fired critical", "sour #1 fired warning", "quick #1 fired critical"]
    );
    // An answer does not wait for logins; a score that is not known makes nothing critical.
    journal.extend(answered);
    assert_eq!(fired(&journal), ["sour #1 fired warning", "quick #1 fired warning"]);
    // They live again: what was held goes on.
    journal.extend([complete(60, Some((59, 60))), complete(61, None)]);
    assert_eq!(fired(&journal)[2..], ["low #1 fired critical"]);
}
