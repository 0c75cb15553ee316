//! The slow fold on cases small enough to be worked out by hand, and its search for instants against stepping
//! through all of them. Instants count from the epoch, so that buckets begin at whole hours and days.

mod slow;

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::effect::{AlertState, Cause, Freshness, Resolution, Status};
use model::plan::{Comparison, Condition, Fold, IfUnknown, Operator, Plan, SourceRules};
use model::source::{Field, Source};
use model::time::{DAY, HOUR, MINUTE};

use slow::blueprint::{Blueprint, accounts_on_grid, everything_of, hours, latest, of_kind, rolling, spread};
use slow::draft::Journal;
use slow::effect::{Health, SlowEffect};
use slow::intake::Outcome;
use slow::journal::{Happening, Held};
use slow::{Search, Told, world};

const ONE: i64 = 1_000_000;

fn rules(silent_at_most: Option<i64>) -> SourceRules {
    SourceRules { silent_at_most, ..SourceRules::default() }
}

fn at(time: i64, fields: &[(Field, Held)]) -> Happening {
    Happening {
        source: Source::Login,
        partition: 0,
        offset: time,
        id: 0,
        time,
        account: "a".into(),
        fields: fields.to_vec(),
    }
}

fn word(field: Field, word: &str) -> (Field, Held) {
    (field, Held::Word(word.into()))
}

fn above(signal: usize, limit: i64) -> Condition {
    Condition::Signal { signal, tests: vec![Comparison::Above(limit)] }
}

/// One signal in one goal, in whole points up to 100.
fn one_measure(name: &str, operator: Operator) -> Blueprint {
    let mut blueprint = Blueprint::new(1);
    let (signal, goal) = (blueprint.signal(name, operator), blueprint.goal("g", 1));
    blueprint.measure(signal, goal, 1, &[(0, 0), (100 * ONE, 10_000)]);
    blueprint
}

fn count_of(source: Source, over_hours: i64) -> Operator {
    rolling(everything_of(source), Fold::Count, hours(over_hours))
}

fn since_last(source: Source, marks: &[i64]) -> Operator {
    Operator::SinceLast { feed: everything_of(source), marks: marks.to_vec() }
}

fn healths(told: &Told) -> Vec<&Health> {
    told.effects.iter().filter_map(|one| one.effect.health()).collect()
}

/// (as of, hundredths of a point, the name's place of the band) of each health record.
fn scores(told: &Told) -> Vec<(i64, Option<u32>, Option<usize>)> {
    let score = |health: &&Health| (health.standing.as_of, health.standing.score, health.standing.band);
    healths(told).iter().map(score).collect()
}

/// (state, as of, started at) of each alert record.
fn alerts(told: &Told) -> Vec<(AlertState, i64, i64)> {
    let alerts = told.effects.iter().filter_map(|one| one.effect.alert());
    alerts.map(|alert| (alert.state, alert.as_of, alert.started_at)).collect()
}

const RECOVERED: AlertState = AlertState::Resolved(Resolution::Recovered);

#[test]
fn a_watermark_is_the_least_of_all_partitions_and_never_goes_back() {
    let (plan, source) = (one_measure("n", count_of(Source::Login, 6)).build(), Source::Login);
    let mut journal = Journal::of(&plan);
    let steps = [
        ((2, vec![(0, 50)]), None),
        ((2, vec![(1, 40)]), Some(40)),
        ((2, vec![(0, 45), (1, 60)]), Some(50)),
        ((3, vec![(0, 90), (1, 90)]), Some(50)),
        ((1, vec![(2, 30)]), Some(50)),
        ((3, vec![(2, 70)]), Some(70)),
    ];
    for (i, ((partitions, marks), expected)) in steps.into_iter().enumerate() {
        journal.marks(&[(source, partitions, marks)]);
        assert_eq!(journal.fold.clock(source, i + 2).t, expected, "{i}");
    }
}

/// A journal with accounts `a` and `b`; both log in at 0:30, so both have a count of one login.
fn two_accounts(plan: &Arc<Plan>, a: &str, b: &str) -> Journal {
    let mut journal = Journal::of(plan);
    journal.happens(Source::Login, a, 30 * MINUTE, &[]);
    journal.happens(Source::Login, b, 30 * MINUTE, &[]);
    journal.watermarks(&[(Source::Login, HOUR)]);
    journal
}

#[test]
fn nothing_is_said_before_every_source_has_a_watermark_and_then_each_account_at_its_spread() {
    let mut blueprint = one_measure("n", count_of(Source::Login, 6));
    blueprint.signal("m", count_of(Source::Support, 6));
    let mut journal = two_accounts(&blueprint.build(), "a", "b");
    journal.watermarks(&[(Source::Login, 2 * HOUR)]);
    assert_eq!(journal.run().effects, []);
    journal.watermarks(&[(Source::Support, HOUR)]);
    assert_eq!(journal.run().effects, []);
    journal.watermarks(&[(Source::Login, 3 * HOUR)]);
    let expected: BTreeSet<(i64, Option<u32>, Option<usize>)> =
        ["a", "b"].map(|id| (2 * HOUR + spread(id), Some(100), Some(2))).into();
    let told = journal.run();
    assert_eq!(scores(&told), expected.into_iter().collect::<Vec<_>>());
    // The account-health records come last and in the order of ids.
    let last: Vec<&SlowEffect> = told.effects.iter().rev().take(2).map(|one| &one.effect).collect();
    for (effect, id) in last.iter().zip(["b", "a"]) {
        let SlowEffect::AccountHealth(health) = effect else { panic!("{effect:?}") };
        assert_eq!((health.standing.account.as_str(), health.standing.revision), (id, 2));
    }
    assert!(told.effects.iter().all(|one| one.id.offset == 6));
    assert_eq!(told.effects.iter().map(|one| one.id.index).collect::<Vec<_>>(), [0, 1, 2, 3]);
}

#[test]
fn a_bucket_leaves_by_living_time_and_an_account_hears_of_it_at_its_spread() {
    let mut blueprint = one_measure("n", count_of(Source::Login, 6));
    blueprint.plan.sources[Source::Login.index()] = rules(Some(2 * HOUR));
    let mut journal = two_accounts(&blueprint.build(), "a", "b");
    // 1.5 hours from the end of the bucket to 2:30, when the source dies; 3.5 more from 10:00 on, less max delay.
    journal.happens(Source::Login, "b", 10 * HOUR, &[]);
    journal.happens(Source::Login, "b", 12 * HOUR, &[]);
    journal.watermarks(&[(Source::Login, 20 * HOUR)]);
    let left = 13 * HOUR + 25 * MINUTE + spread("a");
    let told = journal.run();
    let of_a = healths(&told).into_iter().filter(|health| health.standing.account == "a");
    let of_a: Vec<_> = of_a.map(|health| (health.standing.as_of, health.standing.score)).collect();
    assert_eq!(of_a, [(HOUR + spread("a"), Some(100)), (left, Some(0))]);
}

#[test]
fn a_dead_source_makes_its_signals_stale_and_they_keep_their_value() {
    let mut blueprint = one_measure("n", count_of(Source::Login, 100));
    blueprint.plan.sources[Source::Login.index()] = rules(Some(12 * HOUR));
    let mut journal = two_accounts(&blueprint.build(), "a", "a");
    journal.watermarks(&[(Source::Login, 200 * HOUR)]);
    let told = journal.run();
    // Dead from 12:30 on; a day later, at the account's spread, it is stale.
    let dies = 12 * HOUR + 30 * MINUTE;
    let is_stale = |health: &&Health| health.standing.lines[0].freshness == Freshness::Stale;
    let stale = healths(&told).into_iter().find(is_stale).unwrap();
    assert_eq!(stale.standing.as_of, dies + DAY + spread("a"));
    assert_eq!((stale.standing.score, stale.standing.coverage, stale.standing.band), (Some(200), 0, None));
    assert_eq!((stale.previous_band, stale.cause), (Some(2), Cause::Time));
    journal.happens(Source::Login, "b", 210 * HOUR, &[]);
    journal.watermarks(&[(Source::Login, 211 * HOUR)]);
    let told = journal.run();
    let back = healths(&told).into_iter().rfind(|health| health.standing.account == "a").unwrap();
    assert_eq!((back.standing.as_of, back.standing.band), (210 * HOUR + spread("a"), Some(2)));
    assert_eq!(back.standing.score, Some(200));
}

#[test]
fn silence_fires_at_its_instant_with_no_input() {
    let mut blueprint = one_measure("quiet", since_last(Source::Login, &[DAY, 2 * DAY]));
    blueprint.rule("silent", above(0, DAY));
    let mut journal = two_accounts(&blueprint.build(), "a", "a");
    journal.watermarks(&[(Source::Login, 100 * HOUR)]);
    let fires = 2 * DAY + 30 * MINUTE;
    assert_eq!(alerts(&journal.run()), [(AlertState::Firing, fires, fires)]);
    journal.happens(Source::Login, "a", 99 * HOUR, &[]);
    // As of T of the source, which is ahead of the activity.
    assert_eq!(alerts(&journal.run())[1], (RECOVERED, 100 * HOUR, fires));
}

#[test]
fn a_rule_waits_fires_clears_and_cools_down() {
    let mut blueprint = one_measure("quiet", since_last(Source::Login, &[HOUR]));
    let rule = blueprint.rule("silent", above(0, 0));
    (rule.for_ms, rule.keep_firing_for, rule.cooldown) = (20 * MINUTE, 2 * HOUR, 3 * HOUR);
    let mut journal = two_accounts(&blueprint.build(), "a", "a");
    journal.watermarks(&[(Source::Login, 4 * HOUR)]);
    let fired = [(AlertState::Firing, HOUR + 50 * MINUTE, HOUR + 30 * MINUTE)];
    assert_eq!(alerts(&journal.run()), fired);
    journal.happens(Source::Login, "a", 4 * HOUR, &[]); // clears, until 5:00
    journal.watermarks(&[(Source::Login, 5 * HOUR)]);
    for half_hours in 10..=15 {
        journal.happens(Source::Login, "a", half_hours * HOUR / 2, &[]); // clears, from 5:00 until 8:30
    }
    journal.watermarks(&[(Source::Login, 7 * HOUR)]);
    assert_eq!(alerts(&journal.run())[1..], [(RECOVERED, 7 * HOUR, fired[0].2)]);
    // Quiet from 8:30 on, in the cool-down until 10:00, whence 20 minutes.
    journal.watermarks(&[(Source::Login, 12 * HOUR)]);
    assert_eq!(alerts(&journal.run())[2..], [(AlertState::Firing, 10 * HOUR + 20 * MINUTE, 10 * HOUR)]);
}

#[test]
fn time_on_hold_does_not_count() {
    for if_unknown in [IfUnknown::Hold, IfUnknown::Proceed] {
        let mut blueprint = one_measure("quiet", since_last(Source::Login, &[HOUR]));
        let score = blueprint.signal("score", latest(everything_of(Source::Feedback), Field::Score));
        blueprint.plan.sources[Source::Feedback.index()] =
            SourceRules { stale_after: HOUR, ..rules(Some(HOUR)) };
        let rule = blueprint.rule("both", Condition::All(vec![above(0, 0), above(score, 0)]));
        (rule.for_ms, rule.if_unknown, rule.lag_at_most) = (4 * HOUR, if_unknown, DAY);
        let sigma = spread("a");
        let mut journal = Journal::of(&blueprint.build());
        journal.happens(Source::Feedback, "a", 0, &[(Field::Score, Held::Number(ONE))]);
        journal.happens(Source::Login, "a", 0, &[]);
        journal.watermarks(&[(Source::Login, 30 * MINUTE), (Source::Feedback, 30 * MINUTE)]);
        journal.watermarks(&[(Source::Login, 5 * HOUR), (Source::Feedback, 5 * HOUR)]);
        journal.happens(Source::Feedback, "b", 5 * HOUR, &[]);
        journal.happens(Source::Feedback, "b", 6 * HOUR, &[]);
        journal.happens(Source::Feedback, "b", 7 * HOUR, &[]);
        journal.happens(Source::Feedback, "b", 8 * HOUR, &[]);
        journal.watermarks(&[(Source::Login, 20 * HOUR), (Source::Feedback, 20 * HOUR)]);
        // Pending from 1:00. Feedback dies at 1:00, is stale from 2:00 + sigma on, lives again from 5:00 and is seen
        // to from 5:00 + sigma on, dies at 9:00. So its clock has grown 0 before the hold.
        let fires = match if_unknown {
            // In the hold, until 5:00 + sigma, it grew by sigma; that is missing when it dies at 9:00.
            IfUnknown::Hold => Vec::new(),
            IfUnknown::Proceed => vec![(AlertState::Firing, 9 * HOUR, HOUR)],
        };
        assert!(sigma > 0);
        assert_eq!(alerts(&journal.run()), fires, "{if_unknown:?}");
        journal.happens(Source::Feedback, "b", 20 * HOUR, &[]);
        journal.watermarks(&[(Source::Login, 30 * HOUR), (Source::Feedback, 30 * HOUR)]);
        if if_unknown == IfUnknown::Hold {
            // Stale again from 10:00 + sigma to 20:00 + sigma; in that hold it grew by sigma once more.
            let fires = 20 * HOUR + sigma + sigma;
            assert_eq!(alerts(&journal.run()), [(AlertState::Firing, fires, HOUR)]);
        }
    }
}

#[test]
fn a_rule_of_two_sources_holds_while_its_account_sees_them_apart() {
    let mut blueprint = one_measure("quiet", since_last(Source::Login, &[6 * HOUR]));
    let tickets = blueprint.signal("tickets", Operator::Open { priority: vec![] });
    let when = Condition::All(vec![above(0, 0), above(tickets, 0)]);
    let rule = blueprint.rule("both", when);
    (rule.for_ms, rule.lag_at_most) = (2 * HOUR, 3 * HOUR);
    let mut journal = Journal::of(&blueprint.build());
    journal.happens(Source::Login, "a", 0, &[]);
    let opened = [(Field::Ticket, Held::Key(1)), word(Field::Kind, "opened")];
    journal.happens(Source::Support, "a", 0, &opened);
    journal.watermarks(&[(Source::Login, HOUR), (Source::Support, HOUR)]);
    journal.watermarks(&[(Source::Login, 12 * HOUR)]);
    journal.watermarks(&[(Source::Support, 12 * HOUR)]);
    // Login was 3 hours ahead from 4:00 on; that support came up to it, the account sees when login goes on.
    assert_eq!(alerts(&journal.run()), []);
    journal.watermarks(&[(Source::Login, 20 * HOUR), (Source::Support, 20 * HOUR)]);
    let begins = 12 * HOUR + spread("a");
    assert_eq!(alerts(&journal.run()), [(AlertState::Firing, begins + 2 * HOUR, begins)]);
}

#[test]
fn a_rule_on_the_score_runs_on_the_greatest_watermark_and_waits_for_a_band() {
    let mut blueprint = one_measure("n", count_of(Source::Login, 6));
    blueprint.signal("m", count_of(Source::Support, 6));
    let low = Condition::Score { tests: vec![Comparison::Below(4_500)] };
    let rule = blueprint.rule("low", low);
    (rule.for_ms, rule.lag_at_most) = (2 * HOUR, DAY);
    let mut journal = Journal::of(&blueprint.build());
    journal.watermarks(&[(Source::Login, 0), (Source::Support, 0)]);
    journal.watermarks(&[(Source::Login, HOUR), (Source::Support, HOUR)]);
    journal.happens(Source::Login, "a", HOUR, &[]); // no clock yet: unknown
    journal.watermarks(&[(Source::Login, 2 * HOUR)]);
    journal.watermarks(&[(Source::Support, 4 * HOUR)]);
    let begins = HOUR + spread("a");
    assert_eq!(alerts(&journal.run()), [(AlertState::Firing, begins + 2 * HOUR, begins)]);
    let told = journal.run();
    assert_eq!(scores(&told), [(HOUR, None, None), (begins, Some(100), Some(2))]);
    assert_eq!(healths(&told)[0].cause, Cause::Activity(Source::Login));
}

#[test]
fn an_unknown_measure_gives_its_weight_to_its_goal_then_to_the_others() {
    let mut blueprint = Blueprint::new(1);
    let full = [(0, 10_000)];
    for (goal, weight, source) in [("g", 60, Source::Login), ("h", 40, Source::Support)] {
        let goal = blueprint.goal(goal, weight);
        for weight in [1, 2] {
            let name = format!("{source} {weight}");
            let kind = if weight == 1 { "x" } else { "y" };
            let feed = of_kind(source, &[kind]);
            let signal = blueprint.signal(&name, latest(feed, Field::Score));
            blueprint.measure(signal, goal, weight, &full);
        }
    }
    let plan = blueprint.build();
    let bases: Vec<u32> = plan.measures.iter().map(|measure| measure.base_weight).collect();
    assert_eq!(bases, [2_000, 4_000, 1_333, 2_667]);
    let mut journal = Journal::of(&plan);
    journal.watermarks(&[(Source::Login, HOUR), (Source::Support, HOUR)]);
    journal.watermarks(&[(Source::Login, DAY), (Source::Support, DAY)]);
    let happen = |journal: &mut Journal, source, kind| {
        let now = journal.fold.clock(source, journal.fold.entries.len()).t.unwrap();
        journal.happens(source, "a", now, &[word(Field::Kind, kind), (Field::Score, Held::Number(0))]);
        journal.watermarks(&[(Source::Login, now + DAY), (Source::Support, now + DAY)]);
        let told = journal.run();
        let standing = &healths(&told).last().unwrap().standing;
        (standing.lines.iter().map(|line| line.weight).collect::<Vec<_>>(), standing.coverage)
    };
    assert_eq!(happen(&mut journal, Source::Support, "y"), (vec![0, 0, 0, 10_000], 2_667));
    assert_eq!(happen(&mut journal, Source::Support, "x"), (vec![0, 0, 3_333, 6_667], 4_000));
    assert_eq!(happen(&mut journal, Source::Login, "x"), (vec![6_000, 0, 1_333, 2_667], 6_000));
}

#[test]
fn a_cap_takes_what_lies_above_it_and_the_least_one_counts() {
    let mut blueprint = one_measure("n", count_of(Source::Login, 6));
    for (name, limit, score_at_most) in
        [("one", 0, 5_000), ("two", 89 * ONE, 3_000), ("three", 89 * ONE, 3_000)]
    {
        let (name, when) = (name.into(), above(0, limit));
        blueprint.plan.caps.push(model::plan::Cap { name, when, score_at_most });
    }
    let mut journal = Journal::of(&blueprint.build());
    journal.watermarks(&[(Source::Login, 0)]);
    for count in 0..90 {
        journal.happens(Source::Login, "a", 30 * MINUTE, &[]);
        if count == 39 || count == 79 {
            journal.watermarks(&[(Source::Login, HOUR)]);
        }
    }
    let told = journal.run();
    let caps: Vec<_> = healths(&told)
        .iter()
        .skip(1) // unknown until the source begins
        .map(|health| (health.standing.cap.unwrap(), health.cap_change, health.standing.score))
        .map(|(cap, change, score)| (cap.cap, cap.contribution, change, score))
        .collect();
    assert_eq!(caps[0], (0, 0, 0, Some(4_000)));
    assert_eq!(caps[10], (0, 0, 0, Some(5_000)));
    assert_eq!(caps[11], (1, -6_000, -6_000, Some(3_000))); // from 50 points to 90 the capped score did not move
    assert_eq!(caps.len(), 12);
}

#[test]
fn an_account_is_published_as_often_as_the_model_says() {
    let mut journal = two_accounts(&one_measure("n", count_of(Source::Login, 6)).build(), "a", "a");
    journal.happens(Source::Login, "a", 2 * HOUR, &[]);
    journal.watermarks(&[(Source::Login, 60 * HOUR)]);
    let told = journal.run();
    let sigma = spread("a");
    let gone = 7 * HOUR + 55 * MINUTE + sigma; // the bucket of 2:00 ends at 3:00
    let enters = 2 * HOUR - 6 * MINUTE;
    let expected = [
        (HOUR + sigma, Some(200)),
        (enters, Some(300)),
        (6 * HOUR - 5 * MINUTE + sigma, Some(100)),
        (gone, Some(0)),
    ];
    let repeats = [1, 2].map(|day| (gone + day * DAY, Some(0)));
    let all: Vec<_> = healths(&told).iter().map(|one| (one.standing.as_of, one.standing.score)).collect();
    assert_eq!(all, [&expected[..], &repeats[..]].concat());
    assert_eq!(healths(&told)[4].cause, Cause::Repeat);
    assert_eq!(healths(&told)[3].cause, Cause::Time);
}

#[test]
fn every_activity_has_one_outcome() {
    let mut blueprint = one_measure("n", rolling(of_kind(Source::Login, &["in"]), Fold::Count, hours(6)));
    blueprint.plan.sources[Source::Login.index()].dedup = 10 * HOUR;
    let mut journal = Journal::of(&blueprint.build());
    let login = |journal: &mut Journal, id, time, kind| {
        let one = at(time, &[word(Field::Kind, kind)]);
        journal.activity(Happening { id, ..one });
    };
    let (a, sigma) = (HOUR / 2, spread("a"));
    login(&mut journal, 1, a, "in");
    login(&mut journal, 1, a, "in");
    login(&mut journal, 2, a, "out");
    let leaves = 6 * HOUR - 5 * MINUTE + sigma;
    journal.watermarks(&[(Source::Login, leaves - 1)]);
    login(&mut journal, 3, a, "in");
    journal.watermarks(&[(Source::Login, leaves)]);
    login(&mut journal, 4, a, "in");
    login(&mut journal, 4, a, "in");
    journal.watermarks(&[(Source::Login, 11 * HOUR)]);
    login(&mut journal, 1, a, "in");
    journal.happens(Source::Account, "a", 0, &[]);
    let told = journal.run();
    let outcomes: Vec<Outcome> = told.outcomes.iter().map(|one| one.1).collect();
    // What is late is not remembered, so it is late again.
    let (applied, duplicate, late) = (Outcome::Applied, Outcome::Duplicate, Outcome::Late);
    assert_eq!(outcomes, [applied, duplicate, Outcome::Unused, applied, late, late, late, applied]);
    let counts = journal.fold.counts(&told);
    assert_eq!(counts[&(Source::Login, 0)].values().sum::<usize>(), 7);
}

#[test]
fn an_account_that_is_not_scored_has_no_score_and_no_alerts_and_a_closed_one_ends() {
    let mut blueprint = one_measure("n", count_of(Source::Login, 6));
    blueprint.rule("used", above(0, 0));
    let mut journal = two_accounts(&blueprint.build(), "a", "a");
    journal.watermarks(&[(Source::Login, 2 * HOUR)]);
    journal.happens(Source::Account, "a", HOUR, &[word(Field::Stage, "trial")]);
    journal.happens(Source::Account, "a", 2 * HOUR, &[word(Field::Stage, "customer")]);
    journal.happens(Source::Account, "a", 3 * HOUR, &[word(Field::State, "closed")]);
    journal.happens(Source::Login, "a", 2 * HOUR, &[]);
    let closed = journal.run();
    assert!(matches!(closed.effects.last().unwrap().effect, SlowEffect::Closed { revision: 5, .. }));
    journal.happens(Source::Account, "a", 4 * HOUR, &[word(Field::State, "active")]);
    let told = journal.run();
    let states: Vec<AlertState> = alerts(&told).iter().map(|alert| alert.0).collect();
    let resolved = AlertState::Resolved;
    let (left_out, closed) = (resolved(Resolution::NotScored), resolved(Resolution::AccountClosed));
    let fires = AlertState::Firing;
    assert_eq!(states, [fires, left_out, fires, closed, fires]);
    let status: Vec<_> = healths(&told)
        .iter()
        .map(|one| (one.first, one.standing.status, one.standing.score, one.standing.revision))
        .collect();
    let (scored, not_scored) = (Status::Scored, Status::NotScored);
    let expected = [
        (true, scored, Some(200), 1),
        (false, not_scored, None, 3),
        (false, scored, Some(200), 4),
        (true, scored, Some(300), 6),
    ];
    assert_eq!(status, expected);
}

/// The plan of `a_later_model…`: a count over `over` hours beside one over 6, and a rule `named` on the
/// latter.
fn version(id: u8, over: i64, named: &str, limit: i64) -> Arc<Plan> {
    let mut blueprint = Blueprint::new(id);
    let goal = blueprint.goal("g", 1);
    for (name, over) in [("changes", over), ("stays", 6)] {
        let signal = blueprint.signal(name, count_of(Source::Login, over));
        blueprint.measure(signal, goal, 1, &[(0, 0), (100 * ONE, 10_000)]);
    }
    blueprint.rule(named, above(1, limit));
    blueprint.build()
}

#[test]
fn a_later_model_comes_at_the_spread_and_knows_only_what_it_can() {
    for (name, limit, end) in [
        ("used", 0, None),
        ("used", 1, Some(Resolution::ModelChanged)),
        ("other", 0, Some(Resolution::RuleRemoved)),
    ] {
        let mut journal = two_accounts(&version(1, 7, "used", 0), "a", "a");
        journal.watermarks(&[(Source::Login, 2 * HOUR)]);
        journal.model(&version(2, 3, name, limit));
        journal.watermarks(&[(Source::Login, 4 * HOUR)]);
        journal.happens(Source::Login, "a", 4 * HOUR, &[]);
        journal.watermarks(&[(Source::Login, 5 * HOUR + 30 * MINUTE)]);
        let told = journal.run();
        let switch = 2 * HOUR + spread("a");
        let all = healths(&told);
        assert_eq!((all[1].standing.as_of, all[1].cause), (switch, Cause::Model));
        assert_eq!(
            all[1].standing.lines.iter().map(|line| line.value).collect::<Vec<_>>(),
            [None, Some(2 * ONE)]
        );
        assert_eq!((all[1].standing.coverage, all[1].standing.band), (5_000, None));
        let known = healths(&told)[3];
        assert_eq!(known.standing.as_of, switch + 3 * HOUR);
        assert_eq!(known.standing.lines[0].value, Some(ONE));
        let ends: Vec<_> = alerts(&told)[1..].iter().map(|one| (one.0, one.1)).collect();
        let end = end.map(|end| (AlertState::Resolved(end), switch));
        let anew = end.map(|_| (AlertState::Firing, switch));
        assert_eq!(ends, end.into_iter().chain(anew).collect::<Vec<_>>(), "{name} {limit}");
    }
}

#[test]
fn instants_found_are_those_of_stepping_through_all() {
    let accounts = accounts_on_grid(4, world::GRID);
    for seed in 0..6 {
        let journal = world::world(seed, &accounts, 300, world::Sources::Steady).journal;
        let stepped = journal.fold.run(Search::Every(world::GRID));
        let found = journal.fold.run(Search::Halving);
        assert_eq!(found.outcomes, stepped.outcomes);
        for (found, stepped) in found.effects.iter().zip(&stepped.effects) {
            assert_eq!(found, stepped, "seed {seed}");
        }
        assert_eq!(found.effects.len(), stepped.effects.len());
    }
}
